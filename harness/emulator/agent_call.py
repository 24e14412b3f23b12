"""One call of the agent: the stack's callbacks in, reports out; its sound is connected and watched."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pjsua2 as pj

from harness.emulator.agent_leak import ClearPackets

if TYPE_CHECKING:
    from harness.emulator.agent import Agent

_RECEIVES = (pj.PJMEDIA_DIR_DECODING, pj.PJMEDIA_DIR_ENCODING_DECODING)


class Call(pj.Call):  # type: ignore[misc]  # the stack ships no types
    """A call, from its first message to its last."""

    def __init__(self, agent: Agent, account: Any, name: str, call_id: int = pj.PJSUA_INVALID_ID) -> None:
        super().__init__(account, call_id)
        self.name = name
        self.microphone = True
        self.clear_packets = False
        self._agent = agent
        self._audio = False
        self._confirmed = False
        self._reported = False
        self._bye_came = False
        self._hung_up = False
        self._received = 0
        self._heard_at = 0.0
        self._leak: ClearPackets | None = None

    def hang_up(self) -> None:
        """End the call: CANCEL, BYE, or a refusal, whichever its state asks for."""
        self._hung_up = True
        super().hangup(pj.CallOpParam())

    def onCallState(self, prm: Any) -> None:  # noqa: N802  (the stack's name)
        """Report establishment and end."""
        info = self.getInfo()
        if info.state == pj.PJSIP_INV_STATE_CONFIRMED:
            self._confirmed = True
            self._report_established()
        if info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            if self._leak is not None:
                self._leak.close()
            self._agent.calls.pop(self.name, None)
            self._agent.finished.append(self)
            self._agent.say(
                "ended",
                call=self.name,
                status=int(info.lastStatusCode),
                reason=info.lastReason,
                by_remote=self._bye_came and not self._hung_up,
            )

    def onCallMediaState(self, prm: Any) -> None:  # noqa: N802  (the stack's name)
        """Connect microphone and speaker once the audio is up."""
        info = self.getInfo()
        for index, media in enumerate(info.media):
            if media.type == pj.PJMEDIA_TYPE_AUDIO and media.status == pj.PJSUA_CALL_MEDIA_ACTIVE:
                self._agent.sound.connect(self.getAudioMedia(index), self.microphone)
                self._heard_at = time.monotonic()
                self._audio = True
                if self.clear_packets and self._leak is None:
                    self._leak = ClearPackets(self.getMedTransportInfo(index), self.getStreamInfo(index))
        self._report_established()

    def onCallTsxState(self, prm: Any) -> None:  # noqa: N802  (the stack's name)
        """Notice a BYE that the remote side sent: in the end both sides' BYE look alike."""
        event = prm.e
        if event.type == pj.PJSIP_EVENT_TSX_STATE:
            transaction = event.body.tsxState.tsx
            if transaction.method == "BYE" and transaction.role == pj.PJSIP_ROLE_UAS:
                self._bye_came = True

    def watch_media(self, limit: float) -> None:
        """Report audio that should come and does not, after ``limit`` seconds without a packet."""
        if not self._reported:
            return
        info = self.getInfo()
        media = info.media[0]
        if media.status != pj.PJSUA_CALL_MEDIA_ACTIVE or media.dir not in _RECEIVES:
            self._heard_at = time.monotonic()
            return
        received = self.getStreamStat(0).rtcp.rxStat.pkt
        if received != self._received:
            self._received, self._heard_at = received, time.monotonic()
        elif time.monotonic() - self._heard_at > limit:
            self._heard_at = time.monotonic()
            self._agent.say("media_lost", call=self.name, seconds=limit)

    def send_clear_packets(self) -> None:
        """Let the fault that sends clear media have its turn."""
        if self._leak is not None:
            self._leak.turn()

    def _report_established(self) -> None:
        if self._confirmed and self._audio and not self._reported:
            self._reported = True
            self._agent.say("established", call=self.name)
