"""Asterisk under the bench's control: started on a process host of its own, configured while it runs.

What is set survives a restart of the PBX, and is gone after `Pbx.reset`.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path

from intercom_hil.errors import BenchError
from intercom_hil.lateness import gauge, stretched
from intercom_hil.pbx.ami import Ami
from intercom_hil.pbx.ari import SIGN_OF_LIFE, Ari
from intercom_hil.pbx.config import PROGRAM, USER, PbxConfig, TlsTransport, new_secret
from intercom_hil.pbx.events import Reported, from_ami, from_ari, from_log
from intercom_hil.pbx.hep_collector import HepCollector
from intercom_hil.pbx.ports import check_free
from intercom_hil.pbx.switchboard import Switchboard
from intercom_hil.pbx.testimony import AMI, ARI, FILE, HEP, LOG, PbxTestimony, as_kept
from intercom_hil.processes.process_host import ProcessHost, RunningProcess
from intercom_hil.timeline.observation import InstrumentLost, Witness
from intercom_hil.timeline.timeline import Append, now

START_WITHIN = 20.0
"""Seconds from the start of the program until it is ready; 0.4 is usual."""
LONGEST_LOG = 4 << 20
"""Bytes of the PBX's log that are kept of one scenario."""
END_WITHIN = 5.0
"""Seconds until a killed PBX must be gone."""
BEAT = 1.0
"""Seconds between two signs of life that it is asked for."""
USUAL_PING = 0.05
"""Seconds that one may take; 1 ms is usual."""
HANGS_AFTER = 5.0
"""Seconds without one after which the PBX is lost: stopped, or deadlocked."""
POLL = 0.01
"""Seconds between two looks whether the PBX is ready."""


class Pbx(Switchboard):
    """One Asterisk. Start and stop it as often as a scenario likes.

    Attributes:
        lost: resolves with the reason when the PBX goes away without having been stopped.
    """

    def __init__(
        self,
        *,
        address: str,
        sip_port: int,
        http_port: int,
        ami_port: int,
        hep_address: tuple[str, int],
        folder: Path,
        open_host: Callable[[], Awaitable[ProcessHost]],
        append: Append,
        name_of: Callable[[str, int], str],
        rtp_ports: tuple[int, int] = (20000, 20999),
        tls: tuple[TlsTransport, ...] = (),
        other_sip_ports: tuple[int, ...] = (),
        secret: str = "",
        begun: bool = False,
    ) -> None:
        """Describe the PBX; nothing is touched before `start`.

        Args:
            address: of all that it listens on.
            sip_port: for UDP and TCP.
            http_port: for ARI.
            ami_port: for AMI.
            hep_address: where the bench listens for the PBX's mirror of its SIP messages.
            folder: absolute, seen by the host at the same path; the PBX's files go in there.
            open_host: opens the process host to run on.
            append: puts an observation on the timeline.
            name_of: who is at an address and port.
            rtp_ports: first and last port for media.
            tls: TLS transports, one port each.
            other_sip_ports: further ones for UDP and TCP.
            secret: what the bench shows its interfaces; one is made up when not given.
            begun: whether its files lie in ``folder`` already, with the secret, and `PROGRAM` has been
                ordered of its host with them: the first start finds it under way.
        """
        super().__init__(address)
        self._config = PbxConfig(
            folder=folder,
            address=address,
            sip_port=sip_port,
            http_port=http_port,
            ami_port=ami_port,
            hep_address=hep_address,
            user=USER,
            secret=secret or new_secret(),
            rtp_ports=rtp_ports,
            tls=tls,
            other_sip_ports=other_sip_ports,
        )
        self._open_host = open_host
        self._begun = begun
        self._append, self._name_of = append, name_of
        self._testimony = PbxTestimony(address)
        self._log: deque[str] = deque(maxlen=12)
        self._stack: contextlib.AsyncExitStack | None = None
        self._running = False
        self._kept: Path | None = None
        self._logged = 0
        self._process: RunningProcess | None = None
        self._collector: HepCollector | None = None
        self._frozen = False
        self._ping: asyncio.Task[object] | None = None
        self._asking = asyncio.Lock()
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    # -- life ------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Start the PBX and wait until it is ready, with the endpoints and routes set so far.

        Raises:
            BenchError: it did not become ready within 20 s, or more on a late bench; its log is quoted.
        """
        if self._stack is not None:
            return
        if self.lost.done():
            self.lost = asyncio.get_running_loop().create_future()
        self._log.clear()
        self._stack = contextlib.AsyncExitStack()
        try:
            await self._start(self._stack)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End the PBX. Idempotent."""
        self._running, self._frozen, self._collector = False, False, None
        stack, self._stack = self._stack, None
        self._detach()
        if stack is not None:
            await stack.aclose()

    def freeze(self) -> None:
        """Let the PBX fall silent: whatever comes waits, unanswered, as if its cable were out."""
        self._frozen = True
        if self._ping is not None:
            self._ping.cancel()
        if self._process is not None:
            self._process.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on where it fell silent; nothing happens if it did not."""
        self._frozen = False
        if self._process is not None:
            self._process.signal(signal.SIGCONT)

    async def _start(self, stack: contextlib.AsyncExitStack) -> None:
        config, begun = self._config, self._begun
        self._begun = False
        await check_free(config.address, config.listens(for_sip=begun))
        if not begun:
            try:
                config.write()
            except OSError as problem:
                raise BenchError(
                    f"cannot write the PBX's files: {problem.strerror}", str(config.folder)
                ) from None
        collector = HepCollector(config.address, self._append, self._name_of, partial(self._keep, HEP))
        stack.push_async_callback(collector.close)
        await collector.open(config.hep_address)
        self._collector = collector
        host = await self._open_host()
        process = await host.start(PROGRAM, config.argv, cwd=config.folder, on_line=self._take_line)
        self._process = process
        stack.push_async_callback(_kill, process)  # it keeps nothing that would be worth a tidy end
        ari = Ari(config.address, config.http_port, config.user, config.secret)
        stack.push_async_callback(ari.close)
        await self._until_ready(process, ari)
        ami = await Ami.connect(
            config.address,
            config.ami_port,
            config.user,
            config.secret,
            on_event=lambda block: self._append_reported(AMI, block, from_ami(block)),
            on_lost=lambda problem: self._lose(f"AMI: {problem}"),
        )
        stack.push_async_callback(ami.close)
        events = ari.events()
        await anext(events)
        stack.push_async_callback(_cancel, asyncio.create_task(self._read_events(events), name="ari events"))
        stack.push_async_callback(_cancel, asyncio.create_task(self._watch(process), name="pbx watch"))
        await self._attach(ari, ami)
        for name, attributes in config.transports():
            await ari.put_object("transport", name, attributes)
        stack.push_async_callback(_cancel, asyncio.create_task(self._beat(ami), name="pbx heartbeat"))
        self._running = True

    async def _beat(self, ami: Ami) -> None:
        """Ask the PBX for a sign of life now and then: that it is slow to answer makes the bench late."""
        while True:
            await asyncio.sleep(BEAT)
            await self._sign_of_life(ami)

    async def _sign_of_life(self, ami: Ami) -> None:
        """Ask the PBX for a sign of life, but for one that is to be silent; one that gives none is lost.

        One is asked for at a time: what was asked before, by the heartbeat say, is waited for.
        """
        async with self._asking:
            if self._frozen or self.lost.done():
                return
            self._ping = asyncio.create_task(_pinged(ami), name="pbx ping")
            try:
                await asyncio.wait({self._ping})
                if not self._ping.cancelled() and not self._ping.result():
                    self._lose(f"Asterisk has not answered for {HANGS_AFTER:g} s: stopped, or deadlocked")
            finally:
                self._ping.cancel()
                self._ping = None

    async def _until_ready(self, process: RunningProcess, ari: Ari) -> None:
        ended = asyncio.ensure_future(_end_of(process))
        try:
            async with stretched(START_WITHIN):
                while not await ari.ready():
                    if ended.done():
                        raise self._no_start(ended.result())
                    await asyncio.sleep(POLL)
        except TimeoutError:
            raise self._no_start(f"it was not ready within {START_WITHIN:g} s") from None
        finally:
            ended.cancel()

    def _no_start(self, problem: str) -> BenchError:
        log = " / ".join(self._log) or "nothing"
        remedy = f"see that its ports are free and {self._config.folder}/log/messages"
        return BenchError(f"the PBX did not start: {problem}; its log ends with: {log}", "pbx", remedy)

    async def _watch(self, process: RunningProcess) -> None:
        self._lose(await _end_of(process))

    def _lose(self, problem: str) -> None:
        if self._running and not self.lost.done():
            self._running = False
            self._append(
                Witness.BENCH, InstrumentLost(instrument="pbx", problem=problem, blame="bench"), None
            )
            self.lost.set_result(problem)

    def begin(self, log: Path) -> None:
        """Begin a scenario: `end` leaves in the file ``log`` what the PBX logs from now on.

        What it says by other ways is kept beside it as it comes. Raises OSError.
        """
        self._kept, self._logged = log, _size(self._config.log)
        self._testimony.begin(log.with_name(FILE), now())

    def end_testimony(self) -> None:
        """Keep no more of what it says: the bench needs this PBX no longer. Idempotent."""
        with contextlib.suppress(OSError):  # that its end is missing will be found
            self._testimony.end(now())

    def end(self) -> None:
        """End the scenario; its part of the PBX's log is kept, whether the PBX still runs or not."""
        self.end_testimony()
        log, self._kept = self._kept, None
        if log is not None and _size(self._config.log) > self._logged:
            with self._config.log.open("rb") as whole:
                whole.seek(self._logged)
                log.write_bytes(whole.read(LONGEST_LOG))

    async def check(self) -> None:
        """Return when the PBX has given a sign of life.

        Raises:
            BenchError: it gives none, or is lost already.
        """
        if self._ami is not None:
            await self._sign_of_life(self._ami)
        if self.lost.done():
            raise BenchError(self.lost.result(), "pbx", "see its log in the run folder")

    async def flush(self) -> None:
        """Return when the SIP that the PBX has mirrored so far is on the timeline. Raises BenchError."""
        if self._collector is not None:
            await self._collector.flush()

    # -- what it says ----------------------------------------------------------------------------------

    def _take_line(self, stream: str, text: str, time: float) -> None:
        self._log.append(text)
        reported = from_log(text) if stream == "log" and self._running else None
        if reported:
            self._keep(LOG, text.encode("utf-8", "surrogateescape"), time)
            self._append(Witness.PBX, reported, time)

    def _append_reported(self, interface: str, event: object, reported: Reported | None) -> None:
        if reported:
            content, at = reported
            came = now()
            self._keep(interface, as_kept(event), came)
            self._append(Witness.PBX, content, came if at is None else at)

    def _keep(self, kind: str, data: bytes, at: float | None = None) -> None:
        try:
            self._testimony.keep(kind, data, now() if at is None else at)
        except OSError as problem:
            self._lose(f"what it says cannot be kept: {problem.strerror}")

    async def _read_events(self, events: AsyncIterator[dict[str, object]]) -> None:
        try:
            async for event in events:
                self._append_reported(ARI, event, from_ari(event))
        except BenchError as problem:
            self._lose(f"ARI: {problem.what}")


async def _end_of(process: RunningProcess) -> str:
    """Wait until Asterisk has ended, and return how."""
    try:
        return f"Asterisk ended with {await process.wait()}"
    except BenchError as lost:
        return lost.what


async def _pinged(ami: Ami) -> bool:
    """Return whether the PBX gives a sign of life, or is lost, which is reported elsewhere."""
    with gauge().standing(SIGN_OF_LIFE, USUAL_PING):
        try:
            async with stretched(HANGS_AFTER, apart_from=SIGN_OF_LIFE):
                await ami.act([{"Action": "Ping"}])
        except TimeoutError:
            return False
        except BenchError:
            return True
    return True


async def _kill(process: RunningProcess) -> None:
    with contextlib.suppress(BenchError, TimeoutError):  # a lost host has ended it already
        process.signal(signal.SIGKILL)
        await process.wait(END_WITHIN)


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
