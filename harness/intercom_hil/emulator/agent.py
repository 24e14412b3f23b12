"""The SIP agent: PJSIP in a process of its own, because a failed assertion inside it aborts the process.

It reads commands on standard input, one JSON object a line, and writes what happens on standard output the
same way. End of input means that the device is gone: the agent goes too. One thread does everything.
Run by the device as ``python -m intercom_hil.emulator.agent``.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import select
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pjsua2 as pj

from intercom_hil.emulator.agent_account import Accounts
from intercom_hil.emulator.agent_call import Call
from intercom_hil.emulator.agent_methods import Methods
from intercom_hil.emulator.agent_names import read_hosts, resolve_by
from intercom_hil.emulator.agent_sound import Sound
from intercom_hil.emulator.agent_tls import AgentTls
from intercom_hil.emulator.agent_video import CallVideo
from intercom_hil.emulator.camera import made
from intercom_hil.emulator.fault_invite_interceptor import Porter
from intercom_hil.emulator.fault_sent_packets import DISTORTIONS, MEDIA_DISTORTIONS, SentPackets
from intercom_hil.emulator.invite import read_invite
from intercom_hil.emulator.settings import Encryption, VideoCalls
from intercom_hil.emulator.stack_imports import stack_library
from intercom_hil.emulator.vocabulary import Offer, Picture

USER_AGENT = "EMU-1/1.0"
_POLL_MS = 10
_CODEC_PRIORITIES = {"PCMU/8000/1": 130, "PCMA/8000/1": 129}
_OVERDRIVEN = 12.0
_WATCH_EVERY = 0.25
"""Seconds between looks whether audio still comes."""
_UNREGISTER_WITHIN = 1.5
"""Seconds that the server may take to answer when the agent takes its registration back."""


class Agent(pj.Endpoint):  # type: ignore[misc]  # the stack ships no types
    """The SIP stack with its calls, reached by commands."""

    def __init__(self, arguments: argparse.Namespace, say: Callable[..., None]) -> None:
        super().__init__()
        self.say = say
        self.arguments = arguments
        self.calls: dict[str, Call] = {}
        self.finished: list[Call] = []
        self.srtp_only = False
        self.obliging = self.same_keys = False
        self.distortion = ""
        self.lingering: list[tuple[float, CallVideo]] = []
        self._sent: SentPackets | None = None
        self._accounts: Accounts | None = None
        self._taken = 0
        self._checked = 0.0
        self._transport: int | None = None
        self._beside: int | None = None
        self._porter: Porter | None = None
        self._tls: AgentTls | None = None
        self.libCreate()
        self.libInit(_endpoint_configuration())
        self.audDevManager().setNullDev()
        self.libStart()
        self._methods = Methods()
        for codec in self.codecEnum2():
            self.codecSetPriority(codec.codecId, _CODEC_PRIORITIES.get(codec.codecId, 0))
        self.sound = Sound(arguments.microphone, arguments.speaker, arguments.announcement)

    @property
    def sip_address(self) -> tuple[str, int]:
        """Where the stack's datagram socket is bound, if it has one."""
        return self.arguments.address, self.arguments.sip_port

    def onTransportState(self, prm: Any) -> None:  # noqa: N802  (the stack's name)
        """Leave a TLS server that the stack let pass and that will not do all the same."""
        if prm.state != pj.PJSIP_TP_STATE_CONNECTED or self._tls is None:
            return
        names = [entry.name for entry in prm.tlsInfo.remoteCertInfo.subjectAltName]
        if not self._tls.acceptable(prm.tlsInfo.verifyStatus, names):
            self.transportShutdown(prm.hnd)

    def onSelectAccount(self, prm: Any) -> None:  # noqa: N802  (the stack's name)
        """Let every INVITE in under the media policy that suits its offer: the logic has the say about it."""
        if self._accounts is not None:
            offer = read_invite(prm.rdata.wholeMsg).offer
            prm.accountIndex = self._accounts.for_offer(offer, _host(prm.rdata.srcAddress)).getId()

    def incoming(self, account: Any, prm: Any) -> None:
        """Report an INVITE; what becomes of it is for the logic to say."""
        self._taken += 1
        name = f"in-{self._taken}"
        if self.distortion == "registration-dropped-by-calls" and self._accounts is not None:
            self._accounts.unregister()
        invite = read_invite(prm.rdata.wholeMsg)
        self.calls[name] = Call(self, account, name, prm.callId, offers=invite.offer is Offer.ABSENT)
        self.say(
            "incoming",
            call=name,
            caller=invite.caller,
            display=invite.display,
            request_uri=invite.request_uri,
            source=_host(prm.rdata.srcAddress),
            offer=invite.offer,
            video=invite.video,
            claims=invite.claims,
        )

    def command(self, line: bytes) -> None:
        """Carry out one command; what the stack refuses is reported, not raised."""
        order = json.loads(line)
        word = order.pop("do")
        try:
            getattr(self, f"_do_{word}")(**order)
        except pj.Error as problem:
            call = order.get("call")
            if word == "dial":
                self.calls.pop(call, None)
                self.say("ended", call=call, status=503, reason=problem.reason, by_remote=False)
            else:
                self.say("refused", command=word, reason=problem.reason)

    def turn(self) -> None:
        """Give the stack its time; call it often."""
        if self._porter is not None:
            self._porter.wait(_POLL_MS / 1000)
        self.libHandleEvents(0 if self._porter is not None else _POLL_MS)
        self.finished.clear()
        for call in self.calls.values():
            call.turn()
        for until, video in self.lingering:
            video.turn() if time.monotonic() < until else video.close()
        if time.monotonic() - self._checked >= _WATCH_EVERY:
            self._checked = time.monotonic()
            for call in list(self.calls.values()):
                call.watch_media(self.arguments.media_timeout)
                call.end_unconfirmed()

    def _do_configure(
        self,
        settings: dict[str, Any],
        register: bool,
        trusted: list[str],
        tls: dict[str, Any],
        any_keys: bool,
        any_offers: bool,
        obliging: bool,
        same_keys: bool,
        distortion: str,
    ) -> None:
        self.srtp_only = settings["encryption"] == Encryption.SRTP_ONLY and not any_offers
        self.obliging, self.same_keys = obliging, same_keys
        self.distortion = distortion
        if distortion in (*DISTORTIONS, *MEDIA_DISTORTIONS) and self._sent is None:
            self._sent = SentPackets(distortion, frozenset(trusted))
        if self._transport is None:
            self._transport = self._open_transport(settings["transport"], AgentTls(**tls))
        if distortion == "takes-calls-in-clear-despite-tls" and settings["transport"] == "TLS":
            self.clear_transport()
        gain = _OVERDRIVEN if distortion == "overdriven" else 1.0
        self.sound.set_volumes(gain * settings["microphone_volume"] / 50, settings["speaker_volume"] / 50)
        if self._accounts is None:
            self._accounts = Accounts(self, self._transport, settings, register, trusted)
        else:
            self._accounts.change(settings, register, trusted)
        self._post_porter(any_keys)
        if settings["video_calls"] != VideoCalls.OFF:
            made()  # what it takes is loaded beside the calls, and not while one is waiting for it
        self.say("configured")

    def _post_porter(self, wanted: bool) -> None:
        if self._porter is not None:
            self._porter.close()
        media = self.arguments.address, self.arguments.rtp_last
        self._porter = Porter(self.sip_address, media) if wanted else None

    def _open_transport(self, name: str, tls: AgentTls | None) -> int:
        setting = pj.TransportConfig()
        setting.boundAddress = self.arguments.address
        setting.port = self.arguments.sip_port + (name == "TLS")
        if name == "TLS" and tls is not None:
            self._tls = tls
            tls.set_up(setting.tlsConfig)
        kind = {"UDP": pj.PJSIP_TRANSPORT_UDP, "TCP": pj.PJSIP_TRANSPORT_TCP, "TLS": pj.PJSIP_TRANSPORT_TLS}[
            name
        ]
        return int(self.transportCreate(kind, setting))

    def described(self, description: str) -> None:
        """Take note of a session description that goes out."""
        if self._sent is not None:
            self._sent.learn_keys(description)

    def clear_transport(self) -> int:
        """Return the transport for SIP in clear beside the one that is set, opened when first asked for."""
        if self._beside is None:
            self._beside = self._open_transport("UDP", None)
        return self._beside

    def _do_register(self) -> None:
        if self._accounts is not None:
            self._accounts.register_again()

    def _do_dial(
        self,
        call: str,
        uri: str,
        media: str,
        picture: str,
        microphone: bool,
        clear_packets: bool,
        headers: list[tuple[str, str]],
        past_proxy: bool,
        in_clear: bool,
        gain: float,
    ) -> None:
        if self._accounts is None:
            self.say("ended", call=call, status=503, reason="SIP is off", by_remote=False)
            return
        account, target = self._accounts.for_dialling(uri, media, past_proxy, in_clear)
        self.calls[call] = placed = Call(self, account, call)
        placed.microphone, placed.clear_packets, placed.gain = microphone, clear_packets, gain
        placed.show(Picture(picture))
        parameters = pj.CallOpParam(True)
        parameters.opt.audioCount = placed.sections
        parameters.opt.videoCount = 0
        parameters.txOption.targetUri = target
        for name, value in headers:
            header = pj.SipHeader()
            header.hName, header.hValue = name, value
            parameters.txOption.headers.append(header)
        placed.makeCall(uri, parameters)

    def _do_answer(
        self,
        call: str,
        picture: str,
        microphone: bool,
        clear_packets: bool,
        hears_clear: bool,
        gain: float,
    ) -> None:
        if call in self.calls:
            taken = self.calls[call]
            taken.show(Picture(picture))
            taken.microphone, taken.clear_packets, taken.gain = microphone, clear_packets, gain
            if hears_clear:
                taken.hear_clear_packets()
            self._respond(call, 200, "OK", taken.description(), taken.sections if taken.offers else 1)

    def _do_ring(self, call: str) -> None:
        self._respond(call, 180, "Ringing")

    def _do_reject(self, call: str, status: int, reason: str) -> None:
        self._respond(call, status, reason)

    def _respond(self, call: str, status: int, reason: str, description: str = "", sections: int = 1) -> None:
        if call in self.calls:
            response = pj.CallOpParam(True)
            response.opt.audioCount = sections  # of an offer of ours: an answer has those that it answers
            response.opt.videoCount = 0
            response.statusCode, response.reason = status, reason
            response.sdp.wholeSdp = description
            self.calls[call].answer(response)

    def _do_hangup(self, call: str, cancel_only: bool, past_proxy: bool) -> None:
        if call in self.calls and not (cancel_only and self.calls[call].cancel_only()):
            if past_proxy:
                self.calls[call].say_bye_past_proxy()
            self.calls[call].hang_up()

    def _do_announce(self) -> None:
        self.sound.announce()

    def _do_hush(self) -> None:
        self.sound.hush()

    def _do_crash(self) -> None:
        os.abort()

    def _do_withdraw(self) -> None:
        """Hang everything up, take the registration back, and end."""
        for call in list(self.calls.values()):
            call.hang_up()
        if self._accounts is not None and self._accounts.unregister():
            limit = time.monotonic() + _UNREGISTER_WITHIN
            while self._accounts.registered and time.monotonic() < limit:
                self.turn()
            self.turn()
        self.say("withdrawn")
        os._exit(0)


def _host(address: str) -> str:
    return address.rpartition(":")[0].strip("[]")


def _endpoint_configuration() -> Any:
    setting = pj.EpConfig()
    setting.logConfig.level = setting.logConfig.consoleLevel = 0
    setting.uaConfig.threadCnt = 0
    setting.uaConfig.mainThreadOnly = True
    setting.uaConfig.userAgent = USER_AGENT
    setting.uaConfig.maxCalls = 8
    setting.medConfig.noVad = True
    return setting


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="intercom_hil.emulator.agent")
    parser.add_argument("--address", required=True)
    parser.add_argument("--sip-port", type=int, required=True)
    parser.add_argument("--rtp-first", type=int, required=True)
    parser.add_argument("--rtp-last", type=int, required=True)
    parser.add_argument("--media-timeout", type=float, required=True)
    parser.add_argument("--microphone", type=Path, required=True)
    parser.add_argument("--speaker", type=Path, required=True)
    parser.add_argument("--announcement", type=Path, required=True)
    parser.add_argument("--hosts", type=Path)
    return parser.parse_args()


def _json(value: object) -> str:
    return json.dumps(value, default=str)


def main() -> None:
    """Serve commands until one says to withdraw or until standard input ends."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # the stack prints its first log lines to standard output, whatever its log level

    def say(word: str, **details: object) -> None:
        answers.write(_json({"did": word, **details}) + "\n")

    arguments = _arguments()
    names = read_hosts(arguments.hosts)
    if names:
        resolve_by(names, stack_library())
    agent = Agent(arguments, say)
    say("ready")
    flush = ctypes.CDLL(None).fflush
    pending = b""
    while True:
        agent.turn()
        flush(None)  # what the speaker recorder holds back in its stdio buffer is wanted now
        if select.select([0], [], [], 0)[0]:
            chunk = os.read(0, 65536)
            if not chunk:
                os._exit(0)
            *lines, pending = (pending + chunk).split(b"\n")
            for line in lines:
                agent.command(line)


if __name__ == "__main__":
    main()
