"""A question about one observation, as data: kind, witness, and conditions on fields of the content.

Being data, a pattern can be shown to a reader, stored with the verdict that rests on it, and asked again
of a stored timeline.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache

from pydantic import BaseModel, ConfigDict

from intercom_hil.timeline.observation import Observation, OperatorHeard, Witness
from intercom_hil.wire.uri import Uri, UriError

Scalar = str | int | float | bool | None


class Condition(BaseModel):
    """A condition on one field: any mix of one-of, none-of, full match, part and bounds; all must hold.

    Where the field is a SIP URI, ``user`` is the user part that it must have, and ``addresses`` are those of
    which it must be one: by the rules of RFC 3261 §19.1.4, so that escapes and letter case do not matter;
    what parameters and headers follow is of no interest.

    Where the field is a sequence of models (headers, media lines…), ``some`` asks for an element whose own
    fields meet all of its conditions, ``none`` that there be no such element. A mapping is one such element.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    one_of: tuple[Scalar, ...] | None = None
    none_of: tuple[Scalar, ...] = ()
    regex: str | None = None
    at_least: float | None = None
    at_most: float | None = None
    outside: tuple[float, float] | None = None
    contains: str | None = None
    some: dict[str, Condition] | None = None
    none: dict[str, Condition] | None = None
    user: str | None = None
    addresses: tuple[str, ...] = ()

    def holds(self, value: object) -> bool:
        """Return whether ``value`` satisfies every part of the condition; a missing value never does."""
        if self.one_of is not None and value not in self.one_of:
            return False
        if value in self.none_of:
            return False
        if self.regex is not None and not (isinstance(value, str) and re.fullmatch(self.regex, value)):
            return False
        if self.contains is not None and not (isinstance(value, str | tuple) and self.contains in value):
            return False
        if (self.user is not None or self.addresses) and not self._addressed(value):
            return False
        if self.some is not None and not _any_element(value, self.some):
            return False
        if self.none is not None and _any_element(value, self.none):
            return False
        if self.outside is not None and isinstance(value, int | float):
            low, high = self.outside
            if low <= value <= high:
                return False
        if self.at_least is not None or self.at_most is not None:
            if isinstance(value, bool) or not isinstance(value, int | float):
                return False
            if self.at_least is not None and value < self.at_least:
                return False
            if self.at_most is not None and value > self.at_most:
                return False
        return True

    def _addressed(self, value: object) -> bool:
        uri = _address(value) if isinstance(value, str) else None
        if uri is None or (self.user is not None and uri.user_unescaped != self.user):
            return False
        wanted = [other for text in self.addresses if (other := _address(text))]
        return not self.addresses or any(uri.equivalent(other) for other in wanted)


@lru_cache(maxsize=1024)
def _address(text: str) -> Uri | None:
    try:
        return replace(Uri.parse(text), parameters=(), headers=())
    except UriError:
        return None


def _any_element(value: object, conditions: dict[str, Condition]) -> bool:
    if isinstance(value, dict):
        return all(condition.holds(value.get(name)) for name, condition in conditions.items())
    elements = value if isinstance(value, tuple) else ()
    return any(
        all(condition.holds(getattr(element, name, None)) for name, condition in conditions.items())
        for element in elements
    )


def enough(found: Sequence[Observation], count: int) -> bool:
    """Return whether so many observations were found.

    An instrument says every 0.2 s what it hears; a person who has heard something says it once.
    """
    return len(found) >= count or any(isinstance(o.content, OperatorHeard) for o in found)


class Pattern(BaseModel):
    """What to look for. ``text`` is how a report names it.

    ``once_per`` are fields by which observations are distinguished when they are counted: those that agree in
    all of them count once, as a message that is sent again does. ``heard`` is what a person may have heard
    for a sound to count as such (``OperatorHeard``).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    text: str
    witness: Witness | None = None
    fields: dict[str, Condition] = {}
    once_per: tuple[str, ...] = ()
    heard: tuple[str, ...] = ()

    def matches(self, observation: Observation) -> bool:
        """Return whether the observation is one of those asked for. Absent fields never match."""
        content = observation.content
        if isinstance(content, OperatorHeard) and self.heard:
            pitch = self.fields.get("tone_hz")
            return content.what in self.heard and (pitch is None or pitch.holds(content.tone_hz))
        if content.kind != self.kind or (self.witness is not None and observation.witness != self.witness):
            return False
        return all(condition.holds(getattr(content, name, None)) for name, condition in self.fields.items())

    def counted(self, observations: Iterable[Observation]) -> list[Observation]:
        """Return those observations that count, in their order: of each group of alike ones the first."""
        if not self.once_per:
            return list(observations)
        first: dict[tuple[object, ...], Observation] = {}
        for observation in observations:
            key = tuple(getattr(observation.content, name, None) for name in self.once_per)
            first.setdefault(key, observation)
        return list(first.values())

    def where(self, text: str | None = None, /, **conditions: Scalar | Condition) -> Pattern:
        """Return a narrower pattern: each condition is a Condition, or a value the field must equal."""
        narrowed = {
            name: value if isinstance(value, Condition) else Condition(one_of=(value,))
            for name, value in conditions.items()
        }
        return self.model_copy(update={"fields": {**self.fields, **narrowed}, "text": text or self.text})

    def seen_by(self, witness: Witness) -> Pattern:
        """Return the same pattern, of this witness only."""
        return self.model_copy(update={"witness": witness})

    def __str__(self) -> str:
        return self.text
