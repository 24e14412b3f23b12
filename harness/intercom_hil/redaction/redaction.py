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

from intercom_hil.redaction.fingerprint import Fingerprint

SHORTEST = 6
"""Characters of a secret that is looked for; a shorter one stands by chance in much that is none."""
SHORTEST_NUMBER = 8
"""Digits of a secret that is nothing but a number; it is not looked for within a longer number."""
LARGEST_FILE = 64 << 20
"""Bytes of a file that is read again for secrets."""
_GRAM = 4
"""Bytes by which a look at few places of a text shows that none of many secrets is in it."""
_FOLD = re.compile(rb"=?\r?\n[ \t]*")
"""Where a line goes on in the next one."""
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
        self._by_gram: dict[bytes, list[bytes]] = {}
        self._step = 1 << 20

    @property
    def known(self) -> int:
        """How many secrets are looked for: it grows."""
        return len(self._prints)

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
        plain = secret.encode("utf-8", "surrogatepass")
        number = secret.isascii() and secret.isdigit()
        if number:
            self._numbers[plain] = known.mark(len(secret)).encode()
        forms = dict(_encodings(secret, known))
        new = {needle: mark for needle, mark in forms.items() if needle not in self._marks}
        if number:
            del new[plain]
        self._marks |= new
        self._index([*new, plain] if number else [*new])

    def replace(self, secret: str, stand_in: str) -> None:
        """Put another text of the same length in the place of a secret from now on, in hexadecimal too."""
        if len(secret) != len(stand_in):
            raise ValueError(f"a stand-in of {len(stand_in)} characters for {len(secret)}")
        raw, mark = secret.encode(), stand_in.encode()
        self._marks |= {raw: mark, raw.hex().encode(): mark.hex().encode()}
        self._index([raw, raw.hex().encode()])

    def _index(self, needles: list[bytes]) -> None:
        """Have these found: of every one, a look at each so many bytes meets one of its first few grams."""
        self._step = min(self._step, *(len(one) - _GRAM + 1 for one in needles))
        for one in needles:
            for at in range(min(self._step, len(one) - _GRAM + 1)):
                self._by_gram.setdefault(one[at : at + _GRAM], []).append(one)

    def fingerprint(self, secret: str) -> Fingerprint | None:
        """Return the fingerprint of a secret, that of its mark; None of one that is too short, or public.

        Who says a name that is a password too gives nothing away by that.
        """
        made = None if secret in self._public else Fingerprint.of(secret)
        return made and self._prints.get(secret, made)

    def data(self, raw: bytes) -> bytes:
        """Return bytes with a mark for every secret in them; the same object where there is none.

        A secret may go on in the next line, as base64 and quoted-printable do (RFC 2045 §6.7, §6.8).
        """
        kept = self._unbroken(raw)
        if b"\n" not in kept:
            return kept
        unfolded = _FOLD.sub(b"", kept)
        replaced = self._unbroken(unfolded)
        return kept if replaced is unfolded else _folded_as(kept, replaced)

    def _unbroken(self, raw: bytes) -> bytes:
        grams = [raw[at : at + _GRAM] for at in range(0, len(raw), self._step)]
        if self._by_gram.keys().isdisjoint(grams):  # of anything looked for, one of these would be part
            return raw
        may_be_there = {needle for gram in grams for needle in self._by_gram.get(gram, ())}
        for needle in sorted(may_be_there, key=len, reverse=True):
            if needle not in raw:
                continue
            if mark := self._numbers.get(needle):
                raw = re.sub(rb"(?<![0-9.])%b(?![0-9])" % needle, mark, raw)
            else:
                raw = raw.replace(needle, self._marks[needle])
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
        raw = b"\0".join(_parts(model)) if self._by_gram else b""
        if self.data(raw) is raw:
            return model
        kept = self.value(model.model_dump())
        try:
            return type(model).model_validate(kept)
        except ValidationError:  # a word that had to be that word
            return model.model_construct(**kept)

    def sweep(self, folder: Path, apart_from: Iterable[str] = ()) -> list[Path]:
        """Replace the secrets in files that other programs wrote, in their place: no file changes its length.

        Args:
            folder: with all that lies below it.
            apart_from: names of files that were written without secrets.

        Returns:
            Those that had one.

        Raises:
            OSError: a file cannot be read or written.
        """
        changed = []
        for path in sorted(folder.rglob("*")) if self._by_gram else ():
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
                changed.append(path)
        return changed

    def _why_not(self, secret: str) -> str:
        number = secret.isascii() and secret.isdigit()
        shortest = SHORTEST_NUMBER if number else SHORTEST
        if len(secret) < shortest:
            return f"it has fewer than {shortest} {'digits' if number else 'characters'}"
        return "it is part of a name or word that is no secret" if secret in self._public else ""


def _folded_as(raw: bytes, unfolded: bytes) -> bytes:
    """Return bytes without line ends with those line ends that others have."""
    parts, taken, begun = [], 0, 0
    for fold in _FOLD.finditer(raw):
        size = fold.start() - begun
        parts += [unfolded[taken : taken + size], fold[0]]
        taken, begun = taken + size, fold.end()
    return b"".join([*parts, unfolded[taken:]])


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
    for code in ("utf-8", "latin-1", "utf-16-le", "utf-16-be"):
        try:
            coded = secret.encode(code, "surrogatepass" if code.startswith("utf") else "strict")
        except UnicodeEncodeError:
            continue
        width = 2 if code.startswith("utf-16") else 1
        yield coded, known.mark(len(coded) // width).encode(code)
    for written in {write(secret).encode("utf-8", "surrogatepass") for write in _WAYS}:
        yield written, known.mark(len(written)).encode()
    for code in ("utf-8", "utf-16-le", "utf-16-be"):
        coded = secret.encode(code, "surrogatepass")
        mark = known.mark(len(coded) // (1 if code == "utf-8" else 2)).encode(code)
        for write_bytes in _OF_BYTES:
            yield write_bytes(coded).encode(), write_bytes(mark).encode()
        for before in range(3):
            needle = _base64_inside(coded, before)
            if len(needle) >= SHORTEST:
                inside = _base64_inside(mark, before)
                yield needle, inside
                yield needle.translate(_URL_SAFE), inside.translate(_URL_SAFE)
                yield from _written_again(needle, inside)


def _written_again(needle: bytes, inside: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield base64 as it is written in URLs, and base64 of it: as of a header within a body."""
    for safe in ("", "/"):
        escaped = quote(needle, safe=safe).encode()
        if escaped != needle:
            yield escaped, inside + b"-" * (len(escaped) - len(inside))
    for before in range(3):
        again = _base64_inside(needle, before)
        if len(again) >= SHORTEST:
            yield again, _base64_inside(inside, before)


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


def _each(form: str, join: str = "") -> Callable[[bytes], str]:
    """Return what writes each byte in a form, with something in between."""
    return lambda raw: join.join(form.format(byte) for byte in raw)


_OF_BYTES: tuple[Callable[[bytes], str], ...] = (
    *(_each(form, join) for form in ("{:02x}", "{:02X}") for join in ("", " ", ":", "-", ", ")),
    *(_each(form) for form in ("%{:02x}", "%{:02X}", "={:02X}", "\\x{:02x}", "\\x{:02X}", "\\{:03o}")),
    *(_each(form, join) for form in ("0x{:02x}", "0x{:02X}") for join in (" ", ", ", ",")),
)
"""How programs write any bytes: hexadecimal, as they dump them, and escaped one by one."""


def _quoted_printable(text: str, encoded: str) -> str:
    """Return a text as quoted-printable (RFC 2045 §6.7), with more encoded than has to be."""
    raw = text.encode("utf-8", "surrogatepass")
    plain = [byte == 0x20 or (33 <= byte <= 126 and byte != 0x3D) for byte in raw]
    return "".join(
        chr(byte) if as_it_is and chr(byte) not in encoded else f"={byte:02X}"
        for byte, as_it_is in zip(raw, plain, strict=True)
    )


def _each_character(text: str, form: str) -> str:
    units = text.encode("utf-16-be", "surrogatepass") if form.startswith("\\u") else b""
    codes = [int.from_bytes(units[at : at + 2], "big") for at in range(0, len(units), 2)] or map(ord, text)
    return "".join(form.format(code) for code in codes)


_FOR_SCRIPTS = {ord(c): f"\\u{ord(c):04x}" for c in "<>&'"}
"""As JSON is written that may stand in HTML."""
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
    lambda text: json.dumps(text)[1:-1].translate(_FOR_SCRIPTS),
    lambda text: json.dumps(text)[1:-1].translate(_FOR_SCRIPTS).replace("/", "\\/"),
    lambda text: json.dumps(json.dumps(text)[1:-1])[1:-1],
    lambda text: repr(text)[1:-1],
    lambda text: repr(text.encode("utf-8", "surrogatepass"))[2:-1],
    lambda text: quote(quote(text, safe="", errors="surrogatepass"), safe=""),
    *(
        lambda text, q=also: _quoted_printable(text, q).replace(" ", "_")
        for also in ("_", "_?", '_?"<>&@,:;')
    ),
    *(partial(_quoted_printable, encoded=also) for also in ("", " ", "\"'<>&!#$@[]^`{|}~\\", " _?")),
    *(
        partial(_each_character, form=form)
        for form in ("\\u{:04x}", "\\u{:04X}", "&#{};", "&#x{:x};", "&#x{:X};")
    ),
    lambda text: escape(text, _QUOTES | {"'": "&#39;"}),
    lambda text: escape(text, {'"': "&quot;", "'": "&#x27;"}),
    escape,
    partial(escape, entities=_QUOTES),
    partial(escape, entities=_NUMERIC_QUOTES),
)
