"""From a submitted form to settings: each field read for itself, each wrong one named (CFG-22).

Only what has a source is refused: the page's formats and allowed characters, and what the RFCs leave no room
for. Where the page gives neither a length nor a limit there is none, and fields that it does not have are
passed over.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from enum import StrEnum
from typing import Any, TypeVar

from intercom_hil.emulator.settings import Encryption, ProxySettings, SipSettings, Transport, VideoCalls

Errors = list[dict[str, str]]
"""One entry per refused field: ``field`` in the form's own names, and ``message``."""
_Choice = TypeVar("_Choice", bound=StrEnum)
_Read = Callable[[str, Any], Any]
"""Takes the name of a field and what was submitted, and returns its value; raises ``RefusedError``."""

_ALPHANUMERIC = re.compile(r"[A-Za-z0-9]+")
"""Letters and numbers as SIP has them (RFC 3261 §25.1: alphanum)."""
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_LONGEST_DOMAIN = 253
"""Characters (RFC 1035 §2.3.4: 255 octets with the lengths of its labels)."""
_FOUR_NUMBERS = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")
"""The form of an IPv4 address; that of the page's example, ``10.0.0.333``."""
_DIGITS_AND_DOTS = re.compile(r"[0-9.]+")
_FULL = re.compile(r"[Ss][Ii][Pp]:([^@]*)@([^@:;]*)(?::([0-9]{1,5}))?")
_LAST_PORT = 65_535
_FULL_VOLUME = 100
_MOST_SECONDS = 2**31 - 1
"""The device counts no further; the page gives no limit."""


class RefusedError(Exception):
    """The form does not take what was submitted; ``errors`` says why, field by field."""

    def __init__(self, errors: Errors) -> None:
        super().__init__("; ".join(f"{error['field']}: {error['message']}" for error in errors))
        self.errors = errors


def refusal(name: str, message: str) -> RefusedError:
    """Return the refusal of one field."""
    return RefusedError([{"field": name, "message": message}])


def read_settings(form: Mapping[str, Any]) -> SipSettings:
    """Return the settings of a form.

    Raises:
        RefusedError: some fields are wrong, or missing.
    """
    return SipSettings(**_fields(SipSettings, _READERS, form))


def _fields(
    kind: type, readers: Mapping[str, _Read], form: Mapping[str, Any], within: str = ""
) -> dict[str, Any]:
    """Return the values of the fields that the form has; all errors come together."""
    values: dict[str, Any] = {}
    errors: Errors = []
    for one in fields(kind):
        name = f"{within}{one.name}"
        if one.name in form:
            try:
                values[one.name] = readers[one.name](name, form[one.name])
            except RefusedError as refused:
                errors += refused.errors
        elif one.default is MISSING:
            errors.append({"field": name, "message": "it is missing"})
    if errors:
        raise RefusedError(errors)
    return values


# -- one field each ------------------------------------------------------------------------------------------


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise refusal(name, "a text is needed")
    return value


def _line(name: str, value: Any) -> str:
    """Read a text of one line: what ends a line can stand neither in a header nor in a password.

    RFC 3261 §25.1: quoted-string; RFC 8264 §4.3: control characters.
    """
    text = _text(name, value)
    if any(character < " " or "\x7f" <= character < "\xa0" for character in text):
        raise refusal(name, "control characters are not allowed")
    return text


def _word(name: str, value: Any) -> str:
    """Read a username or an extension (CFG-09, CFG-12)."""
    text = _text(name, value)
    if not _ALPHANUMERIC.fullmatch(text):
        raise refusal(name, "allowed characters: letters A to Z and numbers")
    return text


def _switch(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise refusal(name, "it is either on (true) or off (false)")
    return value


def _number(least: int, most: int) -> _Read:
    def read(name: str, value: Any) -> int:
        digits = isinstance(value, str) and len(value) < 20 and re.fullmatch(r"-?[0-9]+", value)
        whole = isinstance(value, float) and value.is_integer()  # 30.0 is 30 in JSON (RFC 8259 §6)
        number = int(value) if digits or whole else value
        if not isinstance(number, int) or isinstance(number, bool):
            raise refusal(name, "a whole number is needed")
        if not least <= number <= most:
            raise refusal(name, f"a number from {least} to {most} is needed")
        return number

    return read


def _choice(kind: type[_Choice], unset: _Choice | None = None) -> _Read:
    """Return what reads one of a list; where the page lets it be left alone, nothing is the one for that."""

    def read(name: str, value: Any) -> _Choice:
        if unset is not None and value in (None, ""):
            return unset
        for one in kind:
            if isinstance(value, str) and value == one.value:
                return one
        raise refusal(name, f"none of {', '.join(one.value for one in kind if one.value)}")

    return read


def _host(name: str, value: Any) -> str:
    """Read an IP address or a domain name (CFG-03), as a SIP URI can have it (RFC 3261 §25.1)."""
    text = _text(name, value)
    if not (_is_address(text) or _is_domain(text)):
        raise refusal(name, "neither an IP address nor a domain name")
    return text


def _is_address(text: str) -> bool:
    if _FOUR_NUMBERS.fullmatch(text):
        return True
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return "%" not in text


def _is_domain(text: str) -> bool:
    if len(text) > _LONGEST_DOMAIN or _DIGITS_AND_DOTS.fullmatch(text):
        return False
    return all(_LABEL.fullmatch(label) for label in text.split("."))


def _endpoint(name: str, value: Any) -> str:
    """Read ``<extension>`` or ``sip:<extension>@<server>`` (CFG-13), a port besides (RFC 3261 §19.1.1)."""
    text = _text(name, value)
    full = _FULL.fullmatch(text)
    if full is None:
        if not _ALPHANUMERIC.fullmatch(text):
            raise refusal(name, "neither <extension> nor sip:<extension>@<server>")
        return text
    _word(name, full[1])
    _host(name, full[2])
    if full[3] is not None and not 1 <= int(full[3]) <= _LAST_PORT:
        raise refusal(name, f"its port is not from 1 to {_LAST_PORT}")
    return text


def _endpoints(name: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise refusal(name, "a list is needed")
    errors: Errors = []
    for place, entry in enumerate(value):
        try:
            _endpoint(f"{name}.{place}", entry)
        except RefusedError as refused:
            errors += refused.errors
    if errors:
        raise RefusedError(errors)
    return tuple(value)


def _certificate(name: str, value: Any) -> str | None:
    return None if value is None else _text(name, value)


def _proxy(name: str, value: Any) -> ProxySettings | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise refusal(name, "username, address, password and port are needed")
    return ProxySettings(**_fields(ProxySettings, _PROXY_READERS, value, f"{name}."))


_port = _number(1, _LAST_PORT)
_seconds = _number(1, _MOST_SECONDS)
_volume = _number(0, _FULL_VOLUME)
_READERS: dict[str, _Read] = {
    "enabled": _switch,
    "server_address": _host,
    "server_port": _port,
    "polling_interval": _seconds,
    "transport": _choice(Transport),
    "ca_certificate": _certificate,
    "encryption": _choice(Encryption, Encryption.UNSET),
    "auth_username": _word,
    "auth_password": _line,
    "display_name": _line,
    "extension": _word,
    "call_number": _endpoint,
    "further_numbers": _endpoints,
    "microphone_volume": _volume,
    "speaker_volume": _volume,
    "call_timeout": _seconds,
    "video_calls": _choice(VideoCalls, VideoCalls.OFF),
    "allow_incoming": _switch,
    "permitted_callers": _endpoints,
    "proxy": _proxy,
}
_PROXY_READERS: dict[str, _Read] = {"username": _line, "address": _host, "password": _line, "port": _port}
