"""A stored run judged again from its raw evidence: every layer recomputed from the one below, and compared.

Packets and raw logs are decoded anew and held against the timeline, the timeline is judged anew and held
against the judgements, and the records against one another. What is not recomputed is named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

from intercom_hil.errors import BenchError
from intercom_hil.evidence.basis import Basis
from intercom_hil.evidence.digests import altered_files
from intercom_hil.locations import PACKAGE, SCENARIOS
from intercom_hil.monitors.replay import MONITORS, judge_scenario_again
from intercom_hil.pbx.testimony import FILE as PBX_LOG
from intercom_hil.pbx.testimony import is_said
from intercom_hil.recomputed.records import RUN, StoredRun
from intercom_hil.recomputed.sources import FROM_LINES, LANGUAGES, compare_sources
from intercom_hil.recomputed.testimony import SAID, compare_testimony
from intercom_hil.recomputed.wire import Compared, compare_wire
from intercom_hil.timeline import Observation, Timeline, Witness
from intercom_hil.timeline.observation import (
    ConsoleLine,
    SipMessageSeen,
    StationSaid,
    SyslogSeen,
    WebhookSeen,
)

Report = Callable[[str], None]
_BY_RULES = f"judged again: {MONITORS}"
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
    total = judged_otherwise = 0
    left: Counter[str] = Counter()
    others_rules = cache(lambda: _other_rules(folder))  # a look at every file of code, where it is wanted
    of_run = _whatever_it_is(RUN, run.differences)
    for text in of_run:
        report(f"differs {text}")
    total += len(of_run)
    for scenario in run.folders:
        remarks: list[str] = []
        differences = _scenario(run, scenario, known, left, remarks)
        by_rules = [text for text in differences if text.startswith(_BY_RULES)]
        today = by_rules if by_rules and others_rules() else []
        differences = [text for text in differences if text not in today]
        total += len(differences)
        judged_otherwise += bool(today)
        report(f"{'differs' if differences else 'same   '} {scenario.name}")
        for text in differences:
            report(f"    {text}")
        for text in today:
            report(f"    by the rules of today: {text.removeprefix(_BY_RULES)}")
        for text in remarks:
            report(f"    not recomputed: {text}")
    if judged_otherwise:
        report(
            f"{judged_otherwise} scenarios would be judged otherwise today: another version of the bench "
            "made this run, by other rules over every scenario. Whether its files are as they were sealed "
            "is what intercom-hil verify says"
        )
    if left:
        counted = ", ".join(f"{count} of {what}" for what, count in left.most_common())
        report(f"not recomputed, and taken as stored: {counted}")
    return total


def _other_rules(folder: Path) -> bool:
    """Whether another version of the bench than this one made a run, as far as the run says who did."""
    try:
        return not Basis.load(folder).made_by((PACKAGE, SCENARIOS))
    except BenchError:
        return False


def _whatever_it_is(name: str, compare: Callable[[], Iterable[str]]) -> list[str]:
    """Compare; what somebody put into the evidence may be anything, and is a difference too."""
    try:
        return list(compare())
    except Exception as problem:
        return [f"{name}: it cannot be recomputed ({type(problem).__name__}: {problem})"]


def _scenario(
    run: StoredRun,
    folder: Path,
    known: frozenset[str] | None,
    left: Counter[str],
    remarks: list[str],
) -> list[str]:
    """Recompute one scenario; count by witness what is taken as stored, and remark what is not recomputed."""
    path = folder / "timeline.jsonl"
    record = run.of(folder)
    if not path.exists():
        if record is not None and record.evidence.timeline is not None:
            return ["timeline.jsonl: it is gone"]
        remarks.append("it has no timeline, and nothing to recompute")
        return [*run.differences_of(folder, Timeline()), *altered_files(folder)]
    try:
        timeline = Timeline.load(path)
    except (OSError, BenchError) as problem:
        why = problem.what if isinstance(problem, BenchError) else f"it cannot be read: {problem.strerror}"
        return [f"timeline.jsonl: {why}"]
    left.update(o.witness.value for o in timeline if not _is_recomputed(o, folder))
    ended = record.started + record.duration_s if record else 0.0
    wire = Compared()

    def on_the_wire() -> Iterable[str]:
        nonlocal wire
        wire = compare_wire(folder, timeline)
        remarks.extend(wire.not_compared)
        return wire.differences

    parts: tuple[tuple[str, Callable[[], Iterable[str]]], ...] = (
        ("the records", lambda: run.differences_of(folder, timeline)),
        ("capture.pcapng", on_the_wire),
        ("stations and PBX", lambda: compare_testimony(folder, timeline, wire.until)),
        ("files", lambda: altered_files(folder)),
        ("logs", lambda: compare_sources(folder, timeline, ended, record.kept_off if record else 0)),
        ("judged again", lambda: _judged_again(folder, known)),
    )
    return [text for name, compare in parts for text in _whatever_it_is(name, compare)]


def _judged_again(folder: Path, known: frozenset[str] | None) -> list[str]:
    if not (folder / "judgements.jsonl").exists():
        return []
    try:
        return [f"judged again: {text}" for text in judge_scenario_again(folder, known)]
    except BenchError as problem:
        return [f"judged again: {problem}"]


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
