"""The seals of a run, read and held against each other: none missing, each names the one before."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from intercom_hil.seal.compare import Finding
from intercom_hil.seal.envelope import Envelope, EnvelopeError
from intercom_hil.seal.stamping import QUERY, REPLY, StoredStamp, read_stamp
from intercom_hil.seal.statement import Statement, StatementError
from intercom_hil.seal.tree import SEALS, SUMS, Tree
from intercom_hil.seal.tsp import TspError

ENVELOPE = ".intoto.json"
_NAME = re.compile(r"(\d{4,9})-([a-z][a-z-]*)\.intoto\.json")
_SUM = re.compile(r"([0-9a-f]{64})  (\S+)")


@dataclass(frozen=True)
class StoredSeal:
    """A seal of a run, by its file.

    Attributes:
        file: where it is, from the run directory on.
        digest: the SHA-256 of that file.
        envelope: what holds the statement.
        statement: what it states.
        stamp: its time stamp; None without one that can be read.
    """

    file: str
    digest: str
    envelope: Envelope
    statement: Statement
    stamp: StoredStamp | None = None

    @property
    def stamp_files(self) -> tuple[str, str]:
        """Where query and reply of its time stamp are."""
        stem = self.file.removesuffix(ENVELOPE)
        return stem + QUERY, stem + REPLY

    def __str__(self) -> str:
        return f"seal {self.statement.number} ({self.statement.action}, {self.statement.created})"


def last_number(tree: Tree) -> int:
    """Return the highest number among the files of seals, whether they can be read or not; 0 without any."""
    names = (_NAME.fullmatch(name.removeprefix(f"{SEALS}/")) for name in [*tree.files, *tree.odd])
    return max((int(name[1]) for name in names if name), default=0)


def read_seals(tree: Tree) -> tuple[list[StoredSeal], list[Finding]]:
    """Return the seals of a run in their order, and what is wrong with them."""
    seals, problems = [], []
    for file in sorted(name for name in tree.files if name.startswith(f"{SEALS}/") and name != SUMS):
        if file.endswith((QUERY, REPLY)) and _stamped_by(file) in tree.files:
            continue
        name = _NAME.fullmatch(file.removeprefix(f"{SEALS}/"))
        if name is None:
            problems.append(Finding("added", file, "it is no seal"))
            continue
        data = tree.held.get(file, b"")
        try:
            envelope = Envelope.parse(data)
            statement = Statement.parse(envelope.payload)
        except (EnvelopeError, StatementError) as problem:
            problems.append(Finding("seal edited", file, str(problem)))
            continue
        if (statement.number, statement.action) != (int(name[1]), name[2]):
            what = f"it is seal {statement.number} ({statement.action})"
            problems.append(Finding("renamed", file, what))
        seal = StoredSeal(file, hashlib.sha256(data).hexdigest(), envelope, statement)
        stamp, wrong = _stamp_of(seal, tree)
        problems += wrong
        seals.append(replace(seal, stamp=stamp))
    seals.sort(key=lambda seal: seal.statement.number)
    return seals, [*problems, *_chain(seals), *_sums(tree, seals)]


def _stamped_by(file: str) -> str:
    """Return the file of the seal that a time stamp's file is beside."""
    return file.rpartition(".")[0] + ENVELOPE


def _stamp_of(seal: StoredSeal, tree: Tree) -> tuple[StoredStamp | None, list[Finding]]:
    """Return the time stamp of a seal, and what is wrong with it."""
    asked, reply = seal.stamp_files
    there = [name for name in (asked, reply) if name in tree.files]
    if len(there) != 2:
        return None, [Finding("removed", reply if there == [asked] else asked) for _ in there]
    try:
        return read_stamp(tree.held.get(asked, b""), tree.held.get(reply, b""), seal.digest), []
    except TspError as problem:
        return None, [Finding("time stamp edited", reply, str(problem))]


def _chain(seals: list[StoredSeal]) -> list[Finding]:
    found = []
    before: StoredSeal | None = None
    for seal in seals:
        expected = before.statement.number + 1 if before else 1
        if seal.statement.number < expected:
            found.append(Finding("added", seal.file, f"there is another seal {seal.statement.number}"))
            continue
        if seal.statement.number > expected:
            missing = (
                f"seal {expected}" if seal.statement.number == expected + 1 else f"seals from {expected} on"
            )
            found.append(Finding("seal removed", f"{SEALS}/", f"{missing}, which {seal.file} follows"))
        elif seal.statement.previous != (before.digest if before else ""):
            other = before.file if before else "another one"
            text = f"it follows the seal {seal.statement.previous[:16]}…, and that is not {other} as it is"
            found.append(Finding("chain broken", seal.file, text))
        before = seal
    return found


def sums_of(digests: Iterable[tuple[str, str]]) -> bytes:
    """Return a list of digests as ``sha256sum`` reads it, of names in the folder of the seals."""
    return "".join(f"{digest}  {name.removeprefix(f'{SEALS}/')}\n" for name, digest in digests).encode()


def _sums(tree: Tree, seals: list[StoredSeal]) -> list[Finding]:
    """Hold seals and stamps against the list of their digests, which finds what happens by accident."""
    stored = tree.held.get(SUMS)
    if stored is None:
        return [Finding("removed", SUMS)] if seals else []
    listed: dict[str, str] = {}
    for line in stored.decode("utf-8", "replace").splitlines():
        match = _SUM.fullmatch(line)
        if match is None:
            return [Finding("edited", SUMS, "it is no list of digests")]
        listed[f"{SEALS}/{match[2]}"] = match[1]
    found = [
        Finding("seal removed" if name.endswith(ENVELOPE) else "removed", name)
        for name in listed
        if name not in tree.files
    ]
    there: list[tuple[str, str]] = []
    for seal in seals:
        beside = [name for name in seal.stamp_files if name in tree.files]
        there += [(seal.file, seal.digest), *((name, tree.files[name].sha256) for name in beside)]
    for name, digest in there:
        if name not in listed:
            found.append(Finding("edited", SUMS, f"it does not list {name}"))
        elif listed[name] != digest:
            found.append(Finding("edited", name, f"{SUMS} has another digest of it"))
    if not found and len(there) == len(listed) and stored != sums_of(there):
        found.append(Finding("edited", SUMS, "it is not written as the bench writes it"))
    return found
