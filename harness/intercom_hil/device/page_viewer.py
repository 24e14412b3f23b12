"""What may be asked of who looks at the pages of a device's Admin Portal, as a person does."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from intercom_hil.device.configurator import Role, Submission
from intercom_hil.timeline.observation import PageSeen

FORM, WAY_IN, EVENTS = "SIP Configuration", "way in", "Security Events"
"""What the pages are called in observations."""


def one_more_of(setting: str) -> str:
    """Return what a further text box of a list is called in observations."""
    return f"one more {setting}"


class PageViewer(Protocol):
    """Looks at pages. Raises BenchError, DeviceCrashed, or Inconclusive where it cannot look at something."""

    def begin(self, folder: Path) -> None:
        """Begin a scenario; pictures go into its folder."""

    async def close(self) -> None:
        """Close the browser. Idempotent; the next look opens it again."""

    async def form(self) -> PageSeen:
        """Look at the form as the administrator.

        Returns:
            ``looked`` are the settings that the form is to have under their literal labels, ``values`` how
            the fields that can be read are filled: ``on`` and ``off`` for toggles, entries joined by commas,
            and ``masked`` or ``readable`` for a password.
        """

    async def way_in(self, by: Role) -> PageSeen:
        """Look how far somebody comes on the way to the form.

        Returns:
            Among ``values``, ``shown`` is whether the pages lead there (``yes``, ``no``), ``address``
            whether the form is there for who knows its address (``open``, ``closed``).
        """

    async def add_entry(self, setting: str) -> PageSeen:
        """Press what adds a text box to a list; ``found`` has ``one_more_of`` it where it does."""

    async def submit(self, form: Mapping[str, object], by: Role) -> Submission:
        """Submit a form as it is, past the browser's own checks too.

        Somebody who may not submit it tries every way that there is: by the pages, at the form's address, and
        with the administrator's form, sent in a session of his own or in none.
        """

    async def events(self) -> list[tuple[str, str]]:
        """Read the list of events.

        Returns:
            Screen name and event name of each row that is new since it was read last, the newest last;
            nothing the first time.
        """
