"""Sealing a run directory, and doing something to a sealed one so that this can be told from an alteration.

Nothing that was sealed is lost: whoever replaces a file of a sealed run does so within a `Change`. It keeps
the version before in ``superseded/``; its seal names the seal before, what gave way, and where that is now.
What was altered by others meanwhile is not covered up: the new seal says so for good.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from intercom_hil.errors import BenchError
from intercom_hil.seal.compare import changes, unreadable
from intercom_hil.seal.envelope import Envelope
from intercom_hil.seal.keys import key_id
from intercom_hil.seal.stamping import Service, StoredStamp, ask
from intercom_hil.seal.statement import Replaced, Statement, configuration_of, facts_of, kept_at
from intercom_hil.seal.stored import ENVELOPE, StoredSeal, last_number, read_seals, sums_of
from intercom_hil.seal.tree import SEALS, SUMS, Tree, owner_only, read_folder

TOP = ("*", "*/*")
"""The files that a report writes, and run.json: those beside the folders of scenarios."""
JUDGED = (
    *TOP,
    *(
        f"scenarios/*/{name}"
        for name in ("timeline.jsonl", "judgements.jsonl", "files.sha256", "record.json")
    ),
)
"""Those, and what is written when scenarios are judged again."""
_DRAFT = ".before-seal"


@dataclass(frozen=True)
class Sealed:
    """A seal that was made.

    Attributes:
        file: where it is.
        digest: the SHA-256 of that file, in hex: whoever keeps it can tell whether the run was altered.
        signed_by: the id of the key; empty for one that is not signed.
        tree: the run as it was sealed.
        made: whether it was made now; not where the last seal stood for all there is.
    """

    file: Path
    digest: str
    signed_by: str
    tree: Tree
    made: bool = True

    def __str__(self) -> str:
        how = f"signed with the key {self.signed_by[:16]}…" if self.signed_by else "not signed"
        return f"sealed sha256:{self.digest}, {how}"


class Change:
    """Something that is done to a run directory, and sealed when it is done. Make it with ``begin``.

    Attributes:
        altered: what was not as it had been sealed when it began, in words.
    """

    def __init__(self, folder: Path, action: str, head: StoredSeal | None, unsealed: tuple[str, ...]) -> None:
        self._folder = folder
        self._action = action
        self._head = head
        self.altered = unsealed
        self._known: Tree | None = None
        self._taken = 0

    @classmethod
    def begin(
        cls, folder: Path, action: str, may_replace: Sequence[str] = TOP, known: Tree | None = None
    ) -> Change:
        """Take note of how a run is before it is changed, and keep copies of what may be replaced.

        Args:
            folder: the run directory.
            action: what is about to be done, one word.
            may_replace: patterns of files that may be replaced.
            known: what was read of the run just before, in this process.

        Raises:
            BenchError: the run cannot be read, or not written to.
        """
        if not (folder / SEALS).is_dir():
            return cls(folder, action, None, ())
        shutil.rmtree(folder / _DRAFT, ignore_errors=True)  # of a change that was cut short
        tree = read_folder(folder, known)
        seals, problems = read_seals(tree)
        head = seals[-1] if seals else None
        found = [*problems, *(changes(head.statement, tree) if head else [])]
        if head and (closed := unreadable(head.statement, tree)):
            remedy = "let its owner do this, or give them back to whoever does"
            raise BenchError(
                f"{len(closed)} files of the run may not be read", str(folder / closed[0]), remedy
            )
        change = cls(folder, action, head, tuple(str(finding) for finding in found))
        change._known = tree
        change._taken = last_number(tree)
        if head is not None:
            change._copy(may_replace)
        return change

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.drop()

    def drop(self) -> None:
        """Drop the copies of what might have been replaced; a change that is not finished is not sealed."""
        shutil.rmtree(self._draft, ignore_errors=True)

    def finish(self, key: Ed25519PrivateKey | None = None) -> Sealed:
        """Seal the run as it is now; where nothing has changed, and no other key signs, the last seal stands.

        Args:
            key: what to sign with.

        Raises:
            BenchError: the run cannot be read, or not written to.
        """
        try:
            owner_only(self._folder)
            tree = read_folder(self._folder, self._known)
            replaced = self._replaced(tree)
            self._keep(replaced)
            owner_only(self._folder)
            tree = read_folder(self._folder, tree)
            head = self._head
            if head is not None and not self.altered and not changes(head.statement, tree):
                signed = head.envelope.signatures
                if key is None or head.envelope.signed_by(key.public_key()):
                    signer = signed[0][0] if signed else ""
                    return Sealed(self._folder / head.file, head.digest, signer, tree, made=False)
            return self._seal(tree, tuple(replaced), key)
        except OSError as problem:
            raise BenchError.of(problem, str(self._folder)) from problem

    def _seal(self, tree: Tree, replaced: tuple[Replaced, ...], key: Ed25519PrivateKey | None) -> Sealed:
        run, interrupted, verdicts = facts_of(tree)
        head = self._head
        statement = Statement(
            number=self._number,
            previous=head.digest if head else "",
            action=self._action,
            created=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            run={**run, "folder": head.statement.run.get("folder", tree.name)} if head else run,
            interrupted=interrupted,
            files=tree.evidence,
            odd=tree.odd,
            empty=frozenset(tree.empty),
            verdicts=verdicts,
            replaced=replaced,
            unsealed=self.altered,
            configuration=configuration_of(tree),
        )
        data = bytes(Envelope.sealed(bytes(statement), key))
        name = f"{self._number:04}-{self._action}{ENVELOPE}"
        digest = hashlib.sha256(data).hexdigest()
        file = self._folder / SEALS / name
        file.parent.mkdir(mode=0o700, exist_ok=True)
        _write(file, data)
        _write(self._folder / SUMS, tree.held.get(SUMS, b"") + sums_of([(name, digest)]))
        return Sealed(file, digest, key_id(key.public_key()) if key else "", tree)

    @property
    def _number(self) -> int:
        """The number of the new seal: beyond that of every file of a seal, readable or not."""
        return 1 + max(self._head.statement.number if self._head else 0, self._taken)

    @property
    def _draft(self) -> Path:
        return self._folder / _DRAFT

    def _copy(self, patterns: Sequence[str]) -> None:
        """Copy what may be replaced."""
        root = self._folder.resolve()
        found = sorted({path for pattern in patterns for path in root.glob(pattern)})
        try:
            for path in found:
                inside = path.relative_to(root)
                if inside.parts[0] not in (SEALS, _DRAFT) and path.is_file() and path.resolve() == path:
                    copy = self._draft / inside
                    copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                    shutil.copyfile(path, copy)
        except OSError as problem:
            raise BenchError.of(problem, str(self._draft)) from problem

    def _replaced(self, tree: Tree) -> list[Replaced]:
        """Return what gave way since the seal before, and where it is or will be."""
        if self._head is None or self._known is None:
            return []
        before, now = self._known.evidence, tree.evidence
        new: dict[str, list[str]] = {}
        for name, pieces in now.items():
            if name not in before and not name.startswith(f"{_DRAFT}/"):
                new.setdefault(pieces.sha256, []).append(name)
        found = []
        for name, sealed in self._head.statement.files.items():
            if name in now and now[name].sha256 == sealed.sha256:
                continue
            copy = now.get(f"{_DRAFT}/{name}")
            if places := new.get(sealed.sha256):
                kept = places[0]
            elif copy is not None and copy.sha256 == sealed.sha256:
                kept = kept_at(self._number, name)
            else:
                kept = ""
            found.append(Replaced(name, sealed.sha256, kept))
        return found

    def _keep(self, replaced: Sequence[Replaced]) -> None:
        """Move the copies that are needed to where they stay, and drop the others."""
        for one in replaced:
            if one.kept == kept_at(self._number, one.name):
                place = self._folder / one.kept
                place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                os.replace(self._draft / one.name, place)
        if self._draft.is_dir():
            shutil.rmtree(self._draft)


def stamp(folder: Path, service: Service, known: Tree | None = None) -> tuple[StoredStamp, bool]:
    """Have the last seal of a run stamped with the time, unless it is.

    Args:
        folder: the run directory.
        service: who stamps.
        known: what was read of the run just before, in this process.

    Returns:
        The stamp, and whether it was made now.

    Raises:
        BenchError: there is no seal, no stamp that holds, or it cannot be written. The run stays as it is.
    """
    tree = read_folder(folder, known)
    seals, problems = read_seals(tree)
    if not seals or problems:
        what = f"its seals are not as they were made: {problems[0]}" if problems else "the run has no seal"
        raise BenchError(what, str(folder), f"intercom-hil verify {shlex.quote(str(folder))}")
    seal = seals[-1]
    if seal.stamp is not None:
        return seal.stamp, False
    stored = ask(service, seal.digest)
    files = list(zip(seal.stamp_files, (stored.query, stored.reply), strict=True))
    digests = [(name, hashlib.sha256(data).hexdigest()) for name, data in files]
    try:
        for name, data in files:
            _write(folder / name, data)
        _write(folder / SUMS, tree.held.get(SUMS, b"") + sums_of(digests))
    except OSError as problem:
        raise BenchError.of(problem, str(folder)) from problem
    return stored, True


def _write(path: Path, data: bytes) -> None:
    part = path.with_name(f".{path.name}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(data)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
