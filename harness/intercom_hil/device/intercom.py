"""The device as scenarios see it: configure it, press its button; what it does is observed.

Observations go onto the timeline by the device's witnesses. It is built over
protocols, so an emulated device and one on a desk differ only in what is passed to it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from functools import partial
from pathlib import Path
from time import monotonic
from types import MappingProxyType
from typing import Any, Protocol

from pydantic import ValidationError

from intercom_hil.device.configurator import Configurator, KeepsEvidence, Role, Submission
from intercom_hil.device.page_viewer import PageViewer
from intercom_hil.errors import BenchError, DeviceCrashed, Inconclusive
from intercom_hil.event_sources.console_reader import ConsoleReader
from intercom_hil.event_sources.roles import SourceRole
from intercom_hil.event_sources.source import AskedSource, EventSource
from intercom_hil.instruments.button import Button
from intercom_hil.instruments.protocols import Console, Input
from intercom_hil.instruments.supply import Supply
from intercom_hil.layouts.known import KEYED
from intercom_hil.layouts.layout import Layout
from intercom_hil.redaction.redaction import Redactor
from intercom_hil.spec.settings import SipSettings
from intercom_hil.timeline.observation import Configured, InputChanged, InstrumentLost, Witness
from intercom_hil.timeline.timeline import Append, now

LANGUAGES = "languages.json"
"""The file of a scenario that says how the lines of each source were read."""
_DEVICE_FIRST = 0.5  # s that a device's own end may be noticed after that of its console
_DEVICE = "device"
_SIP_PORT = 5060
HOLD = 0.1
"""Seconds for which a finger holds the button."""
ALL_ROLES = SourceRole()
_LONGEST_SHOWN = 200  # characters of a submitted value that go onto the timeline
NOTICED = 0.2
"""Seconds that people take, about, to notice that a call is over before they press again."""


class SpeakerListener(Protocol):
    """Hears the device's speaker during scenarios."""

    @property
    def lost(self) -> asyncio.Future[str]:
        """Resolves with the reason when it cannot hear any more."""

    def begin(self) -> None:
        """Listen."""

    async def end(self) -> None:
        """Listen no more."""


class Intercom:
    """An intercom over its instruments. Must be made inside a running event loop.

    Attributes:
        address: its IP address or host name.
        console: what its console is read with, where it has one.
        sources: where its events come from besides.
        button: what its button is pressed with.
        portal: what its settings are changed through.
        pages: who looks at the pages of its portal, where the bench has a browser.
        speaker: what its speaker is heard with, where the bench has that.
        supply: what its supply is switched with, where the bench has that.
        inputs: the contacts that the bench watches, by name.
        settings: the configuration in force, as far as the bench knows.
        rest_left: returns for how many seconds it cannot be asked for another call, where it needs a rest of
            so many seconds at least.
        last_call: when the last call of a scenario before was over, where that counts (epoch seconds).
        last_taken: when it last took a call in a scenario before of which its screen has said nothing (epoch
            seconds); 0 for none.
        lost: resolves with the error to raise when the device (DeviceCrashed) or one of its instruments
            (BenchError) is gone.
    """

    def __init__(
        self,
        *,
        address: str,
        append: Append,
        portal: Configurator,
        pages: PageViewer | None = None,
        button: Button,
        console: Console | None,
        layout: Layout = KEYED,
        console_role: SourceRole = ALL_ROLES,
        sources: Sequence[EventSource] = (),
        speaker: SpeakerListener | None = None,
        supply: Supply | None = None,
        inputs: Mapping[str, Input] = MappingProxyType({}),
        device_lost: asyncio.Future[str] | None = None,
        extension: str = "",
        sip_port: int = _SIP_PORT,
        hold: float = HOLD,
        settling: float = 0.0,
        redactor: Redactor | None = None,
    ) -> None:
        """Put a device together.

        Args:
            address: where its SIP is.
            append: puts observations on the current scenario's timeline.
            portal: the way to its settings.
            pages: looks at the pages of its portal.
            button: its button.
            console: its console; the Intercom becomes its listener.
            layout: what the console's lines mean.
            console_role: what the console is judged by.
            sources: further sources of its events.
            speaker: a capture of its speaker.
            supply: its supply.
            inputs: contacts to watch, such as a door strike, by name.
            device_lost: resolves when the device itself ends, where that can be known.
            extension: its extension until it is configured.
            sip_port: the port its SIP listens on.
            hold: how long its button is held, in seconds, where nothing else is said.
            settling: seconds until settings that it has taken are in force; it is asked nothing until then.
            redactor: learns every password that the device is configured with.
        """
        self.address = address
        self._redactor = redactor or Redactor()
        self.portal = portal
        self.pages = pages
        self.button = button
        self.console = console
        self.sources = tuple(sources)
        self.speaker = speaker
        self.supply = supply
        self.inputs = inputs
        self.settings: SipSettings | None = None
        self._submitted: SipSettings | None = None
        self.lost: asyncio.Future[BenchError | DeviceCrashed] = asyncio.get_running_loop().create_future()
        self._extension = extension
        self._sip_port = sip_port
        self._hold = hold
        self._settling_time = settling
        self._settled_at = 0.0
        self.rest_left: Callable[[float], float] = lambda least: 0.0
        self.last_call = self.last_taken = 0.0
        self._append = append
        self._device_lost = device_lost
        self._reader = ConsoleReader(layout, append=append, role=console_role)
        self._opened = AsyncExitStack()
        self._watch: asyncio.Task[None] | None = None

    @property
    def extension(self) -> str:
        """The extension it is configured with (CFG-12)."""
        return self.settings.extension if self.settings else self._extension

    @property
    def uri(self) -> str:
        """Its SIP URI at its own address, for calls that go straight to it (RFC 3261 §19.1)."""
        port = "" if self._sip_port == _SIP_PORT else f":{self._sip_port}"
        return f"sip:{self.extension}@{self.address}{port}"

    @property
    def banner(self) -> str:
        """What it said of itself on its console when it started last; empty as long as it has not."""
        return self._reader.publisher.banner

    async def open(self) -> None:
        """Open everything the device is reached with, the outputs first: that makes them safe.

        Raises:
            BenchError: an instrument cannot be opened.
            DeviceCrashed: the device is not there.
        """
        if self._watch is not None:
            return
        if self.lost.done():
            self.lost = asyncio.get_running_loop().create_future()
        async with AsyncExitStack() as opened:
            parts = [*self._outputs, *self.inputs.values(), self.console, *self.sources, self.portal]
            for part in parts:
                if part is None:
                    continue
                opened.push_async_callback(part.close)
                if part is self.console:
                    self.console.listen(self._reader.line, self._reader.fragment)
                    self._reader.opened()
                await part.open()
            for name, sensed in self.inputs.items():
                sensed.listen(partial(self._on_edge, name))
            if self.pages is not None:
                opened.push_async_callback(self.pages.close)
            self._opened = opened.pop_all()
        self._watch = asyncio.create_task(self._until_lost())

    async def close(self) -> None:
        """Close everything, last opened first; nothing happens when closed. Raises BenchError."""
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.cancel()
        await self.end()
        await self._opened.aclose()

    def begin(self, folder: Path) -> None:
        """Begin a scenario whose raw logs go into a folder. Raises BenchError."""
        if self.console is not None:
            self.console.begin(folder / "console.log")
        self._reader.begin()
        for source in self.sources:
            source.begin(folder)
        if self.pages is not None:
            self.pages.begin(folder)
        if isinstance(self.portal, KeepsEvidence):
            self.portal.begin(folder)
        read = {"console": self._reader.language} if self.console is not None else {}
        read |= {s.name: s.language for s in self.sources if hasattr(s, "language")}
        if read:
            (folder / LANGUAGES).write_text(json.dumps(read) + "\n", encoding="utf-8")
        if self.speaker is not None:
            self.speaker.begin()

    async def end(self) -> None:
        """End the scenario: the speaker is heard no longer."""
        if self.speaker is not None:
            await self.speaker.end()

    def forget(self) -> None:
        """Have the device configured before it is used again: it is still in a call, and alone there."""
        self.settings = None

    @property
    def settling(self) -> bool:
        """Whether it may be restarting for the sake of settings that it has just taken."""
        return monotonic() < self._settled_at

    def settled(self) -> None:
        """Take note that the settings that it took last are in force: it has been seen."""
        self._settled_at = 0.0

    async def until_ready(self, least: float = 0.0) -> None:
        """Wait until the settings that it took last are in force, and until it is ready for another call.

        Args:
            least: seconds that are to have gone by since its last call, also where it needs no rest.
        """
        left = max(self._settled_at - monotonic(), self.rest_left(least))
        if left > 0:
            await asyncio.sleep(left)

    def _taken(self) -> None:
        if self._settling_time:
            self._settled_at = monotonic() + self._settling_time

    async def configure(self, settings: SipSettings) -> Configured:
        """Submit a whole SIP configuration.

        The observation is dated when it was submitted: what the device does about it comes after.

        Returns:
            What was submitted, secrets redacted, with the device's answer and the names of the fields that
            differ from the configuration before (all of them the first time).

        Raises:
            BenchError: the portal could not be asked.
            DeviceCrashed: the device went away.
        """
        await self.until_ready()
        self._redactor.open_to_all(settings.names())
        for secret in settings.secrets():
            self._redactor.learn(secret)
        at = now()
        answer = await self.portal.apply(settings)
        content = Configured(
            settings=settings.redacted(),
            accepted=answer.accepted,
            message=answer.message,
            changed=_changed(self.settings, settings),
            secrets=tuple(
                known for secret in settings.secrets() if (known := self._redactor.fingerprint(secret))
            ),
        )
        if answer.accepted:
            self.settings = self._submitted = settings
            self._taken()
        self._append(Witness.PORTAL, content, at)
        return content

    async def submit(
        self,
        changes: Mapping[str, object],
        by: Role = "administrator",
        through: Callable[[Mapping[str, object]], Awaitable[Submission]] | None = None,
    ) -> Configured:
        """Submit the configuration in force with changes, right or wrong ones, as whoever (CFG-02, CFG-22).

        Args:
            changes: what differs from the configuration in force.
            by: who submits it.
            through: what the whole form is submitted with; the usual way to its settings without.

        Raises:
            Inconclusive: the bench has no account for that, or no configuration is in force yet.
            BenchError: the portal could not be asked.
            DeviceCrashed: the device went away.
        """
        if self._submitted is None:
            raise Inconclusive("no configuration is in force that could be changed")
        await self.until_ready()
        at = now()
        form = self._submitted.model_dump(mode="json") | dict(changes)
        if isinstance(password := changes.get("auth_password"), str):
            self._redactor.learn(password)
        self.settings = None  # what a faulty device makes of a wrong form nobody knows
        answer = await (self.portal.submit(form, by) if through is None else through(form))
        content = Configured(
            settings={name: _short(value) for name, value in changes.items() if "password" not in name},
            accepted=answer.accepted,
            message=_short(answer.message),
            changed=tuple(changes),
            by=by,
            fields=answer.fields,
        )
        if answer.accepted:
            self._taken()
            with suppress(ValidationError):  # a wrong value that was taken stands nowhere but in the device
                self._submitted = SipSettings.model_validate(form)
        self._append(Witness.PORTAL, content, at)
        return content

    async def upload(self, filename: str, content: bytes) -> tuple[Configured, str]:
        """Upload a CA certificate; return the answer and the text for ``ca_certificate``, empty if refused.

        Raises:
            BenchError: the portal could not be asked.
            DeviceCrashed: the device went away.
        """
        await self.until_ready()
        at = now()
        answer, text = await self.portal.upload(filename, content)
        submitted = Configured(
            settings={"ca_certificate": f"file {filename}, {len(content)} bytes"},
            accepted=answer.accepted,
            message=_short(answer.message),
            changed=("ca_certificate",),
            fields=answer.fields,
        )
        self._append(Witness.PORTAL, submitted, at)
        return submitted, text

    async def press_button(self, hold: float | None = None) -> float:
        """Press the button, hold it (s) and release it; return the time of the press. Raises BenchError.

        A device that is not ready yet, by what the bench file says, is waited for first, and so is the time
        that people need to notice that a call is over: a SIP stack may acknowledge the end of a call before
        the program above it knows of it.
        """
        await self.until_ready(least=NOTICED)
        return await self.button.press(self._hold if hold is None else hold)

    async def healthy(self) -> bool:
        """Return whether device and instruments are there; if not, ``lost`` holds the reason."""
        if not self.lost.done():
            await self.until_ready()
            try:
                await self.portal.reach()
            except (BenchError, DeviceCrashed) as problem:
                blame_device = isinstance(problem, DeviceCrashed)
                self._lose("device" if blame_device else "portal", str(problem), blame_device=blame_device)
        return not self.lost.done()

    async def ask_for_events(self) -> None:
        """Put on the timeline what those sources have that are asked for it, as far as they can be asked."""
        for source in self.sources:
            if isinstance(source, AskedSource):
                with suppress(BenchError, DeviceCrashed):  # one that stays away is noticed by itself
                    await source.catch_up()

    async def check(self) -> None:
        """Take note of what was lost while the event loop stood, without asking the device anything.

        Raises:
            BenchError: an instrument is lost.
            DeviceCrashed: the device is.
        """
        await asyncio.sleep(0)  # what lies in a buffer is read
        if self._watch is not None and any(future.done() for future in self._watched().values()):
            await asyncio.wait({self._watch})
        if self.lost.done():
            raise self.lost.result()

    @property
    def _outputs(self) -> tuple[Button | Supply, ...]:
        return (self.button,) if self.supply is None else (self.button, self.supply)

    def _on_edge(self, name: str, active: bool, at: float) -> None:
        self._append(Witness.INPUT, InputChanged(name=name, active=active), at)

    def _watched(self) -> dict[str, asyncio.Future[Any]]:
        """Return what reports the loss of each part, and of the device where that can be known."""
        parts = {"button": self.button.lost, **{source.name: source.lost for source in self.sources}}
        optional = {"console": self.console, "speaker": self.speaker, "supply": self.supply}
        for name, part in {**optional, **self.inputs}.items():
            if part is not None:
                parts[name] = part.lost
        return parts if self._device_lost is None else {**parts, _DEVICE: self._device_lost}

    async def _until_lost(self) -> None:
        parts = self._watched()
        await asyncio.wait(set(parts.values()), return_when=asyncio.FIRST_COMPLETED)
        if self._device_lost is not None:
            # a device that ends takes its console along, and the console may be noticed first
            await asyncio.wait({self._device_lost}, timeout=_DEVICE_FIRST)
            if self._device_lost.done():
                self._lose(_DEVICE, self._device_lost.result(), blame_device=True)
                return
        name = next(name for name, lost in parts.items() if lost.done())
        self._lose(name, parts[name].result(), blame_device=False)

    def _lose(self, instrument: str, problem: str, *, blame_device: bool) -> None:
        if self.lost.done():
            return
        blame = "device" if blame_device else "bench"
        self._append(Witness.BENCH, InstrumentLost(instrument=instrument, problem=problem, blame=blame), None)
        self.lost.set_result(
            DeviceCrashed(problem)
            if blame_device
            else BenchError(problem, instrument, "check its cable and supply, then run again")
        )


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}… ({len(text)} characters)"


def _changed(before: SipSettings | None, after: SipSettings) -> tuple[str, ...]:
    names = SipSettings.model_fields
    return tuple(name for name in names if before is None or getattr(before, name) != getattr(after, name))
