"""What the PBX knows while it runs: endpoints, registrations, routes, and the calls that are up.

Orders go to it over ARI and AMI. Those in force are remembered, so that a PBX that is started again gets them
again.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection

from intercom_hil.errors import BenchError
from intercom_hil.lateness import stretched
from intercom_hil.pbx.ami import Ami
from intercom_hil.pbx.ari import Ari
from intercom_hil.pbx.config import CONTEXT
from intercom_hil.pbx.endpoint import Endpoint

HANG_UP_WITHIN = 2.0
"""Seconds until all channels are gone; some ms are usual."""
POLL = 0.01
"""Seconds between two looks whether they are."""
_STEP = re.compile(r"(?P<application>\w+)\((?P<data>.*)\)", re.DOTALL)


class Switchboard:
    """The orders in force, and the two connections by which a running PBX is given them."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._endpoints: dict[str, Endpoint] = {}
        self._routes: dict[str, tuple[str, ...]] = {}
        self._ari: Ari | None = None
        self._ami: Ami | None = None

    async def _attach(self, ari: Ari, ami: Ami) -> None:
        """Give a PBX that has just started all orders in force. Raises BenchError."""
        self._ari, self._ami = ari, ami
        for endpoint in self._endpoints.values():
            await self._push(endpoint)
        for extension, steps in self._routes.items():
            await self._install(extension, steps)

    def _detach(self) -> None:
        self._ari = self._ami = None

    async def set_endpoint(self, endpoint: Endpoint) -> None:
        """Make an endpoint known, or change it, and route its number to it; in force on return (ms).

        Raises:
            BenchError: the PBX refused, or is not running.
        """
        known = self._endpoints.get(endpoint.name)
        if known != endpoint:
            registration = known.registration() if known else None
            stays = registration == endpoint.registration()
            if known:
                await self._withdraw(known, registration_too=not stays)
            await self._push(endpoint, registration_too=not stays)
            self._endpoints[endpoint.name] = endpoint
        if self._routes.get(endpoint.name) != endpoint.route():
            await self.route(endpoint.name, *endpoint.route())

    async def remove_endpoint(self, name: str) -> None:
        """Forget an endpoint, its registration and its route, if there is one. Raises BenchError."""
        known = self._endpoints.pop(name, None)
        if known:
            await self._withdraw(known, registration_too=True)
        await self._unroute(name)

    async def route(self, extension: str, *steps: str) -> None:
        """Lay down what happens to calls of a number, instead of what happened before.

        Args:
            extension: the number, or an Asterisk pattern such as ``_5XXX``.
            steps: dialplan applications in order, such as ``Answer()``, ``Echo()``.

        Raises:
            BenchError: a step is not of the form ``Application(data)``, or the PBX refused.
        """
        await self._unroute(extension)
        await self._install(extension, steps)
        self._routes[extension] = steps

    async def channels(self) -> list[str]:
        """Return the names of the channels there are, such as ``PJSIP/3400-00000002``. Raises BenchError."""
        return await self._running_ari.channels()

    async def registered(self, name: str) -> bool:
        """Return whether an endpoint is registered, or has a standing contact. Raises BenchError."""
        return await self._running_ari.online(name)

    async def hang_up(self) -> None:
        """Hang up every channel, also those that a device opens next for that, and wait until none is left.

        Raises:
            BenchError: some would not go.
        """
        ari = self._running_ari
        left: list[str] = []
        try:
            async with stretched(HANG_UP_WITHIN):
                while left := await ari.channels():
                    await ari.hang_up_all()
                    await asyncio.sleep(POLL)
        except TimeoutError:
            raise BenchError(f"channels remain: {', '.join(left)}", "pbx", "restart the PBX") from None

    async def reset(self, *, keep: Collection[str] = ()) -> None:
        """Hang up everything, and forget all endpoints, registrations and routes.

        Args:
            keep: names of endpoints (and their numbers' routes) that stay, registration and all.

        Raises:
            BenchError: the PBX refused, is not running, or channels would not go.
        """
        await self.hang_up()
        gone = [self.remove_endpoint(name) for name in self._endpoints if name not in keep]
        outcomes = await asyncio.gather(*gone, return_exceptions=True)
        if problems := [outcome for outcome in outcomes if outcome is not None]:
            raise problems[0]
        for extension in [e for e in self._routes if e not in keep]:
            await self._unroute(extension)

    @property
    def _running_ari(self) -> Ari:
        if self._ari is None:
            raise BenchError("the PBX is not running", "pbx", "start it first")
        return self._ari

    @property
    def _running_ami(self) -> Ami:
        if self._ami is None:
            raise BenchError("the PBX is not running", "pbx", "start it first")
        return self._ami

    async def _push(self, endpoint: Endpoint, *, registration_too: bool = True) -> None:
        """Make an endpoint's objects.

        One that is there is never written again: what is registered in an AOR would stand in it for ever.
        """
        for kind, attributes in endpoint.objects(self._address):
            if kind != "aor" or registration_too:
                await self._running_ari.put_object(kind, endpoint.name, attributes)

    async def _withdraw(self, endpoint: Endpoint, *, registration_too: bool) -> None:
        """Delete an endpoint's objects; a mere change would leave attributes of the old one in force."""
        for kind in ("endpoint", "auth", *(["aor"] if registration_too else [])):
            await self._running_ari.delete_object(kind, endpoint.name)

    async def _install(self, extension: str, steps: tuple[str, ...]) -> None:
        actions = []
        for priority, step in enumerate(steps, start=1):
            match = _STEP.fullmatch(step)
            if not match:
                raise BenchError(
                    f"{step!r} is no dialplan step", f"route {extension}", "write Application(data)"
                )
            actions.append(
                {
                    "Action": "DialplanExtensionAdd",
                    "Context": CONTEXT,
                    "Extension": extension,
                    "Priority": str(priority),
                    "Application": match["application"],
                    "ApplicationData": match["data"],
                    "Replace": "yes",
                }
            )
        await self._running_ami.act(actions)

    async def _unroute(self, extension: str) -> None:
        if self._routes.pop(extension, None):
            remove = {"Action": "DialplanExtensionRemove", "Context": CONTEXT, "Extension": extension}
            await self._running_ami.act([remove])
