"""What a ladder is made of before it has a place on paper: dated entries that name the lanes they touch.

Times are seconds since the epoch. ``style`` is a CSS class, ``title`` the full text shown on hover, and
``seqs`` are the observations an entry stands for, so that a judgement can point at it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from intercom_hil.run_folder.records import Judgement

BUTTON = "button"
PANEL = "panel"
MEDIA = "media"
JUDGED = "judged"
DEVICE = "device"
PBX = "pbx"


@dataclass(frozen=True, slots=True)
class Arrow:
    """A message from one party to another.

    ``again`` marks a retransmission, ``secondhand`` one that is not readable on the wire and is drawn as
    another witness reported it. ``note`` is a remark that may be dropped where there is no room.
    """

    time: float
    seqs: tuple[int, ...]
    source: str
    target: str
    label: str
    note: str
    style: str
    again: bool
    secondhand: bool
    title: str
    raw: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A short text in one of the lanes beside the parties, or in ``judged`` a verdict with its sign.

    ``about`` are the judgements that it stands for.
    """

    time: float
    seqs: tuple[int, ...]
    lane: str
    text: str
    style: str
    title: str
    rule: bool = False
    about: tuple[Judgement, ...] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """A media flow: from ``start`` to ``end``; ``heard`` are the stretches in which it carried sound."""

    seqs: tuple[int, ...]
    start: float
    end: float
    open_ended: bool
    text: str
    style: str
    title: str
    heard: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Dot:
    """Something a party said about itself, of which only the hover text is shown."""

    time: float
    seqs: tuple[int, ...]
    party: str
    title: str


@dataclass(frozen=True, slots=True)
class Band:
    """Something that concerns the whole bench: a lost instrument, drawn across all lanes."""

    time: float
    seqs: tuple[int, ...]
    text: str
    title: str


@dataclass(slots=True)
class Story:
    """All entries of one scenario and the parties between which it plays, device and PBX first."""

    parties: list[str] = field(default_factory=lambda: [DEVICE, PBX])
    arrows: list[Arrow] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    dots: list[Dot] = field(default_factory=list)
    bands: list[Band] = field(default_factory=list)

    def meet(self, *parties: str) -> None:
        """Give each party a lane, in the order in which they are met."""
        self.parties += [party for party in dict.fromkeys(parties) if party not in self.parties]
