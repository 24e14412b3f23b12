"""Secrets kept out of the evidence: found by their value, in whatever encoding, and replaced by a mark.

A mark is as long as what it replaces, so that captures, lengths and records of any form stay readable. It is
made of letters, digits and ``-``, and a `Fingerprint` knows its own again: that a device gave a secret away
is judged from what is stored, long after the secret itself is forgotten.
"""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

from pydantic import BaseModel, ValidationError

from intercom_hil.timeline.fingerprint import Fingerprint

SHORTEST = 6
"""Characters of a secret that is looked for; a shorter one stands by chance in much that is none."""
SHORTEST_NUMBER = 8
"""Digits of a secret that is nothing but a number; it is not looked for within a longer number."""
LARGEST_FILE = 64 << 20
"""Bytes of a file that is read again for secrets."""
_GRAM = 4
"""Bytes by which a look at few places of a text shows that none of many secrets is in it."""
_QUOTES = {'"': "&quot;", "'": "&apos;"}
_NUMERIC_QUOTES = {'"': "&#34;", "'": "&#39;"}

_Model = TypeVar("_Model", bound=BaseModel)


class Redactor:
    """What a run has to keep to itself; it grows as passwords and tokens come up.

    Attributes:
        too_short: names of the secrets that cannot be looked for, with the reason.
    """

    def __init__(self) -> None:
        self.too_short: dict[str, str] = {}
        self._prints: dict[str, Fingerprint] = {}
        self._public = ""
        self._marks: dict[bytes, bytes] = {}
        self._numbers: dict[bytes, bytes] = {}
        self._order: tuple[tuple[bytes, bytes], ...] = ()
        self._grams: set[bytes] = set()
        self._step = 1 << 20

    def open_to_all(self, texts: Iterable[str]) -> None:
        """Say what is no secret: a password that is part of it is known to all, and is not looked for."""
        self._public += "\0" + "\0".join(texts)

    def learn(self, secret: str, name: str = "") -> None:
        """Keep a secret out from now on.

        Args:
            secret: a password, token or the like; nothing happens for an empty one, or a known one.
            name: what `too_short` calls it, where it cannot be looked for.
        """
        if not secret or secret in self._prints:
            return
        reason = self._why_not(secret)
        if reason:
            if name:
                self.too_short[name] = reason
            return
        known = self._prints[secret] = Fingerprint.made_of(secret)
        if secret.isascii() and secret.isdigit():
            self._numbers[secret.encode()] = known.mark(len(secret)).encode()
        else:
            for needle, mark in _encodings(secret, known):
                self._marks.setdefault(needle, mark)
        self._index()

    def replace(self, secret: str, stand_in: str) -> None:
        """Put another text of the same length in the place of a secret from now on, in hexadecimal too."""
        if len(secret) != len(stand_in):
            raise ValueError(f"a stand-in of {len(stand_in)} characters for {len(secret)}")
        raw, mark = secret.encode(), stand_in.encode()
        self._marks |= {raw: mark, raw.hex().encode(): mark.hex().encode()}
        self._index()

    def _index(self) -> None:
        self._order = tuple(sorted(self._marks.items(), key=lambda item: -len(item[0])))
        needles = [*self._marks, *self._numbers]
        self._step = min(map(len, needles)) - _GRAM + 1
        self._grams = {one[at : at + _GRAM] for one in needles for at in range(len(one) - _GRAM + 1)}

    def fingerprint(self, secret: str) -> Fingerprint | None:
        """Return the fingerprint of a secret, the one whose mark replaces it; None of one too short."""
        made = Fingerprint.of(secret)
        return made and self._prints.get(secret, made)

    def data(self, raw: bytes) -> bytes:
        """Return bytes with a mark for every secret in them; the same object where there is none."""
        grams = [raw[at : at + _GRAM] for at in range(0, len(raw), self._step)]
        if self._grams.isdisjoint(grams):  # of anything that is looked for, one of these would be part
            return raw
        for needle, mark in self._order:
            if needle in raw:
                raw = raw.replace(needle, mark)
        for number, mark in self._numbers.items():
            if number in raw:
                raw = re.sub(rb"(?<![0-9.])%b(?![0-9])" % number, mark, raw)
        return raw

    def text(self, text: str) -> str:
        """Return a text with a mark for every secret in it."""
        raw = text.encode("utf-8", "surrogatepass")
        kept = self.data(raw)
        return text if kept is raw else kept.decode("utf-8", "surrogatepass")

    def value(self, value: Any) -> Any:
        """Return plain data with marks for the secrets in all of its texts, however deep they lie."""
        if isinstance(value, str):
            return value if isinstance(value, Enum) else self.text(value)
        if isinstance(value, bytes):
            return self.data(value)
        if isinstance(value, dict):
            return {self.value(key): self.value(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(self.value(item) for item in value)
        return value

    def model(self, model: _Model) -> _Model:
        """Return a model with marks for the secrets in it; the same one where there is none."""
        raw = b"\0".join(_parts(model)) if self._grams else b""
        if self.data(raw) is raw:
            return model
        kept = self.value(model.model_dump())
        try:
            return type(model).model_validate(kept)
        except ValidationError:  # a word that had to be that word
            return model.model_construct(**kept)

    def sweep(self, folder: Path, apart_from: Iterable[str] = ()) -> None:
        """Replace the secrets in files that other programs wrote, in their place: no file changes its length.

        Args:
            folder: with all that lies below it.
            apart_from: names of files that were written without secrets.

        Raises:
            OSError: a file cannot be read or written.
        """
        for path in sorted(folder.rglob("*")) if self._grams else ():
            if path.is_symlink() or not path.is_file() or path.name in apart_from:
                continue
            with path.open("rb") as file:
                raw = file.read(LARGEST_FILE)
            kept = self.data(raw)
            if kept is not raw:
                descriptor = os.open(path, os.O_WRONLY)
                try:
                    os.pwrite(descriptor, kept, 0)
                finally:
                    os.close(descriptor)

    def _why_not(self, secret: str) -> str:
        number = secret.isascii() and secret.isdigit()
        shortest = SHORTEST_NUMBER if number else SHORTEST
        if len(secret) < shortest:
            return f"it has fewer than {shortest} {'digits' if number else 'characters'}"
        return "it is part of a name or word that is no secret" if secret in self._public else ""


def _parts(value: Any) -> Iterator[bytes]:
    """Yield every text of a model as bytes, however deep it lies."""
    if isinstance(value, str):
        yield value.encode("utf-8", "surrogatepass")
    elif isinstance(value, bytes):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _parts(getattr(value, name))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _parts(key)
            yield from _parts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _parts(item)


def _encodings(secret: str, known: Fingerprint) -> Iterator[tuple[bytes, bytes]]:
    """Yield the forms in which a secret is written, each with the mark in the same form."""
    raw = secret.encode("utf-8", "surrogatepass")
    for code in ("utf-8", "latin-1", "utf-16-le", "utf-16-be"):
        try:
            coded = secret.encode(code, "surrogatepass" if code.startswith("utf") else "strict")
        except UnicodeEncodeError:
            continue
        width = 2 if code.startswith("utf-16") else 1
        yield coded, known.mark(len(coded) // width).encode(code)
    for written in {write(secret).encode("utf-8", "surrogatepass") for write in _WAYS}:
        yield written, known.mark(len(written)).encode()
    mark = known.mark(len(raw)).encode()
    for write_hex in _HEX:
        yield write_hex(raw).encode(), write_hex(mark).encode()
    for before in range(3):
        needle = _base64_inside(raw, before)
        if len(needle) >= SHORTEST:
            inside = _base64_inside(mark, before)
            yield needle, inside
            yield needle.translate(_URL_SAFE), inside.translate(_URL_SAFE)


def _base64_inside(raw: bytes, before: int) -> bytes:
    """Return what of a text's base64 (RFC 4648 §4) depends on it alone, after so many bytes of others."""
    coded = base64.b64encode(bytes(before) + raw)
    begin = -(-before * 8 // 6)
    end = (before + len(raw)) * 8 // 6
    return coded[begin:end]


def _percent_lower(text: str) -> str:
    return re.sub(
        r"%[0-9A-F]{2}", lambda found: found[0].lower(), quote(text, safe="", errors="surrogatepass")
    )


_HEX: tuple[Callable[[bytes], str], ...] = (
    lambda raw: raw.hex(),
    lambda raw: raw.hex().upper(),
)
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_WAYS: tuple[Callable[[str], str], ...] = (
    partial(quote, safe="", errors="surrogatepass"),
    partial(quote, safe="/", errors="surrogatepass"),
    partial(quote, safe="!'()*", errors="surrogatepass"),
    partial(quote, safe=";,/?:@&=+$-_.!~*'()#", errors="surrogatepass"),
    partial(quote_plus, safe="", errors="surrogatepass"),
    _percent_lower,
    lambda text: json.dumps(text)[1:-1],
    lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    lambda text: repr(text)[1:-1],
    escape,
    partial(escape, entities=_QUOTES),
    partial(escape, entities=_NUMERIC_QUOTES),
)
