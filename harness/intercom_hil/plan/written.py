"""A test plan as a document: Markdown, or an HTML page that needs nothing else and can be printed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from intercom_hil.plan.planned import Plan, PlannedScenario
from intercom_hil.plan.rehearsal import Step
from intercom_hil.reports import markdown as summary
from intercom_hil.run_folder.fields import seconds, visible

_TEMPLATES = Path(__file__).parent / "templates"
MOST_SHOWN = 40
"""Steps of one scenario that are written down; those that follow are more of the same."""
_LONG = 1_000
_WORDS: Mapping[str, str] = {"do": "Do", "wait": "Wait for", "expect": "Expect"}


_COLON = re.compile(r"&#58;(?!/)")
"""A colon that begins no address: as a reference it would only be harder to read."""


@dataclass(frozen=True, slots=True)
class Row:
    """A scenario as both forms show it."""

    number: int
    scenario: PlannedScenario
    shown: tuple[Step, ...]
    more: int
    duration: str


def markdown(plan: Plan) -> str:
    """Return a plan in Markdown."""
    parts = [f"# Test plan: {safe(plan.bench.bench.name)}", ""]
    parts += [f"- {name}: {safe(value)}" for name, value in facts(plan)]
    for row in rows(plan):
        parts += ["", f"## {row.number}. {safe(row.scenario.title)}", "", f"{safe(row.duration)}."]
        parts += [""] + [safe(text) for text in row.scenario.doc.splitlines() if text]
        parts += [""] + [
            f"- **{safe(one.id)}** {safe(one.text)} ({safe(one.source)})" for one in row.scenario.requirements
        ]
        parts += ["", *_table(row)]
        parts += [f"\nThe steps end here: {safe(row.scenario.open)}."] if row.scenario.open else []
    if plan.left_out:
        parts += ["", "## Not applicable to this device", ""]
        parts += [f"- {safe(one.title)}: {safe(one.not_applicable)}" for one in plan.left_out]
    return "\n".join(parts) + "\n"


def safe(text: str) -> str:
    """Return a text of one line in which nothing means anything to Markdown."""
    return _COLON.sub(":", summary.safe(text, _LONG))


def html(plan: Plan) -> str:
    """Return a plan as a page."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES, encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(visible=visible)
    page = environment.get_template("plan.html.j2")
    return page.render(plan=plan, facts=facts(plan), rows=list(rows(plan)), words=_WORDS)


FORMS = {"markdown": markdown, "html": html}
"""What a plan can be written as, by name."""


def facts(plan: Plan) -> list[tuple[str, str]]:
    """Return what there is to know of the whole plan, as names and values."""
    device = plan.bench.device
    person = device.operator is not None
    who = f" ({device.operator.name})" if device.operator is not None and device.operator.name else ""
    asked = f"asked {plan.asked} times at most{who}" if person else "asked for nothing"
    earlier = sum(plan.lasted.get(one.id, 0.0) for one in plan.scenarios)
    found = [
        ("Device", plan.device),
        ("Address", f"{device.address}, extension {device.extension}"),
        ("Bench file", str(plan.file)),
        ("Scenarios", _count(plan)),
        ("Requirements", f"{len(plan.requirements)} of the catalogue"),
        ("Takes about", seconds(plan.forecast)),
        ("A person is", asked),
    ]
    found += [("Took in the earlier run", seconds(earlier))] if plan.lasted else []
    return found


def rows(plan: Plan) -> Iterator[Row]:
    """Yield the scenarios as they are shown."""
    for number, scenario in enumerate(plan.scenarios, start=1):
        shown = scenario.steps[:MOST_SHOWN]
        yield Row(number, scenario, shown, len(scenario.steps) - len(shown), _duration(scenario, plan.lasted))


def _count(plan: Plan) -> str:
    left_out = f"; {len(plan.left_out)} do not apply to this device" if plan.left_out else ""
    asked = f"; asked for by {plan.selection}" if plan.selection else ""
    return f"{len(plan.scenarios)}{left_out}{asked}"


def _duration(scenario: PlannedScenario, lasted: Mapping[str, float]) -> str:
    bounds = (
        f"Watches for {seconds(scenario.least)}" if scenario.least else "Goes on as soon as the device reacts"
    )
    earlier = lasted.get(scenario.id)
    took = f"; took {seconds(earlier)} in the earlier run" if earlier is not None else ""
    return f"{bounds}, waits for at most {seconds(scenario.most)} in all{took}"


def _table(row: Row) -> Iterator[str]:
    yield "| | | What | Requirement | A person is asked |"
    yield "|---:|---|---|---|---|"
    for place, step in enumerate(row.shown, start=1):
        cells = (_WORDS[step.kind], safe(step.text), safe(step.requirement), safe(step.asks))
        yield f"| {place} | {' | '.join(cells)} |"
    if row.more:
        yield f"| | | and {row.more} more of these | | |"
