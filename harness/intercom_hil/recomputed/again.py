"""A stored run judged again from its raw evidence: every layer recomputed from the one below, and compared.

Packets and raw logs are decoded anew and held against the timeline, the timeline is judged anew and held
against the judgements, and the records against one another. What is not recomputed is named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from pydantic import ValidationError

from intercom_hil.errors import BenchError
from intercom_hil.monitors.replay import judge_scenario_again
from intercom_hil.recomputed.records import StoredRun
from intercom_hil.recomputed.testimony import compare_testimony
from intercom_hil.recomputed.wire import compare_wire
from intercom_hil.timeline import Observation, Timeline, Witness
from intercom_hil.timeline.observation import ConsoleLine, SipMessageSeen, SyslogSeen, WebhookSeen

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
            return [*run.differences_of(folder, Timeline())], (
                "it has no timeline, and nothing to recompute",
            )
        return ["timeline.jsonl: it is gone"], ()
    try:
        timeline = Timeline.load(path)
    except (OSError, ValidationError) as problem:
        return [f"timeline.jsonl: it cannot be read: {str(problem).splitlines()[0]}"], ()
    left.update(o.witness.value for o in timeline if not _is_recomputed(o))
    wire = compare_wire(folder, timeline)
    found = [
        *run.differences_of(folder, timeline),
        *wire.differences,
        *compare_testimony(folder, timeline, wire.until),
    ]
    if (folder / "judgements.jsonl").exists():
        try:
            found += [f"judged again: {text}" for text in judge_scenario_again(folder, known)]
        except (BenchError, IndexError) as problem:
            found.append(f"judged again: {problem}")
    return found, wire.not_compared


def _is_recomputed(observation: Observation) -> bool:
    if observation.witness is Witness.WIRE or isinstance(observation.content, _RAW):
        return True
    return isinstance(observation.content, SipMessageSeen) and observation.content.transport != "TLS"
