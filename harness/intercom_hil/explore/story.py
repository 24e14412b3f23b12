"""A story as data: how the bench is set up, and what is done on it, step by step.

A story is kept in a file (JSON or TOML), and read as prose. It says nothing of what must follow: that is the
reference model's business.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from intercom_hil.errors import BenchError

MOST_STEPS = 100
MOST_BEFORE = 3
"""Stories that are played before one, at most."""
DESKS = 3
"""Remote stations that are called, at most."""
CALLERS = 2
"""Remote stations that call, at most."""


class Desk(StrEnum):
    """What a called station does."""

    ANSWERS = "answers"
    ANSWERS_EITHER = "answers, with SRTP if offered"
    RINGS = "rings until it is told otherwise"
    BUSY = "busy"
    DECLINES = "declines"
    NOT_FOUND = "not found"
    UNAVAILABLE = "unavailable"


REFUSING = (Desk.BUSY, Desk.DECLINES, Desk.NOT_FOUND, Desk.UNAVAILABLE)
"""What turns every call away."""


class Security(StrEnum):
    """The encryption setting (CFG-08), by a short name."""

    UNSET = "unset"
    FALLBACK = "fallback"
    SRTP_ONLY = "srtp-only"


class Verb(StrEnum):
    """What can be done on the bench."""

    PRESS = "press"
    RING_OUT = "ring out"
    ANSWER = "answer"
    HANG_UP = "hang up"
    CALL = "call"
    HOLD = "hold"
    RESUME = "resume"
    REFER = "refer"
    CHANGE = "change"
    TURN = "turn"
    CUT = "cut"
    RESTORE = "restore"
    WAIT = "wait"


_Desk = Annotated[int, Field(ge=0, lt=DESKS)]
_Caller = Annotated[int, Field(ge=0, lt=CALLERS)]
_Timeout = Annotated[int, Field(ge=1, le=600)]


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Change(_Data):
    """New settings; what is not given stays as it is.

    Attributes:
        contacts: the desks that the button calls, in their order (CFG-13, CFG-14).
        call_timeout: seconds (CFG-17).
        incoming: whether calls are allowed in (CFG-19).
        permitted: the callers on the list (CFG-20).
        security: the encryption setting (CFG-08).
        sip: whether SIP is on (CFG-01).
    """

    contacts: Annotated[tuple[_Desk, ...], Field(min_length=1)] | None = None
    call_timeout: _Timeout | None = None
    incoming: bool | None = None
    permitted: Annotated[tuple[_Caller, ...], Field(min_length=1)] | None = None
    security: Security | None = None
    sip: bool | None = None


class Given(_Data):
    """How a story begins.

    Attributes:
        desks: what each desk does.
        straight: whether calls go straight between device and stations, and not through the server.
        contacts, call_timeout, incoming, permitted, security, sip: the settings, as in a change.
    """

    desks: Annotated[tuple[Desk, ...], Field(min_length=1, max_length=DESKS)]
    straight: bool = False
    contacts: Annotated[tuple[_Desk, ...], Field(min_length=1)] = (0,)
    call_timeout: _Timeout = 4
    incoming: bool = True
    permitted: Annotated[tuple[_Caller, ...], Field(min_length=1)] = (0,)
    security: Security = Security.UNSET
    sip: bool = True

    def changed(self, change: Change) -> Given:
        """Return these settings with a change."""
        return self.model_copy(update=change.model_dump(exclude_none=True))


class Step(_Data):
    """One thing that is done.

    Attributes:
        verb: what.
        desk: which desk is turned.
        does: what it does from now on.
        caller: who calls.
        secure: whether that caller offers SRTP.
        change: the new settings.
    """

    verb: Verb
    desk: _Desk | None = None
    does: Desk | None = None
    caller: _Caller | None = None
    secure: bool = False
    change: Change | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        wanted = {Verb.TURN: ("desk", "does"), Verb.CALL: ("caller",), Verb.CHANGE: ("change",)}
        for name in ("desk", "does", "caller", "change"):
            asked, given = name in wanted.get(self.verb, ()), getattr(self, name) is not None
            if asked != given:
                raise ValueError(f"{self.verb!r} {'needs' if asked else 'has no'} {name!r}")
        return self

    def __str__(self) -> str:
        if self.verb is Verb.CALL:
            return f"{_caller(self.caller or 0)} calls the device{', offering SRTP' if self.secure else ''}"
        if self.verb is Verb.TURN:
            return f"{_desk(self.desk or 0)} is now one that {_DOES[self.does or Desk.ANSWERS]}"
        if self.verb is Verb.CHANGE:
            assert self.change is not None
            return f"the settings are changed: {', '.join(_changes(self.change))}"
        return _SAID[self.verb]


class Story(_Data):
    """What is done on the bench, from a beginning.

    Attributes:
        schema_: the version of this form.
        seed: by which it was drawn, with its number; empty for one written by hand.
        given: how it begins.
        steps: what is done, in order.
        before: stories that are played before it: what shows in it rests on what they left in the device.
    """

    schema_: Literal[1] = Field(default=1, alias="schema")
    seed: str = ""
    given: Given
    steps: Annotated[tuple[Step, ...], Field(max_length=MOST_STEPS)]
    before: Annotated[tuple[Story, ...], Field(max_length=MOST_BEFORE)] = ()

    @model_validator(mode="after")
    def _before_is_flat(self) -> Self:
        if any(story.before for story in self.before):
            raise ValueError("a story in 'before' has no 'before' of its own")
        return self

    @model_validator(mode="after")
    def _desks_exist(self) -> Self:
        named = {*self.given.contacts}
        for step in self.steps:
            named |= {step.desk} if step.desk is not None else set()
            named |= {*((step.change.contacts or ()) if step.change else ())}
        if named and max(named) >= len(self.given.desks):
            raise ValueError(f"desk {max(named)} is named, and 'given.desks' has {len(self.given.desks)}")
        return self

    def with_steps(self, steps: tuple[Step, ...]) -> Story:
        """Return the same story with other steps."""
        return self.model_copy(update={"steps": steps})

    def behind(self, stories: Sequence[Story]) -> Story:
        """Return the same story with others before it."""
        return self.model_copy(update={"before": tuple(stories)})

    @property
    def length(self) -> int:
        """How many steps it has, with those of the stories before it."""
        return sum(len(story.steps) for story in (*self.before, self))

    def without(self, begin: int, end: int) -> Story:
        """Return the same story without the steps from ``begin`` to before ``end``, counted over all of it.

        A story before it that has no step left goes, too.
        """
        left, place = [], 0
        for story in (*self.before, self):
            numbered = enumerate(story.steps, place)
            left.append(story.with_steps(tuple(step for at, step in numbered if not begin <= at < end)))
            place += len(story.steps)
        *before, last = left
        return last.behind([story for story in before if story.steps])

    def prose(self) -> str:
        """Return it as it reads."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        for number, story in enumerate(self.before, 1):
            yield f"Story {number}, before it:"
            yield from story._lines()
        if self.before:
            yield "Then:"
        given = self.given
        calls = [f"{_desk(place)} (it {_DOES[given.desks[place]]})" for place in given.contacts]
        yield f"Given a device that calls {', then '.join(calls)}, {given.call_timeout} s each,"
        who = " and ".join(map(_caller, given.permitted))
        admitted = f"that lets {who} in" if given.incoming else "that takes no calls"
        way = "straight, past the server" if given.straight else "through the server"
        off = "" if given.sip else ", with SIP off"
        yield f"{admitted}, with encryption {given.security}{off}, and calls that go {way}:"
        for number, step in enumerate(self.steps, 1):
            yield f"{number}. {step}."

    def write(self, path: Path) -> None:
        """Keep it in a file. Raises BenchError."""
        text = self.model_dump_json(by_alias=True, exclude_none=True, exclude_defaults=False, indent=1)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text + "\n", encoding="utf-8")
        except OSError as problem:
            raise BenchError(
                f"the story cannot be kept ({problem.strerror or problem})", str(path), "name another place"
            ) from problem

    @classmethod
    def read(cls, path: Path) -> Story:
        """Read it from a file, JSON or (by its suffix) TOML.

        Raises:
            BenchError: the message names file, field and remedy.
        """
        try:
            text = path.read_text(encoding="utf-8")
            data = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
        except OSError as problem:
            raise BenchError(
                f"the story cannot be read ({problem.strerror or problem})", str(path), "name a story's file"
            ) from problem
        except ValueError as problem:
            kind = "TOML" if path.suffix == ".toml" else "JSON"
            raise BenchError(f"this is no {kind} ({problem})", str(path), "correct it there") from problem
        try:
            return cls.model_validate(data)
        except ValidationError as problem:
            first = problem.errors()[0]
            field = ".".join(map(str, first["loc"])) or "story"
            remedy = f"correct the field {field}; schemas/story.schema.json has what may stand there"
            raise BenchError(f"{field}: {first['msg']}", str(path), remedy) from problem


_SAID = {
    Verb.PRESS: "the button is pressed",
    Verb.RING_OUT: "the desk lets it ring until the device gives up",
    Verb.ANSWER: "the desk that rings answers",
    Verb.HANG_UP: "the other side hangs up, or turns away what rings",
    Verb.HOLD: "the other side puts the call on hold",
    Verb.RESUME: "the other side takes the call off hold",
    Verb.REFER: "the other side refers the device to a stranger",
    Verb.CUT: "the server falls silent",
    Verb.RESTORE: "the server answers again",
    Verb.WAIT: "nothing is done for a while",
}
_DOES = {
    Desk.ANSWERS: "answers, in clear",
    Desk.ANSWERS_EITHER: "answers, under SRTP if that is offered",
    Desk.RINGS: "rings",
    Desk.BUSY: "is busy",
    Desk.DECLINES: "declines",
    Desk.NOT_FOUND: "is not found",
    Desk.UNAVAILABLE: "is unavailable",
}


def _desk(place: int) -> str:
    return f"desk {'ABC'[place]}"


def _caller(place: int) -> str:
    return f"caller {place + 1}"


def _changes(change: Change) -> Iterator[str]:
    if change.contacts is not None:
        yield f"the button calls {', then '.join(map(_desk, change.contacts))}"
    if change.call_timeout is not None:
        yield f"{change.call_timeout} s for each"
    if change.incoming is not None:
        yield f"incoming calls {'on' if change.incoming else 'off'}"
    if change.permitted is not None:
        yield f"the list of permitted callers is {' and '.join(map(_caller, change.permitted))}"
    if change.security is not None:
        yield f"encryption {change.security}"
    if change.sip is not None:
        yield f"SIP {'on' if change.sip else 'off'}"
