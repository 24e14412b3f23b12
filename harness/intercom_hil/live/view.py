"""The run as HTML: the board, drawn. Every text in it is escaped; nothing in it is a script."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from intercom_hil import reports
from intercom_hil.ladder import Ladder, draw
from intercom_hil.ladder.window import window
from intercom_hil.live.board import Board, Lane, Remark
from intercom_hil.run_folder.fields import relative
from intercom_hil.run_folder.verdicts import NONE, WORST_FIRST, Verdict
from intercom_hil.spec.catalogue import CATALOGUE, FAMILIES
from intercom_hil.spec.good_practice import GOOD_PRACTICE

_TEMPLATES = Path(__file__).parent / "templates"
_DRAWINGS = Path(reports.__file__).parent / "templates"
"""Where the template and the style of a ladder are."""
_LADDER_HEIGHT = 520.0
"""Units of a ladder that are shown: its last stretch."""
MOST_REMARKS = 14
"""Observations that are listed: the last ones."""


@dataclass(frozen=True, slots=True)
class _Titled:
    title: str


@dataclass(frozen=True, slots=True)
class _Drawn:
    """What the template of a ladder asks of a scenario; nothing here can be followed or pointed at."""

    scenario: _Titled
    anchor: str
    detailed: bool = False
    raw_anchors: frozenset[str] = frozenset()
    targets: frozenset[str] = frozenset()
    rows: Mapping[str, int] = ()  # type: ignore[assignment]  # no judgement has a row of its own


class Sections:
    """Draws the board; the same board at the same moment is drawn once.

    Attributes:
        style: the style sheet of what is drawn.
    """

    def __init__(self, board: Board, *, now: Callable[[], float], stop: Callable[[], None]) -> None:
        """Make it.

        Args:
            board: the run.
            now: the clock, in s since the epoch.
            stop: has the run stop.
        """
        self.style = _style()
        self.stop = stop
        self._board, self._now = board, now
        self._drawn: dict[tuple[bool, str], str] = {}

    def changed(self) -> None:
        """Take note that the board has changed."""
        self._drawn.clear()

    def sections(self, *, acts: bool, asked: str) -> str:
        """Return the run as HTML."""
        known = self._drawn.get((acts, asked))
        if known is None:
            known = self._drawn[acts, asked] = self._render(acts, asked)
        return known

    def _render(self, acts: bool, asked: str) -> str:
        board, now = self._board, self._now()
        lanes = [
            (lane, self._ladder(lane, place), _latest(lane))
            for place, lane in enumerate(board.lanes.values())
        ]
        return _template().render(
            board=board,
            acts=acts,
            asked=asked,
            lanes=lanes,
            now=now,
            left=board.left(now),
            about=_about,
            tally=[
                (verdict, board.tally[verdict.name]) for verdict in WORST_FIRST if board.tally[verdict.name]
            ],
            families=_families(board.requirements),
            drawn=_Drawn,
            titled=_Titled,
        )

    def _ladder(self, lane: Lane, place: int) -> Ladder | None:
        scenario = lane.scenario
        if scenario is None or not scenario.seen:
            return None
        observations = sorted(scenario.seen, key=lambda seen: (seen.time, seen.seq))
        return window(draw(observations, (), scenario.start, f"l{place}-"), _LADDER_HEIGHT)


def _latest(lane: Lane) -> list[Remark]:
    """Return the last observations, the latest first; they may have come in another order."""
    came = list(lane.scenario.remarks)[-4 * MOST_REMARKS :] if lane.scenario is not None else []
    return sorted(came, key=lambda remark: -remark.time)[:MOST_REMARKS]


@dataclass(frozen=True, slots=True)
class Family:
    """A family of requirements with the verdicts that there are; ``rows``: id, title, verdict."""

    id: str
    name: str
    rows: tuple[tuple[str, str, Verdict], ...]

    @property
    def judged(self) -> int:
        """How many of them have a verdict."""
        return sum(verdict is not NONE for _, _, verdict in self.rows)


def _families(verdicts: Mapping[str, Verdict]) -> list[Family]:
    """Return the page's families, then those of other catalogues as far as they were judged."""
    found: dict[str, list[tuple[str, str, Verdict]]] = {family: [] for family in FAMILIES}
    for identity, row in CATALOGUE.items():
        found[row.family].append((identity, row.title, verdicts.get(identity, NONE)))
    names = {**GOOD_PRACTICE.families, **FAMILIES}
    for identity, verdict in sorted(verdicts.items()):
        if identity not in CATALOGUE:
            title = GOOD_PRACTICE[identity].title if identity in GOOD_PRACTICE else ""
            found.setdefault(identity.partition("-")[0], []).append((identity, title, verdict))
    return [Family(name, names.get(name, name), tuple(rows)) for name, rows in found.items() if rows]


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader([_TEMPLATES, _DRAWINGS], encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        xy=lambda value: f"{value:.1f}".removesuffix(".0"), clock=_clock, relative=relative
    )
    return environment.get_template("run.html.j2")


def _clock(seconds: float) -> str:
    minutes, rest = divmod(max(0, round(seconds)), 60)
    return f"{minutes}:{rest:02}"


def _about(seconds: float) -> str:
    return f"about {round(seconds / 60)} min left" if seconds >= 90 else f"about {round(seconds)} s left"


def _style() -> str:
    """Return the style sheet: that of the report's drawings and colours, and what is around them here."""
    report = (_DRAWINGS / "style.css").read_text(encoding="utf-8")
    colours = report.partition("/* end of colours */")[0].replace(":root", "#run")
    ladder = report.partition("/* ladder */")[2].partition("/* end of ladder */")[0]
    own = (_TEMPLATES / "live.css").read_text(encoding="utf-8")
    return re.sub(r"\n\s*", "\n", "\n".join([colours, ladder, own]))
