"""What the page knows of a run: reports of its processes in, the state of the run out. No clock, no network.

Whatever is reported, nothing here grows without bound and nothing raises: a report that makes no sense is
left out. Texts may come from a device; they are cut short here and escaped where they are shown.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from intercom_hil.run_folder.fields import line, mapping, moment, number, sequence, shorten, whole
from intercom_hil.run_folder.observations import Seen
from intercom_hil.run_folder.verdicts import PASS, Verdict, verdict_of, worst

MOST_SEEN = 600
"""Observations that are kept of a scenario: the last ones."""
MOST_LANES = 64
MOST_FINDINGS = 40
MOST_PLAYED = 12
"""Scenarios that are listed among those played last."""
MOST_REQUIREMENTS = 2_000
_MOST_COPIES = 30
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Remark:
    """An observation in words: when, who saw it, what."""

    time: float
    witnesses: tuple[str, ...]
    text: str


@dataclass(slots=True)
class Scenario:
    """A scenario that plays: its name, what it judges, since when (s since the epoch), what was seen."""

    title: str
    requirements: tuple[str, ...]
    since: float
    seen: deque[Seen] = field(default_factory=lambda: deque(maxlen=MOST_SEEN))
    remarks: deque[Remark] = field(default_factory=lambda: deque(maxlen=MOST_SEEN))

    @property
    def start(self) -> float:
        """What times are counted from, in s since the epoch."""
        return min([self.since, *(seen.time for seen in self.seen)])

    def see(self, seen: Seen, text: str) -> None:
        """Take an observation; the same SIP message from another witness only adds its name."""
        self.seen.append(seen)
        if seen.kind == "sip":
            recent = list(self.remarks)[-_MOST_COPIES:]
            copy = next((one for one in reversed(recent) if one.text == text and _near(one, seen)), None)
            if copy is not None:
                place = len(self.remarks) - 1 - list(reversed(self.remarks)).index(copy)
                self.remarks[place] = Remark(copy.time, (*copy.witnesses, seen.witness), text)
                return
        self.remarks.append(Remark(seen.time, (seen.witness,), text))


def _near(remark: Remark, seen: Seen) -> bool:
    return seen.witness not in remark.witnesses and abs(seen.time - remark.time) < 0.25


@dataclass(slots=True)
class Lane:
    """A process that plays: its name, its bench and device, what it does, what it plays."""

    name: str
    bench: str = ""
    device: str = ""
    doing: str = ""
    scenario: Scenario | None = None


@dataclass(frozen=True, slots=True)
class Played:
    """A scenario that is over. ``why``: requirement, expected, seen, of each expectation that was not met."""

    title: str
    verdict: Verdict
    duration: float
    why: tuple[tuple[str, str, str], ...] = ()
    problems: tuple[str, ...] = ()


class Board:
    """The run as it stands.

    Attributes:
        name: what the run is called.
        total: how many scenarios there are to play; 0 as long as that is not known.
        lanes: by name.
        tally: how many scenarios got each verdict.
        requirements: the worst verdict of each requirement that was judged.
        findings: the scenarios that need attention, the latest first.
        last: those played last, the latest first.
        stopping: whether the run has been asked to stop.
        ended: how the run ended, in words; empty while it goes on.
    """

    def __init__(self, begun: float) -> None:
        """Begin; ``begun`` is when the run did (s since the epoch)."""
        self.begun = begun
        self.name = ""
        self.total = 0
        self.lanes: dict[str, Lane] = {}
        self.tally: Counter[str] = Counter()
        self.requirements: dict[str, Verdict] = {}
        self.findings: deque[Played] = deque(maxlen=MOST_FINDINGS)
        self.last: deque[Played] = deque(maxlen=MOST_PLAYED)
        self.stopping = False
        self.ended = ""
        self._first = 0.0
        self._forecast: float | None = None
        self._takes: Mapping[str, Callable[[Mapping[str, object], float], None]] = {
            "run": self._run,
            "lane": self._lane,
            "doing": self._doing,
            "begins": self._begins,
            "seen": self._seen,
            "judged": self._judged,
            "stands": self._stands,
            "over": self._over,
            "ended": self._ended,
        }

    @property
    def played(self) -> int:
        """How many scenarios are over."""
        return self.tally.total()

    def left(self, now: float) -> float | None:
        """Return for how long the run goes on from a time on, at about, in s; None where that is not known.

        By how long the scenarios took that have been played; before the first, by the forecast.
        """
        if self.ended or not self.total:
            return None
        if not self.played:
            return None if self._forecast is None else max(0.0, self._forecast - (now - self.begun))
        return max(0.0, now - self._first) / self.played * max(0, self.total - self.played)

    def take(self, report: object, now: float) -> bool:
        """Take a report of a process.

        Args:
            report: a JSON object, as ``Feed`` sends it.
            now: when it came (s since the epoch).

        Returns:
            Whether it changed anything.
        """
        said = mapping(report)
        take = self._takes.get(line(said.get("what")))
        if take is None:
            return False
        take(said, now)
        return True

    def leave(self, name: str) -> None:
        """Take note that a process has gone."""
        self.lanes.pop(name, None)

    # -- reports ---------------------------------------------------------------------------------------

    def _run(self, said: Mapping[str, object], now: float) -> None:
        self.name = _text(said.get("name")) or self.name
        self.total = max(0, whole(said.get("total"))) or self.total
        self._forecast = number(said.get("forecast")) or self._forecast

    def _of(self, said: Mapping[str, object]) -> Lane:
        name = _text(said.get("lane"))
        if name not in self.lanes and len(self.lanes) >= MOST_LANES:
            return Lane(name)  # what it does is seen nowhere
        return self.lanes.setdefault(name, Lane(name))

    def _lane(self, said: Mapping[str, object], now: float) -> None:
        if "bench" in said:
            lane = self._of(said)
            lane.bench, lane.device = _text(said["bench"]), _text(said.get("device"))

    def _doing(self, said: Mapping[str, object], now: float) -> None:
        self._of(said).doing = _text(said.get("text"))

    def _begins(self, said: Mapping[str, object], now: float) -> None:
        lane = self._of(said)
        self._first = self._first or now
        names = tuple(_text(name) for name in sequence(said.get("requirements"))[:_MOST_COPIES])
        lane.doing, lane.scenario = "", Scenario(_text(said.get("title")), names, now)

    def _seen(self, said: Mapping[str, object], now: float) -> None:
        scenario = self._of(said).scenario
        content, time = mapping(said.get("content")), moment(said.get("time"))
        kind = line(content.get("kind"))
        if scenario is not None and time is not None and kind:
            seen = Seen(whole(said.get("seq"), -1), time, _text(said.get("witness")), kind, content)
            scenario.see(seen, _text(said.get("text")))

    def _judged(self, said: Mapping[str, object], now: float) -> None:
        self._of(said).scenario = None
        played = Played(
            title=_text(said.get("title")),
            verdict=verdict_of(said.get("verdict")),
            duration=number(said.get("duration")) or 0.0,
            why=tuple(_why(one) for one in sequence(said.get("why"))[:_MOST_COPIES]),
            problems=tuple(_text(one) for one in sequence(said.get("problems"))[:_MOST_COPIES]),
        )
        self.tally[played.verdict.name] += 1
        self.last.appendleft(played)
        if played.verdict.rank > PASS.rank:
            self.findings.appendleft(played)
        for name, verdict in mapping(said.get("requirements")).items():
            self._fold(_text(name), verdict_of(verdict))

    def _stands(self, said: Mapping[str, object], now: float) -> None:
        """Take a verdict of a run that goes on."""
        self._fold(_text(said.get("requirement")), verdict_of(said.get("verdict")))

    def _fold(self, name: str, verdict: Verdict) -> None:
        if name in self.requirements or len(self.requirements) < MOST_REQUIREMENTS:
            self.requirements[name] = worst([self.requirements.get(name, verdict), verdict])

    def _over(self, said: Mapping[str, object], now: float) -> None:
        self._of(said).scenario = None

    def _ended(self, said: Mapping[str, object], now: float) -> None:
        self.ended = _text(said.get("text")) or "the run is over"
        for lane in self.lanes.values():
            lane.scenario, lane.doing = None, ""


def _text(value: object) -> str:
    return shorten(line(value), _LONGEST)


def _why(value: object) -> tuple[str, str, str]:
    said = mapping(value)
    return _text(said.get("requirement")), _text(said.get("expected")), _text(said.get("seen"))
