"""A switch in a box with an HTTP interface: a plug or relay on the network, whatever its maker's words are.

One request at a time, bounded in time and size, and every order is read back. It is no file of one make:
``shelly_relay`` and ``tasmota_relay`` say what is requested and what an answer means.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping

import httpx

from intercom_hil.errors import BenchError
from intercom_hil.instruments.uninterrupted import uninterrupted
from intercom_hil.lateness import MOST_STRETCH, stretched

WITHIN = 5.0
"""Seconds that one request with its answer may take."""
LARGEST_ANSWER = 65_536
"""Bytes of an answer."""

Meaning = Callable[[object], bool | None]
"""Takes what an answer says as JSON and returns the state, None where it says none."""


class HttpSwitch:
    """Output over HTTP. Opening and closing make it inactive. Must be made inside a running event loop.

    Attributes:
        url: where the box is.
        lost: never resolves: there is nothing that is held open.
    """

    def __init__(
        self,
        url: str,
        *,
        order: Callable[[bool], str],
        state: str,
        meaning: Meaning,
        auth: httpx.Auth | None = None,
        inverted: bool = False,
    ) -> None:
        """Describe the switch.

        Args:
            url: the box's base address.
            order: returns path and query that switch it on or off.
            state: path and query that read its state.
            meaning: what the answer to ``state`` says.
            auth: how requests are authenticated.
            inverted: whether it is active, and unsafe to leave alone, when it is off.
        """
        self.url = url
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._order, self._state, self._meaning = order, state, meaning
        self._auth, self._inverted = auth, inverted
        self._client: httpx.AsyncClient | None = None
        self._one = asyncio.Lock()

    async def open(self) -> None:
        """Make it inactive. Raises BenchError."""
        if self._client is not None:
            return
        limits = httpx.Limits(max_keepalive_connections=0)
        self._client = httpx.AsyncClient(
            auth=self._auth, timeout=WITHIN * MOST_STRETCH, trust_env=False, limits=limits
        )
        try:
            await self._switch(False)
        except BaseException:
            await self._disconnect()
            raise

    async def close(self) -> None:
        """Make it inactive. Raises BenchError."""
        if self._client is not None:
            try:
                await self._switch(False)
            finally:
                await self._disconnect()

    async def set(self, active: bool) -> bool:
        """Switch it, and return that it reads the new state.

        Raises:
            BenchError: no answer in time, one that is not understood, or it reads otherwise.
        """
        self._check_open()
        return await self._switch(active)

    async def read(self) -> bool:
        """Return its state. Raises BenchError."""
        self._check_open()
        async with self._one:
            return await self._is_on() is not self._inverted

    async def _disconnect(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _check_open(self) -> None:
        if self._client is None:
            raise BenchError("it is not open", self.url, "open it first")

    async def _switch(self, active: bool) -> bool:
        on = active is not self._inverted
        async with self._one:
            await uninterrupted(self._exchange(self._order(on)))
            if await self._is_on() is not on:
                wanted = "on" if on else "off"
                raise BenchError(
                    f"it was switched {wanted} but does not read {wanted}",
                    self.url,
                    "check that nothing else drives it, and that no timer of its own does",
                )
        return True

    async def _is_on(self) -> bool:
        said = await uninterrupted(self._exchange(self._state))
        state = self._meaning(said)
        if state is None:
            raise BenchError(
                f"what its state is cannot be told from {str(said)[:200]!r}",
                self.url,
                "check its address, its generation and its channel in the bench file",
            )
        return state

    async def _exchange(self, target: str) -> object:
        assert self._client is not None
        body = bytearray()
        try:
            async with (
                stretched(WITHIN),
                self._client.stream(
                    "GET", self.url + target, headers={"Accept-Encoding": "identity"}
                ) as answer,
            ):
                async for part in answer.aiter_raw():
                    body += part
                    if len(body) > LARGEST_ANSWER:
                        raise self._failed(f"its answer has more than {LARGEST_ANSWER} bytes")
        except (TimeoutError, httpx.TimeoutException) as problem:
            raise self._failed(f"no answer within {WITHIN:g} s") from problem
        except (httpx.HTTPError, httpx.InvalidURL) as problem:
            raise self._failed(f"it cannot be asked ({problem})") from problem
        if answer.status_code == 401:
            raise self._failed("it wants another user or password")
        if answer.status_code != 200:
            raise self._failed(f"it answered with status {answer.status_code}")
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            raise self._failed(f"its answer is no JSON: {bytes(body[:100])!r}") from None

    def _failed(self, what: str) -> BenchError:
        return BenchError(
            what, self.url, "check its address, user and password in the bench file, and its network"
        )


def member(value: object, name: str) -> object:
    """Return a member of a JSON object, None where there is none."""
    return value.get(name) if isinstance(value, Mapping) else None
