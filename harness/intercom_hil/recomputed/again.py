"""A stored run judged again from its raw evidence: every layer recomputed from the one below, and compared.

Packets and raw logs are decoded anew and held against the timeline, the timeline is judged anew and held
against the judgements, and the records against one another. What is not recomputed is named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from intercom_hil.errors import BenchError
from intercom_hil.evidence.digests import altered_files
from intercom_hil.monitors.replay import judge_scenario_again
from intercom_hil.pbx.testimony import FILE as PBX_LOG
from intercom_hil.pbx.testimony import is_said
from intercom_hil.recomputed.records import StoredRun
from intercom_hil.recomputed.sources import FROM_LINES, LANGUAGES, compare_sources
from intercom_hil.recomputed.testimony import SAID, compare_testimony
from intercom_hil.recomputed.wire import compare_wire
from intercom_hil.timeline import Observation, Timeline, Witness
from intercom_hil.timeline.observation import (
    ConsoleLine,
    SipMessageSeen,
    StationSaid,
    SyslogSeen,
    WebhookSeen,
)

Report = Callable[[str], None]
_RAW = (ConsoleLine, SyslogSeen, WebhookSeen)


def judge_from_evidence(folder: Path, report: Report) -> int:
    """Recompute a run; report each scenario and what differs, and return how much does.

    Args:
        folder: the run folder.
        report: takes each line.

    Raises:
        BenchError: it is no run folder, or ``run.json`` cannot be read.
    """
    run = StoredRun(folder)
    known = frozenset(run.said.get("requirements", ())) or None
    total = 0
    left: Counter[str] = Counter()
    of_run = list(run.differences())
    for text in of_run:
        report(f"differs {text}")
    total += len(of_run)
    for scenario in run.folders:
        differences, remarks = _scenario(run, scenario, known, left)
        total += len(differences)
        report(f"{'differs' if differences else 'same   '} {scenario.name}")
        for text in differences:
            report(f"    {text}")
        for text in remarks:
            report(f"    not recomputed: {text}")
    if left:
        counted = ", ".join(f"{count} of {what}" for what, count in left.most_common())
        report(f"not recomputed, and taken as stored: {counted}")
    return total


def _scenario(
    run: StoredRun, folder: Path, known: frozenset[str] | None, left: Counter[str]
) -> tuple[list[str], tuple[str, ...]]:
    """Recompute one scenario; count by witness what is taken as stored."""
    path = folder / "timeline.jsonl"
    record = run.of(folder)
    if not path.exists():
        if record is None or record.evidence.timeline is None:
            return [*run.differences_of(folder, Timeline()), *altered_files(folder)], (
                "it has no timeline, and nothing to recompute",
            )
        return ["timeline.jsonl: it is gone"], ()
    try:
        timeline = Timeline.load(path)
    except (OSError, BenchError) as problem:
        why = problem.what if isinstance(problem, BenchError) else f"it cannot be read: {problem.strerror}"
        return [f"timeline.jsonl: {why}"], ()
    left.update(o.witness.value for o in timeline if not _is_recomputed(o, folder))
    wire = compare_wire(folder, timeline)
    found = [
        *run.differences_of(folder, timeline),
        *wire.differences,
        *compare_testimony(folder, timeline, wire.until),
        *altered_files(folder),
        *compare_sources(
            folder,
            timeline,
            record.started + record.duration_s if record else 0.0,
            record.kept_off if record else 0,
        ),
    ]
    if (folder / "judgements.jsonl").exists():
        try:
            found += [f"judged again: {text}" for text in judge_scenario_again(folder, known)]
        except BenchError as problem:
            found.append(f"judged again: {problem}")
        except Exception as problem:  # what somebody wrote into the evidence may be anything
            found.append(f"judged again: it cannot be judged ({type(problem).__name__}: {problem})")
    return found, wire.not_compared


def _is_recomputed(observation: Observation, folder: Path) -> bool:
    content, witness = observation.content, observation.witness
    if witness is Witness.WIRE or isinstance(content, _RAW):
        return True
    if isinstance(content, StationSaid):
        return any(folder.glob(f"stations/*{SAID}"))
    if witness in (Witness.CONSOLE, Witness.SYSLOG) and isinstance(content, FROM_LINES):
        return (folder / LANGUAGES).exists()
    if witness is Witness.PBX and is_said(content) and (folder / PBX_LOG).exists():
        return True
    return isinstance(content, SipMessageSeen) and content.transport != "TLS"
