"""What a run rests on, as digests: bench file, options and code, so that a run goes on only with the same."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from intercom_hil.errors import BenchError
from intercom_hil.evidence.whole_file import write_whole

BASIS = "basis.json"
_KINDS = {".py", ".toml", ".j2", ".xml"}
_NAMES = {
    "bench": "the bench file",
    "faults": "the faults on the command line",
    "harness": "the version of the bench",
    "code": "the bench's or the scenarios' code",
    "device": "what the device calls itself (User-Agent)",
}


class Selection(BaseModel):
    """Which scenarios a run was asked for; nothing named is all of them.

    Attributes:
        requirements: ids or families (``--requirement``).
        keywords: an expression over names (``-k``).
        markers: an expression over markers (``-m``).
        files: files, folders or single scenarios.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    requirements: tuple[str, ...] = ()
    keywords: str = ""
    markers: str = ""
    files: tuple[str, ...] = ()

    def __str__(self) -> str:
        words = [f"--requirement {name}" for name in self.requirements]
        words += [f"-k {shlex.quote(self.keywords)}"] if self.keywords else []
        words += [f"-m {shlex.quote(self.markers)}"] if self.markers else []
        return " ".join([*words, *map(shlex.quote, self.files)]) or "every scenario"


class Basis(BaseModel):
    """What must not change within a run.

    Attributes:
        bench_file: the bench file's name.
        bench: the digest of its bytes.
        faults: the faults that were switched on in the emulated device.
        harness: the bench's version.
        code: the digest of the bench and its scenarios.
        device: the User-Agent (RFC 3261 §20.41) by which the device gives its make and firmware; empty as
            long as it has not.
        selection: which scenarios it was asked for; the same are gone on with.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    bench_file: str
    bench: str
    faults: tuple[str, ...]
    harness: str
    code: str
    device: str = ""
    selection: Selection = Selection()

    @classmethod
    def of(
        cls,
        bench_file: Path,
        faults: tuple[str, ...],
        code: Sequence[Path],
        selection: Selection = Selection(),  # noqa: B008  (it is frozen)
    ) -> Basis:
        """Return what a run rests on now.

        Args:
            bench_file: its bench file.
            faults: the faults that are switched on in the emulated device.
            code: the folders of the library and of the scenarios.
            selection: which scenarios it is asked for.

        Raises:
            BenchError: a file cannot be read.
        """
        try:
            return cls(
                bench_file=bench_file.name,
                bench=hashlib.sha256(bench_file.read_bytes()).hexdigest(),
                faults=faults,
                harness=version("intercom-hil"),
                code=_digest(code),
                selection=selection,
            )
        except OSError as problem:
            raise BenchError(f"it cannot be read ({problem.strerror})", str(problem.filename)) from problem

    @classmethod
    def load(cls, run: Path) -> Basis:
        """Return what a run rests on, from its folder. Raises BenchError when that was not kept."""
        try:
            return cls.model_validate_json((run / BASIS).read_bytes())
        except (OSError, ValidationError) as problem:
            raise BenchError(
                "what this run rests on was not kept, or cannot be read",
                str(run / BASIS),
                "name the folder of a run on one bench, or begin a new run",
            ) from problem

    def store(self, run: Path) -> None:
        """Keep it in a run's folder. Raises BenchError."""
        try:
            write_whole(run / BASIS, self.model_dump_json(indent=1) + "\n")
        except OSError as problem:
            raise BenchError(f"it cannot be written ({problem.strerror})", str(run / BASIS)) from problem

    def made_by(self, code: Sequence[Path]) -> bool:
        """Return whether a run was made by this very code: the library and the scenarios in these folders."""
        return self.code == _digest(code)

    def differences(self, other: Basis) -> list[str]:
        """Return, in words, what differs; a device that has not given its name yet differs from none.

        The selection is no part of it: see ``selection``.
        """
        apart = {"bench_file", "selection"}
        mine, theirs = self.model_dump(exclude=apart), other.model_dump(exclude=apart)
        if not (self.device and other.device):
            del mine["device"]
        return [_NAMES[name] for name, value in mine.items() if theirs[name] != value]


def _digest(folders: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.suffix in _KINDS and path.is_file():
                digest.update(f"{path.relative_to(folder)}\0".encode())
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
