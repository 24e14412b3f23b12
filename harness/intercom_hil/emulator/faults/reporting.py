"""Faults in the event log (EVT)."""

from __future__ import annotations

from dataclasses import replace

from intercom_hil.emulator import events
from intercom_hil.emulator.events import EventKind
from intercom_hil.emulator.faults.fault import Fault
from intercom_hil.emulator.vocabulary import (
    ButtonPressed,
    Configured,
    Dial,
    Input,
    Output,
    Step,
    WriteEvent,
)


class MissingEvent(Fault):
    """One kind of event is never written."""

    def __init__(self, kind: EventKind) -> None:
        super().__init__()
        self._event = kind.name
        self.name = f"missing-event-{kind.name}"
        self.description = f"the event {kind.name} is never written"
        self.breaks = frozenset({kind.requirement})

    def change(self, output: Output) -> Output | None:
        """Swallow the event."""
        return None if isinstance(output, WriteEvent) and output.name == self._event else output


class EventWrittenOnce(Fault):
    """One kind of event is written for its first cause alone."""

    def __init__(self, kind: EventKind, shown_by: str) -> None:
        super().__init__()
        self._event = kind.name
        self.name = f"once-{kind.name}"
        self.description = f"the event {kind.name} is written once, and never again until reconfigured"
        self.breaks, self.shown_by = frozenset({kind.requirement}), frozenset({shown_by})
        self._written = False

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Swallow every event of the kind but the first."""
        self._written &= not isinstance(given, Configured)
        return super().react(given, inner)

    def change(self, output: Output) -> Output | None:
        """Swallow the event, unless it is the first."""
        if not isinstance(output, WriteEvent) or output.name != self._event:
            return output
        first, self._written = not self._written, True
        return output if first else None


class EventWrittenTwice(Fault):
    """One kind of event is written twice for each of its causes."""

    def __init__(self, kind: EventKind) -> None:
        super().__init__()
        self._event = kind.name
        self.name = f"twice-{kind.name}"
        self.description = f"the event {kind.name} is written twice for each of its causes"
        alone = {events.INCOMING_FAILURE.name: {"EVT-08"}}  # its scenarios want one event, and no more
        self.breaks = frozenset({"EVT-11"} | alone.get(kind.name, set()))
        self.shown_by = frozenset({kind.requirement})

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Write it again."""
        outputs = super().react(given, inner)
        return [one for output in outputs for one in [output] * (2 if self._is_of_the_kind(output) else 1)]

    def _is_of_the_kind(self, output: Output) -> bool:
        return isinstance(output, WriteEvent) and output.name == self._event


class AttemptAtHangup(Fault):
    """Every press is logged as the beginning of a call."""

    name = "initiated-at-hangup"
    description = "outgoing_call_initiated is written also for the press that ends a call"
    breaks = frozenset({"EVT-11"})
    shown_by = frozenset({"OUT-06"})

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Write it."""
        up, outputs = self.situation.up, inner(given)
        kind = events.OUTGOING_INITIATED
        more = [WriteEvent(kind.name, kind.screen_name, "button")] if up else []
        return [*outputs, *more] if isinstance(given, ButtonPressed) else outputs


class LoggedBeforeAnswer(Fault):
    """Who is called is taken for one who has answered."""

    name = "established-before-the-answer"
    description = "outgoing_call_established is written when a call is placed, not when it is answered"
    breaks = frozenset({"EVT-02", "EVT-11", "EVT-12"})

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Write it with the call, and not again."""
        kind, changed = events.OUTGOING_ESTABLISHED, []
        for output in inner(given):
            if not (isinstance(output, WriteEvent) and output.name == kind.name):
                changed.append(output)
            if isinstance(output, Dial):
                changed.append(WriteEvent(kind.name, kind.screen_name, output.uri))
        return changed


class DetailsOfTheCallBefore(Fault):
    """A buffer is read before it is written."""

    name = "details-of-the-call-before"
    description = "a failure has the details of the one before it"
    breaks = frozenset({"EVT-03", "EVT-13"})
    shown_by = frozenset({"OUT-02"})

    def __init__(self) -> None:
        super().__init__()
        self._before = ""

    def change(self, output: Output) -> Output | None:
        """Exchange the details, unless it is the first failure."""
        if not isinstance(output, WriteEvent) or output.name != events.OUTGOING_FAILURE.name:
            return output
        details, self._before = self._before or output.details, output.details
        return replace(output, details=details)


class WrongEventName(Fault):
    """An event goes by another name."""

    name = "wrong-event-name"
    description = "outgoing_call_established is written as outgoing_call_answered"
    breaks = frozenset({"EVT-02", "EVT-11"})

    def change(self, output: Output) -> Output | None:
        """Rename the event."""
        if isinstance(output, WriteEvent) and output.name == events.OUTGOING_ESTABLISHED.name:
            return replace(output, name="outgoing_call_answered")
        return output


class WrongScreenName(Fault):
    """An event shows another screen name."""

    name = "wrong-screen-name"
    description = "outgoing_remote_hangup has the screen name Call Ended"
    breaks = frozenset({"EVT-04"})

    def change(self, output: Output) -> Output | None:
        """Change the screen name."""
        if isinstance(output, WriteEvent) and output.name == events.OUTGOING_REMOTE_HANGUP.name:
            return replace(output, screen_name="Call Ended")
        return output


class DuplicateEvent(Fault):
    """An event is written twice for one cause."""

    name = "duplicate-event"
    description = "outgoing_call_established and incoming_call_received are written twice"
    breaks = frozenset({"EVT-11"})
    _TWICE = frozenset({events.OUTGOING_ESTABLISHED.name, events.INCOMING_RECEIVED.name})

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Write it again."""
        outputs = inner(given)
        return outputs + [o for o in outputs if isinstance(o, WriteEvent) and o.name in self._TWICE]


class UnknownEvent(Fault):
    """An event outside the catalogue is written."""

    name = "unknown-event"
    description = "an event outgoing_call_progress, which no catalogue lists, follows each call initiated"
    breaks = frozenset({"EVT-11"})

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Invent an event."""
        outputs = inner(given)
        if any(isinstance(o, WriteEvent) and o.name == events.OUTGOING_INITIATED.name for o in outputs):
            outputs.append(WriteEvent("outgoing_call_progress", "Dialing", "trying"))
        return outputs


class EventsOutOfOrder(Fault):
    """An attempt is written down only after its outcome."""

    name = "events-out-of-order"
    description = "outgoing_call_initiated is written after the event that follows it"
    breaks = frozenset({"EVT-12"})

    def __init__(self) -> None:
        super().__init__()
        self._held: list[Output] = []

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Hold the first event back until the next one has been written."""
        written: list[Output] = []
        for output in inner(given):
            if isinstance(output, WriteEvent) and output.name == events.OUTGOING_INITIATED.name:
                self._held.append(output)
                continue
            written.append(output)
            if isinstance(output, WriteEvent):
                written += self._held
                self._held.clear()
        return written


class DetailsAllAlike(Fault):
    """The details of failures do not distinguish the kinds."""

    name = "details-all-alike"
    description = "every failure and rejection has the details error"
    breaks = frozenset({"EVT-13"})
    _WITH_KIND = frozenset(
        kind.name for kind in (events.OUTGOING_FAILURE, events.INCOMING_REJECTED, events.INCOMING_FAILURE)
    )

    def change(self, output: Output) -> Output | None:
        """Say the same for all."""
        if isinstance(output, WriteEvent) and output.name in self._WITH_KIND:
            return replace(output, details="error")
        return output
