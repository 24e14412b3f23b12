"""What a browser posts: ``multipart/form-data`` (RFC 7578) or ``application/x-www-form-urlencoded``.

The body is bounded by the server; here the number of its parts is, and the length of their headers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

MOST_PARTS = 1000
_LONGEST_HEADERS = 2048
_BOUNDARY = re.compile(r'multipart/form-data\s*;\s*boundary=("?)([0-9A-Za-z\'()+_,./:=? -]{1,70})\1\s*', re.I)
_PARAMETER = re.compile(r';\s*(name|filename)="([^"]*)"', re.I)


class PostedError(Exception):
    """The body is no form."""


@dataclass(frozen=True, slots=True)
class Part:
    """One field that was posted, or one file, which has a name of its own."""

    name: str
    content: bytes
    filename: str | None = None

    @property
    def text(self) -> str:
        """The content as text; what is no UTF-8 is replaced."""
        return self.content.decode("utf-8", "replace")


class Posted:
    """A form that was posted, field by field in its order."""

    def __init__(self, parts: list[Part]) -> None:
        self._parts = parts

    def text(self, name: str) -> str | None:
        """Return the first field of a name, None where there is none."""
        return next((part.text for part in self._parts if part.name == name), None)

    def texts(self, name: str) -> list[str]:
        """Return all fields of a name."""
        return [part.text for part in self._parts if part.name == name]

    def file(self, name: str) -> tuple[str, bytes] | None:
        """Return the name and the content of an uploaded file; None where none was chosen."""
        for part in self._parts:
            if part.name == name and part.filename is not None and (part.filename or part.content):
                return part.filename, part.content
        return None


def read_posted(content_type: str, body: bytes) -> Posted:
    """Return the form in the body of a request.

    Raises:
        PostedError: there is none.
    """
    boundary = _BOUNDARY.fullmatch(content_type.strip())
    if boundary:
        return Posted(list(_parts(body, b"--" + boundary[2].encode("ascii"))))
    if content_type.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded":
        try:
            pairs = parse_qsl(
                body.decode("ascii", "replace"),
                keep_blank_values=True,
                max_num_fields=MOST_PARTS,
            )
        except ValueError:
            raise PostedError("too many fields") from None
        return Posted([Part(name, value.encode("utf-8", "replace")) for name, value in pairs])
    raise PostedError("a form is needed")


def _parts(body: bytes, delimiter: bytes) -> Iterator[Part]:
    if not body.startswith(delimiter):
        raise PostedError("the form does not begin with its boundary")
    at, count = len(delimiter), 0
    while not body.startswith(b"--", at):
        end = body.find(b"\r\n" + delimiter, at)
        headers_end = body.find(b"\r\n\r\n", at, at + _LONGEST_HEADERS)
        count += 1
        if not body.startswith(b"\r\n", at) or end < 0 or not at <= headers_end < end or count > MOST_PARTS:
            raise PostedError("the form is cut short, or has too many parts")
        yield _part(body[at:headers_end], body[headers_end + 4 : end])
        at = end + 2 + len(delimiter)


def _part(headers: bytes, content: bytes) -> Part:
    for line in headers.decode("utf-8", "replace").split("\r\n"):
        header, _, value = line.partition(":")
        if header.strip().lower() == "content-disposition":
            # Quotes and ends of lines in names come percent-encoded (HTML, "multipart/form-data encoding").
            found = {key.lower(): unquote(text) for key, text in _PARAMETER.findall(value)}
            if "name" in found:
                return Part(found["name"], content, found.get("filename"))
    raise PostedError("a part has no name")
