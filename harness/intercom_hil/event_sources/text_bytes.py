"""The text in bytes of a device: UTF-8, UTF-16 where a byte order mark says so, other bytes visibly."""

from __future__ import annotations

_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))


def text_of(data: bytes) -> str:
    r"""Return the text of some bytes; a byte that is none is shown as ``\xNN``."""
    for mark, coding in _MARKS:
        if data.startswith(mark):
            problems = "backslashreplace" if coding == "utf-8" else "replace"
            return data[len(mark) :].decode(coding, problems)
    return data.decode("utf-8", "backslashreplace")
