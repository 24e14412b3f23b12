"""The device's webhook: every entry of its log as a POST of JSON to an address, one after the other."""

from __future__ import annotations

import asyncio
import json
from urllib.parse import urlsplit

import h11

from intercom_hil.emulator.outbox import Outbox
from intercom_hil.emulator.speech import Entry, as_object


class Webhook:
    """Posts the log of one device. Must be made inside a running event loop."""

    def __init__(self, url: str, address: str) -> None:
        parts = urlsplit(url)
        self._at = (parts.hostname or "", parts.port or 80)
        self._path = parts.path or "/"
        self._address = address
        self._outbox = Outbox(self._post)

    def write(self, entry: Entry, at: float) -> None:
        """Post an entry when its turn comes."""
        self._outbox.put(json.dumps(as_object(at, entry)).encode())

    async def close(self) -> None:
        """Post no more."""
        await self._outbox.close()

    async def _post(self, body: bytes) -> None:
        """Post once, whatever the answer: a server that refuses an entry would refuse it again."""
        reader, writer = await asyncio.open_connection(*self._at, local_addr=(self._address, 0))
        try:
            connection = h11.Connection(h11.CLIENT)
            headers = [
                ("Host", f"{self._at[0]}:{self._at[1]}"),
                ("Content-Type", "application/json"),
                ("Content-Length", str(len(body))),
                ("Connection", "close"),
            ]
            request = h11.Request(method="POST", target=self._path, headers=headers)
            for event in (request, h11.Data(data=body), h11.EndOfMessage()):
                writer.write(connection.send(event) or b"")
            await writer.drain()
            while not isinstance(connection.next_event(), h11.Response):
                data = await reader.read(4096)
                if not data:
                    raise ConnectionResetError("the server left without an answer")
                connection.receive_data(data)
        except h11.RemoteProtocolError as problem:
            raise ConnectionResetError(str(problem)) from problem
        finally:
            writer.close()
