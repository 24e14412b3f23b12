"""The HTML renderer: one file that needs nothing else, can be printed, signed and kept.

The page runs no script and loads nothing; its Content-Security-Policy says so and admits its one style
sheet by hash and pictures that are part of the page, so that no text a device chose could do anything even
if it got past the escaping.
"""

from __future__ import annotations

import base64
import hashlib
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from intercom_hil.ladder.levels import FLATTENED_DBOV, height_of
from intercom_hil.ladder.sound import SILENCE_DBOV
from intercom_hil.reports import views
from intercom_hil.reports.causes import Cause, causes
from intercom_hil.reports.conformity import conformity, particulars
from intercom_hil.reports.headline import headline
from intercom_hil.reports.outcomes import split_id
from intercom_hil.reports.output import put
from intercom_hil.run_folder import fields, verdicts
from intercom_hil.run_folder.records import Measurement, Run, Scenario
from intercom_hil.run_folder.standards import standards, supported_by
from intercom_hil.run_folder.verdicts import Verdict

FILE_NAME = "report.html"
_TEMPLATES = Path(__file__).parent / "templates"
_SCALE = (0.83, 1.2)
"""How far a drawing may shrink or grow with the window before it scrolls or stops."""
_WIDTHS = range(400, 3_001, 20)
"""Widths of drawings that have a rule for this; a wider one shrinks to the window."""
_PIECES = 200
"""Pieces of a template that are written at once."""

LADDER_LEGEND = {
    "sip-call": "INVITE, ACK",
    "sip-other": "other requests",
    "sip-progress": "progress",
    "sip-success": "success",
    "sip-challenge": "challenge, redirect",
    "sip-refused": "refused",
    "sip-end": "BYE, CANCEL",
    "sip-quiet": "REGISTER, OPTIONS",
    "secondhand": "not readable on the wire, as another witness saw it",
    "media-srtp": "SRTP",
    "media-plain": "RTP in clear",
    "media-unknown": "media nobody negotiated",
    "sounding": "carries sound",
}
MOST_LINKS = 8
"""Scenarios that the table of departures links to from one row."""
MOST_REFS = 12
"""Scenarios that the table of requirements links to from one row."""
MOST_STEPS = 40
"""Declared steps that are shown of one scenario."""
MOST_BRIEF = 10
"""Requirements that the first screen lists of what needs attention."""
KINDS = {"S": "stated", "D": "derived", "G": "gap"}


def render(run: Run) -> Iterator[bytes]:
    """Yield the page piece by piece: no more than one scenario is drawn at a time, however long the run."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES, encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        clock=fields.clock,
        clip=lambda value: fields.shorten(value, views.MAX_CELL),
        shorten=fields.shorten,
        sentence=lambda value: value[:1].upper() + value[1:],
        seconds=fields.seconds,
        quantity=_quantity,
        xy=_coordinate,
    )
    scenarios = views.scenario_views(run)
    style = _style(views.family_classes(run).values(), run)
    page = environment.get_template("report.html.j2").stream(
        run=run,
        views=scenarios,
        headline=headline(run),
        conformity=conformity(run),
        particulars=particulars(run),
        groups=grouped(causes(run)),
        exclusions=exclusions(run),
        standards=standards(run),
        supported_by=supported_by(run),
        family_classes=views.family_classes(run),
        again=_again,
        settle=_settle,
        catalogues=views.catalogues(run),
        links=views.links(run, scenarios),
        departures=views.departures(scenarios),
        most_links=MOST_LINKS,
        most_refs=MOST_REFS,
        most_steps=MOST_STEPS,
        most_brief=MOST_BRIEF,
        requirement_rows={row.id: row for row in run.requirements},
        scenario_shares=verdicts.tally(scenario.verdict for scenario in run.scenarios),
        legend=verdicts.WORST_FIRST,
        ladder_legend=LADDER_LEGEND,
        verdicts=verdicts,
        device=views.device_line(run.environment),
        environment=views.environment_rows(run.environment),
        kinds=KINDS,
        gauge=_gauge,
        relative=fields.relative,
        style=Markup(style),  # our own style sheet, no run's text in it
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        drawn=views.drawn,
        head=_Heads(),
        level_limits=[(height_of(limit), limit) for limit in (FLATTENED_DBOV, SILENCE_DBOV)],
    )
    page.enable_buffering(_PIECES)
    for piece in page:
        yield piece.encode()


class _Heads:
    """The heads of drawings: one that is on the page already is only referred to; most are alike."""

    def __init__(self) -> None:
        self._known: dict[Markup, str] = {}

    def __call__(self, drawn: Markup) -> Markup:
        """Return a head, drawn with its lanes; or what shows the one that is on the page already."""
        name = self._known.get(drawn)
        if name is not None:
            return Markup('<use href="#{}"/>').format(name)
        self._known[drawn] = name = f"h{len(self._known) + 1}"
        return Markup('<g class="heads" id="{}">{}</g>').format(name, drawn)


def write(run: Run) -> Path:
    """Write the page into the run directory and return its path."""
    return put(run.folder, FILE_NAME, render(run))


@dataclass(frozen=True, slots=True)
class Group:
    """The causes of one requirement's findings, the worst first; ``scenarios`` is how many show any."""

    id: str
    verdict: Verdict
    causes: tuple[Cause, ...]
    scenarios: int


def grouped(found: Iterable[Cause]) -> list[Group]:
    """Return findings by requirement, the worst first."""
    by_requirement: dict[str, list[Cause]] = {}
    for cause in found:
        by_requirement.setdefault(cause.requirement, []).append(cause)
    return [
        Group(key, ours[0].verdict, tuple(ours), len({place for cause in ours for place in cause.scenarios}))
        for key, ours in by_requirement.items()
    ]


def exclusions(run: Run) -> list[tuple[str, list[str]]]:
    """Return which requirements the run says nothing of, by the reason for it."""
    fails = any(row.verdict is verdicts.FAIL for row in run.requirements)
    again = "to be played again when what fails is mended" if fails else "to be played again"
    reasons = {
        "Not tested": verdicts.NONE,
        "Not applicable by what the bench file declares": verdicts.NOT_APPLICABLE,
        f"Inconclusive, {again}": verdicts.INCONCLUSIVE,
    }
    found = [
        (words, [row.id for row in run.requirements if row.verdict is verdict])
        for words, verdict in reasons.items()
    ]
    return [(words, ids) for words, ids in found if ids]


def _again(scenario: Scenario) -> str:
    """Return the command that plays a scenario again."""
    name = split_id(scenario.id)[1].partition("[")[0]
    return f"intercom-hil run -k {shlex.quote(name)}"


def _settle(cause: Cause) -> str:
    """Return what would settle an inconclusive finding, as far as its own words say."""
    again = f"Play it again: intercom-hil run --requirement {cause.requirement or 'ID'}"
    if " late" in cause.seen:
        return f"The bench was too slow to judge. {again}, on a machine with less to do."
    if "dropped" in cause.seen or "lost" in cause.seen:
        return f"Evidence was lost. {again}, on a machine with less to do."
    if "limit" in cause.seen or "declare" in cause.seen:
        return (
            "What the bench file declares forbids to try it: widen the declaration, if the device takes more."
        )
    return f"{again}; the evidence says what was not seen."


def _style(families: Iterable[str], run: Run) -> str:
    """Return the style sheet, with rules for the run: widths of drawings, families, head of a page."""
    sheet = (_TEMPLATES / "style.css").read_text(encoding="utf-8")
    low, high = _SCALE
    rules = [
        f".ladder-{width} {{ min-width: {round(width * low)}px; max-width: {round(width * high)}px; }}"
        for width in _WIDTHS
    ]
    filters = [
        f"#scenarios:has(#about-{name}:checked) .scenario:not(.{name}) {{ display: none; }}"
        for name in families
    ]
    corners = {"top-left": f"Test report {run.number}", "top-right": run.mode.words}
    if run.laboratory is not None:
        corners["bottom-left"] = run.laboratory.name
    page = [
        f"@{corner} {{ content: {_css_text(text)}; font: 8pt system-ui, sans-serif; color: #555; }}"
        for corner, text in corners.items()
    ]
    return "\n".join([sheet, "@media screen {", *rules, "}", *filters, "@page {", *page, "}"])


def _css_text(text: str) -> str:
    """Return a text as a string of CSS (css-syntax-3 §4.3.5): all but letters and digits by their numbers."""
    short = fields.shorten(fields.line(text), 120)
    return '"' + "".join(c if c.isascii() and c.isalnum() else f"\\{ord(c):x} " for c in short) + '"'


def _coordinate(value: float) -> str:
    """Return a length of a drawing in whole units: one is a pixel, about."""
    return f"{value:.0f}"


def _quantity(value: float | None, unit: str = "") -> str:
    return "—" if value is None else f"{value:.6g} {unit}".strip().replace("-", "−")


@dataclass(frozen=True, slots=True)
class Gauge:
    """Where on a scale of 0 to 120 the allowed range begins, its length, the value, and what it may be."""

    start: float
    length: float
    value: float
    least: float
    most: float


def _gauge(item: Measurement) -> Gauge | None:
    """Return a value beside what is allowed; None where nothing is.

    A value far outside lies at the edge: the scale shows the range and as much again on either side.
    """
    if item.value is None or (item.low is None and item.high is None):
        return None
    low = item.low if item.low is not None else min(0.0, item.value)
    high = item.high if item.high is not None else max(low, item.value) * 1.25
    reach = (high - low) or 1.0
    wrong = item.uncertainty or 0.0

    def place(value: float) -> float:
        return round(6 + 108 * min(max((value - low + reach) / (3 * reach), 0.0), 1.0), 1)

    return Gauge(
        place(low),
        round(place(high) - place(low), 1),
        place(item.value),
        place(item.value - wrong),
        place(item.value + wrong),
    )
