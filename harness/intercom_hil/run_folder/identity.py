"""What a device says of itself, held against what the bench file says of it.

Only what says the same thing is compared: a banner that gives a serial number, the hardware address that the
network shows. A User-Agent (RFC 3261 §20.41) may be that of a SIP stack and need not name the device at all.
A contradiction is reported and decides no verdict: it may be the bench file that is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from intercom_hil.run_folder.fields import line, mapping

FIELDS = ("make", "model", "hardware", "serial", "firmware", "mac")
_WORDS = {
    "model": "model|product",
    "hardware": "hardware|hw|board|revision",
    "serial": "serial(?:[ _-]?(?:number|no))?|s/n|sn",
    "firmware": "firmware|fw|software|sw|version|release",
    "mac": "mac(?:[ _-]?addr(?:ess)?)?|hwaddr",
}
_SAID = {
    field: re.compile(rf"(?<![\w-])(?:{words})\.?\s*[=:#]?\s*\"?(v?[A-Za-z0-9][\w.:/+-]*)", re.IGNORECASE)
    for field, words in _WORDS.items()
}
_VERSION = re.compile(r"\d\.\d")
_MAC = re.compile(r"[0-9a-f]{12}")


MESSAGES, CONSOLE, NETWORK = "User-Agent", "Console", "Hardware address"
_SENTENCES = {
    MESSAGES: "the device calls itself",
    CONSOLE: "its console says",
    NETWORK: "the network has its hardware address as",
}


@dataclass(frozen=True, slots=True)
class Saying:
    """What somebody says of the device: who, and the words."""

    witness: str
    text: str


def sayings(environment: Mapping[str, object], names: Iterable[str]) -> tuple[Saying, ...]:
    """Return what identifies the device beside the bench file.

    Args:
        environment: the run's; of several benches nothing is compared.
        names: what the device calls itself in its messages.
    """
    said = mapping(environment.get("device_says"))
    found = [Saying(MESSAGES, name) for name in dict.fromkeys(names) if name]
    found += [Saying(CONSOLE, line(said.get("console"))), Saying(NETWORK, line(said.get("mac")))]
    return tuple(one for one in found if one.text)


def confirmed(device: Mapping[str, object], said: Iterable[Saying]) -> tuple[str, ...]:
    """Return which fields of the bench file's table somebody else says too."""
    texts = [_plain(one.text) for one in said]
    return tuple(
        field
        for field in FIELDS
        if (declared := _plain(line(device.get(field)))) and any(_stands_in(declared, text) for text in texts)
    )


def contradictions(device: Mapping[str, object], said: Iterable[Saying]) -> Iterator[str]:
    """Yield what is said otherwise than the bench file declares it."""
    for field in FIELDS:
        declared = line(device.get(field))
        if not declared:
            continue
        for one in said:
            other = _said_of(field, one)
            whole = _plain(one.text)
            if other and not _stands_in(_plain(declared), whole) and not _same(field, declared, other):
                yield f"The bench file says {field} {declared}, and {_SENTENCES[one.witness]} {one.text!r}."
                break


def _said_of(field: str, one: Saying) -> str:
    """Return what is said of a field, if it says anything that must be the same."""
    if one.witness == MESSAGES:
        return one.text if field == "firmware" and _VERSION.search(one.text) else ""
    if one.witness == NETWORK:
        return one.text if field == "mac" else ""
    if field == "make":
        return ""
    for found in _SAID[field].finditer(one.text):
        said = found[1]
        telling = any(character.isdigit() for character in said) if field != "model" else True
        if telling and (field != "mac" or _MAC.fullmatch(_hex(said))):
            return said
    return ""


def _same(field: str, declared: str, said: str) -> bool:
    if field == "mac":
        return _hex(declared) == _hex(said)
    one, other = (text.lower().removeprefix("v").strip(".") for text in (declared, said))
    return one == other


def _hex(text: str) -> str:
    return re.sub(r"[:.-]", "", text.lower())


def _plain(text: str) -> str:
    """Return a text with a hardware address in one spelling, in lower case."""
    return re.sub(r"\b(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}\b", lambda found: _hex(found[0]), text.lower())


def _stands_in(word: str, text: str) -> bool:
    """Whether a word stands in a text by itself: 1.2 stands in v1.2 and 1.2-rc, not in 1.20 or 11.2."""
    word = word.removeprefix("v") if re.match(r"v\d", word) else word
    before = r"(?<!\d)(?<!\d\.)" if word[:1].isdigit() else r"(?<![^\W_])"
    after = r"(?!\d|\.\d)" if word[-1:].isdigit() else r"(?![^\W_])"
    return re.search(before + re.escape(word) + after, text) is not None
