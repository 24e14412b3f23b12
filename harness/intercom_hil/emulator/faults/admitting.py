"""Faults in the list of permitted callers (INC-03, INC-07): who is taken for whom."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from urllib.parse import unquote

from intercom_hil.emulator.addresses import user_of
from intercom_hil.emulator.faults.fault import Fault
from intercom_hil.emulator.vocabulary import (
    Answer,
    Configured,
    Incoming,
    Input,
    Output,
    Step,
    WriteEvent,
)


class CallerMisread(Fault):
    """A fault that takes a caller for somebody else before the list is consulted."""

    _callers = ("", "")  # as whom the device takes the last caller, and who it is

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Misread; what is logged of the call names its caller all the same."""
        if isinstance(given, Incoming):
            taken = self.misread(given)
            self._callers, given = (taken.caller, given.caller), taken
        return [self._of_its_caller(output) for output in inner(given)]

    def _of_its_caller(self, output: Output) -> Output:
        if (
            not isinstance(output, WriteEvent)
            or not output.name.startswith("incoming")
            or not self._callers[0]
        ):
            return output
        return replace(output, details=output.details.replace(*self._callers))

    @abstractmethod
    def misread(self, given: Incoming) -> Incoming:
        """Return the call as the device takes it."""

    def as_from_server(self, given: Incoming, caller: str = "") -> Incoming:
        """Return the call as if the server had sent it, of this caller if one is given."""
        settings = self.situation.settings
        server = settings.server_address if settings else given.source
        return replace(given, source=server, caller=caller or given.caller)

    def as_listed(self, given: Incoming, entry: str) -> Incoming:
        """Return the call as if it were of the caller whom an entry of the list names."""
        settings = self.situation.settings
        server = settings.server_address if settings else given.source
        return self.as_from_server(given, entry if entry.startswith("sip:") else f"sip:{entry}@{server}")


class ComparesDisplayName(CallerMisread):
    """The display name is taken for the caller's number."""

    name = "allow-list-compares-display-name"
    description = "a caller whose display name is a permitted entry gets in"
    breaks = frozenset({"INC-07"})

    def misread(self, given: Incoming) -> Incoming:
        """Believe the display name where it is on the list."""
        settings = self.situation.settings
        entries = settings.permitted_callers if settings else ()
        for entry in entries:
            if settings and given.display and given.display in (entry, user_of(entry)):
                return self.as_listed(given, entry)
        return given


class IgnoresHost(CallerMisread):
    """The caller's host does not matter."""

    name = "allow-list-ignores-host"
    description = "a permitted extension gets in whatever domain it claims"
    breaks = frozenset({"INC-03", "INC-07"})

    def misread(self, given: Incoming) -> Incoming:
        """Take every caller for the one of that name who is on the list, or for one at the server."""
        settings = self.situation.settings
        if settings is None:
            return given
        user = user_of(given.caller)
        listed = (entry for entry in settings.permitted_callers if entry.startswith("sip:"))
        own = next((entry for entry in listed if user_of(entry) == user), "")
        return self.as_from_server(given, own or f"sip:{user}@{settings.server_address}")


class TrustsAnySource(CallerMisread):
    """The From URI is believed wherever the INVITE came from."""

    name = "allow-list-trusts-any-source"
    description = "an INVITE sent straight to the device may claim any permitted caller"
    breaks = frozenset({"INC-07"})

    def misread(self, given: Incoming) -> Incoming:
        """Take every INVITE for one of the server's."""
        return self.as_from_server(given)


class ComparesLetterCase(Fault):
    """The host of an entry is compared letter for letter."""

    name = "allow-list-compares-letter-case"
    description = "an entry whose host has capital letters admits nobody"
    breaks = frozenset({"INC-03"})

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Put nobody in the place of such entries."""
        if isinstance(given, Configured):
            entries = given.settings.permitted_callers
            read = tuple("nobody" if entry != _with_small_host(entry) else entry for entry in entries)
            settings = given.settings.with_changes({"permitted_callers": read})
            given = replace(given, settings=settings)
        return inner(given)


def _with_small_host(entry: str) -> str:
    user, at, host = entry.partition("@")
    return user + at + host.lower()


class EscapesCompared(CallerMisread):
    """A caller is compared as it is written."""

    name = "allow-list-compares-escapes"
    description = "a permitted caller whose number is written with percent-escapes does not get in"
    breaks = frozenset({"INC-03"})

    def misread(self, given: Incoming) -> Incoming:
        """Escape the escapes, so that undoing them leaves what was written."""
        return replace(given, caller=given.caller.replace("%", "%25"))


class ClaimBelieved(CallerMisread):
    """A caller is whoever something in its INVITE says."""

    def __init__(self, name: str, description: str, claimed: Callable[[Incoming], str]) -> None:
        """Make it.

        Args:
            name: what the fault is asked for by.
            description: what the device does wrong.
            claimed: finds the number or address that is believed, or nothing.
        """
        super().__init__()
        self.name, self.description, self.breaks = name, description, frozenset({"INC-07"})
        self._claimed = claimed

    def misread(self, given: Incoming) -> Incoming:
        """Take the claim for the caller where it is on the list."""
        settings = self.situation.settings
        claim = self._claimed(given)
        if settings is None or not claim:
            return given
        full = claim if claim.startswith("sip:") else f"sip:{claim}@{settings.server_address}"
        listed = {user_of(entry) or entry for entry in settings.permitted_callers}
        return self.as_from_server(given, full) if user_of(full) in listed else given


class Resembling(CallerMisread):
    """A number that resembles a permitted one is taken for it."""

    def __init__(self, name: str, description: str, alike: Callable[[str, str], bool]) -> None:
        """Make it.

        Args:
            name: what the fault is asked for by.
            description: what the device does wrong.
            alike: whether a caller's number is taken for that of an entry.
        """
        super().__init__()
        self.name, self.description, self.breaks = name, description, frozenset({"INC-03"})
        self._alike = alike

    def misread(self, given: Incoming) -> Incoming:
        """Take what the server sends for an entry that resembles its caller."""
        settings, user = self.situation.settings, user_of(given.caller)
        if settings is None or not user or given.source != settings.server_address:
            return given
        for entry in settings.permitted_callers:
            number = user_of(entry) or entry
            if self._alike(user, number):
                return replace(given, caller=given.caller.replace(user, number, 1))
        return given


class TakenOffAdmitted(CallerMisread):
    """The list that was there before still lets people in."""

    name = "allow-list-of-before-admits"
    description = "a caller who was on the list before the last change of it gets in"
    breaks = frozenset({"INC-03"})

    def __init__(self) -> None:
        super().__init__()
        self._before: tuple[str, ...] = ()

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Remember the old list."""
        if isinstance(given, Configured) and self.situation.settings is not None:
            self._before = self.situation.settings.permitted_callers
        return super().react(given, inner)

    def misread(self, given: Incoming) -> Incoming:
        """Put somebody who is on the list in the place of one who was."""
        settings, user = self.situation.settings, user_of(given.caller)
        if settings is None or user not in self._before or not settings.permitted_callers:
            return given
        number = user_of(settings.permitted_callers[0]) or settings.permitted_callers[0]
        return replace(given, caller=given.caller.replace(user, number, 1))


class ServerAdmitted(CallerMisread):
    """Who calls as the server itself needs no number."""

    name = "allow-list-admits-the-server"
    description = "a caller without a number at the server's address gets in"
    breaks = frozenset({"INC-07"})

    def misread(self, given: Incoming) -> Incoming:
        """Put a permitted caller in its place."""
        settings = self.situation.settings
        if settings is None or given.caller != f"sip:{settings.server_address}":
            return given
        entries = (*settings.permitted_callers, "")
        return self.as_from_server(
            given, f"sip:{user_of(entries[0]) or entries[0]}@{settings.server_address}"
        )


class EntrySearched(CallerMisread):
    """An entry is looked for in the From header instead of compared with it."""

    name = "allow-list-searches-address"
    description = "a caller in whose address a permitted number stands anywhere gets in"
    breaks = frozenset({"INC-03", "INC-07"})

    def misread(self, given: Incoming) -> Incoming:
        """Take the first entry that is found for the caller."""
        settings = self.situation.settings
        for entry in settings.permitted_callers if settings else ():
            if settings and entry in given.caller:
                return self.as_listed(given, entry)
        return given


RESEMBLING: tuple[Callable[[], Resembling], ...] = (
    partial(
        Resembling,
        "allow-list-compares-beginning",
        "a caller whose number begins with a permitted one gets in",
        lambda caller, entry: caller.startswith(entry),
    ),
    partial(
        Resembling,
        "allow-list-compares-what-is-there",
        "a caller whose number is the beginning of a permitted one gets in",
        lambda caller, entry: entry.startswith(caller),
    ),
    partial(
        Resembling,
        "allow-list-compares-end",
        "a caller whose number ends with a permitted one gets in",
        lambda caller, entry: caller.endswith(entry),
    ),
    partial(
        Resembling,
        "allow-list-compares-as-number",
        "a caller whose number is a permitted one but for zeros in front gets in",
        lambda caller, entry: caller.lstrip("0") == entry.lstrip("0"),
    ),
    partial(
        Resembling,
        "allow-list-ignores-letter-case",
        "a caller whose name is a permitted one in other letters gets in",
        lambda caller, entry: caller.lower() == entry.lower(),
    ),
)
"""What makes the faults that take one number for another."""


def _said_elsewhere(given: Incoming) -> str:
    own = ("contact", *sorted(given.claims.keys() - {"contact"}))
    users = (given.claims[name] for name in own if name in given.claims)
    return next((uri for uri in users if user_of(uri) != user_of(given.caller)), "")


def _first_in_brackets(given: Incoming) -> str:
    found = re.search(r"<([^<>]*)>", given.display)
    return found[1] if found else ""


def _read_after_unescaping(given: Incoming) -> str:
    found = re.match(r"sip:[^@]+@[^@;]+(?=@)", unquote(given.caller))
    return found[0] if found else ""


def _unescaped_twice(given: Incoming) -> str:
    twice = unquote(unquote(given.caller))
    return twice if twice != unquote(given.caller) else ""


def _up_to_the_zero(given: Incoming) -> str:
    text, zero, _ = unquote(given.caller).partition("\0")
    return text.partition(":")[2] if zero else ""


def _after_tel(given: Incoming) -> str:
    return given.caller.partition(":")[2] if given.caller.startswith("tel:") else ""


BELIEVED_CLAIMS: tuple[Callable[[], ClaimBelieved], ...] = (
    partial(
        ClaimBelieved,
        "allow-list-believes-other-headers",
        "a caller gets in that names a permitted one in Contact, P-Asserted-Identity or the like",
        _said_elsewhere,
    ),
    partial(
        ClaimBelieved,
        "allow-list-misreads-quoted-name",
        "a caller whose display name is a permitted address in angle brackets gets in",
        _first_in_brackets,
    ),
    partial(
        ClaimBelieved,
        "allow-list-unescapes-before-reading",
        "a caller whose number holds an escaped @ and the server's name gets in",
        _read_after_unescaping,
    ),
    partial(
        ClaimBelieved,
        "allow-list-unescapes-twice",
        "a caller whose number is a permitted one only after undoing its escapes twice gets in",
        _unescaped_twice,
    ),
    partial(
        ClaimBelieved,
        "allow-list-stops-at-zero",
        "a caller whose number is a permitted one up to an escaped zero byte gets in",
        _up_to_the_zero,
    ),
    partial(
        ClaimBelieved,
        "allow-list-admits-tel",
        "a caller with a permitted number as tel: address gets in",
        _after_tel,
    ),
)
"""What makes the faults that believe what a caller says besides, or that misread what it says."""


class FormerCallersAdmitted(Fault):
    """A list that is saved adds to the one before, and takes nobody off it."""

    name = "former-callers-admitted"
    description = "callers of the list that was saved before get in as well"
    breaks = frozenset({"INC-03"})

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Keep the entries of the last list."""
        before = self.situation.settings
        if isinstance(given, Configured) and before is not None:
            now = given.settings.permitted_callers
            former = tuple(entry for entry in before.permitted_callers if entry not in now)
            if now:
                settings = given.settings.with_changes({"permitted_callers": (*now, *former)})
                return inner(replace(given, settings=settings))
        return inner(given)


class ListCheckedOnce(Fault):
    """Whoever calls next is taken for the caller before."""

    name = "allow-list-checked-once"
    description = "after a permitted caller was let in, everybody may call until reconfigured"
    breaks = frozenset({"INC-03"})

    def __init__(self) -> None:
        super().__init__()
        self._let_in = False

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Clear the list once somebody has passed it."""
        settings = self.situation.settings
        if isinstance(given, Configured):
            self._let_in = False
        elif isinstance(given, Incoming) and self._let_in and self.situation.idle and settings is not None:
            self._let_in = False
            inner(Configured(replace(settings, permitted_callers=()), {}))
        outputs = inner(given)
        self._let_in |= any(isinstance(output, Answer) for output in outputs)
        return outputs
