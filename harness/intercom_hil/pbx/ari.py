"""Asterisk's REST interface (ARI): objects pushed and channels hung up over HTTP, events over a websocket.

Everything that the PBX refuses is a `BenchError` that quotes it.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from urllib.parse import quote

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from intercom_hil.errors import BenchError
from intercom_hil.lateness import stretched
from intercom_hil.pbx.http_client import HttpClient, NoAnswerError

APPLICATION = "bench"
"""The name under which the bench listens to everything that happens in the PBX."""
SIGN_OF_LIFE = "PBX"
"""What the lateness of the PBX's signs of life is reported as: its own silence gives it no more time."""
WITHIN = 5.0
"""Seconds any one request may take; 1 to 3 ms is usual."""


class Ari:
    """A client of one PBX's ARI."""

    def __init__(self, address: str, port: int, user: str, secret: str) -> None:
        self.where = f"http://{address}:{port}/ari"
        self._events = f"ws://{address}:{port}/ari/events?app={APPLICATION}&subscribeAll=true"
        self._http = HttpClient(address, port, user, secret)
        self._credentials = f"{quote(user)}:{quote(secret)}"

    async def ready(self) -> bool:
        """Return whether the PBX answers and has started completely."""
        try:
            async with stretched(WITHIN, apart_from=SIGN_OF_LIFE):
                return (await self._http.request("GET", "/ari/asterisk/info")).status == 200
        except (TimeoutError, NoAnswerError):
            return False

    async def put_object(self, kind: str, name: str, attributes: Mapping[str, str]) -> None:
        """Make or change one of res_pjsip's objects; it is in force when this returns. Raises BenchError."""
        fields = [{"attribute": key, "value": value} for key, value in attributes.items()]
        await self._call(
            "PUT", f"/asterisk/config/dynamic/res_pjsip/{kind}/{quote(name)}", {"fields": fields}
        )

    async def delete_object(self, kind: str, name: str) -> None:
        """Delete one of res_pjsip's objects, if it is there. Raises BenchError."""
        path = f"/asterisk/config/dynamic/res_pjsip/{kind}/{quote(name, safe='')}"
        await self._call("DELETE", path, absent_is_fine=True)

    async def channels(self) -> list[str]:
        """Return the names of the channels there are. Raises BenchError."""
        return [str(c["name"]) for c in await self._channels()]

    async def hang_up_all(self) -> None:
        """Hang up every channel; they go shortly after. Raises BenchError."""
        for channel in await self._channels():
            await self._call("DELETE", f"/channels/{quote(str(channel['id']))}", absent_is_fine=True)

    async def events(self) -> AsyncIterator[dict[str, object]]:
        """Connect and yield every event from then on; the first value, empty, says that it is connected.

        Raises:
            BenchError: the PBX refused, or the connection was lost.
        """
        try:
            # No pings: a PBX that a scenario keeps silent for a while would not answer them.
            async with connect(
                f"{self._events}&api_key={self._credentials}",
                proxy=None,
                max_size=1 << 22,
                close_timeout=0.2,
                ping_interval=None,
            ) as socket:
                yield {}
                async for event in _objects(socket):
                    yield event
        except (OSError, WebSocketException) as problem:
            raise BenchError(f"the event connection failed: {problem}", self.where) from None
        raise BenchError("the PBX closed the event connection", self.where)

    async def online(self, name: str) -> bool:
        """Return whether an endpoint has somewhere to be called at. Raises BenchError."""
        path = f"/endpoints/PJSIP/{quote(name, safe='')}"
        found = await self._call("GET", path, absent_is_fine=True)
        return isinstance(found, dict) and found.get("state") == "online"

    async def close(self) -> None:
        """Close the client. Idempotent."""
        await self._http.close()

    async def _channels(self) -> list[dict[str, object]]:
        listed = await self._call("GET", "/channels")
        return [c for c in listed if isinstance(c, dict)] if isinstance(listed, list) else []

    async def _call(
        self, method: str, path: str, body: object = None, *, absent_is_fine: bool = False
    ) -> object:
        content = b"" if body is None else json.dumps(body).encode()
        try:
            async with stretched(WITHIN, apart_from=SIGN_OF_LIFE):
                answer = await self._http.request(method, f"/ari{path}", content)
        except (TimeoutError, NoAnswerError) as problem:
            raise BenchError(
                f"{method} {path}: no answer ({problem!r})", self.where, "see the PBX's log"
            ) from None
        if answer.status == 404 and absent_is_fine:
            return None
        if answer.status >= 400:
            raise BenchError(f"{method} {path} was refused: {answer.status} {answer.text}", self.where)
        return json.loads(answer.body) if answer.body else None


async def _objects(socket: ClientConnection) -> AsyncIterator[dict[str, object]]:
    """Yield the JSON objects among the messages; anything else the PBX may send is no event."""
    try:
        async for message in socket:
            try:
                value = json.loads(message)
            except ValueError:
                continue
            if isinstance(value, dict):
                yield value
    except ConnectionClosed:
        return
