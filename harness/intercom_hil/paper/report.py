"""The PDF renderer: a report on paper, numbered on every page, and an annex with every scenario on demand.

WeasyPrint lays it out (the extra ``pdf``); it needs Pango of the system. The summary and a page for each
requirement that needs attention come to less than thirty pages, however much a device breaks. Nothing is
fetched, no script is run, and fonts are embedded. The same run gives the same bytes.
"""

from __future__ import annotations

import contextlib
import io
import logging
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from intercom_hil import reports
from intercom_hil.ladder.window import window
from intercom_hil.reports import views
from intercom_hil.reports.causes import causes, measured
from intercom_hil.reports.conformity import ITEM_ONLY, NOT_STATED, TITLE, conformity, particulars
from intercom_hil.reports.headline import headline
from intercom_hil.reports.html import KINDS, Group, exclusions, grouped
from intercom_hil.reports.output import put
from intercom_hil.run_folder import fields, verdicts
from intercom_hil.run_folder.errors import ReportError
from intercom_hil.run_folder.records import Run
from intercom_hil.run_folder.standards import standards

FILE_NAME = "report.pdf"
PACKAGES = ("libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0", "fonts-dejavu-core")
"""The Debian packages with what WeasyPrint needs of the system, and with the fonts of the report."""
MOST_PAGES = 14
"""Requirements that get a page of their own."""
MOST_LISTED = 24
"""Further ones that are listed with what was expected and seen."""
MOST_CAUSES = 4
MOST = 600
"""Characters of one text that a device or a remote party chose."""
MOST_IN_ANNEX = 1_000
"""Scenarios in the annex; a book of more is read by nobody."""
_ON_COVER = ("Number of the report", "Laboratory", "Customer", "Item tested", "Received", "Tested", "Issued")
"""What the cover has of the particulars, by name."""
MOST_SAID = 2_500
"""Characters of one row about the bench."""
_TEMPLATES = Path(__file__).parent / "templates"
_DRAWINGS = Path(reports.__file__).parent / "templates"
"""Where the template of a ladder is."""
_PAGE = (267.0, 174.0)
"""Room of a landscape page, in mm."""
_LINE = 4.6
"""The height of a line of text on such a page, in mm, about."""
_SMALLEST = 0.185
"""The mm of a drawing's unit below which its texts are too small to be read."""
_LARGEST = 0.26
_FOR_SCREENS = re.compile(r"<title>[^<]*</title>|</?a\b[^<>]*>")
"""What a drawing has to be pointed at; on paper it would only be in the way."""


class SystemLacksError(ReportError):
    """The system lacks what the report is laid out with."""

    def __init__(self, what: str) -> None:
        packages = " ".join(PACKAGES)
        remedy = f"as root: apt-get update && apt-get install -y --no-install-recommends {packages}"
        super().__init__(what, "report pdf", remedy)


@dataclass(frozen=True, slots=True)
class Drawing:
    """A ladder on a page: whose it is, what of it is shown, and its SVG."""

    title: str
    words: str
    svg: Markup


def write(run: Run) -> Path:
    """Write the report into the run directory and return its path. Raises ReportError: it cannot be made."""
    return put(run.folder, FILE_NAME, render(run))


def render(run: Run, *, annex: bool = False) -> bytes:
    """Return the report, or its annex, as PDF.

    Raises:
        ReportError: WeasyPrint, or what it needs of the system, is not installed.
    """
    module = weasyprint()
    with _without_warnings():
        shown = [run.photo.uri] if run.photo else []
        document = module.HTML(string=page(run, annex=annex), url_fetcher=_fetcher(module, shown)).render()
        data: bytes = document.write_pdf(pdf_identifier=bytes.fromhex(run.fingerprint)[:16] or b"intercom")
    if not document.fonts:
        raise SystemLacksError("there is no font to write with")
    return data


def weasyprint() -> Any:
    """Return the module that lays the report out.

    Raises:
        SystemLacksError: what it needs of the system is not there.
        ReportError: it is not installed itself.
    """
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            import weasyprint as module
    except ModuleNotFoundError as problem:
        raise ReportError(
            f"{problem.name} is not installed", "report pdf", "pip install 'intercom-hil[pdf]'"
        ) from problem
    except OSError as problem:
        raise SystemLacksError("Pango is not installed, which lays out its text") from problem
    return module


def page(run: Run, *, annex: bool = False) -> str:
    """Return the report as the HTML that is laid out."""
    environment = Environment(
        loader=FileSystemLoader([_TEMPLATES, _DRAWINGS], encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        clock=fields.clock,
        clip=lambda value: fields.shorten(value, MOST),
        shorten=fields.shorten,
        sentence=lambda value: value[:1].upper() + value[1:],
        seconds=fields.seconds,
        xy=lambda value: f"{value:.1f}".removesuffix(".0"),
    )
    title = headline(run)
    groups = grouped(causes(run))
    scenarios = views.scenario_views(run)
    scenario_verdicts = [one.verdict for one in run.scenarios]
    row_verdicts = [row.verdict for row in run.requirements]
    shown = verdicts.tally([*scenario_verdicts, *row_verdicts])
    rows = {row.id: row for row in run.requirements}
    return environment.get_template("report.html.j2").render(
        run=run,
        annex=annex,
        title=f"{TITLE}: SIP door intercom" + (", annex with every scenario" if annex else ""),
        number=f"{run.number} ({run.fingerprint[:8]})",
        conformity=conformity(run),
        item_only=ITEM_ONLY,
        particulars=particulars(run),
        headline=title,
        device=views.device_line(run.environment),
        cover=_cover(run),
        conditions=_conditions(run),
        all_shares=shown,
        counts=[
            ("Scenarios", _counted(shown, scenario_verdicts)),
            ("Requirements", _counted(shown, row_verdicts)),
        ],
        groups=groups,
        findings=groups[:MOST_PAGES],
        not_shown=groups[MOST_PAGES:],
        most_listed=MOST_LISTED,
        most_causes=MOST_CAUSES,
        exclusions=exclusions(run),
        titles={row.id: row.title for row in run.requirements},
        rows=rows,
        looked_at={key: len(found) for key, found in views.links(run, scenarios).items()},
        catalogues=views.catalogues(run),
        standards=standards(run),
        reworded=[row for row in run.requirements if row.review],
        views=scenarios[:MOST_IN_ANNEX],
        left_out=max(0, len(scenarios) - MOST_IN_ANNEX),
        legend=verdicts.WORST_FIRST,
        kinds=KINDS,
        measured=measured,
        drawings=partial(_drawing, environment, scenarios, rows),
        style=Markup((_TEMPLATES / "report.css").read_text(encoding="utf-8")),  # ours, no run's text in it
    )


def _cover(run: Run) -> list[tuple[str, str]]:
    named = {item.name: item.lines for item in particulars(run)}
    shown = [
        (name, fields.shorten(", ".join(named[name][:3]), MOST))
        for name in _ON_COVER
        if named[name] != (NOT_STATED,)
    ]
    tested = sum(row.verdict not in (verdicts.NONE, verdicts.NOT_APPLICABLE) for row in run.requirements)
    return [
        *shown,
        ("Bench", fields.shorten(fields.line(run.environment.get("bench")) or run.name, MOST)),
        ("Scenarios", f"{len(run.scenarios)}, in {fields.seconds(run.duration)}"),
        ("Requirements", f"{tested} of {len(run.requirements)} looked at"),
    ]


def _conditions(run: Run) -> list[tuple[str, str]]:
    about = [("SHA-256 of run.json", run.fingerprint)]
    about += [("Evidence sealed as", f"sha256:{run.seal}")] if run.seal else []
    about += [("Picture of the item", run.photo_file)] if run.photo_file and not run.photo else []
    found: dict[str, list[str]] = {}
    for name, value in views.environment_rows(run.environment):
        *places, rest = name.split(" · ")
        first = ", ".join(places[:2]) or rest
        if value not in ("", "—", "[]", "{}"):
            said = " ".join([*places[2:], rest]) if places else ""
            found.setdefault(first, []).append(f"{said} {value}".strip())
    return about + [(name, fields.shorten("; ".join(values), MOST_SAID)) for name, values in found.items()]


def _counted(shown: Iterable[verdicts.Share], found: list[verdicts.Verdict]) -> list[int]:
    return [found.count(share.verdict) for share in shown]


def _drawing(
    environment: Environment,
    scenarios: list[views.ScenarioView],
    rows: Mapping[str, Any],
    group: Group,
) -> Drawing | None:
    """Return the ladder of the first scenario that shows the worst cause of a requirement."""
    light = scenarios[group.causes[0].scenarios[0]]
    view = views.drawn(replace(light, detailed=False))  # nobody points at paper
    if view.ladder is None:
        return None
    row = rows.get(group.id)
    text = len(row.text + row.source) / 150 + len(row.harm) / 150 + 3 if row else 2.0
    text += sum(
        max(len(cause.expected[:240]) / 62, len(cause.seen[:300]) / 62, 1.0) + 0.6
        for cause in group.causes[:MOST_CAUSES]
    )
    room = _PAGE[1] - _LINE * (text + 5)
    unit = min(_LARGEST, _PAGE[0] / view.ladder.width)
    unit = max(min(unit, room / view.ladder.height), min(_SMALLEST, unit))
    ladder = window(view.ladder, max(room, 40.0) / unit, group.verdict.slug, group.id)
    svg = environment.get_template("_ladder.svg.j2").render(ladder=ladder, view=view)
    size = f"width: {ladder.width * unit:.1f}mm; height: {ladder.height * unit:.1f}mm"
    style = (_TEMPLATES / "ladder.css").read_text(encoding="utf-8")
    opening, rest = _FOR_SCREENS.sub("", svg).strip().split(">", 1)
    whole = ladder is view.ladder
    words = "its course of events" if whole else "a stretch of its course of events; report.html has it whole"
    return Drawing(
        view.scenario.title, words, Markup(f'{opening} style="{size}"><style>{style}</style>{rest}')
    )


def _fetcher(module: Any, shown: Collection[str]) -> Any:
    """Return what WeasyPrint fetches with: it refuses all but pictures that are part of the page."""

    class Refusing(module.urls.URLFetcher):  # type: ignore[misc]
        def fetch(self, url: str, headers: Any = None) -> Any:
            if url not in shown or not url.startswith("data:"):
                raise ValueError("a report fetches nothing")
            return super().fetch(url, headers)

    return Refusing()


@contextlib.contextmanager
def _without_warnings() -> Any:
    """Keep WeasyPrint from logging what it makes of style sheets and drawings."""
    logger = logging.getLogger("weasyprint")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before
