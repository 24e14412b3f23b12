"""A sealed run as one file, the same bytes whoever packs it; and such a file read without unpacking it.

The archive is a tar file (POSIX.1-2001 pax) in gzip: entries by name, owner 0, modes 0600 and 0700, the time
of the last seal; no time and no name in the gzip header. Reading bounds what it takes in, and writes nothing.
"""

from __future__ import annotations

import filecmp
import gzip
import io
import lzma
import os
import shlex
import tarfile
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from intercom_hil.errors import BenchError
from intercom_hil.seal.pieces import pieces_of
from intercom_hil.seal.stored import read_seals
from intercom_hil.seal.tree import Tree, read_folder, written

_MOST_MEMBERS = 200_000
_MOST_BYTES = 16 << 30
"""Bytes of an archive when it is unpacked."""
_LARGEST_READ = 256 << 20
"""Bytes that are taken in at once: more than any header or file of a run that is looked at as a whole."""
_MAGIC = {b"\x1f\x8b": "gzip", b"\xfd7zXZ\x00": "xz"}
_CHUNK = 1 << 20
_NO_ARCHIVE = "name a run directory, or an archive that intercom-hil pack wrote"


def is_archive(path: Path) -> bool:
    """Return whether a path is that of a file."""
    return path.is_file()


def pack(folder: Path, output: Path | None = None, *, force: bool = False) -> Path:
    """Pack a sealed run, and return where.

    Args:
        folder: the run directory; that it is untouched is for the caller to check.
        output: the archive; ``RUN.tar.gz`` beside the run directory if none is named. What is there already
            has to be this very archive.
        force: write over another file that is there.

    Raises:
        BenchError: the run has no seal, or the archive cannot be written.
    """
    root = folder.resolve()
    tree = read_folder(root)
    seals, _ = read_seals(tree)
    if not seals:
        raise BenchError("the run has no seal", str(folder), f"intercom-hil seal {shlex.quote(str(folder))}")
    last = seals[-1].statement
    name = str(last.run.get("folder") or root.name)
    file = output or root.parent / f"{root.name}.tar.gz"
    if file.resolve().is_relative_to(root):
        raise BenchError("the archive would lie in the run that it holds", str(file), "name a file elsewhere")
    try:
        time = datetime.strptime(last.created, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
        part = file.with_name(f".{file.name}.part")
        try:
            with (
                os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out,
                gzip.GzipFile("", "wb", 9, out, mtime=0) as packed,
            ):
                _write(packed, root, PurePosixPath(name).name, int(time))
            if not (force and file.is_file()) and (
                os.path.lexists(file) and not (file.is_file() and filecmp.cmp(part, file, shallow=False))
            ):
                remedy = "name another file with --output, or write over it with --force"
                raise BenchError(
                    "there is something else already, and it is not written over", str(file), remedy
                )
            part.replace(file)
        finally:
            part.unlink(missing_ok=True)
    except OSError as problem:
        raise BenchError.of(problem, str(file)) from problem
    return file


def _write(out: gzip.GzipFile, root: Path, name: str, time: int) -> None:
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT, encoding="utf-8") as archive:
        for path in [root, *sorted(root.rglob("*"), key=lambda path: os.fsencode(path))]:
            inside = path.relative_to(root)
            entry = tarfile.TarInfo(str(PurePosixPath(name) / inside) if path != root else name)
            entry.mtime = time
            if path.is_symlink() or not (path.is_dir() or path.is_file()):
                raise BenchError("it is no regular file, and is not packed", str(path), "remove it")
            if path.is_dir():
                entry.type, entry.mode = tarfile.DIRTYPE, 0o700
                archive.addfile(entry)
            else:
                entry.size, entry.mode = path.stat().st_size, 0o600
                with path.open("rb") as file:
                    archive.addfile(entry, file)


class _Bounded(io.RawIOBase):
    """A stream from which no more is taken than an archive of a run may have, and no more at once."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._place = 0
        self._last = self._back = b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, place: int, whence: int = 0) -> int:
        """Go on to a place: what lies between is read, for it counts too. tarfile goes back by one byte."""
        if whence != 0 or place < self._place - 1 or (place < self._place and not self._last):
            raise _TooMuch("its entries do not follow each other")
        if place == self._place - 1:
            self._back, self._place = self._last, place
        while self._place < place and self.read(min(_CHUNK, place - self._place)):
            pass
        return self._place

    def read(self, size: int = -1) -> bytes:
        if size < 0 or size > _LARGEST_READ:
            raise _TooMuch("it has a header of more than any run has")
        data, self._back = self._back[:size], self._back[size:]
        data += self._file.read(size - len(data))
        self._last = data[-1:] or self._last
        self._place += len(data)
        if self._place > _MOST_BYTES:
            raise _TooMuch(f"it unpacks to more than {_MOST_BYTES} bytes")
        return data


class _TooMuch(Exception):  # noqa: N818  (it is caught here)
    """An archive is not one of a run."""


def read_archive(path: Path) -> Tree:
    """Read an archive of a run, without writing anything.

    Raises:
        BenchError: it is no archive, or has more than any run has.
    """
    try:
        with path.open("rb") as raw:
            kind = next((kind for magic, kind in _MAGIC.items() if raw.peek(6).startswith(magic)), "")
            unpacked: BinaryIO = raw
            if kind == "gzip":
                unpacked = gzip.GzipFile(fileobj=raw)  # type: ignore[assignment]
            elif kind == "xz":
                unpacked = lzma.LZMAFile(raw)  # type: ignore[assignment]  # noqa: SIM115
            bounded = _Bounded(unpacked)
            tree = _read(path, bounded)
            behind = False
            while rest := bounded.read(_CHUNK):  # to the end, so that the check sum behind it counts
                behind = behind or rest.count(0) != len(rest)
            if behind:
                tree.faults.append("there is something behind its last entry")
            return tree
    except (OSError, EOFError, lzma.LZMAError, tarfile.TarError, _TooMuch, ValueError) as problem:
        raise BenchError(f"the archive cannot be read ({problem})", str(path), _NO_ARCHIVE) from problem


def _read(path: Path, data: _Bounded) -> Tree:
    tree = Tree(path.name)
    folders: set[str] = set()
    with tarfile.open(fileobj=data, mode="r:", encoding="utf-8", errors="surrogateescape") as archive:
        top = ""
        for count, entry in enumerate(archive):
            if count > _MOST_MEMBERS:
                raise _TooMuch(f"it has more than {_MOST_MEMBERS} entries")
            parts = entry.name.split("/")
            if count == 0:
                top = parts[0]
            if entry.name.startswith("/") or not {"", ".", ".."}.isdisjoint(parts) or parts[0] != top:
                tree.faults.append(f"an entry lies outside the run: {written(entry.name)}")
                continue
            name = written("/".join(parts[1:]))
            if name in tree.files or name in tree.odd or name in folders:
                tree.faults.append(f"two entries have the name {name or top}")
                continue
            if entry.isdir():
                folders.add(name)
            elif entry.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and entry.sparse is None and name:
                with archive.extractfile(entry) as file:  # type: ignore[union-attr]
                    tree.take(name, *pieces_of(file, entry.size))  # type: ignore[arg-type]
            else:
                tree.odd[name] = "a symbolic link" if entry.issym() else "no regular file"
    inside = {
        str(parent) for name in [*tree.files, *tree.odd, *folders] for parent in PurePosixPath(name).parents
    }
    tree.empty = {name for name in folders if name and name not in inside}
    return tree
