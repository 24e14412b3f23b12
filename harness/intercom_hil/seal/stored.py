"""The seals of a run, read and held against each other: none missing, each names the one before."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from intercom_hil.seal.compare import Finding
from intercom_hil.seal.envelope import Envelope, EnvelopeError
from intercom_hil.seal.statement import Statement, StatementError
from intercom_hil.seal.tree import SEALS, SUMS, Tree

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
    """

    file: str
    digest: str
    envelope: Envelope
    statement: Statement

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
        seals.append(StoredSeal(file, hashlib.sha256(data).hexdigest(), envelope, statement))
    seals.sort(key=lambda seal: seal.statement.number)
    return seals, [*problems, *_chain(seals), *_sums(tree, seals)]


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


def _sums(tree: Tree, seals: list[StoredSeal]) -> list[Finding]:
    """Hold the seals against the list of their digests, which finds what happens by accident."""
    stored = tree.held.get(SUMS)
    if stored is None:
        return [Finding("removed", SUMS)] if seals else []
    listed: dict[str, str] = {}
    for line in stored.decode("utf-8", "replace").splitlines():
        match = _SUM.fullmatch(line)
        if match is None:
            return [Finding("edited", SUMS, "it is no list of digests")]
        listed[f"{SEALS}/{match[2]}"] = match[1]
    found = [Finding("seal removed", name) for name in listed if name not in tree.files]
    for seal in seals:
        if seal.file not in listed:
            found.append(Finding("edited", SUMS, f"it does not list {seal.file}"))
        elif listed[seal.file] != seal.digest:
            found.append(Finding("edited", seal.file, f"{SUMS} has another digest of it"))
    return found
