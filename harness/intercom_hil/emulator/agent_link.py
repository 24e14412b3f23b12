"""The device's side of its SIP agent: starts the process, sends commands, turns reports into inputs.

A change of transport, server or identity gets a fresh process, after the old one has taken its registration
back; anything else is a change of settings in the running one.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from intercom_hil.emulator.settings import SipSettings, Transport
from intercom_hil.emulator.sounds import ANNOUNCEMENT
from intercom_hil.emulator.speaker import SpeakerRecording
from intercom_hil.emulator.vocabulary import (
    AgentDied,
    Apply,
    Ended,
    Established,
    Held,
    Incoming,
    Input,
    MediaLost,
    Offer,
    Referred,
    RegistrationAnswered,
    Ringing,
)

_START_WITHIN = 10.0
_STOP_WITHIN = 3.0
"""Seconds; an agent takes at most half of that to take its registration back."""
_CONFIGURE_WITHIN = 5.0


class AgentRefusedError(Exception):
    """The SIP stack could not carry a configuration out; the text says why."""


@dataclass(frozen=True, slots=True)
class Location:
    """Where the device lives on the network, and where its files are."""

    address: str
    sip_port: int
    rtp_first: int
    rtp_last: int
    media_timeout: float
    state: Path
    trust_store: Path
    hosts: Path | None = None

    @property
    def microphone(self) -> Path:
        """The tone file that the microphone hears."""
        return self.state / "microphone.wav"


class AgentLink:
    """One SIP agent at a time. ``report`` is called with what it has to say."""

    def __init__(
        self,
        location: Location,
        speaker: SpeakerRecording,
        report: Callable[[Input], None],
        started: Callable[[int], None],
    ) -> None:
        self._location = location
        self._speaker = speaker
        self._report = report
        self._started = started
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._identity: tuple[object, ...] | None = None
        self._ready = asyncio.Event()
        self._leaving = False
        self._configured: asyncio.Future[None] | None = None

    async def start(self) -> None:
        """Start a fresh agent; returns as soon as its process runs."""
        self._identity, self._leaving = None, False
        self._ready.clear()
        self._speaker.new_stream()
        location = self._location
        options = {
            "address": location.address,
            "sip-port": location.sip_port,
            "rtp-first": location.rtp_first,
            "rtp-last": location.rtp_last,
            "media-timeout": location.media_timeout,
            "microphone": location.microphone,
            "speaker": self._speaker.pipe,
            "announcement": ANNOUNCEMENT,
        }
        if location.hosts is not None:
            options["hosts"] = location.hosts
        arguments = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        with (location.state / "agent.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "intercom_hil.emulator.agent",
                *arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )
        self._reader = asyncio.create_task(self._read(self._process))
        self._started(self._process.pid)

    async def apply(self, order: Apply) -> None:
        """Put settings in force.

        Raises:
            AgentRefusedError: the stack could not, or did not say so in time.
        """
        settings = order.settings
        identity = _identity(settings)
        if self._process is None or self._process.returncode is not None:
            await self.start()
        elif self._identity not in (None, identity):
            await self.withdraw()
        self._identity = identity
        self._configured = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(_START_WITHIN):
                await self._ready.wait()
            self.send(
                "configure",
                settings=settings.as_json(),
                register=order.register,
                trusted=sorted(order.trusted),
                tls=self._tls(order),
                any_keys=order.any_keys,
                any_offers=order.any_offers,
                obliging=order.obliging,
                same_keys=order.same_keys,
                distortion=order.distortion,
            )
            async with asyncio.timeout(_CONFIGURE_WITHIN):
                await self._configured
        except TimeoutError:
            raise AgentRefusedError("the SIP agent did not answer in time") from None
        finally:
            self._configured = None

    def _tls(self, order: Apply) -> dict[str, object]:
        """Return the rules for TLS servers as the agent wants them."""
        rules, ca_file = order.tls, self._location.state / "ca.pem"
        ca_file.write_text(_trusted_certificates(order, self._location.trust_store))
        return {
            "ca_file": str(ca_file),
            "tolerated": sorted(rules.tolerated),
            "nobody": rules.nobody,
            "obsolete_versions": rules.obsolete_versions,
            "null_suites": rules.null_suites,
            "once": rules.once,
            "wide_wildcards": rules.wide_wildcards,
        }

    async def withdraw(self) -> None:
        """Take the registration back and SIP down; a fresh agent stands by afterwards."""
        await self.stop()
        await self.start()

    async def stop(self, *, at_once: bool = False) -> None:
        """End the agent, within bounds; may be called again.

        Args:
            at_once: as when the power goes: nobody is notified, and no registration is taken back.
        """
        process, self._leaving = self._process, True
        if process is None:
            return
        if at_once and process.returncode is None:
            process.kill()
        else:
            self.send("withdraw")
        try:
            async with asyncio.timeout(_STOP_WITHIN):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        if self._reader is not None:
            await self._reader
        self._process = None

    def send(self, word: str, **details: object) -> None:
        """Give the agent a command; one that is dead will be noticed by its reader."""
        if self._process is not None and self._process.stdin is not None and self._process.returncode is None:
            self._process.stdin.write(json.dumps({"do": word, **details}).encode() + b"\n")

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None  # it was asked for
        async for line in process.stdout:
            self._handle(json.loads(line))
        status = await process.wait()
        if not self._leaving:
            if self._configured is not None and not self._configured.done():
                self._configured.set_exception(AgentRefusedError("the SIP agent died"))
            self._report(AgentDied(f"signal {-status}" if status < 0 else f"exit status {status}"))

    def _handle(self, report: dict[str, Any]) -> None:
        word = report.pop("did")
        if word == "ready":
            self._ready.set()
        elif word in ("configured", "refused"):
            self._settle(word, report)
        elif not self._leaving and word in _INPUTS:
            self._report(_INPUTS[word](report))

    def _settle(self, word: str, report: dict[str, Any]) -> None:
        if self._configured is None or self._configured.done():
            return
        if word == "configured":
            self._configured.set_result(None)
        elif report["command"] == "configure":
            self._configured.set_exception(AgentRefusedError(report["reason"]))


_INPUTS: dict[str, Callable[[dict[str, Any]], Input]] = {
    "registration": lambda report: RegistrationAnswered(**report),
    "incoming": lambda report: Incoming(**{**report, "offer": Offer(report["offer"])}),
    "ringing": lambda report: Ringing(**report),
    "established": lambda report: Established(**report),
    "ended": lambda report: Ended(**report),
    "media_lost": lambda report: MediaLost(**report),
    "referred": lambda report: Referred(**report),
    "held": lambda report: Held(**report),
}


def _identity(settings: SipSettings) -> tuple[object, ...]:
    """Return what a running agent cannot change about itself."""
    trust = settings.ca_certificate if settings.transport is Transport.TLS else None
    server = (settings.server_address, settings.server_port)
    who = (settings.extension, settings.auth_username, settings.auth_password, settings.display_name)
    how_long = settings.polling_interval  # changed, it would have the stack send two REGISTERs at once
    return (settings.transport, trust, server, who, settings.proxy, how_long)


def _trusted_certificates(order: Apply, trust_store: Path) -> str:
    """Return the PEM text of the CAs to trust (TLS-01 to TLS-04); nothing where the store cannot be read."""
    uploaded = order.settings.ca_certificate or ""
    if uploaded and not order.tls.well_known_too:
        return uploaded
    known = trust_store.read_text(encoding="utf-8", errors="replace") if trust_store.is_file() else ""
    return f"{uploaded}\n{known}"
