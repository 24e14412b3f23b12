"""What of a bench file is secret: passwords, tokens and communities, wherever its tables have them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import BaseModel

from intercom_hil.redaction.redaction import Redactor

SECRET = re.compile(
    r"password|passwd|passphrase|secret|token|community|api[-_]?key|credential", re.IGNORECASE
)
"""What the name of a field, an option or a parameter has in it where its value is a secret."""
_ACCOUNTS = {"password": ("account", "user", "username"), "viewer_password": ("viewer",)}
"""Where the name stands that goes with a password (RFC 7617 §2 puts both into one text)."""
_OPTION = re.compile(r"-{0,2}([\w-]+)[=:](.+)", re.DOTALL)
_SHORT_OPTIONS = ("-u", "--user")
"""Options of commands such as curl whose value is a name and a password."""
_WORDS = """
    INVITE REGISTER CANCEL OPTIONS MESSAGE SUBSCRIBE NOTIFY UPDATE REFER PRACK PUBLISH INFO Via From To
    Call-ID CSeq Contact Max-Forwards Route Record-Route Content-Type Content-Length Content-Disposition
    Authorization Proxy-Authorization WWW-Authenticate Proxy-Authenticate Authentication-Info
    Allow-Events Expires Min-Expires Session-Expires Min-SE Supported Require Unsupported User-Agent
    Server Warning Reason Retry-After P-Asserted-Identity P-Preferred-Identity Remote-Party-ID Privacy
    Diversion Refer-To Replaces Alert-Info Subject Digest Basic username realm nonce response cnonce
    algorithm opaque qop stale auth auth-int branch received rport transport method anonymous invalid
    unavailable application multipart session message Trying Ringing Progress Accepted Forbidden
    Unauthorized Declined Unavailable Terminated Acceptable Required audio video inline crypto rtpmap
    sendrecv sendonly recvonly inactive candidate telephone-event fingerprint setup registered
    registration outgoing incoming dialing established exhausted rejected failure hangup contacts
    password passwd secret intercom intercom-hil asterisk sipp kamailio administrator admin public
    private default address extension number display server portal station device console event screen
    enabled disabled
"""
"""What stands in evidence of any device: a password that is such a word would be seen everywhere."""


def learn_from(table: BaseModel, redactor: Redactor) -> None:
    """Have every secret of a table kept out of the evidence, but for what is no secret beside it.

    Nor is a word of the protocols one: with a mark in its place, a message would say something else.
    """
    redactor.open_to_all([*names_of(table), _WORDS, _WORDS.lower(), _WORDS.upper(), _WORDS.title()])
    for name, secret in secrets_of(table):
        redactor.learn(secret, name)


def secrets_of(table: BaseModel) -> Iterator[tuple[str, str]]:
    """Yield every secret of a table, with the name of its field.

    A field is secret by its name, or because it is kept out of the table's representation; so are a password
    in an URL, and what follows a telling option of a command.
    """
    yield from _of_model(table, "")


def names_of(table: BaseModel) -> Iterator[str]:
    """Yield what is no secret though it stands beside one: the names of accounts and parties."""
    for name in type(table).model_fields:
        value = getattr(table, name)
        if isinstance(value, BaseModel):
            yield from names_of(value)
        elif isinstance(value, str) and name in _NAMES:
            yield value


_NAMES = (
    "name",
    "account",
    "user",
    "username",
    "viewer",
    "extension",
    "display_name",
    "make",
    "model",
    "serial",
)


def _of_model(table: BaseModel, where: str) -> Iterator[tuple[str, str]]:
    for name, field in type(table).model_fields.items():
        value = getattr(table, name)
        path = f"{where}.{name}" if where else name
        secret = not field.repr or bool(SECRET.search(name))
        yield from _of_value(value, path, secret=secret)
        for account in _ACCOUNTS.get(name, ()) if secret and value else ():
            if user := getattr(table, account, ""):
                yield path, f"{user}:{value}"
    for name, value in (table.model_extra or {}).items():
        yield from _of_value(value, f"{where}.{name}", secret=bool(SECRET.search(name)))


def _of_value(value: Any, path: str, *, secret: bool) -> Iterator[tuple[str, str]]:
    if isinstance(value, BaseModel):
        yield from _of_model(value, path)
    elif hasattr(value, "get_secret_value"):
        yield path, str(value.get_secret_value())
    elif isinstance(value, str):
        if secret:
            yield path, value
        else:
            yield from ((path, found) for found in _in_text(value))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            named = isinstance(key, str) and bool(SECRET.search(key))
            yield from _of_value(item, f"{path}.{key}", secret=secret or named)
    elif isinstance(value, list | tuple):
        words = [item if isinstance(item, str) else "" for item in value]
        for before, item in zip(["", *words], value, strict=False):
            told = before.startswith("-") and "=" not in before and bool(SECRET.search(before))
            yield from _of_value(item, path, secret=secret or told)
            if isinstance(item, str) and before in _SHORT_OPTIONS and ":" in item:
                yield path, item.partition(":")[2]
                yield path, item


def _in_text(text: str) -> Iterator[str]:
    """Yield the secrets in an URL, or in an option or assignment that carries its value."""
    found = _OPTION.fullmatch(text)
    if found and "://" not in found[1] and SECRET.search(found[1]):
        yield found[2]
    if "://" not in text:
        return
    try:
        parts = urlsplit(text)
        password = parts.password
    except ValueError:
        return
    if password:
        yield password
        yield unquote(password)
        yield f"{unquote(parts.username or '')}:{unquote(password)}"
    yield from (value for name, value in parse_qsl(parts.query) if SECRET.search(name))
