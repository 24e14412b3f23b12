"""Findings grouped by cause: a departure that a hundred scenarios show is one finding with a count."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from intercom_hil.run_folder.records import Judgement, Measurement, Run, Scenario
from intercom_hil.run_folder.verdicts import Verdict

_VARIES = re.compile(
    r"[+−-]?\d+(?:[.:]\d+)*(?:\s*m?s\b)?(?:(?:,| and)\s*[+−-]?\d+(?:[.:]\d+)*(?:\s*m?s\b)?)*"
)
"""What differs from one showing of a cause to the next: times, numbers of stations, counts; lists of them."""
_BRACKETED = re.compile(r"\[[^\]]*\]|\([^)]*\)|'[^']*'|\"[^\"]*\"")


@dataclass(frozen=True, slots=True)
class Cause:
    """What was expected of a requirement and did not hold, with all that show it.

    ``expected``, ``seen`` and ``example`` are those of the first showing; ``count`` is how many judgements
    and measurements showed it, ``scenarios`` are the places in the run of those that did, each once.
    """

    requirement: str
    verdict: Verdict
    expected: str
    seen: str
    count: int
    scenarios: tuple[int, ...]
    example: Judgement | Measurement | None = None


def causes(run: Run) -> list[Cause]:
    """Return what needs attention in a run by cause: the worst first, then what most scenarios show."""
    found: dict[tuple[str, Verdict, str], list[tuple[int, str, str, Judgement | Measurement | None]]] = {}
    for place, scenario in enumerate(run.scenarios):
        for requirement, verdict, expected, seen, example in _findings(scenario):
            key = requirement, verdict, alike(expected)
            found.setdefault(key, []).append((place, expected, seen, example))
    result = [
        Cause(
            requirement,
            verdict,
            showings[0][1],
            showings[0][2],
            len(showings),
            tuple(dict.fromkeys(place for place, *_ in showings)),
            showings[0][3],
        )
        for (requirement, verdict, _), showings in found.items()
    ]
    return sorted(
        result, key=lambda cause: (-_gravity(cause.verdict), -len(cause.scenarios), cause.requirement)
    )


def alike(text: str) -> str:
    """Return a text without what differs between two showings of the same cause."""
    return _VARIES.sub("#", _BRACKETED.sub("()", text))


def _findings(
    scenario: Scenario,
) -> Iterable[tuple[str, Verdict, str, str, Judgement | Measurement | None]]:
    any_found = False
    for item in scenario.judgements:
        if item.verdict.needs_attention:
            any_found = True
            yield item.requirement, item.verdict, item.expected, item.seen, item
    for value in scenario.measurements:
        if value.verdict.needs_attention:
            any_found = True
            yield value.requirement, value.verdict, f"{value.name} within its limits", measured(value), value
    if scenario.verdict.needs_attention and (scenario.problems or not any_found):
        for text in scenario.problems or (scenario.verdict.meaning,):
            last = text.strip().splitlines()[-1] if text.startswith("Traceback") else text
            what, _, rest = last.partition("; ")
            yield "", scenario.verdict, what, rest or last, None


def measured(item: Measurement) -> str:
    """Return a measured value beside its limits."""

    def shown(value: float | None) -> str:
        return "open" if value is None else f"{value:.6g}"

    return f"{shown(item.value)} {item.unit}, allowed {shown(item.low)} to {shown(item.high)}".replace(
        "-", "−"
    )


def _gravity(verdict: Verdict) -> int:
    """A failure before an error: it is what the device did, whatever befell the bench in another scenario."""
    order = {"fail": 3, "error": 2, "inconclusive": 1}
    return order.get(verdict.name, 0)
