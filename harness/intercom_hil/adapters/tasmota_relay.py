"""A relay or plug with the firmware Tasmota: on and off over HTTP on the local network, its state read back.

Protocol facts (the firmware's documentation of commands): ``/cm?cmnd=Power1%20On`` switches, ``Power1`` alone
reports the state; both answer ``{"POWER1": "ON"}``, without the number on a box with one relay. User and
password of the web server go along in the query.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import quote

from pydantic import AfterValidator, Field

from intercom_hil.adapters.http_switch import HttpSwitch, member
from intercom_hil.instruments.kinds import OutputOptions
from intercom_hil.instruments.shared_port import SharedPorts
from intercom_hil.kinds import Wizard, no_ipv6

_STATES = {"ON": True, "OFF": False, "1": True, "0": False}


class TasmotaRelayOptions(OutputOptions):
    """A relay or plug with Tasmota."""

    label: ClassVar[str] = "a relay or plug with Tasmota on the network"
    kind: Literal["tasmota-relay"]
    url: Annotated[str, Field(pattern=r"^https?://[^\s/?#]+$"), AfterValidator(no_ipv6)]
    channel: Annotated[int, Field(ge=1, le=32)] = 1
    user: str = "admin"
    password: Annotated[str, Field(repr=False)] = ""

    @property
    def where(self) -> str:
        """Its address."""
        return self.url

    def claims(self) -> Mapping[str, str]:
        """Return the relay: one bench at a time has it."""
        return {f"switch {self.url.partition('://')[2]} {self.channel}": "url"}

    def make(self, ports: SharedPorts, *, name: str = "output") -> HttpSwitch:
        """Return the output."""
        return self._switch(inverted=False)

    def make_supply(self, ports: SharedPorts, *, name: str, normally_on: bool) -> HttpSwitch:
        """Return the switch of a supply: *on* means that the device has power."""
        return self._switch(inverted=normally_on)

    def _switch(self, *, inverted: bool) -> HttpSwitch:
        account = (
            f"user={quote(self.user)}&password={quote(self.password, safe='')}&" if self.password else ""
        )
        power = f"/cm?{account}cmnd=Power{self.channel}"
        return HttpSwitch(
            self.url,
            order=lambda on: f"{power}%20{'On' if on else 'Off'}",
            state=power,
            meaning=self._meaning,
            inverted=inverted,
        )

    def _meaning(self, said: object) -> bool | None:
        shown = member(said, f"POWER{self.channel}")
        if shown is None and self.channel == 1:
            shown = member(said, "POWER")
        return _STATES.get(str(shown).upper())

    @classmethod
    def ask(cls, wizard: Wizard) -> dict[str, Any]:
        """Ask for the address and the relay."""
        url = wizard.text("Its address", "http://192.0.2.61", pattern=r"https?://[^\s/?#]+")
        return {"url": url, "channel": wizard.number("Relay, counted from 1", 1, least=1, most=32)}
