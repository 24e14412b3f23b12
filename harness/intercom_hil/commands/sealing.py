"""Keys, seals, their check, and archives: what the command line does with the evidence of a finished run."""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Callable
from pathlib import Path

from intercom_hil.errors import BenchError
from intercom_hil.seal import Change, Sealed
from intercom_hil.seal.archive import pack
from intercom_hil.seal.keys import key_id, new_key, private_key, public_key, public_pem
from intercom_hil.seal.sealing import stamp
from intercom_hil.seal.stamping import Service
from intercom_hil.seal.verifying import ALTERED, UNTOUCHED, Outcome, verify

Report = Callable[[str], None]
_DIGEST = re.compile("(?:sha256:)?([0-9a-fA-F]{64})")


def make_key(file: Path, report: Report) -> None:
    """Make a key pair, and say where it is and what the public key is. Raises BenchError."""
    beside, key = new_key(file)
    report(f"private key {file} (keep it from others; without a passphrase)")
    report(f"public key  {beside} (give it to whoever is to check runs)")
    report(f"key id      {key_id(key)}")
    report(public_pem(key).decode().rstrip())


def verify_run(
    path: Path, report: Report, key: Path | None = None, digest: str = "", stamp_ca: Path | None = None
) -> int:
    """Check a run or an archive of one, report what was found, and return the exit status.

    Args:
        path: the run directory, or the archive.
        report: takes each line.
        key: the file of the public key with which the last seal must be signed.
        digest: the digest of a seal that the run must have.
        stamp_ca: the file of the certificates that vouch for the time stamp that the last seal must have.

    Raises:
        BenchError: the run, the key or the digest cannot be read.
    """
    if digest and not _DIGEST.fullmatch(digest):
        raise BenchError("it is no SHA-256 in hex", "--digest", "give the 64 characters that the run printed")
    wanted = _DIGEST.fullmatch(digest)
    outcome = verify(path, public_key(key) if key else None, wanted[1].lower() if wanted else "", stamp_ca)
    for seal in outcome.seals:
        signers = [name for name, _ in seal.envelope.signatures]
        how = f"signed with the key {signers[0]}" if signers else "not signed"
        report(f"{seal}: sha256:{seal.digest}, {how}")
    for finding in outcome.findings:
        report(f"altered: {finding}")
    for note in outcome.notes:
        report(f"note: {note}")
    report(_conclusion(outcome))
    return outcome.status


def _conclusion(outcome: Outcome) -> str:
    if outcome.findings:
        return f"ALTERED: {len(outcome.findings)} findings"
    if outcome.unchecked:
        return f"CANNOT BE CHECKED: {outcome.unchecked}"
    return f"UNTOUCHED: {len(outcome.seals[-1].statement.files)} files are as they were sealed"


def seal_run(folder: Path, sign: Path | None) -> Sealed:
    """Seal a finished run, or sign one that is sealed already. Raises BenchError."""
    key = private_key(sign) if sign else None
    if not (folder / "run.json").is_file():
        raise BenchError("it is no run: there is no run.json", str(folder), "name a run directory")
    with Change.begin(folder, "seal", ()) as change:
        if change.altered:
            what = f"the run is not as it was sealed: {change.altered[0]}"
            raise BenchError(what, str(folder), f"intercom-hil verify {shlex.quote(str(folder))}")
        return change.finish(key)


def stamp_run(folder: Path, service: Service, report: Report) -> None:
    """Have the last seal of a run stamped with the time, and report when. Raises BenchError."""
    stored, made = stamp(folder, service)
    report(f"time-stamped {stored} by {service.url}" if made else f"it has a time stamp already, of {stored}")


def pack_run(folder: Path, output: Path | None, report: Report, *, force: bool = False) -> int:
    """Pack a run that is as it was sealed; report where and its digest, and return the exit status.

    Args:
        folder: the run directory.
        output: the archive; beside the run directory if none is named.
        report: takes each line.
        force: write over another file that is there.

    Raises:
        BenchError: the run cannot be read, or the archive not written.
    """
    outcome = verify(folder)
    if outcome.status != UNTOUCHED:
        for finding in outcome.findings:
            report(f"altered: {finding}")
        report(f"nothing was packed: {_conclusion(outcome)}")
        return ALTERED if outcome.findings else outcome.status
    file = pack(folder, output, force=force)
    digest = hashlib.sha256()
    with file.open("rb") as data:
        while chunk := data.read(1 << 20):
            digest.update(chunk)
    report(f"packed {file}, {file.stat().st_size} bytes, sha256:{digest.hexdigest()}")
    report(f"last seal sha256:{outcome.seals[-1].digest}")
    return UNTOUCHED
