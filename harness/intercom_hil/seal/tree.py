"""The files of a run directory as they are: what each is made of, and what is there beside regular files.

Links are not followed, and nothing but a regular file is opened.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from intercom_hil.errors import BenchError
from intercom_hil.seal.pieces import Pieces, pieces_of

SEALS = "seals"
SUPERSEDED = "superseded"
"""Where versions of files that were replaced are kept, in a folder for each seal."""
SUMS = "seals/SHA256SUMS"
REPORT = "report.html"
_MOST_ENTRIES = 1_000_000
_HELD = ("run.json", "basis.json", SUMS)
_LARGEST_HELD = 256 << 20
"""Bytes of all files whose content is held: run.json and the seals."""
_STATED_SEAL = re.compile(rb"\bseal sha256:([0-9a-f]{64})\b")

LINK = "a symbolic link"
_KINDS = {
    stat.S_IFLNK: LINK,
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFBLK: "a block device",
    stat.S_IFCHR: "a character device",
}
UNREADABLE = "a file that may not be read"


@dataclass
class Tree:
    """What lies in a run directory, or in an archive of one. Names are paths from the run directory on.

    Attributes:
        name: what the directory is called.
        files: regular files.
        odd: what is no regular file and no directory, and files that may not be read: what they are.
        empty: directories with nothing in them.
        held: the content of ``run.json``, ``basis.json`` and the seals.
        stated: the digest of the seal that the HTML report names; empty without one.
        open_to_others: how many files and directories others than their owner may read.
        faults: what is wrong with the archive itself.
    """

    name: str
    files: dict[str, Pieces] = field(default_factory=dict)
    odd: dict[str, str] = field(default_factory=dict)
    empty: set[str] = field(default_factory=set)
    held: dict[str, bytes] = field(default_factory=dict)
    stated: str = ""
    open_to_others: int = 0
    faults: list[str] = field(default_factory=list)
    _stats: dict[str, tuple[int, ...]] = field(default_factory=dict, repr=False)
    _held_bytes: int = 0

    def take(self, name: str, pieces: Pieces, content: bytes | None) -> None:
        """Take a file in; hold its content if that is wanted later."""
        self.files[name] = pieces
        if content is None:
            return
        if name in _HELD or name.startswith(f"{SEALS}/"):
            self._held_bytes += len(content)
            if self._held_bytes > _LARGEST_HELD:
                raise BenchError(f"its seals and run.json have more than {_LARGEST_HELD} bytes", name)
            self.held[name] = content
        elif name == REPORT and (found := _STATED_SEAL.search(content)):
            self.stated = found[1].decode()

    @property
    def evidence(self) -> dict[str, Pieces]:
        """The files without the seals."""
        return {name: one for name, one in self.files.items() if not name.startswith(f"{SEALS}/")}


def written(path: str) -> str:
    """Return a path as a seal writes it: ``%XX`` for a percent sign, control characters, bytes not UTF-8."""
    return "".join(
        f"%{ord(c) & 0xFF:02X}"
        if c == "%" or ord(c) < 0x20 or c == "\x7f" or 0xDC80 <= ord(c) <= 0xDCFF
        else c
        for c in path
    )


def read_folder(folder: Path, known: Tree | None = None) -> Tree:
    """Read a run directory.

    Args:
        folder: the run directory; it may be named by a link.
        known: what was read of it before, in this process: files not touched since are not read again.

    Raises:
        BenchError: it is no directory, or cannot be read.
    """
    root = folder.resolve()
    tree = Tree(root.name)
    for count, (path, entry) in enumerate(_entries(root)):
        if count > _MOST_ENTRIES:
            raise BenchError(f"it has more than {_MOST_ENTRIES} entries", str(folder), "name a run directory")
        name = written(str(path.relative_to(root)))
        if entry is None:
            tree.empty.add(name)
            continue
        if not (stat.S_ISREG(entry.st_mode) or stat.S_ISDIR(entry.st_mode)):
            tree.odd[name] = _KINDS.get(stat.S_IFMT(entry.st_mode), "no regular file")
            continue
        tree.open_to_others += bool(entry.st_mode & 0o077)
        if stat.S_ISREG(entry.st_mode):
            _read_file(tree, name, path, entry, known)
    return tree


def _read_file(tree: Tree, name: str, path: Path, entry: os.stat_result, known: Tree | None) -> None:
    touched = (entry.st_ino, entry.st_size, entry.st_mtime_ns, entry.st_ctime_ns)
    tree._stats[name] = touched
    if known is not None and known._stats.get(name) == touched and name in known.files:
        tree.take(name, known.files[name], known.held.get(name))
        return
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            tree.take(name, *pieces_of(file, entry.st_size))
    except PermissionError:
        tree.odd[name] = UNREADABLE
    except OSError as problem:
        raise BenchError.of(problem, str(path)) from problem


def _entries(folder: Path) -> Iterator[tuple[Path, os.stat_result | None]]:
    """Yield everything below a folder with its status, by name; an empty folder again without one."""
    try:
        inside = sorted(os.scandir(folder), key=lambda entry: os.fsencode(entry.name))
    except OSError as problem:
        remedy = "name a run directory, or an archive of one"
        raise BenchError(f"it cannot be read ({problem.strerror})", str(folder), remedy) from problem
    for entry in inside:
        path = Path(entry.path)
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError as problem:
            raise BenchError.of(problem, str(path)) from problem
        yield path, status
        if stat.S_ISDIR(status.st_mode):
            below = False
            for found in _entries(path):
                below = True
                yield found
            if not below:
                yield path, None


def owner_only(folder: Path) -> None:
    """Let nobody but their owner read the files of a run. What belongs to somebody else stays as it is."""
    root = folder.resolve()
    places = [(root, os.lstat(root)), *((path, entry) for path, entry in _entries(root) if entry is not None)]
    for path, entry in places:
        wanted = 0o700 if stat.S_ISDIR(entry.st_mode) else 0o600 if stat.S_ISREG(entry.st_mode) else None
        if wanted is not None and stat.S_IMODE(entry.st_mode) != wanted and entry.st_uid == os.geteuid():
            path.chmod(wanted)
