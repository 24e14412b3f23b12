"""Faults of the Admin Portal's pages alone: its JSON interface does none of this.

They are out of the table of faults that a compliance run has to find: no scenario uses a browser.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from intercom_hil.emulator.event_log import LoggedEvent
from intercom_hil.emulator.events import EVENTS
from intercom_hil.emulator.faults.administering import with_valid_fields
from intercom_hil.emulator.faults.fault import Fault
from intercom_hil.emulator.form_reading import Errors, RefusedError, read_settings
from intercom_hil.emulator.page_rules import PageRules
from intercom_hil.emulator.settings import SipSettings


class _PageFault(PageRules, Fault):
    """A fault that is one of the pages' rules itself, over the good ones."""

    def pages(self, inner: PageRules) -> PageRules:
        """Put itself over the others."""
        self.inner = inner
        return self


class BrowserChecksNothing(_PageFault):
    """The pages leave every check to the server. That is lawful: nothing wrong is accepted."""

    name = "browser-checks-nothing"
    description = "no field of the portal's form is checked in the browser, only by the server"

    def checks(self, field: str, checks: Mapping[str, str]) -> Mapping[str, str]:
        """Have none."""
        return {}


class ServerChecksNothing(_PageFault):
    """The pages trust the browser's check."""

    name = "browser-check-trusted"
    description = "a wrong value that gets past the browser's check is accepted, and has no effect"
    breaks = frozenset({"CFG-22"})

    def submitted(self, data: Mapping[str, Any], in_force: SipSettings | None) -> Mapping[str, Any]:
        """Keep the old value in the place of a wrong one, and say nothing."""
        try:
            read_settings(data)
        except RefusedError as refused:
            valid = with_valid_fields(data, refused.errors, in_force)
            return valid.as_json() if valid else super().submitted(data, in_force)
        return super().submitted(data, in_force)


class HiddenNotRefused(_PageFault):
    """The way to the form is hidden from other roles; who knows its address may use it."""

    name = "form-hidden-not-refused"
    description = "other roles are not shown the way to the form, and can submit it all the same"
    breaks = frozenset({"CFG-02"})

    def lets_in(self, allowed: bool) -> bool:
        """Let everybody."""
        return True


class ShownToEverybody(_PageFault):
    """Other roles are led to a form that they may not submit."""

    name = "form-shown-to-other-roles"
    description = "other roles are shown Settings > Modify, and refused only then"
    breaks = frozenset({"CFG-02"})

    def shows_way_in(self, allowed: bool) -> bool:
        """Show it to everybody."""
        return True


class WrongLabel(_PageFault):
    """One field is called something else."""

    name = "wrong-label"
    description = "the portal's form calls the field Call Timeout Ring Time"
    breaks = frozenset({"CFG-17"})

    def label(self, field: str, label: str) -> str:
        """Call it that."""
        return super().label(field, "Ring Time" if field == "call_timeout" else label)


class SwappedLabels(_PageFault):
    """Two fields have each other's label."""

    name = "swapped-labels"
    description = (
        "the portal's form has the labels Authentication Username and SIP Extension at each other's field"
    )
    breaks = frozenset({"CFG-09", "CFG-12"})

    _swapped: Mapping[str, str] = {
        "auth_username": "SIP Extension",
        "extension": "Authentication Username",
    }

    def label(self, field: str, label: str) -> str:
        """Swap them."""
        return super().label(field, self._swapped.get(field, label))


class ToggleNotKept(_PageFault):
    """A toggle is for show."""

    name = "toggle-not-kept"
    description = "Allow Incoming Calls in the portal's form has no effect: it is again as it was"
    breaks = frozenset({"CFG-19"})

    def submitted(self, data: Mapping[str, Any], in_force: SipSettings | None) -> Mapping[str, Any]:
        """Leave it as it was."""
        kept = in_force.allow_incoming if in_force else True
        return super().submitted({**data, "allow_incoming": kept}, in_force)


class SipToggleNotKept(_PageFault):
    """SIP cannot be switched off."""

    name = "sip-toggle-not-kept"
    description = "SIP that is toggled off in the portal's form stays on"
    breaks = frozenset({"CFG-01"})

    def submitted(self, data: Mapping[str, Any], in_force: SipSettings | None) -> Mapping[str, Any]:
        """Leave it on."""
        return super().submitted({**data, "enabled": True}, in_force)


class ErrorAtWrongField(_PageFault):
    """Every error is said of the first field."""

    name = "error-at-wrong-field"
    description = "whatever field is wrong, the portal's form says so at Domain Name / IP Address"
    breaks = frozenset({"CFG-22"})

    def errors(self, errors: Errors) -> Errors:
        """Move them there."""
        return super().errors([{**error, "field": "server_address"} for error in errors])


class ErrorNotShown(_PageFault):
    """A refusal does not say what is wrong."""

    name = "error-at-no-field"
    description = "a refused form is shown again with Invalid input, and no field is named"
    breaks = frozenset({"CFG-22"})

    def errors(self, errors: Errors) -> Errors:
        """Say nothing in particular."""
        return super().errors([{"field": "", "message": "Invalid input"}] if errors else [])


class WarningNotShown(_PageFault):
    """A warning stays inside."""

    name = "polling-warning-not-shown"
    description = "the portal's pages do not show the warning about a short polling interval"
    breaks = frozenset({"CFG-05"})

    def warnings(self, warnings: list[str]) -> list[str]:
        """Keep silent."""
        return super().warnings([])


class PlusDead(_PageFault):
    """The plus icon does nothing."""

    name = "plus-icon-dead"
    description = "the plus icon of the portal's form adds no field"
    breaks = frozenset({"CFG-14"})

    def adds_field(self) -> bool:
        """Add none."""
        return False


class UploadForgotten(_PageFault):
    """An uploaded certificate does not arrive."""

    name = "uploaded-certificate-forgotten"
    description = "a CA certificate that is uploaded in the portal's form is accepted, and not used"
    breaks = frozenset({"CFG-07"})

    def submitted(self, data: Mapping[str, Any], in_force: SipSettings | None) -> Mapping[str, Any]:
        """Leave the old one, or none."""
        kept = in_force.ca_certificate if in_force else None
        return super().submitted({**data, "ca_certificate": kept}, in_force)


class PasswordShown(_PageFault):
    """The password can be read."""

    name = "password-shown"
    description = "the portal's form shows the authentication password in plain"
    breaks = frozenset({"CFG-10"})

    def masks(self) -> bool:
        """Mask none."""
        return False


class ListStale(_PageFault):
    """The list of events is made once."""

    name = "event-list-stale"
    description = "the portal's list of events stays as it was when it was first looked at"
    breaks = frozenset(kind.requirement for kind in EVENTS)

    def __init__(self) -> None:
        super().__init__()
        self._first: Sequence[LoggedEvent] | None = None

    def events(self, events: Sequence[LoggedEvent]) -> Sequence[LoggedEvent]:
        """Show the first list again."""
        if self._first is None:
            self._first = super().events(events)
        return self._first


class EventNameOnScreen(_PageFault):
    """The list has no screen names."""

    name = "event-name-for-screen-name"
    description = "the portal's list of events has the event's name in the place of its screen name"
    breaks = frozenset(kind.requirement for kind in EVENTS)

    def events(self, events: Sequence[LoggedEvent]) -> Sequence[LoggedEvent]:
        """Put it there."""
        return [one._replace(screen=one.event) for one in super().events(events)]


BROWSING: tuple[Callable[[], Fault], ...] = (
    BrowserChecksNothing,
    ServerChecksNothing,
    HiddenNotRefused,
    ShownToEverybody,
    WrongLabel,
    SwappedLabels,
    ToggleNotKept,
    SipToggleNotKept,
    ErrorAtWrongField,
    ErrorNotShown,
    WarningNotShown,
    PlusDead,
    UploadForgotten,
    PasswordShown,
    ListStale,
    EventNameOnScreen,
)
"""All of them."""
