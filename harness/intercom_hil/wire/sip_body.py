"""Bodies of SIP messages (RFC 3261 §7.4): the one of a media type, alone or in a multipart (RFC 5621)."""

from __future__ import annotations

import re

_DEEPEST = 4
"""Multipart bodies inside one another that are looked into."""
_MOST_PARTS = 100
_BOUNDARY = re.compile(r';[ \t]*boundary[ \t]*=[ \t]*(?:"([^"]+)"|([^;\s]+))', re.IGNORECASE)
_PART_HEAD_END = re.compile(rb"(?:\A|\r?\n)\r?\n")
_PART_TYPE = re.compile(
    rb"(?:^|\n)(?:content-type|c)[ \t]*:[ \t]*([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)", re.IGNORECASE
)


def media_type(value: str) -> str:
    """Return the media type of a Content-Type value, in lower case, without parameters and blanks.

    Blanks may stand round the slash (RFC 3261 §25.1: SLASH).
    """
    return "".join(value.partition(";")[0].split()).lower()


def body_of_type(body: bytes, declared: str, wanted: str, notes: list[str]) -> bytes | None:
    """Return a body, or the first part of a multipart body, of a media type, or None.

    Args:
        body: the whole body.
        declared: the message's Content-Type; a body without one is taken for SDP if it begins like that.
        wanted: the media type, in lower case.
        notes: takes what departs from the grammar, one clause each.
    """
    if not media_type(declared) and wanted == "application/sdp" and body.startswith(b"v=0"):
        notes.append("a body without Content-Type (RFC 3261 §20.15)")
        return body
    return _find(body, declared, wanted, notes, _DEEPEST)


def _find(body: bytes, declared: str, wanted: str, notes: list[str], depth: int) -> bytes | None:
    if media_type(declared) == wanted:
        return body
    boundary = _BOUNDARY.search(declared)
    if not media_type(declared).startswith("multipart/") or boundary is None or not depth:
        return None
    delimiter = b"--" + (boundary[1] or boundary[2]).encode("utf-8", "surrogateescape")
    lines = re.compile(rb"(\A|\r?\n)" + re.escape(delimiter) + rb"(--)?[ \t]*(?=(\r?\n|\Z))")
    found, ends = _until_close(lines, body)
    parts = [body[begun:ended].removeprefix(b"\r").removeprefix(b"\n") for begun, ended in found]
    heads = [_PART_HEAD_END.search(part) for part in parts]
    ends += [part[: head.end()] for part, head in zip(parts, heads, strict=True) if head]
    if any(b"\n" in end.replace(b"\r\n", b"") for end in ends):  # what a part holds may be binary
        notes.append("a multipart body with line ends other than CRLF (RFC 2046 §5.1.1)")
    for part, head_end in zip(parts, heads, strict=True):
        if head_end is None:
            continue
        head, content = part[: head_end.start()], part[head_end.end() :]
        kind = _PART_TYPE.search(head)
        named = kind[1].decode("latin-1") if kind else "text/plain"
        inner = _find(content, named, wanted, notes, depth - 1)
        if inner is not None:
            return inner
    return None


def _until_close(lines: re.Pattern[bytes], body: bytes) -> tuple[list[tuple[int, int]], list[bytes]]:
    """Return where each part begins and ends, and the line ends round the delimiters.

    The last part may lack its closing delimiter.
    """
    spans, ends, begun = list[tuple[int, int]](), list[bytes](), -1
    for match in lines.finditer(body):
        if begun >= 0:
            spans.append((begun, match.start()))
        ends.append(match[1] + match[3])
        begun = match.end()
        if match[2] or len(spans) >= _MOST_PARTS:
            return spans, ends
    return ([*spans, (begun, len(body))] if begun >= 0 else spans), ends
