"""What the HTML template needs beyond the run itself: families, drawings, message lists, links; no markup."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from intercom_hil.ladder import Ladder, draw
from intercom_hil.ladder.levels import NO_SOUND, Levels, levels
from intercom_hil.reports.causes import alike, causes
from intercom_hil.run_folder.fields import line, mapping, relative, shorten
from intercom_hil.run_folder.observations import Seen, read_timeline
from intercom_hil.run_folder.records import Deviation, EvidenceFile, Judgement, Requirement, Run, Scenario
from intercom_hil.run_folder.verdicts import NONE, NOT_APPLICABLE, PASS, Share, Verdict, tally, worst

MAX_MESSAGES = 120
MAX_RAW = 6_000
"""Characters of one raw message in the page; the capture has it whole."""

_FIELDS = {"serial": "serial number", "mac": "MAC"}
MOST_EXAMPLES = 2
"""Scenarios that show everything of one cause; of the others the page has what the ladder shows."""

MAX_CELL = 2_000
"""Characters of one text that a device or a remote party chose."""

_LINKED = ("folder", "capture", "timeline", "console")
"""Evidence that is linked of every scenario."""

_SECRETS = (
    re.compile(r"(inline:)[A-Za-z0-9+/=]{8,}"),
    re.compile(r'((?:^|[\s,])(?:response|cnonce)=")[^"]*', re.IGNORECASE),
)


@dataclass(frozen=True, slots=True)
class Family:
    """One family of requirements."""

    id: str
    name: str
    requirements: tuple[Requirement, ...]
    verdict: Verdict
    shares: list[Share]


@dataclass(frozen=True, slots=True)
class CatalogueView:
    """One catalogue of requirements. The vendor's page has no title of its own; it is counted by itself."""

    title: str
    families: tuple[Family, ...]

    @property
    def requirements(self) -> tuple[Requirement, ...]:
        """All its rows."""
        return tuple(row for family in self.families for row in family.requirements)

    @property
    def tested(self) -> int:
        """How many of them were looked at."""
        return sum(row.verdict not in (NONE, NOT_APPLICABLE) for row in self.requirements)

    @property
    def shares(self) -> list[Share]:
        """Its verdicts, counted."""
        return tally(row.verdict for row in self.requirements)


@dataclass(frozen=True, slots=True)
class Message:
    """One raw SIP message under its ladder."""

    anchor: str
    when: str
    summary: str
    raw: str


@dataclass(frozen=True, slots=True)
class Judged:
    """Judgements of one expectation that differ in times and numbers only."""

    items: tuple[Judgement, ...]

    @property
    def first(self) -> Judgement:
        """The one that is shown."""
        return self.items[0]

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.items)


@dataclass(frozen=True, slots=True)
class ScenarioView:
    """One scenario with its drawing. ``anchor`` is unique in the page.

    ``judged`` are the judgements that it is about and those that need attention; ``rules`` are the rules over
    every scenario that held in it, with how often. One that is ``detailed`` shows all that is known of it:
    where a hundred show the same cause, a few do, and the first is open. ``families`` are style classes, for
    the filter.
    """

    anchor: str
    scenario: Scenario
    ladder: Ladder | None = None
    sound: Levels = NO_SOUND
    messages: tuple[Message, ...] = ()
    more_messages: int = 0
    notes: tuple[str, ...] = ()
    observations: int = 0
    judged: tuple[Judged, ...] = ()
    rules: tuple[tuple[str, int], ...] = ()
    detailed: bool = False
    is_open: bool = False
    families: tuple[str, ...] = ()

    @property
    def targets(self) -> frozenset[str]:
        """The ids of what links in the page lead to, of all that the ladder shows."""
        if self.ladder is None:
            return frozenset()
        named = [seq for judged in self.judged for seq in judged.first.observations]
        named += [deviation.example for deviation in self.scenario.deviations]
        return frozenset(self.ladder.anchors[seq] for seq in named if seq in self.ladder.anchors)

    @property
    def rows(self) -> dict[Judgement, int]:
        """The row of the table of expectations that each judgement is in, counted from 1."""
        return {item: row for row, judged in enumerate(self.judged, start=1) for item in judged.items}

    @property
    def sound_files(self) -> dict[str, str]:
        """Where the sound that was kept lies, by the name of its file."""
        return {file.label: file.href for file in self.scenario.evidence if file.path.endswith(".wav")}

    @property
    def files(self) -> tuple[EvidenceFile, ...]:
        """The evidence that is linked: of one that is not detailed not all that is in its folder."""
        return tuple(
            file for file in self.scenario.evidence if self.detailed or not file.href or file.label in _LINKED
        )

    @property
    def raw_anchors(self) -> frozenset[str]:
        """The anchors of the messages that are shown in full."""
        return frozenset(message.anchor for message in self.messages)

    @property
    def why(self) -> str:
        """Why the verdict is what it is, in a sentence."""
        scenario = self.scenario
        if not scenario.verdict.needs_attention:
            if scenario.verdict is not PASS:
                return scenario.verdict.meaning
            expected = sum(judged.count for judged in self.judged)
            held = f"{expected} expectation{'s' * (expected != 1)} held"
            return f"{held}, and {len(self.rules)} rules for all scenarios" if self.rules else held
        found = [item for item in self.bad if item.verdict is scenario.verdict]
        if found:
            more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
            first = found[0]
            return f"{first.requirement}: expected {first.expected}; seen: {first.seen or 'nothing'}{more}"
        return scenario.problems[0].splitlines()[-1] if scenario.problems else scenario.verdict.meaning

    @property
    def bad(self) -> tuple[Judgement, ...]:
        """The judgements that need attention."""
        return tuple(item for item in self.scenario.judgements if item.verdict.needs_attention)


@dataclass(frozen=True, slots=True)
class Departure:
    """One way in which the device departs from the grammar in a whole run, and the scenarios that show it."""

    deviation: Deviation
    scenarios: tuple[ScenarioView, ...]


def departures(views: Iterable[ScenarioView]) -> list[Departure]:
    """Return how the device departs from the grammar, what is most frequent first."""
    found: dict[str, list[tuple[ScenarioView, Deviation]]] = {}
    for view in views:
        for item in view.scenario.deviations:
            found.setdefault(item.text, []).append((view, item))
    result = [
        Departure(
            Deviation(
                text,
                sum(item.count for _, item in items),
                tuple(dict.fromkeys(name for _, item in items for name in item.messages)),
            ),
            tuple(view for view, _ in items),
        )
        for text, items in found.items()
    ]
    return sorted(result, key=lambda departure: -departure.deviation.count)


def catalogues(run: Run) -> list[CatalogueView]:
    """Return the requirements by catalogue and family: the vendor's page, then those of others."""
    foreign = {family for families in run.catalogues.values() for family in families}
    found = _families(run)
    own = CatalogueView("", tuple(family for family in found if family.id not in foreign))
    return [own] + [
        CatalogueView(title, tuple(family for family in found if family.id in families))
        for title, families in run.catalogues.items()
    ]


def _families(run: Run) -> list[Family]:
    """Return the requirements by family; families that the run does not name follow by id."""
    known = list(run.families)
    found = sorted(
        {row.family for row in run.requirements},
        key=lambda name: (known.index(name) if name in known else len(known), name),
    )
    result = []
    for name in found:
        rows = tuple(row for row in run.requirements if row.family == name)
        verdicts = [row.verdict for row in rows]
        result.append(Family(name, run.families.get(name, "Other"), rows, worst(verdicts), tally(verdicts)))
    return result


def scenario_views(run: Run) -> list[ScenarioView]:
    """Return every scenario in the order of the run, without what its timeline yields (``drawn``)."""
    found = causes(run)
    detailed = {place for cause in found for place in cause.scenarios[:MOST_EXAMPLES]}
    opened = {cause.scenarios[0] for cause in found}
    families = family_classes(run)
    return [
        ScenarioView(
            f"s{place + 1}",
            scenario,
            detailed=place in detailed,
            is_open=place in opened,
            judged=_judged(scenario),
            rules=tuple(
                Counter(item.requirement for item in scenario.judgements if _is_rule(scenario, item)).items()
            ),
            families=tuple(
                dict.fromkeys(
                    families.get(key.partition("-")[0], "") for key in scenario.asked or scenario.requirements
                )
            ),
        )
        for place, scenario in enumerate(run.scenarios)
    ]


def family_classes(run: Run) -> dict[str, str]:
    """Return a style class for each family that scenarios are about; it has nothing of the family's name."""
    found = dict.fromkeys(
        key.partition("-")[0] for scenario in run.scenarios for key in scenario.asked or scenario.requirements
    )
    known = list(run.families)
    order = sorted(found, key=lambda name: (known.index(name) if name in known else len(known), name))
    return {name: f"f{place}" for place, name in enumerate(order, start=1)}


def _is_rule(scenario: Scenario, item: Judgement) -> bool:
    """Whether a judgement is that of a rule over every scenario, and it held."""
    return (
        bool(scenario.asked) and item.requirement not in scenario.asked and not item.verdict.needs_attention
    )


def _judged(scenario: Scenario) -> tuple[Judged, ...]:
    groups: dict[tuple[str, str, str], list[Judgement]] = {}
    for item in scenario.judgements:
        if not _is_rule(scenario, item):
            key = item.requirement, item.verdict.name, alike(item.expected)
            groups.setdefault(key, []).append(item)
    return tuple(Judged(tuple(items)) for items in groups.values())


def links(run: Run, views: Iterable[ScenarioView]) -> dict[str, list[ScenarioView]]:
    """Return for each requirement the scenarios that were run for it."""
    found: dict[str, list[ScenarioView]] = {row.id: [] for row in run.requirements}
    by_id: dict[str, list[str]] = {}
    for row in run.requirements:
        for name in row.scenarios:
            by_id.setdefault(name, []).append(row.id)
    for view in views:
        judged = [item.requirement for item in view.scenario.judgements]
        for key in dict.fromkeys(
            [*view.scenario.requirements, *judged, *by_id.get(view.scenario.id, [])],
        ):
            found.setdefault(key, []).append(view)
    return found


def device_line(environment: dict[str, object]) -> str:
    """Return what the bench file says of the device under test: make, model, and how it is told apart."""
    device = mapping(environment.get("device"))
    name = " ".join(filter(None, (line(device.get("make")), line(device.get("model")))))
    named = {field: line(device.get(field)) for field in ("serial", "hardware", "firmware", "mac")}
    more = [f"{_FIELDS.get(field, field)} {value}" for field, value in named.items() if value]
    return ", ".join(filter(None, [name, *more]))


def environment_rows(values: dict[str, object], prefix: str = "") -> list[tuple[str, str]]:
    """Return nested environment data as flat rows of name and value."""
    rows: list[tuple[str, str]] = []
    for key, value in values.items():
        name = f"{prefix}{key}".replace("_", " ")
        if isinstance(value, dict) and prefix.count("·") < 3:
            rows += environment_rows({str(inner): item for inner, item in value.items()}, f"{line(name)} · ")
        else:
            rows.append((line(name), shorten(line(value, "—"), MAX_CELL)))
    return rows


def without_secrets(raw: str) -> str:
    """Return a SIP message whose media keys and digest responses are struck out."""
    for pattern in _SECRETS:
        raw = pattern.sub(r"\1…", raw)
    return raw


def drawn(view: ScenarioView) -> ScenarioView:
    """Return a scenario with what its timeline yields; a page draws one after the other and keeps none."""
    scenario, anchor = view.scenario, view.anchor
    seen: list[Seen] = []
    notes = list(scenario.notes)
    if scenario.timeline is not None:
        seen, problems = read_timeline(scenario.timeline)
        notes += problems
        if not seen and not problems:
            notes.append("The timeline is empty: nothing was observed.")
    if not seen:
        return replace(view, notes=tuple(notes))
    start = scenario.started if scenario.started is not None else seen[0].time
    ladder = draw(
        seen, [item for item in scenario.judgements if not _is_rule(scenario, item)], start, f"{anchor}-"
    )
    if ladder.left_out:
        notes.append(f"The drawing leaves out the last {ladder.left_out} entries; the timeline has them all.")
    messages: tuple[Message, ...] = ()
    if view.detailed:
        messages = tuple(
            Message(
                anchor=f"{placed.anchor}-raw" if placed.anchor else "",
                when=relative(placed.arrow.time, start),
                summary=f"{placed.arrow.source} → {placed.arrow.target}  {placed.arrow.label}",
                raw=shorten(without_secrets(placed.arrow.raw), MAX_RAW),
            )
            for placed in ladder.arrows
            if placed.arrow.raw and not placed.arrow.again
        )
    more = max(0, len(messages) - MAX_MESSAGES)
    return replace(
        view,
        ladder=ladder,
        sound=levels(seen),
        messages=messages[:MAX_MESSAGES],
        more_messages=more,
        notes=tuple(notes),
        observations=len(seen),
    )
