"""What a device takes less of than the page's form has: the option ``--limits``, for devices that differ.

The page gives no limit, so there is none unless one is asked for.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Any

from intercom_hil.emulator.settings import SipSettings

_USUAL_PORTS = (5060, 5061)
_RANGES = ("call_timeout", "polling_interval")
_NUMBERS = ("contacts", "permitted_callers")
_LENGTHS = {
    "extension_length": "extension",
    "username_length": "auth_username",
    "password_length": "auth_password",
    "display_name_length": "display_name",
}
"""Limits of characters, and the fields that they are of."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the device takes; None is no limit.

    Attributes:
        call_timeout: seconds, from and to.
        polling_interval: seconds, from and to.
        contacts: how many, the call number included.
        permitted_callers: how many.
        extension_length: characters, and so the other three lengths.
        letters_in_extension: whether an extension may have letters.
        other_server_port: whether the server's port can be another than the usual ones.
        codecs: those that it has; the stack has its own.
    """

    call_timeout: tuple[int, int] | None = None
    polling_interval: tuple[int, int] | None = None
    contacts: int | None = None
    permitted_callers: int | None = None
    extension_length: int | None = None
    username_length: int | None = None
    password_length: int | None = None
    display_name_length: int | None = None
    letters_in_extension: bool = True
    other_server_port: bool = True
    codecs: tuple[str, ...] = ()

    @classmethod
    def read(cls, text: str) -> Limits:
        """Read a JSON object.

        Raises:
            ValueError: it is none, or has something else than limits.
        """
        given = json.loads(text)
        if not isinstance(given, dict):
            raise ValueError("limits: a JSON object is needed")
        names = [one.name for one in fields(cls)]
        return cls(**{name: _limit(name, names, value) for name, value in given.items()})

    def excess(self, settings: SipSettings) -> tuple[str, str] | None:
        """Return the field that is beyond a limit, and what is within it; None where all is."""
        for name in _RANGES:
            span = getattr(self, name)
            if span and not span[0] <= getattr(settings, name) <= span[1]:
                return name, f"{span[0]} to {span[1]} s"
        if self.contacts is not None and 1 + len(settings.further_numbers) > self.contacts:
            return "further_numbers", f"{self.contacts} contacts at most"
        if self.permitted_callers is not None and len(settings.permitted_callers) > self.permitted_callers:
            return "permitted_callers", f"{self.permitted_callers} permitted callers at most"
        for name, of in _LENGTHS.items():
            most = getattr(self, name)
            if most is not None and len(getattr(settings, of)) > most:
                return of, f"{most} characters at most"
        if not self.letters_in_extension and not settings.extension.isdigit():
            return "extension", "digits alone"
        if not self.other_server_port and settings.server_port not in _USUAL_PORTS:
            return "server_port", "no other port than the usual ones"
        return None


def _limit(name: str, names: list[str], value: Any) -> Any:
    """Return the value of one limit, checked."""
    if name not in names:
        raise ValueError(f"{name}: there is no such limit")
    if name in _RANGES:
        good = isinstance(value, list) and len(value) == 2 and all(_is_count(one) for one in value)
        if not good or not 1 <= value[0] <= value[1]:
            raise ValueError(f"{name}: [shortest, longest] in seconds is needed")
        return tuple(value)
    if name == "codecs":
        if not isinstance(value, list) or not all(isinstance(codec, str) for codec in value):
            raise ValueError("codecs: a list of names is needed")
        return tuple(value)
    if name in _NUMBERS or name in _LENGTHS:
        if not _is_count(value):
            raise ValueError(f"{name}: a number is needed")
    elif not isinstance(value, bool):
        raise ValueError(f"{name}: true or false is needed")
    return value


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
