"""The process that serves the live page: ``python -m intercom_hil.live``, started by ``LiveProcess``.

One line on standard input says what it is to serve, and at which sockets. When standard input ends, so does
the run; whoever looks at the page is told how it ended.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import sys
from contextlib import suppress
from typing import Any

from intercom_hil.live.asking import LONGEST_ANSWER, read_question, written_answer
from intercom_hil.live.board import Board
from intercom_hil.live.feed import STOP
from intercom_hil.live.view import Sections
from intercom_hil.operator.page import Page
from intercom_hil.timeline.timeline import now

_NICER = 10
"""By how much it steps back behind the bench for a processor."""
_LAST_LOOK = 1.0
"""Seconds in which those who look at the page are told how the run ended."""
_LOOKS_WITHIN = 30.0
"""Seconds within which somebody who looks asks again."""


class LiveServer:
    """Takes the reports of the run's processes, and shows them."""

    def __init__(self, described: dict[str, Any]) -> None:
        self._board = Board(described["begun"])
        self._sections = Sections(self._board, now=now, stop=self._stop)
        self._page = Page(
            described["addresses"],
            bench=described["bench"],
            run=self._sections,
            token=described["token"],
        )
        self._described = described
        self._feeds: set[asyncio.StreamWriter] = set()

    async def serve(self) -> None:
        """Serve until standard input ends."""
        listener = self._page.listener()
        for descriptor in self._described["ports"]:
            await listener.take_over(socket.socket(fileno=descriptor))
        reports = socket.socket(fileno=self._described["reports"])
        server = await asyncio.start_unix_server(self._report, sock=reports, limit=LONGEST_ANSWER)
        await _end_of_input()
        server.close()
        self._changed()
        if now() - self._page.visited < _LOOKS_WITHIN:
            await asyncio.sleep(_LAST_LOOK)
        await listener.close()

    def _stop(self) -> None:
        self._board.stopping = True
        for feed in self._feeds:
            feed.write(STOP)
        self._changed()

    def _changed(self) -> None:
        self._sections.changed()
        self._page.changed()

    async def _report(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Listen to a process of the run, or put the one question that it has come for."""
        lane = ""
        try:
            while line := await reader.readline():
                said = json.loads(line)
                what = said.get("what")
                if what == "ask":
                    await self._ask(said, reader, writer)
                    return
                if what == "lane":
                    lane = str(said.get("lane", ""))
                    self._feeds.add(writer)
                    if self._board.stopping:
                        writer.write(STOP)
                if what == "answered":
                    self._page.desk.end(str(said.get("title")), said.get("outcome", {}))
                if self._board.take(said, now()):
                    self._changed()
        except (ValueError, AttributeError, OSError):
            pass  # a process that died in the middle of a line
        finally:
            if writer in self._feeds:
                self._feeds.discard(writer)
                self._board.leave(lane)
                self._changed()
            writer.close()

    async def _ask(
        self, said: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Show a question until it is answered, or withdrawn by closing the connection."""
        asked, lane = read_question(said)
        answered = asyncio.create_task(self._page.desk.ask(asked, lane))
        withdrawn = asyncio.create_task(reader.read())
        try:
            await asyncio.wait({answered, withdrawn}, return_when=asyncio.FIRST_COMPLETED)
            if answered.done():
                writer.write(written_answer(*answered.result()))
                await writer.drain()
        finally:
            for task in (answered, withdrawn):
                task.cancel()
            await asyncio.gather(answered, withdrawn, return_exceptions=True)
            self._sections.changed()


async def _end_of_input() -> None:
    """Return when standard input has ended: the run is over."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer
    )
    await reader.read()


def main() -> None:
    """Serve the page."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(OSError):
        os.nice(_NICER)
    described = json.loads(sys.stdin.buffer.readline())
    try:
        asyncio.run(_serve(described))
    finally:
        shutil.rmtree(described["folder"], ignore_errors=True)


async def _serve(described: dict[str, Any]) -> None:
    await LiveServer(described).serve()


if __name__ == "__main__":
    main()
