"""What a file is made of, in short check sums, so that of a file that was changed it can be said *where*.

The SHA-256 of the whole says that it was changed. The check sums of its lines (text) or blocks (all else), 24
bits each, locate a change and prove nothing.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import BinaryIO
from zlib import crc32

_SUM = 3
"""Bytes of the check sum of a piece: the last of its CRC-32."""
_WIDTH = 4
"""Characters of it in Base64."""
_MOST_LINES = 20_000
_LARGEST_TEXT = 64 << 20
"""Bytes of a file that is looked at by its lines, and held in memory meanwhile."""
_BLOCK = 16_384
_MOST_BLOCKS = 4096
_COMPARED = 100_000
"""Pairs of lines that are compared to find what was moved; beyond, the range that differs is named."""
_NAMED = 3
"""Places of one file that are named."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """A file's size in bytes, its SHA-256 in hex, and the check sums of its lines or of its blocks."""

    size: int
    sha256: str
    lines: str = ""
    blocks: str = ""

    @property
    def block(self) -> int:
        """How many bytes a block has: as few as let the file have no more than some thousand of them."""
        return block_size(self.size)


@dataclass(frozen=True, slots=True)
class Difference:
    """How a file differs from what was sealed: one word for the kind, and where."""

    kind: str
    where: str


def block_size(size: int) -> int:
    """Return the block size of a file of so many bytes."""
    return _BLOCK * (1 + size // (_BLOCK * _MOST_BLOCKS))


def pieces_of(file: BinaryIO, size: int) -> tuple[Pieces, bytes | None]:
    """Read a file.

    Args:
        file: open for reading.
        size: how long it is said to be (bytes). What is read is what counts.

    Returns:
        What it is made of, and its content where that is small enough to be held.
    """
    if size > _LARGEST_TEXT:
        return _streamed(file, size), None
    data = file.read(_LARGEST_TEXT + 1)
    digest = hashlib.sha256(data).hexdigest()
    if b"\0" not in data and data.count(b"\n") < _MOST_LINES:
        return Pieces(len(data), digest, lines=_short(data.split(b"\n"))), data
    step = block_size(len(data))
    blocks = (data[start : start + step] for start in range(0, len(data), step))
    return Pieces(len(data), digest, blocks=_short(blocks)), data


def _streamed(file: BinaryIO, size: int) -> Pieces:
    whole, total, step = hashlib.sha256(), 0, block_size(size)

    def blocks() -> Iterator[bytes]:
        nonlocal total
        while block := file.read(step):
            whole.update(block)
            total += len(block)
            yield block

    short = _short(blocks())
    return Pieces(total, whole.hexdigest(), blocks=short if step == block_size(total) else "")


def _short(parts: Iterable[bytes]) -> str:
    sums = b"".join([crc32(part).to_bytes(4, "big")[-_SUM:] for part in parts])
    return base64.urlsafe_b64encode(sums).decode()


def difference(was: Pieces, now: Pieces) -> Difference:
    """Return how a file differs from what it was; they are known to differ."""
    sizes = f"{was.size} bytes when sealed, {now.size} now"
    if now.size == 0:
        return Difference("emptied", sizes)
    if was.size == 0:
        return Difference("filled", sizes)
    if was.lines and now.lines:
        return _of_lines(_split(was.lines), _split(now.lines), was, now)
    if was.blocks and now.blocks and was.block == now.block:
        return _of_blocks(_split(was.blocks), _split(now.blocks), was, now)
    return Difference("edited", sizes)


def _split(short: str) -> list[str]:
    return [short[start : start + _WIDTH] for start in range(0, len(short), _WIDTH)]


def _of_lines(was: list[str], now: list[str], before: Pieces, after: Pieces) -> Difference:
    """Return how lines differ. What follows the last line end is a line too, often an empty one."""
    if sorted(was) == sorted(now):
        first = next((n for n, (a, b) in enumerate(zip(was, now, strict=True), 1) if a != b), 0)
        return Difference("reordered", f"the lines from line {first} on" if first else "its lines")
    same = _common(was, now)
    if after.size < before.size and same >= len(now) - 1:
        cut = "after" if now[-1] == _EMPTY else "in"
        place = same if now[-1] == _EMPTY else len(now)
        return Difference("truncated", f"{cut} line {place} of {_count(was)}")
    if after.size > before.size and same >= len(was) - 1:
        return Difference("lengthened", f"by {len(now) - len(was) or 'a part of a'} lines at its end")
    end = _common(was[same:][::-1], now[same:][::-1])
    old, new = was[same : len(was) - end], now[same : len(now) - end]
    if len(old) * len(new) > _COMPARED:
        return Difference("edited", f"lines {same + 1} to {same + len(new)}")
    places, kinds = [], set()
    changes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    several = len({tag for tag, *_ in changes} - {"equal"}) > 1
    for tag, a, b, c, d in changes:
        if tag == "equal":
            continue
        kinds.add(tag)
        lines = _range(same + a, same + b) if tag != "insert" else f"before line {same + a + 1}"
        counts = f" ({b - a} as {d - c})" if tag == "replace" and b - a != d - c else ""
        places.append(f"{_WORDS[tag] if several else ''}{lines}{counts}")
    kind = (
        {"delete": "lines removed", "insert": "lines added"}[kinds.pop()] if kinds in _ONE_WAY else "edited"
    )
    more = f", and {len(places) - _NAMED} more places" if len(places) > _NAMED else ""
    return Difference(kind, "; ".join(places[:_NAMED]) + more)


_EMPTY = _short([b""])
_WORDS = {"delete": "taken out: ", "insert": "put in ", "replace": "edited: "}
_ONE_WAY = ({"delete"}, {"insert"})


def _count(lines: list[str]) -> int:
    return len(lines) - (lines[-1] == _EMPTY)


def _range(start: int, end: int) -> str:
    return f"line {end}" if end - start == 1 else f"lines {start + 1} to {end}"


def _of_blocks(was: list[str], now: list[str], before: Pieces, after: Pieces) -> Difference:
    step, same = before.block, _common(was, now)
    if after.size < before.size and same >= after.size // step:
        return Difference("truncated", f"after byte {after.size} of {before.size}")
    if after.size > before.size and same >= before.size // step:
        return Difference("lengthened", f"by {after.size - before.size} bytes at its end")
    if after.size != before.size:
        sizes = f"{before.size} bytes when sealed, {after.size} now"
        return Difference("edited", f"from between bytes {same * step} and {(same + 1) * step} on; {sizes}")
    end = _common(was[::-1], now[::-1])
    last = min(after.size, (len(now) - end) * step)
    return Difference("edited", f"between bytes {same * step} and {last}")


def _common(one: list[str], other: list[str]) -> int:
    """Return how many pieces two files have in common at their beginning."""
    count = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        count += 1
    return count
