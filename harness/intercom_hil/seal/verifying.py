"""Checking a sealed run: is it as it was sealed, and who vouches for that."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from intercom_hil.seal.archive import is_archive, read_archive
from intercom_hil.seal.compare import Finding, changes, unreadable
from intercom_hil.seal.keys import key_id
from intercom_hil.seal.stamping import MAY_BE_AHEAD, StoredStamp, too_late, vouched_for
from intercom_hil.seal.statement import Statement
from intercom_hil.seal.stored import StoredSeal, read_seals
from intercom_hil.seal.tree import LINK, SEALS, UNREADABLE, Tree, read_folder

UNTOUCHED, ALTERED, UNCHECKED = 0, 1, 2
"""Exit statuses."""
_NAMED = 3
"""Files that may not be read and are named."""
_NO_RUN = "it is no run: there is no run.json"
_OF_A_RUN = ("run.json", "report.html", SEALS)


@dataclass
class Outcome:
    """What came of checking a run.

    Attributes:
        findings: what is not as it was sealed.
        notes: what a reader has to know besides.
        seals: those that could be read, in their order.
        unchecked: why the run cannot be checked; empty if it could.
    """

    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seals: list[StoredSeal] = field(default_factory=list)
    unchecked: str = ""

    @property
    def status(self) -> int:
        """The exit status: 0 untouched, 1 altered, 2 could not be checked."""
        return ALTERED if self.findings else UNCHECKED if self.unchecked else UNTOUCHED


def verify(
    path: Path, key: Ed25519PublicKey | None = None, digest: str = "", stamp_ca: Path | None = None
) -> Outcome:
    """Check a run directory, or an archive of one.

    Args:
        path: the directory or archive.
        key: the public key with which the last seal must be signed.
        digest: the SHA-256 of a seal, in hex, that the run must have: as the end of the run printed it.
        stamp_ca: PEM file of the certificates that vouch for the service whose time stamp the last seal must
            have.

    Raises:
        BenchError: it cannot be read, or there is no OpenSSL to check a time stamp with.
    """
    if path.is_dir() and not any((path / name).exists() for name in _OF_A_RUN):
        return Outcome(unchecked=_NO_RUN)  # whatever else it is, it need not be read for that
    tree = read_archive(path) if is_archive(path) else read_folder(path)
    return verify_tree(tree, key, digest, stamp_ca)


def verify_tree(
    tree: Tree, key: Ed25519PublicKey | None = None, digest: str = "", stamp_ca: Path | None = None
) -> Outcome:
    """Check what was read of a run; see ``verify``."""
    outcome = Outcome(findings=[Finding("archive", tree.name, fault) for fault in tree.faults])
    if closed := sorted(
        name for name, what in tree.odd.items() if what == UNREADABLE and name.startswith(f"{SEALS}/")
    ):
        outcome.unchecked = _closed(closed)
        return outcome
    outcome.seals, problems = read_seals(tree)
    outcome.findings += problems
    if not outcome.seals:
        _without_seals(tree, outcome, key, digest, stamp_ca)
        return outcome
    head = outcome.seals[-1]
    outcome.findings += changes(head.statement, tree)
    if closed := unreadable(head.statement, tree):
        outcome.unchecked = _closed(closed)
    _history(outcome)
    _vouched(outcome, key, digest)
    _stamped(outcome, stamp_ca)
    _notes(outcome, tree)
    return outcome


def _closed(names: list[str]) -> str:
    more = f", and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"this may not be read: {', '.join(names[:_NAMED])}{more}"


def _without_seals(
    tree: Tree, outcome: Outcome, key: Ed25519PublicKey | None, digest: str, stamp_ca: Path | None
) -> None:
    expected = (
        f"report.html names the seal sha256:{tree.stated}"
        if tree.stated
        else "its digest was given"
        if digest
        else "a key was given that signed it"
        if key is not None
        else "a certificate was given for its time stamp"
        if stamp_ca is not None
        else ""
    )
    if SEALS in tree.odd:
        kind = "link" if tree.odd[SEALS] == LINK else "no file"
        outcome.findings.append(Finding(kind, SEALS, f"it is {tree.odd[SEALS]}, and was a folder"))
    elif "run.json" not in tree.files:
        outcome.unchecked = _closed(["run.json"]) if tree.odd.get("run.json") == UNREADABLE else _NO_RUN
    elif expected:
        outcome.findings.append(Finding("seal removed", f"{SEALS}/", f"there is no seal, but {expected}"))
    else:
        outcome.unchecked = (
            "it has no seal: it was cut short before it could be sealed, an older version made it, or the "
            "seals were removed"
        )


def _history(outcome: Outcome) -> None:
    """Check that each seal accounts for what the one before stated, and report what none accounts for."""
    for before, after in zip(outcome.seals, outcome.seals[1:], strict=False):
        statement = after.statement
        for text in statement.unsealed:
            finding = f"between seal {before.statement.number} and seal {statement.number}: {text}"
            outcome.findings.append(Finding("altered without a seal", after.file, finding))
        outcome.findings += _lost(before.statement, statement, after.file)
    for text in outcome.seals[0].statement.unsealed:
        outcome.findings.append(Finding("altered without a seal", outcome.seals[0].file, text))


def _lost(before: Statement, after: Statement, place: str) -> list[Finding]:
    accounted = {one.name: one for one in after.replaced}
    found = []
    for name, pieces in before.files.items():
        if name in after.files and after.files[name].sha256 == pieces.sha256:
            continue
        one = accounted.get(name)
        kept = after.files.get(one.kept) if one and one.kept else None
        if one is None or one.sha256 != pieces.sha256 or (one.kept and kept is None):
            found.append(Finding("history", place, f"it does not say what became of {name}"))
        elif kept is not None and kept.sha256 != pieces.sha256:
            found.append(Finding("history", place, f"{one.kept} is not the {name} of the seal before"))
    return found


def _vouched(outcome: Outcome, key: Ed25519PublicKey | None, digest: str) -> None:
    """Hold the seals against what the reader has from elsewhere: a key, a digest, or neither."""
    head = outcome.seals[-1]
    signers = [name for name, _ in head.envelope.signatures]
    if key is not None:
        if head.envelope.signed_by(key):
            outcome.notes.append(f"signed with the key {key_id(key)}")
        else:
            how = (
                "its signature does not fit it"
                if key_id(key) in signers
                else f"it is signed with another key, {signers[0]}"
                if signers
                else "it is not signed"
            )
            outcome.findings.append(Finding("not signed with this key", head.file, how))
    if digest:
        _against_digest(outcome, digest, signed=key is not None and head.envelope.signed_by(key))
    if key is None and not digest:
        if signers:
            note = (
                f"signed with the key {signers[0]}: give its public key (--key) to have the signature checked"
            )
        else:
            note = (
                "not signed: this finds accidents only, for whoever alters a run can seal it again. The "
                "digest that was printed at the end of the run shows that (--digest)"
            )
        outcome.notes.append(note)


def _stamped(outcome: Outcome, ca: Path | None) -> None:
    """Check the time stamps as far as that can be done, and report when each seal was there at the latest."""
    head = outcome.seals[-1]
    for seal in outcome.seals:
        if seal.stamp is None:
            continue
        reply = seal.stamp_files[1]
        if too_late(seal.stamp):
            text = f"it is of {seal.stamp}, and that has not come yet by the clock of this machine"
            outcome.findings.append(Finding("time stamp", reply, text))
        elif ca is None:
            outcome.notes.append(
                f"{seal} has a time stamp of {seal.stamp}: give the certificate of the service's CA "
                "(--stamp-ca) to have it checked"
            )
        elif wrong := vouched_for(seal.stamp, ca):
            if seal is head:
                outcome.findings.append(Finding("time stamp", reply, f"it does not hold: {wrong}"))
            else:  # another service may have stamped that one, and only the last seal has to be
                outcome.notes.append(f"the time stamp of {seal} does not hold with this certificate: {wrong}")
        else:
            outcome.notes.append(f"{seal} was there at {seal.stamp}, by its time stamp")
            _clocks(outcome, seal, seal.stamp)
    if ca is not None and head.stamp is None and not _stamp_named(outcome, head):
        earlier = [seal for seal in outcome.seals if seal.stamp is not None]
        only = f"; the last one that has is {earlier[-1]}" if earlier else ""
        outcome.findings.append(Finding("no time stamp", head.file, f"it has none{only}"))


def _stamp_named(outcome: Outcome, seal: StoredSeal) -> bool:
    """Whether it was found already that a seal's stamp is damaged or gone."""
    return any(finding.place in seal.stamp_files for finding in outcome.findings)


def _clocks(outcome: Outcome, seal: StoredSeal, stored: StoredStamp) -> None:
    """Note where the machine's clock was ahead of the service's when it sealed."""
    with suppress(ValueError):
        ahead = datetime.strptime(seal.statement.created, "%Y-%m-%dT%H:%M:%S%z") - stored.stamp.time
        if ahead > MAY_BE_AHEAD:
            outcome.notes.append(
                f"the clock of the machine that made {seal} was ahead by {ahead.total_seconds():.0f} s"
            )


def _against_digest(outcome: Outcome, digest: str, *, signed: bool) -> None:
    place = next((n for n, seal in enumerate(outcome.seals) if seal.digest == digest), None)
    if place is None:
        text = f"none of its {len(outcome.seals)} seals has the digest {digest}"
        outcome.findings.append(Finding("another digest", f"{SEALS}/", text))
        return
    seal, head = outcome.seals[place], outcome.seals[-1]
    if seal is head:
        outcome.notes.append("the digest is that of the last seal")
        return
    outcome.notes.append(
        f"the digest is that of {seal}; later: {', '.join(map(str, outcome.seals[place + 1 :]))}"
    )
    if signed:  # the key vouches for those
        return
    was, now = seal.statement.files, head.statement.files
    for name in sorted(was):
        if name not in now or now[name].sha256 != was[name].sha256:
            text = "another one is sealed later, for which this digest does not vouch"
            outcome.findings.append(Finding("replaced since this digest", name, text))
    added = sorted(name for name in now if name not in was)
    beside = {name for name in added if not name.startswith("scenarios/")}
    for name in (name for name in added if name not in beside):
        text = "it was sealed later, and this digest does not vouch for it"
        outcome.findings.append(Finding("added since this digest", name, text))
    if beside:
        later = ", ".join(sorted(beside))
        outcome.notes.append(f"the digest does not vouch for what came after it: {later}")


def _notes(outcome: Outcome, tree: Tree) -> None:
    first, head = outcome.seals[0].statement, outcome.seals[-1].statement
    if first.action not in ("run", "explore"):
        outcome.notes.append(
            f"the first seal was made by {first.action}: nothing vouches for the run before that"
        )
    if head.interrupted:
        outcome.notes.append("the run was interrupted: it is sealed as far as it went")
    lost = [one.name for seal in outcome.seals for one in seal.statement.replaced if not one.kept]
    if lost:
        outcome.notes.append(f"versions that were replaced and not kept: {', '.join(sorted(set(lost)))}")
    if tree.open_to_others:
        count = tree.open_to_others
        outcome.notes.append(f"others than their owner may read {count} of its files and folders")
    for name, what in sorted(head.odd.items()):
        outcome.notes.append(f"{name} was {what} when the run was sealed, and is not covered")
