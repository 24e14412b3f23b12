"""What the Admin Portal's pages do, where a page can go wrong by itself: each a seam for faults.

The rules of the configuration itself are the form's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from intercom_hil.emulator.event_log import LoggedEvent
from intercom_hil.emulator.form_reading import Errors
from intercom_hil.emulator.settings import SipSettings


class PageRules:
    """The pages as they should be. A fault overrides one method, and leaves the rest to ``inner``."""

    inner: PageRules | None = None

    def shows_way_in(self, allowed: bool) -> bool:
        """Return whether an account that may, or may not, change settings is shown the way to the form."""
        return self.inner.shows_way_in(allowed) if self.inner else allowed

    def lets_in(self, allowed: bool) -> bool:
        """Return whether the server lets such an account at the form (CFG-02)."""
        return self.inner.lets_in(allowed) if self.inner else allowed

    def label(self, field: str, label: str) -> str:
        """Return the label of a field."""
        return self.inner.label(field, label) if self.inner else label

    def checks(self, field: str, checks: Mapping[str, str]) -> Mapping[str, str]:
        """Return the attributes by which the browser checks a field."""
        return self.inner.checks(field, checks) if self.inner else checks

    def masks(self) -> bool:
        """Return whether passwords are masked, and those that are set are not sent to the browser."""
        return self.inner.masks() if self.inner else True

    def adds_field(self) -> bool:
        """Return whether the plus icon adds a field (CFG-14)."""
        return self.inner.adds_field() if self.inner else True

    def submitted(self, data: Mapping[str, Any], in_force: SipSettings | None) -> Mapping[str, Any]:
        """Return what is made of a form that was filled in, before anything is checked."""
        return self.inner.submitted(data, in_force) if self.inner else data

    def errors(self, errors: Errors) -> Errors:
        """Return the errors as they are shown beside the fields (CFG-22)."""
        return self.inner.errors(errors) if self.inner else errors

    def warnings(self, warnings: list[str]) -> list[str]:
        """Return the warnings that are shown (CFG-05)."""
        return self.inner.warnings(warnings) if self.inner else warnings

    def events(self, events: Sequence[LoggedEvent]) -> Sequence[LoggedEvent]:
        """Return the events that are listed, the newest first."""
        return self.inner.events(events) if self.inner else events
