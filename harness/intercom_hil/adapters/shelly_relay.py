"""A Shelly relay or plug: on and off over HTTP on the local network, and its state read back.

Protocol facts (the maker's API documentation): the first generation takes ``/relay/0?turn=on`` and reports
``{"ison": true}`` at ``/relay/0``, with Basic authentication where it is set. From the second on it is
``/rpc/Switch.Set?id=0&on=true`` and ``{"output": true}`` at ``/rpc/Switch.GetStatus?id=0``, with Digest
(SHA-256) for the user ``admin``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

import httpx
from pydantic import AfterValidator, Field

from intercom_hil.adapters.http_switch import HttpSwitch, member
from intercom_hil.instruments.kinds import OutputOptions
from intercom_hil.instruments.shared_port import SharedPorts
from intercom_hil.kinds import Wizard, no_ipv6


class ShellyRelayOptions(OutputOptions):
    """A relay or plug of Shelly's."""

    label: ClassVar[str] = "a Shelly relay or plug on the network"
    kind: Literal["shelly-relay"]
    url: Annotated[str, Field(pattern=r"^https?://[^\s/?#]+$"), AfterValidator(no_ipv6)]
    generation: Annotated[int, Field(ge=1, le=9)] = 2
    channel: Annotated[int, Field(ge=0, le=15)] = 0
    user: str = "admin"
    password: Annotated[str, Field(repr=False)] = ""

    @property
    def where(self) -> str:
        """Its address."""
        return self.url

    def claims(self) -> Mapping[str, str]:
        """Return the channel: one bench at a time has it."""
        return {f"switch {self.url.partition('://')[2]} {self.channel}": "url"}

    def make(self, ports: SharedPorts, *, name: str = "output") -> HttpSwitch:
        """Return the output."""
        return self._switch(inverted=False)

    def make_supply(self, ports: SharedPorts, *, name: str, normally_on: bool) -> HttpSwitch:
        """Return the switch of a supply: *on* means that the device has power."""
        return self._switch(inverted=normally_on)

    def _switch(self, *, inverted: bool) -> HttpSwitch:
        auth: httpx.Auth | None = None
        if self.password:
            first = self.generation == 1
            auth = (httpx.BasicAuth if first else httpx.DigestAuth)(self.user, self.password)
        if self.generation == 1:
            relay = f"/relay/{self.channel}"
            return HttpSwitch(
                self.url,
                order=lambda on: f"{relay}?turn={'on' if on else 'off'}",
                state=relay,
                meaning=lambda said: _truth(member(said, "ison")),
                auth=auth,
                inverted=inverted,
            )
        return HttpSwitch(
            self.url,
            order=lambda on: f"/rpc/Switch.Set?id={self.channel}&on={'true' if on else 'false'}",
            state=f"/rpc/Switch.GetStatus?id={self.channel}",
            meaning=lambda said: _truth(member(said, "output")),
            auth=auth,
            inverted=inverted,
        )

    @classmethod
    def ask(cls, wizard: Wizard) -> dict[str, Any]:
        """Ask for the address and the generation."""
        url = wizard.text("Its address", "http://192.0.2.60", pattern=r"https?://[^\s/?#]+")
        return {"url": url, "generation": wizard.number("Its generation", 2, least=1, most=9)}


def _truth(value: object) -> bool | None:
    return value if isinstance(value, bool) else None
