"""The whole device: logic in the middle, and round it the agent, the front panel and the portal.

Everything that happens becomes an input in one queue; one task takes them in turn and carries out what the
logic says, in order.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from intercom_hil.emulator.addresses import read_address
from intercom_hil.emulator.administration import Administration
from intercom_hil.emulator.agent_link import AgentLink, AgentRefusedError, Location
from intercom_hil.emulator.agent_names import read_hosts
from intercom_hil.emulator.console import Console
from intercom_hil.emulator.event_log import EventLog
from intercom_hil.emulator.form import Form
from intercom_hil.emulator.page_rules import PageRules
from intercom_hil.emulator.portal import Portal
from intercom_hil.emulator.registration_state import RegistrationState
from intercom_hil.emulator.relay_board import RelayBoard
from intercom_hil.emulator.serial_server import SerialServer
from intercom_hil.emulator.settings import SipSettings
from intercom_hil.emulator.sounds import write_microphone_tone
from intercom_hil.emulator.speaker import SpeakerRecording
from intercom_hil.emulator.speech import KEYED, Entry, Speech
from intercom_hil.emulator.syslog import Syslog, SyslogServer
from intercom_hil.emulator.terminal import given_ptys
from intercom_hil.emulator.vocabulary import (
    Announce,
    Answer,
    Apply,
    ButtonPressed,
    ButtonReleased,
    Configured,
    CrashAgent,
    Dial,
    HangUp,
    Hush,
    Input,
    OpenPortal,
    Output,
    PoweredOn,
    Refresh,
    Reject,
    Ring,
    Show,
    StartTimer,
    Step,
    StopTimer,
    TimerFired,
    Withdraw,
    WriteEvent,
    WriteLine,
)
from intercom_hil.emulator.webhook import Webhook

BUTTON_RELAY = 0
"""The relay that is wired to the intercom's button."""
_RESOLVE_WITHIN = 3.0


@dataclass(frozen=True)
class Reporting:
    """How the device reports what it does: the language of its console, its clock, and other receivers."""

    speech: Speech = KEYED
    clock: Callable[[], float] = time.time
    syslog: tuple[SyslogServer, ...] = ()
    webhooks: tuple[str, ...] = ()


PLAIN_REPORTING = Reporting()


class Device:
    """An emulated intercom with a state directory. ``open``, then ``run``, then ``close``."""

    def __init__(
        self,
        location: Location,
        portal_port: int,
        step: Step,
        form: Form,
        pages: PageRules,
        *,
        serial_port: int | None = None,
        ptys: Path | None = None,
        reporting: Reporting = PLAIN_REPORTING,
    ) -> None:
        self._location = location
        self._portal_port = portal_port
        self._serial_port = serial_port
        self._ptys = ptys
        self._step = step
        self._form = form
        self._pages = pages
        self._reporting = reporting
        self._log = EventLog()
        self._registration = RegistrationState()
        self._others = AsyncExitStack()
        self._sinks: list[Callable[[Entry, float], None]] = [self._log.write, self._registration.write]
        self._inputs: asyncio.Queue[tuple[Input, asyncio.Future[None] | None]] = asyncio.Queue()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._fired: set[str] = set()
        self._agent_pid = 0

    async def open(self) -> None:
        """Switch the device on.

        Raises:
            OSError: the portal's address or port, the state directory, or a pseudo-terminal cannot be had.
        """
        console, relay = given_ptys(self._ptys, 2) if self._ptys else (None, None)
        state = self._location.state
        write_microphone_tone(self._location.microphone)
        self._speaker = SpeakerRecording(state)
        self._serial = SerialServer(self._button_changed)
        self._console = Console(
            state / "console", self._reporting.clock, self._serial.write, self._reporting.speech, console
        )
        self._sinks.append(self._console.write)
        self._open_sinks()
        self._relay = RelayBoard(state / "relay", self._relay_changed, relay)
        self._agent = AgentLink(self._location, self._speaker, self._post, self._agent_started)
        administration = Administration(self._submit, self._form)
        self._portal = Portal(administration, self._log, self._registration, self._pages)
        await self._portal.start(self._location.address, self._portal_port)
        if self._serial_port is not None:
            await self._serial.start(self._location.address, self._serial_port)
        self._post(PoweredOn())
        await self._agent.start()

    async def run(self) -> None:
        """Live until cancelled."""
        while True:
            given, done = await self._inputs.get()
            if isinstance(given, TimerFired):
                if given.name not in self._fired:
                    continue  # stopped after it had fired, before its turn came
                self._fired.discard(given.name)
            refusal: AgentRefusedError | None = None
            for output in self._step(given):
                try:
                    await self._perform(output)
                except AgentRefusedError as problem:
                    refusal = problem
                    self._write(WriteLine("log", (("level", "error"), ("text", f"sip: {problem}"))))
            if done is not None and not done.done():
                if refusal is None:
                    done.set_result(None)
                else:
                    done.set_exception(refusal)

    async def close(self) -> None:
        """Switch the device off and leave nothing behind but its recordings."""
        for timer in self._timers.values():
            timer.cancel()
        self._portal.close()
        await self._others.aclose()
        await self._agent.stop(at_once=True)
        self._console.close()
        self._relay.close()
        self._serial.close()
        self._speaker.close()
        (self._location.state / "ready.json").unlink(missing_ok=True)

    # --- inputs -----------------------------------------------------------------------------------

    def _post(self, given: Input, done: asyncio.Future[None] | None = None) -> None:
        self._inputs.put_nowait((given, done))

    def _relay_changed(self, channel: int, closed: bool) -> None:
        if channel == BUTTON_RELAY:
            self._button_changed(closed)

    def _button_changed(self, closed: bool) -> None:
        self._post(ButtonPressed() if closed else ButtonReleased())

    async def _submit(self, settings: SipSettings) -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        resolved = await _resolve(_hosts(settings), read_hosts(self._location.hosts))
        self._post(Configured(settings, resolved), done)
        await done

    def _agent_started(self, pid: int) -> None:
        self._agent_pid = pid
        self._write_ready()

    @property
    def ends(self) -> dict[str, str]:
        """Where the device is met from outside, once it is open: paths and addresses by what is there."""
        return {
            "console": self._console.path,
            "relay": self._relay.path,
            "portal": f"http://{self._location.address}:{self._portal_port}",
            "speaker": str(self._speaker.path),
        }

    def _write_ready(self) -> None:
        """Write down where the device's outside ends are, all at once."""
        ready = {**self.ends, "pid": os.getpid(), "agent_pid": self._agent_pid}
        draft = self._location.state / "ready.json.part"
        draft.write_text(json.dumps(ready))
        draft.replace(self._location.state / "ready.json")

    # --- outputs ----------------------------------------------------------------------------------

    async def _perform(self, output: Output) -> None:
        agent = self._agent
        match output:
            case Apply():
                await agent.apply(output)
            case Withdraw():
                await agent.withdraw()
                self._write(WriteLine("sip unregistered", (("reason", "switched off"),)))
            case OpenPortal(opened):
                if opened:
                    await self._portal.start(self._location.address, self._portal_port)
                else:
                    self._portal.close()
            case Refresh():
                agent.send("register")
            case Dial():
                agent.send(
                    "dial",
                    call=output.call,
                    uri=output.uri,
                    media=output.media,
                    picture=output.picture,
                    microphone=output.microphone,
                    clear_packets=output.clear_packets,
                    headers=output.headers,
                    past_proxy=output.past_proxy,
                    in_clear=output.in_clear,
                    gain=output.gain,
                )
            case Answer():
                agent.send(
                    "answer",
                    call=output.call,
                    picture=output.picture,
                    microphone=output.microphone,
                    clear_packets=output.clear_packets,
                    hears_clear=output.hears_clear,
                    gain=output.gain,
                )
            case Ring():
                agent.send("ring", call=output.call)
            case Reject():
                agent.send("reject", call=output.call, status=output.status, reason=output.reason)
            case HangUp():
                agent.send(
                    "hangup",
                    call=output.call,
                    cancel_only=output.cancel_only,
                    past_proxy=output.past_proxy,
                )
            case Announce():
                agent.send("announce")
            case Hush():
                agent.send("hush")
            case CrashAgent():
                agent.send("crash")
            case WriteEvent() | Show() | WriteLine():
                self._write(output)
            case StartTimer():
                self._start_timer(output)
            case StopTimer():
                self._stop_timer(output.name)

    def _open_sinks(self) -> None:
        """Send to syslog servers and webhooks what is written to the console."""
        for server in self._reporting.syslog:
            syslog = Syslog(server, self._location.address)
            self._others.push_async_callback(syslog.close)
            self._sinks.append(syslog.write)
        for url in self._reporting.webhooks:
            webhook = Webhook(url, self._location.address)
            self._others.push_async_callback(webhook.close)
            self._sinks.append(webhook.write)

    def _write(self, entry: Entry) -> None:
        at = self._reporting.clock()
        for sink in self._sinks:
            sink(entry, at)

    def _start_timer(self, timer: StartTimer) -> None:
        self._stop_timer(timer.name)
        loop = asyncio.get_running_loop()
        self._timers[timer.name] = loop.call_later(timer.seconds, self._expire, timer.name)

    def _expire(self, name: str) -> None:
        del self._timers[name]
        self._fired.add(name)
        self._post(TimerFired(name))

    def _stop_timer(self, name: str) -> None:
        self._fired.discard(name)
        running = self._timers.pop(name, None)
        if running is not None:
            running.cancel()


def _hosts(settings: SipSettings) -> set[str]:
    listed = (read_address(entry) for entry in settings.permitted_callers)
    hosts = {settings.server_address.lower(), *(entry.host for entry in listed if entry)}
    return hosts | ({settings.proxy.address.lower()} if settings.proxy else set())


async def _resolve(hosts: set[str], known: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """Resolve host names within bounds; one that does not resolve has no addresses."""
    loop = asyncio.get_running_loop()

    async def addresses(host: str) -> frozenset[str]:
        if host in known:
            return frozenset({known[host]})
        try:
            async with asyncio.timeout(_RESOLVE_WITHIN):
                found = await loop.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
        except (OSError, TimeoutError):
            return frozenset()
        return frozenset(str(entry[4][0]) for entry in found)

    names = sorted(hosts)
    return dict(zip(names, await asyncio.gather(*map(addresses, names)), strict=True))


def prepare_state(state: Path) -> None:
    """Make the state directory and forget an earlier life in it. Raises OSError."""
    state.mkdir(parents=True, exist_ok=True)
    (state / "ready.json").unlink(missing_ok=True)
