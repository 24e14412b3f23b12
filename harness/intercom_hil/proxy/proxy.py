"""Kamailio under the bench's control: started and stopped as often as a scenario likes.

An end that nobody asked for is reported on the timeline.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import signal
from collections import deque
from pathlib import Path

from intercom_hil.errors import BenchError
from intercom_hil.lateness import stretched
from intercom_hil.processes.process_host import ProcessHost, RunningProcess
from intercom_hil.proxy.config import ProxyConfig
from intercom_hil.spec.settings import ProxySettings
from intercom_hil.timeline import Append, Witness
from intercom_hil.timeline.observation import InstrumentLost

REALM = "gatehouse"
USERNAME = "gatekeeper"
START_WITHIN = 10.0
"""Seconds from the start of the program until it answers; 0.03 is usual."""
STOP_WITHIN = 10.0
"""Seconds that it may take to end; some ms are usual."""
ASK_AGAIN = 0.5
"""Seconds after which it is asked to end once more: a signal that comes just before its main process goes to
sleep is seen only when the next one wakes it."""
POLL = 0.02
"""Seconds between two questions whether it is there."""


class Proxy:
    """One Kamailio. Must be made inside a running event loop.

    Attributes:
        address: where it listens.
        port: its UDP and TCP port.
        realm: the realm of its challenges.
        lost: resolves with the reason when it goes away without having been stopped.
    """

    def __init__(
        self, *, host: ProcessHost, address: str, port: int, server: str, folder: Path, append: Append
    ) -> None:
        """Describe the proxy; nothing is touched before `start`.

        Args:
            host: where it runs.
            address: of all that it listens on.
            port: for UDP and TCP.
            server: the address of the server behind it.
            folder: absolute, seen by the host at the same path; its files go in there.
            append: puts an observation on the timeline.
        """
        self.address, self.port, self.realm = address, port, REALM
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._host, self._folder, self._append = host, folder, append
        self._password = secrets.token_hex(8)
        self._config = ProxyConfig(address, port, server, REALM, USERNAME, self._password)
        self._log: deque[str] = deque(maxlen=6)
        self._process: RunningProcess | None = None
        self._watching: asyncio.Task[None] | None = None

    @property
    def settings(self) -> ProxySettings:
        """What a device is configured with to get through (CFG-21)."""
        return ProxySettings(username=USERNAME, address=self.address, password=self._password, port=self.port)

    async def start(self) -> None:
        """Start the proxy; it answers on return. Nothing happens if it runs.

        Raises:
            BenchError: it did not start; the end of its log is quoted.
        """
        if self._process is not None:
            return
        self._log.clear()
        file = self._folder / "kamailio.cfg"
        try:
            file.touch(mode=0o600)
            file.write_text(self._config.text(), encoding="utf-8")
        except OSError as problem:
            raise BenchError(f"cannot write the proxy's file: {problem.strerror}", str(file)) from None
        argv = ["kamailio", "-f", str(file), "-DD", "-E", "-m", "16", "-M", "4"]
        argv += ["-Y", str(self._folder), "-P", str(self._folder / "kamailio.pid")]
        self._process = await self._host.start("kamailio", argv, cwd=self._folder, on_line=self._hear)
        try:
            await self._until_it_answers(self._process)
        except BaseException:
            await self.stop()
            raise
        self._watching = asyncio.create_task(self._watch(self._process), name="proxy watch")

    async def stop(self) -> None:
        """End the proxy. Idempotent.

        Raises:
            BenchError: it would not end, or its host is lost.
        """
        process, self._process = self._process, None
        watching, self._watching = self._watching, None
        if watching is not None:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching
        if process is None:
            return
        for _ in range(round(STOP_WITHIN / ASK_AGAIN)):
            process.signal(signal.SIGTERM)  # not KILL: that would leave its children at work
            with contextlib.suppress(TimeoutError):
                await process.wait(ASK_AGAIN)
                return
        raise BenchError(f"it would not end within {STOP_WITHIN:g} s", "proxy")

    def _hear(self, stream: str, text: str, time: float) -> None:
        if text.strip():
            self._log.append(text.strip())

    async def _until_it_answers(self, process: RunningProcess) -> None:
        loop = asyncio.get_running_loop()
        # From its own address: on the wire this is the proxy talking to itself, and nobody else's affair.
        try:
            asking, answer = await loop.create_datagram_endpoint(_Question, local_addr=(self.address, 0))
        except OSError as problem:
            remedy = "give this machine that address, or change proxy.address in the bench file"
            raise BenchError(f"cannot be used ({problem.strerror})", self.address, remedy) from None
        ended = asyncio.ensure_future(process.wait())
        try:
            async with stretched(START_WITHIN):
                while not answer.came.is_set():
                    if ended.done():
                        raise self._no_start(f"it ended with {ended.result()}")
                    own = asking.get_extra_info("sockname")
                    asking.sendto(_options(own, self.port), (self.address, self.port))
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(answer.came.wait(), POLL)
        except TimeoutError:
            raise self._no_start(f"it did not answer within {START_WITHIN:g} s") from None
        finally:
            ended.cancel()
            asking.close()

    def _no_start(self, problem: str) -> BenchError:
        log = " / ".join(self._log) or "nothing"
        remedy = f"see that UDP and TCP {self.address}:{self.port} are free"
        return BenchError(f"the proxy did not start: {problem}; its log ends with: {log}", "proxy", remedy)

    async def _watch(self, process: RunningProcess) -> None:
        try:
            problem = f"Kamailio ended with {await process.wait()}"
        except BenchError as lost:
            problem = lost.what
        if not self.lost.done():
            lost_now = InstrumentLost(instrument="proxy", problem=problem, blame="bench")
            self._append(Witness.BENCH, lost_now, None)
            self.lost.set_result(problem)


class _Question(asyncio.DatagramProtocol):
    """Waits for any answer at all."""

    def __init__(self) -> None:
        self.came = asyncio.Event()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if data.startswith(b"SIP/2.0 200"):
            self.came.set()

    def error_received(self, exc: Exception) -> None:
        """Nobody listens there yet; the question is put again."""


def _options(own: tuple[str, int], port: int) -> bytes:
    """Return an OPTIONS request to the proxy itself (RFC 3261 §11)."""
    host = f"[{own[0]}]" if ":" in own[0] else own[0]
    token = secrets.token_hex(8)
    lines = (
        f"OPTIONS sip:{host}:{port} SIP/2.0",
        f"Via: SIP/2.0/UDP {host}:{own[1]};branch=z9hG4bK{token}",
        f"From: <sip:bench@{host}>;tag={token}",
        f"To: <sip:{host}>",
        f"Call-ID: {token}",
        "CSeq: 1 OPTIONS",
        "Max-Forwards: 10",
        "Content-Length: 0",
    )
    return "\r\n".join((*lines, "", "")).encode()
