"""A run folder of one judged capture, so that every report can be made of it, and it can be judged again."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from intercom_hil.capture_file.reading import CaptureRead
from intercom_hil.errors import BenchError
from intercom_hil.evidence.digests import write_digests
from intercom_hil.evidence.issues import Issue
from intercom_hil.evidence.records import ScenarioRecord
from intercom_hil.evidence.run import RunFolder, write_lines
from intercom_hil.judge.deviations import deviations
from intercom_hil.judge.judgement import Judgement, folded
from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline import Timeline

KEYS = "media.keys"
_NAME = "judged without a bench"
_IDENTITY = "capture.what_the_capture_shows"


def run_of_capture(
    folder: Path,
    path: Path,
    read: CaptureRead,
    timeline: Timeline,
    judgements: Sequence[Judgement],
    keys: Path | None = None,
) -> None:
    """Make a run folder of what was judged, with the capture, its timeline and the judgements.

    Args:
        folder: the folder; there must be none yet, or an empty one.
        path: the capture file.
        read: what was read of it.
        timeline: that, with everybody by role.
        judgements: what it came to.
        keys: the key file that it was read with: it is kept, so that it can be read again.

    Raises:
        BenchError: the folder holds something, or cannot be written.
    """
    remedy = "name a new folder, where one may be made, with --report FOLDER"
    try:
        if folder.is_dir() and any(folder.iterdir()):
            raise BenchError("this folder is not empty", str(folder), remedy)
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        reason = problem.strerror or str(problem)
        raise BenchError(f"this folder cannot be made ({reason})", str(folder), remedy) from problem
    try:
        run = RunFolder.create(folder.parent, f"{path.name}, {_NAME}", reserved=folder)
        here = run.scenario_folder(_IDENTITY)
        capture = here / "capture.pcapng"  # readers of captures go by the content, not by the name
        shutil.copyfile(path, capture)
        if keys is not None:
            shutil.copyfile(keys, here / KEYS)
        read.viewer.file_stills(here / "stills")
        read.viewer.file_sounds(here / "sounds")
        timeline.store(here / "timeline.jsonl")
        write_lines(here / "judgements.jsonl", (j.model_dump_json() for j in judgements))
        write_digests(here)
        outcome = folded(judgements, Verdict.PASS, ())
        verdict = outcome.verdict if judgements else Verdict.NONE
        run.describe({"harness": version("intercom-hil"), "capture": path.name, "sha256": _digest(capture)})
        run.selection = "what the wire alone can show"
        run.add(
            ScenarioRecord(
                id=_IDENTITY,
                title=f"what {path.name} shows",
                doc="Judged without a bench, from a capture alone. What it cannot show has no verdict.",
                verdict=verdict,
                requirements=outcome.requirements,
                started=read.begun,
                duration_s=round(max(0.0, read.ended - read.begun), 3),
                protocol_wait_s=0.0,
                judgements=list(judgements),
                problems=list(read.gaps),
                dropped_packets=read.lost,
                bench="none",
                deviations=deviations(timeline),
                evidence=run.evidence(here),
            )
        )
        run.issues = [Issue.first()]
        run.write(interrupted=False)
    except OSError as problem:
        raise BenchError.of(problem, str(folder)) from problem


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
