"""XML to values as JSON has them, safe for bytes from anybody: no document type, no entity, bounded in depth.

An element is its text, or, with attributes or elements in it, a mapping: elements by their local names, lists
where a name comes more than once, attributes as ``@name``, its text as ``#text``.
"""

from __future__ import annotations

from xml.parsers import expat

from intercom_hil.layouts.event_fields import ELEMENT_TEXT

DEEPEST = 32
"""Elements within each other."""
_SPACE = b" \t\r\n\0"


def xml_value(data: bytes) -> dict[str, object]:
    """Return the root element by its name.

    Raises:
        ValueError: it is no such XML.
    """
    reader = _Reader()
    try:
        reader.parser.Parse(
            data.strip(_SPACE) if not data.startswith((b"\xff\xfe", b"\xfe\xff")) else data, True
        )
    except (expat.ExpatError, LookupError, UnicodeError) as problem:
        raise ValueError(f"it is no XML: {problem}") from None
    return reader.root


class _Reader:
    def __init__(self) -> None:
        self.root: dict[str, object] = {}
        self._open: list[dict[str, object]] = [self.root]
        self._texts: list[list[str]] = [[]]
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._doctype

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._open) > DEEPEST:
            raise ValueError(f"more than {DEEPEST} elements are within each other")
        self._open.append({f"@{_local(key)}": value for key, value in attributes.items()})
        self._texts.append([])

    def _end(self, name: str) -> None:
        inner, text = self._open.pop(), "".join(self._texts.pop()).strip()
        value: object = text
        if inner:
            value = {**inner, ELEMENT_TEXT: text} if text else inner
        outer, local = self._open[-1], _local(name)
        before = outer.get(local)
        if isinstance(before, list):
            before.append(value)
        else:
            outer[local] = value if before is None else [before, value]

    def _text(self, text: str) -> None:
        self._texts[-1].append(text)

    def _doctype(self, *declared: object) -> None:
        raise ValueError("it has a document type, which is not read")


def _local(name: str) -> str:
    return name.rpartition(" ")[2]
