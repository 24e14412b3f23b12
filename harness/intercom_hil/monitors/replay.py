"""Stored evidence judged again, offline: the same rules over the same observations, the same verdicts.

Any difference is a fault: in the rules, which have changed, or in the evidence. Rows that came later than the
run are not compared.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection
from pathlib import Path

from intercom_hil.errors import BenchError
from intercom_hil.judge.judgement import Judgement, judged, without_repeats
from intercom_hil.judge.rules import Monitored
from intercom_hil.monitors.monitors import monitor
from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline import Timeline
from intercom_hil.timeline.stored_lines import read_lines

Report = Callable[[str], None]
MONITORS = "monitors: "
"""How a difference begins in what was judged by the rules over every scenario, which may be others today."""


def judge_run_again(folder: Path, report: Report) -> int:
    """Judge every scenario of a run folder again; report each, and return how many judgements differ.

    Raises:
        BenchError: the folder holds no evidence, or evidence that cannot be read.
    """
    scenarios = sorted((folder / "scenarios").glob("*/judgements.jsonl"))
    if not scenarios:
        raise BenchError("no judgements are stored here", str(folder), "name a run folder")
    known = _rows_of(folder / "run.json")
    total = 0
    for path in scenarios:
        differences = judge_scenario_again(path.parent, known)
        total += len(differences)
        report(f"{'differs' if differences else 'same   '} {path.parent.name}")
        for difference in differences:
            report(f"    {difference}")
    return total


def _rows_of(path: Path) -> Collection[str] | None:
    """Return the ids of the rows that a run knew; None if nothing says so."""
    try:
        return frozenset(json.loads(path.read_text(encoding="utf-8"))["requirements"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _lacking(some: list[tuple[str, str]], others: list[tuple[str, str]]) -> str:
    """Return in words what one list of rows and verdicts has and the other has not."""
    more = Counter(some) - Counter(others)
    return ", ".join(f"{row} {verdict}" for row, verdict in sorted(more.elements())) or "nothing more"


def judge_scenario_again(folder: Path, known: Collection[str] | None = None) -> list[str]:
    """Judge one scenario's folder again and return what differs, in words.

    Args:
        folder: the scenario's folder.
        known: ids of the rows that are compared; None compares all.

    Raises:
        BenchError: its evidence cannot be read.
    """
    try:
        timeline = Timeline.load(folder / "timeline.jsonl")
        stored = read_lines(folder / "judgements.jsonl", Judgement)
    except OSError as problem:
        raise BenchError.of(problem, str(folder)) from problem
    monitored = [(j, j.rule) for j in stored if isinstance(j.rule, Monitored)]
    differences = []
    for judgement in stored:
        if isinstance(judgement.rule, Monitored) or judgement.verdict is Verdict.NOT_APPLICABLE:
            continue
        gap = judgement.verdict is Verdict.OBSERVED
        again = judged(judgement.requirement, "", judgement.rule, timeline, timeline.opened, gap=gap)
        if again.verdict is not judgement.verdict:
            differences.append(f"{judgement.requirement}: was {judgement.verdict}, is {again.verdict}")
    if monitored:
        rule = monitored[0][1]
        own = [j for j in stored if not isinstance(j.rule, Monitored)]
        found = without_repeats(monitor(timeline, rule.closed, rule.settled), own)
        again_found = sorted(
            (j.requirement, j.verdict.value) for j in found if known is None or j.requirement in known
        )
        was_found = sorted(
            (j.requirement, j.verdict.value) for j in without_repeats((j for j, _ in monitored), own)
        )
        if again_found != was_found:
            then, now = _lacking(was_found, again_found), _lacking(again_found, was_found)
            differences.append(f"{MONITORS}found {then}, now find {now}")
    return differences
