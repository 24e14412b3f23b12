"""The HTML renderer: one file that needs nothing else, can be printed, signed and kept.

The page runs no script and loads nothing; its Content-Security-Policy says so and admits its one style
sheet by hash and pictures that are part of the page, so that no text a device chose could do anything even
if it got past the escaping.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from intercom_hil.reports import views
from intercom_hil.reports.output import put
from intercom_hil.reports.views import ScenarioView
from intercom_hil.run_folder import fields, verdicts
from intercom_hil.run_folder.records import Measurement, Run

FILE_NAME = "report.html"
_TEMPLATES = Path(__file__).parent / "templates"
_SCALE = (0.83, 1.2)
"""How far a drawing may shrink or grow with the window before it scrolls or stops."""

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
KINDS = {"S": "stated", "D": "derived", "G": "gap"}


def render(run: Run) -> str:
    """Return the whole page."""
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
    )
    scenarios = views.scenario_views(run)
    style = _style(scenarios)
    return environment.get_template("report.html.j2").render(
        run=run,
        views=scenarios,
        attention=_worst_first(scenarios),
        catalogues=views.catalogues(run),
        links=views.links(run, scenarios),
        departures=views.departures(scenarios),
        most_links=MOST_LINKS,
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
    )


def write(run: Run) -> Path:
    """Write the page into the run directory and return its path."""
    return put(run.folder, FILE_NAME, render(run).encode())


def _worst_first(scenarios: Iterable[ScenarioView]) -> list[ScenarioView]:
    bad = [view for view in scenarios if view.scenario.verdict.needs_attention]
    order = (verdicts.FAIL, verdicts.ERROR, verdicts.INCONCLUSIVE)
    return sorted(bad, key=lambda view: order.index(view.scenario.verdict))


def _style(scenarios: Iterable[ScenarioView]) -> str:
    """Return the style sheet with one rule per width of drawing that the page has."""
    sheet = (_TEMPLATES / "style.css").read_text(encoding="utf-8")
    widths = sorted({view.ladder.width_step for view in scenarios if view.ladder})
    low, high = _SCALE
    rules = [
        f".ladder-{width} {{ min-width: {round(width * low)}px; max-width: {round(width * high)}px; }}"
        for width in widths
    ]
    return "\n".join([sheet, "@media screen {", *rules, "}"])


def _quantity(value: float | None, unit: str = "") -> str:
    return "—" if value is None else f"{value:.6g} {unit}".strip().replace("-", "−")


def _gauge(item: Measurement) -> tuple[float, float, float] | None:
    """Return where the allowed range begins, its length and the value, on a scale of 0 to 120.

    A value far outside lies at the edge: the scale shows the range and as much again on either side.
    """
    if item.value is None or (item.low is None and item.high is None):
        return None
    low = item.low if item.low is not None else min(0.0, item.value)
    high = item.high if item.high is not None else max(low, item.value) * 1.25
    reach = (high - low) or 1.0

    def place(value: float) -> float:
        return round(6 + 108 * min(max((value - low + reach) / (3 * reach), 0.0), 1.0), 1)

    return place(low), round(place(high) - place(low), 1), place(item.value)
