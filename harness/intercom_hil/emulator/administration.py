"""What the Admin Portal administers: its accounts, and the SIP configuration of the one device.

The JSON interface and the pages are two ways to the same configuration.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from intercom_hil.emulator.form import ADMINISTRATOR, Form
from intercom_hil.emulator.form_reading import RefusedError
from intercom_hil.emulator.settings import SipSettings

ACCOUNTS = {"admin": ("admin-secret", ADMINISTRATOR), "viewer": ("viewer-secret", "Viewer")}
"""Factory defaults: account to password and role."""


class Administration:
    """The configuration in force and the form that changes it.

    Attributes:
        form: who may change it, and what is refused.
        settings: those in force; None before the first.
    """

    def __init__(self, submit: Callable[[SipSettings], Awaitable[None]], form: Form) -> None:
        self._submit = submit
        self.form = form
        self.settings: SipSettings | None = None
        self._one_at_a_time = asyncio.Lock()

    def role_of(self, account: str, password: str) -> str | None:
        """Return the role of an account; None where account or password is wrong."""
        right, role = ACCOUNTS.get(account, ("", ""))
        given = password.encode("utf-8", "surrogatepass")
        return role if secrets.compare_digest(given, right.encode()) and role else None

    async def change(self, data: Mapping[str, Any]) -> list[str]:
        """Put submitted settings in force and return the warnings about them.

        Raises:
            RefusedError: some field is wrong, and the old settings are in force (CFG-22).
            AgentRefusedError: SIP cannot be set up with them.
        """
        async with self._one_at_a_time:
            try:
                settings = self.form.read(data, self.settings)
            except RefusedError as problem:
                left_over = self.form.left_over(data, problem, self.settings)
                if left_over is not None:
                    await self._put_in_force(left_over)
                raise
            await self._put_in_force(settings)
            return self.form.warnings(settings)

    async def _put_in_force(self, settings: SipSettings) -> None:
        await self._submit(settings)
        self.settings = settings
