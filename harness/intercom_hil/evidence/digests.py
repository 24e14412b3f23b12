"""The digests of a scenario's files, in a file beside them: what is altered shows, also where no seal is.

What comes after a scenario has ended (a device goes on to write) is not covered: of each file it is said how
many bytes it had then, and a log whose times of arrival are kept may have more now. ``record.json`` is not
listed: it is compared with what it was made of.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator
from pathlib import Path

from intercom_hil.evidence.whole_file import write_whole

FILE = "files.sha256"
_LINE = re.compile(r"([0-9a-f]{64}) (\d{1,15}) (\S.*)")
_NOT_LISTED = {FILE, "record.json", "record.superseded.json"}
_TIMES = ".times"
_CHUNK = 1 << 20


def write_digests(folder: Path) -> None:
    """List the files of a scenario as they are. Raises OSError."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in _NOT_LISTED)
    sizes = {path.relative_to(folder).as_posix(): path.stat().st_size for path in files}
    _write(folder, {name: (_digest(folder / name, size), size) for name, size in sizes.items()})


def renew_digests(folder: Path, files: Collection[Path]) -> None:
    """Take note that some files of a scenario were lawfully changed in their place. Raises OSError."""
    try:
        known = _read(folder)
    except ValueError:
        return
    for path in files:
        name = path.relative_to(folder).as_posix()
        if name in known:
            size = known[name][1]
            known[name] = _digest(path, size), size
    if known:
        _write(folder, known)


def altered_files(folder: Path) -> Iterator[str]:
    """Yield, in words, which files of a scenario are not as they were; nothing where that was not kept."""
    try:
        known = _read(folder)
    except (OSError, ValueError) as problem:
        yield f"{FILE}: it cannot be read: {problem}"
        return
    for path in sorted(folder.rglob("*")) if (folder / FILE).exists() else ():
        name = path.relative_to(folder).as_posix()
        if path.is_file() and path.name not in _NOT_LISTED and name not in known:
            yield f"{name}: {FILE} does not list it"
    for name, (digest, size) in known.items():
        path = folder / name
        try:
            if path.is_symlink() or not path.is_file():
                yield f"{name}: it is gone, and {FILE} lists it"
            elif path.stat().st_size < size:
                yield f"{name}: it is cut, and has {path.stat().st_size} of the {size} bytes that {FILE} says"
            elif path.stat().st_size > size and not _may_grow(path):
                yield f"{name}: it has {path.stat().st_size} bytes, more than the {size} that {FILE} says"
            elif _digest(path, size) != digest:
                yield f"{name}: it is not as it was ({FILE})"
        except OSError as problem:
            yield f"{name}: it cannot be read: {problem.strerror}"


def _may_grow(path: Path) -> bool:
    return path.suffix == _TIMES or path.with_suffix(_TIMES).exists()


def _digest(path: Path, size: int) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while size > 0 and (data := file.read(min(size, _CHUNK))):
            digest.update(data)
            size -= len(data)
    return digest.hexdigest()


def _read(folder: Path) -> dict[str, tuple[str, int]]:
    path = folder / FILE
    if path.is_symlink():
        raise ValueError("it is a symbolic link")
    if not path.exists():
        return {}
    found = {}
    text = path.read_text(encoding="utf-8", errors="surrogateescape")
    if not text.endswith("\n"):
        raise ValueError("it is cut")
    for number, line in enumerate(text.splitlines(), 1):
        match = _LINE.fullmatch(line)
        if match is None or ".." in match[3].split("/") or match[3].startswith("/"):
            raise ValueError(f"line {number} is no digest of a file")
        found[match[3]] = match[1], int(match[2])
    return found


def _write(folder: Path, known: dict[str, tuple[str, int]]) -> None:
    lines = (
        f"{digest} {size} {name}\n" for name, (digest, size) in sorted(known.items()) if "\n" not in name
    )
    write_whole(folder / FILE, "".join(lines))
