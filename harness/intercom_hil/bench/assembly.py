"""From bench file to running bench: parts started side by side, watched, healed between scenarios, ended.

One assembly serves a whole run. Between ``begin`` and ``end`` its witnesses write on one scenario's
timeline; what they see at other times belongs to nobody's scenario and is dropped.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from functools import partial
from pathlib import Path

from intercom_hil.bench.containers import PBX, PEERS, Containers
from intercom_hil.bench.device_part import DeviceComponent
from intercom_hil.bench.event_channels import believed
from intercom_hil.bench.lateness import LatenessWitness
from intercom_hil.bench.opening import Opening
from intercom_hil.bench.parts import (
    Component,
    PbxComponent,
    ProxyComponent,
    StationsComponent,
    in_parallel,
    in_turn,
)
from intercom_hil.bench.prepare import prepare
from intercom_hil.bench.reservation import Reservation
from intercom_hil.bench.tls import TlsServers
from intercom_hil.bench.wall_clock import WallClock
from intercom_hil.bench_file.addresses import taken_addresses
from intercom_hil.bench_file.model import BenchFile
from intercom_hil.bench_file.secrets import learn_from
from intercom_hil.capture.capture import Capture
from intercom_hil.device.emulator_container import EmulatorContainer
from intercom_hil.device.intercom import Intercom
from intercom_hil.errors import BenchError, DeviceCrashed, Inconclusive, joined
from intercom_hil.lateness import gauge
from intercom_hil.operator.prompter import Prompter, Way
from intercom_hil.pbx.pbx import Pbx
from intercom_hil.pki import Pki
from intercom_hil.processes.host import Host
from intercom_hil.processes.leftovers import reap, reap_folders
from intercom_hil.processes.native_programs import EVERYWHERE
from intercom_hil.processes.process_host import SupervisedHost
from intercom_hil.proxy.proxy import Proxy
from intercom_hil.redaction.redaction import Redactor
from intercom_hil.stations.stations import Stations
from intercom_hil.timeline import Content, Observation, Timeline, Witness, now
from intercom_hil.timeline.attribution import RESTARTED, Attribution
from intercom_hil.timeline.device_content import can_be_read
from intercom_hil.timeline.observation import InstrumentLost, Note, SipMessageSeen

Progress = Callable[[str], None]
_MEDIA = frozenset({"media_started", "media_heard", "video"})


class Assembly:
    """A running bench. Make it, ``start`` it, ``stop`` it whatever happens.

    Attributes:
        file: the bench file it was built from.
        timeline: the current scenario's.
        whole: whether every part was there, or could be brought back, when the last scenario began.
        password: the device's at the PBX, made up for this run.
        prompter: asks the person at the bench, where the bench file has one.
        live_page: a further way to ask: the page of the run that the bench plays in, set before it starts.
        watch: is called with every observation of a scenario, set before it starts.
        attribution: decides which scenario it is of, what its witnesses see.
        redactor: what keeps the bench's secrets out of everything that is stored.
        registers: whether the device has registered in this run; None until somebody has waited for it.
    """

    def __init__(
        self,
        file: BenchFile,
        *,
        run_folder: Path,
        progress: Progress = lambda text: None,
        opening: Opening | None = None,
        redactor: Redactor | None = None,
    ) -> None:
        """Describe the bench.

        Args:
            file: the bench file.
            run_folder: the folder of the run.
            progress: is called with what is being done, where it takes long.
            opening: what of it has begun already, in the same run folder; it is the assembly's from now on.
            redactor: keeps the bench's secrets out of the run, and learns those that come up.
        """
        self.file = file
        self.timeline = Timeline()
        self.whole = True
        self.host: Host
        self._emulator: EmulatorContainer | None = None
        self.prompter: Prompter | None = None
        self.live_page: Way | None = None
        self.watch: Callable[[Observation], None] | None = None
        self.pki: Pki
        self.tls_servers: TlsServers
        self.password = secrets.token_hex(8)
        self.redactor = redactor or Redactor()
        learn_from(file, self.redactor)
        self.redactor.learn(self.password)
        self._run_folder, self._progress = run_folder, progress
        self._opening = opening
        self._hold = Reservation(file, progress)
        self._parts: dict[str, Component] = {}
        self.attribution = Attribution()
        self._heard: set[Witness] = set()
        self._proxy_used = False
        self.registers: bool | None = None
        self._lateness: LatenessWitness | None = None
        self._clock = WallClock(self._on_clock_set)
        self._ignore_clock: Callable[[], None] | None = None
        self._names = {
            file.pbx.address: "pbx",
            file.device.address: "device",
            **({file.proxy.address: "proxy"} if file.proxy else {}),
            **{address: f"station {address}" for address in file.stations.addresses},
        }

    # -- life ------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Start everything, side by side.

        Raises:
            BenchError: something is missing, in use or broken; nothing is left running.
        """
        reap_folders()
        for name, reason in self.redactor.too_short.items():
            self._progress(f"{name} is not kept out of the evidence: {reason}; choose another")
        self._opening = opening = self._opening or Opening(self.file, Containers(self._run_folder))
        self._lateness = LatenessWitness(self.append)
        self._ignore_clock = gauge().listen(lambda spell: self._clock.look())
        try:
            self._hold.claim()
            self.pki = opening.pki
            running = await asyncio.to_thread(opening.host)
            self.host, self._emulator = await asyncio.to_thread(
                prepare, self.file, self._progress, running=running
            )
            self.tls_servers = TlsServers(self.file, self.pki, append=self.append, name_of=self.name_of)
            await self._free_addresses()
            if self.file.device.operator is not None:
                from intercom_hil.bench.operator_part import operator, pages  # with all that can ask a person

                table, name = self.file.device.operator, self.file.bench.name
                self.prompter = operator(table, append=self.append, bench=name, live_page=self.live_page)
                await self.prompter.open()
                for page in pages(self.prompter):
                    self._progress(f"the operator's page: {page}")
            self._parts = {"pbx": self._new_pbx(), "peers": self._new_peers(), "device": self._new_device()}
            await in_parallel([self._start(part) for part in self._parts.values()])
            self.pki.begin()
        except BaseException as problem:
            try:
                await self.stop()
            except BaseException as second:
                raise joined([problem, second]) from problem
            raise

    async def stop(self) -> None:
        """Stop everything and leave nothing behind. Idempotent.

        Raises:
            BenchError: something would not stop; everything else is stopped all the same.
        """
        lateness, self._lateness = self._lateness, None
        if lateness is not None:
            lateness.close()
        if self._ignore_clock is not None:
            self._ignore_clock()
            self._ignore_clock = None
        parts, self._parts = self._parts, {}
        steps = [lambda: in_parallel([part.stop() for part in parts.values()]), self._hold.release]
        if self.prompter is not None:
            steps.insert(1, self.prompter.close)
        try:
            await in_turn(steps)
        finally:
            if self._opening is not None:
                await asyncio.to_thread(self._opening.close)

    async def check(self) -> None:
        """Return when every part has given a sign of life; one that gives none is lost."""
        await in_parallel([_checked(part) for part in self._parts.values()])
        await asyncio.sleep(0)  # who waits for a loss hears of it

    async def heal(self) -> list[str]:
        """Replace every part that was lost, or gives no sign of life, and return their names.

        Raises:
            BenchError: a part cannot be brought back.
        """
        self.whole = False
        in_scenario = {name for name, part in self._parts.items() if part.lost.done()}
        await self.check()
        if "device" in self._parts:
            await self._until_device_is_back()
        broken = {name: part for name, part in self._parts.items() if part.lost.done()}
        makers: dict[str, Callable[[], Component]] = {
            "pbx": self._new_pbx,
            "peers": self._new_peers,
            "device": self._new_device,
        }
        for name, part in broken.items():
            gone = part.lost.result()
            if isinstance(gone, DeviceCrashed) and name not in in_scenario:
                self.attribution.restarts.append(f"{RESTARTED}: {gone}")
            await part.stop()
            if name not in makers:  # the proxy: the next scenario that needs one gets a new one
                del self._parts[name]
                continue
            self._parts[name] = makers[name]()
            try:
                await self._start(self._parts[name])
            except DeviceCrashed as problem:
                raise BenchError(str(problem), name, "see why the device does not start") from problem
            except BenchError as problem:
                if not self._parts[name].lost.done():
                    self._parts[name].lost.set_result(problem)
                raise
        self.whole = True
        if "device" in self._parts:  # what it has reported in between is not the next scenario's
            await self.intercom.ask_for_events()
        return [part.name for part in broken.values()]

    async def _until_device_is_back(self) -> None:
        part = self._parts["device"]
        assert isinstance(part, DeviceComponent)
        if part.lost.done():
            return
        try:
            await part.until_back()
        except (BenchError, DeviceCrashed) as problem:
            if not part.lost.done():
                part.lost.set_result(problem)

    # -- the parts -------------------------------------------------------------------------------------

    @property
    def pbx(self) -> Pbx:
        """The PBX."""
        part = self._parts["pbx"]
        assert isinstance(part, PbxComponent)
        return part.pbx

    @property
    def places(self) -> dict[str, SupervisedHost]:
        """Where native programs run, by the part that lives in each."""
        return {
            n: p.place
            for n, p in self._parts.items()
            if isinstance(p, PbxComponent | StationsComponent | ProxyComponent)
        }

    @contextlib.asynccontextmanager
    async def pbx_away(self) -> AsyncIterator[None]:
        """Keep the PBX stopped for a while; it is ready again at the end, with all it knew but registrations.

        Raises:
            BenchError: it would not start again; it counts as lost then.
        """
        part = self._parts["pbx"]
        assert isinstance(part, PbxComponent)
        await part.pbx.stop()
        await part.place.stop()
        try:
            yield
        finally:
            await _or_lost(part, part.pbx.start())

    @contextlib.asynccontextmanager
    async def pbx_silent(self) -> AsyncIterator[None]:
        """Keep the PBX from answering for a while; it knows all that it knew before."""
        self.pbx.freeze()
        try:
            yield
        finally:
            self.pbx.thaw()

    async def proxy(self) -> Proxy:
        """The proxy, running; its container is started when it is first asked for.

        Raises:
            Inconclusive: the bench file has no proxy.
            BenchError: it does not start.
        """
        if self.file.proxy is None:
            raise Inconclusive("this bench has no proxy; its file needs a table [proxy]")
        if "proxy" not in self._parts:
            self._parts["proxy"] = new = self._new_proxy()
            await _or_lost(new, self._start(new))
        part = self._parts["proxy"]
        assert isinstance(part, ProxyComponent)
        self._proxy_used = True
        await _or_lost(part, part.proxy.start())
        return part.proxy

    async def renew_proxy(self) -> None:
        """Have a proxy that this scenario used forget its calls; nothing of them reaches the next scenario.

        It runs afterwards: the device may be about to take its registration back through it.
        """
        part = self._parts.get("proxy")
        if isinstance(part, ProxyComponent) and self._proxy_used and not part.lost.done():
            self._proxy_used = False
            await _or_lost(part, part.proxy.stop())
            await _or_lost(part, part.proxy.start())

    @property
    def stations(self) -> Stations:
        """The remote stations."""
        part = self._parts["peers"]
        assert isinstance(part, StationsComponent)
        return part.stations

    @property
    def capture(self) -> Capture:
        """The packet capture."""
        part = self._parts["peers"]
        assert isinstance(part, StationsComponent)
        return part.capture

    @property
    def intercom(self) -> Intercom:
        """The device."""
        part = self._parts["device"]
        assert isinstance(part, DeviceComponent)
        return part.intercom

    async def tool_versions(self) -> dict[str, str]:
        """Ask each native tool for its version."""
        part = self._parts["peers"]
        assert isinstance(part, StationsComponent)
        said = await asyncio.gather(*(part.say(*tool.ask) for tool in EVERYWHERE))
        return {tool.program: line for tool, line in zip(EVERYWHERE, said, strict=True)}

    # -- scenarios -------------------------------------------------------------------------------------

    def begin(self, folder: Path) -> Timeline:
        """Open a new timeline, and have every witness keep its evidence in ``folder``.

        Raises:
            BenchError: it cannot be kept there; nothing has begun.
        """
        self.attribution.begin()
        self.timeline = Timeline()
        self.timeline.listen(self._heed)
        if self.watch is not None:
            self.timeline.listen(self.watch)
        try:
            self.capture.begin(folder / "capture.pcapng")
            self.stations.begin(folder / "stations")
            self.pbx.begin(folder / "asterisk.log")
            self.intercom.begin(folder)
            if self.prompter is not None:
                self.prompter.begin(folder / "operator")
        except OSError as problem:
            self.capture.break_off()
            raise BenchError.of(problem, str(folder)) from problem
        except BenchError:
            self.capture.break_off()
            raise
        if self._lateness is not None:
            self._lateness.begin()
        self._clock.begin()
        restarts, self.attribution.restarts = self.attribution.restarts, []
        for text in restarts:
            self.append(Witness.BENCH, Note(text=text))
        return self.timeline

    async def clear_pbx(self) -> None:
        """End every call at the PBX and forget who is there, but for a device that is to stay configured."""
        self.pbx.thaw()
        stays = self.file.device.reconfigure == "when-needed" and self.intercom.settings is not None
        await self.pbx.reset(keep=(self.intercom.extension,) if stays else ())

    def append(self, witness: Witness, content: Content, at: float | None = None) -> Observation:
        """Put what a witness saw on the current scenario's timeline, if it is of that scenario."""
        if can_be_read(content):
            self._heard.add(witness)
        seen_at = now() if at is None else at
        if witness is not Witness.WIRE or (
            isinstance(content, SipMessageSeen) and content.transport == "TCP"
        ):
            content = self.redactor.model(content)  # on the wire, each packet has been seen to already
        for known in self.attribution.come_late(witness, content, seen_at):
            self.timeline.append(*known)
        admitted = self.attribution.admitted(witness, content, seen_at)
        if admitted is None:
            return Observation(seq=-1, time=at or 0.0, witness=witness, content=content)
        if isinstance(admitted, SipMessageSeen) and witness is Witness.PBX and admitted.transport == "TLS":
            # The wire cannot read it, and needs to: the keys of the media are in it.
            self.capture.learn(admitted, seen_at)
        return self.timeline.append(witness, admitted, at)

    def close_timeline(self) -> int:
        """End the scenario's timeline with a note of what was kept off it; return how much that was."""
        if self._lateness is not None:
            self._lateness.counts = False
        kept_off = self.attribution.end()
        if kept_off:
            counted = ", ".join(f"{count} {what}" for what, count in kept_off.items())
            self.timeline.append(Witness.BENCH, Note(text=f"not on this timeline: {counted}"))
        return kept_off.total()

    def report_lateness(self) -> None:
        """Put on the timeline how late the bench was until now."""
        if self._lateness is not None:
            self._lateness.report()

    def cut_off(self, problem: str) -> None:
        """Let the PBX fall silent for the rest of the scenario, which nothing more can be found out in.

        For a device that floods it: the PBX answers no more, and so is asked no more.
        """
        if self.timeline.alarm is None:
            self.pbx.freeze()
            self.timeline.raise_alarm(Inconclusive(problem))

    def unheard(self) -> dict[str, tuple[str, ...]]:
        """Return the device's sources that have said nothing yet, with the kinds they are believed for."""
        return {w.value: kinds for w, kinds in believed(self.file).items() if w not in self._heard}

    async def catch_up(self, kinds: Collection[str]) -> None:
        """Return when what was sent before now is on the timeline: what is not there then, was not there.

        Args:
            kinds: the kinds of content that will be asked for. Of media that nobody has agreed on yet the
                capture reports only where media are asked for.

        Raises:
            BenchError: the capture, or the PBX's copy of its messages, did not come through.
        """
        await (self.capture.flush() if _MEDIA.isdisjoint(kinds) else self.capture.settle())
        await self.pbx.flush()

    def name_station(self, address: str, number: str) -> None:
        """Have the station at ``address`` go by its number on timelines; it is about to begin."""
        self.attribution.touch()
        self._names[address] = number

    def name_of(self, address: str, port: int) -> str:
        """Return the role that lives at an address; an unknown one is its own name."""
        return self._names.get(address, f"{address}:{port}")

    # -- inside ----------------------------------------------------------------------------------------

    async def _start(self, part: Component) -> None:
        await part.start()
        part.lost.add_done_callback(lambda lost: self._on_lost(part, lost.result()))

    def _on_lost(self, part: Component, problem: BenchError | DeviceCrashed) -> None:
        if isinstance(part, StationsComponent):  # the others say so themselves
            lost = InstrumentLost(instrument=part.name, problem=str(problem), blame="bench")
            self.append(Witness.BENCH, lost)
        self.timeline.raise_alarm(problem)
        if self.prompter is not None:
            self.prompter.give_up(problem)

    def _on_clock_set(self, by: float) -> None:
        """Take the scenario for lost in which the clock was set by so many seconds."""
        if self.attribution.between:
            return
        problem = f"it was set by {by:+.1f} s in mid-scenario: what was seen when is not known"
        lost = InstrumentLost(instrument="wall clock", problem=problem, blame="bench")
        self.append(Witness.BENCH, lost)
        remedy = "have time synchronisation slew the clock, or wait until it has set it, and play it again"
        self.timeline.raise_alarm(BenchError(problem, "the machine's wall clock", remedy))

    def _heed(self, observation: Observation) -> None:
        """Raise the alarm for what is lost though every part of the bench is still there.

        A device that restarts by itself has crashed; a station that did not end as it was to has broken.
        """
        content = observation.content
        if not isinstance(content, InstrumentLost):
            return
        if content.blame == "device":
            self.timeline.raise_alarm(DeviceCrashed(content.problem))
        elif observation.witness is Witness.STATION:
            remedy = "see why in its files, beside the scenario's timeline: killed, out of memory?"
            problem = BenchError(content.problem, content.instrument, remedy)
            self.timeline.raise_alarm(problem)
            if self.prompter is not None:
                self.prompter.give_up(problem)

    def _new_pbx(self) -> PbxComponent:
        assert self._opening is not None
        place, folder = self._place(PBX)
        identity = partial(self.tls_servers.identity, "for address and name")
        secret = self._opening.take_pbx_secret()
        part = PbxComponent(self.file, place, folder, identity, self.append, self.name_of, secret)
        self.redactor.learn(part.secret)
        return part

    def _new_proxy(self) -> ProxyComponent:
        place, folder = self._place("proxy")
        return ProxyComponent(self.file, place, folder, self.append)

    def _new_peers(self) -> StationsComponent:
        place, folder = self._place(PEERS)
        redacted = self.redactor.data
        return StationsComponent(self.file, place, folder, self.append, self.name_of, redacted)

    def _new_device(self) -> DeviceComponent:
        assert self._opening is not None
        return DeviceComponent(
            self.file,
            self._run_folder,
            self.pki,
            self.append,
            self._hold,
            self.prompter,
            self._opening.device(self._emulator),
            self.redactor,
        )

    def _place(self, role: str) -> tuple[SupervisedHost, Path]:
        assert self._opening is not None
        return self._opening.place(role, self.host)

    async def _free_addresses(self) -> None:
        """Make sure that nobody holds our addresses; benches that were killed are reaped first.

        Raises:
            BenchError: one is in use, or is not this machine's.
        """
        assert self._opening is not None
        device, pbx = self._opening.device_begun, self._opening.pbx_begun
        problem = next(taken_addresses(self.file, device_is_on=device, pbx_is_on=pbx), None)
        if problem is None:
            return
        await asyncio.to_thread(reap, self.host)
        problem = next(taken_addresses(self.file, device_is_on=device, pbx_is_on=pbx), None)
        if problem is not None:
            raise problem


async def _checked(part: Component) -> None:
    """Have a part that gives no sign of life count as lost."""
    if part.lost.done():
        return
    try:
        await part.check()
    except (BenchError, DeviceCrashed) as problem:
        if not part.lost.done():
            part.lost.set_result(problem)


async def _or_lost(part: Component, step: Awaitable[None]) -> None:
    """Take a step of a part; one that fails makes it a lost part, which is replaced. Raises BenchError."""
    try:
        await step
    except BenchError as problem:
        if not part.lost.done():
            part.lost.set_result(problem)
        raise
