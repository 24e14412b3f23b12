"""One call of the agent: the stack's callbacks in, reports out; its sound is connected and watched."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pjsua2 as pj

from intercom_hil.emulator.agent_video import CallVideo
from intercom_hil.emulator.fault_clear_media_tap import ClearEar
from intercom_hil.emulator.fault_clear_packets import ClearPackets
from intercom_hil.emulator.fault_stray_messages import bye_for, cancel_for, host_and_port, send
from intercom_hil.emulator.invite import read_offer
from intercom_hil.emulator.vocabulary import REFERRED, Offer, Picture

if TYPE_CHECKING:
    from intercom_hil.emulator.agent import Agent

_NO_ACK_WITHIN = 31.5
"""Seconds, a little less than the 64*T1 after which the stack gives the call up without a report."""
_ECHO = 0.3
_LINGERS = 1.5
_RECEIVES = (pj.PJMEDIA_DIR_DECODING, pj.PJMEDIA_DIR_ENCODING_DECODING)


class Call(pj.Call):  # type: ignore[misc]  # the stack ships no types
    """A call, from its first message to its last."""

    def __init__(
        self,
        agent: Agent,
        account: Any,
        name: str,
        call_id: int = pj.PJSUA_INVALID_ID,
        *,
        offers: bool = False,
    ) -> None:
        """Begin one; ``offers`` says of one that comes in that it leaves the offer to the device."""
        super().__init__(account, call_id)
        self.name, self.offers = name, offers
        self._account = account
        self.microphone = True
        self.clear_packets = False
        self.gain = 1.0
        self._agent = agent
        self._audio = False
        self._confirmed = False
        self._reported = False
        self._bye_came = False
        self._hung_up = False
        self._received = 0
        self._heard_at = 0.0
        self._leak: ClearPackets | None = None
        self._ear: ClearEar | None = None
        self._speaker = True
        self._answer = ""
        self._answered: float | None = None
        self._invite: tuple[str, tuple[str, int]] | None = None
        self._trying = False
        self._video: CallVideo | None = None
        self._written = "", ""
        self._held = self._was_held = False

    @property
    def sections(self) -> int:
        """How many media sections the call's offer has: video takes the place of a second one of audio.

        The stack can write no video itself, and would not bear a section that it knows nothing of.
        """
        alone = self.offers and self._agent.distortion == "late-offer-without-video"
        return 2 if self._video is not None and not alone else 1

    def show(self, picture: Picture) -> None:
        """Say what is to be seen in the call, before anything is offered or answered."""
        if picture is not Picture.NONE:
            self._video = CallVideo(
                picture,
                *self._place(),
                stubborn=self._agent.distortion == "video-goes-on-when-turned-down",
                reports=self._agent.distortion != "no-reports-of-video",
            )

    def hear_clear_packets(self) -> None:
        """Have clear packets played, before the call is answered."""
        self._ear = ClearEar(*self._place(), self._agent.sound.play)

    def hang_up(self) -> None:
        """End the call: CANCEL, BYE, or a refusal, whichever its state asks for."""
        self._hung_up = True
        self._end_video()
        super().hangup(pj.CallOpParam())

    def cancel_only(self) -> bool:
        """Send a CANCEL and leave it at that: who answers all the same gets to hear the device.

        Returns:
            Whether that could be done: there is nothing to cancel before a provisional response.
        """
        if self._invite is None or not self._trying or self._confirmed:
            return False
        self._speaker = False
        invite, destination = self._invite
        return send(cancel_for(invite), destination, self._agent.sip_address)

    def say_bye_past_proxy(self) -> None:
        """Send a BYE of our own to the other side of a call that was taken, by no route."""
        target = self.getInfo().remoteContact.strip("<>")
        destination = host_and_port(target)
        if self._answer and destination is not None:
            send(bye_for(self._answer, target, self._agent.sip_address), destination, self._agent.sip_address)

    def end_unconfirmed(self) -> None:
        """Hang up where our 200 gets no ACK in all the time that it is sent again (RFC 3261 §13.3.1.4)."""
        waiting = self._answered is not None and not self._confirmed
        if waiting and time.monotonic() - (self._answered or 0.0) > _NO_ACK_WITHIN:
            self._answered = None
            self.hang_up()

    def onCallState(self, prm: Any) -> None:  # noqa: N802  (the stack's name)
        """Report establishment and end."""
        info = self.getInfo()
        if info.state == pj.PJSIP_INV_STATE_CONFIRMED:
            self._confirmed = True
            if self._video is not None:
                if self.offers:  # what answers comes in the ACK (RFC 3261 §13.3.1.4)
                    self._video.answered(prm.e.body.rxMsg.rdata.wholeMsg.partition("\r\n\r\n")[2])
                self._video.begin()
            self._report_established()
        if info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            if self._leak is not None:
                self._leak.close()
            if self._ear is not None:
                self._ear.close()
            self._end_video()
            self._agent.calls.pop(self.name, None)
            self._agent.finished.append(self)
            self._agent.say(
                "ended",
                call=self.name,
                status=int(info.lastStatusCode),
                reason=info.lastReason,
                by_remote=self._bye_came and not self._hung_up,
            )

    def onCallSdpCreated(self, prm: Any) -> None:  # noqa: N802  (the stack's name)
        """Put the video into what the stack is about to send.

        The answer to an INVITE is written before anybody has decided about it: that one is kept for later.
        """
        local, remote = prm.sdp.wholeSdp, prm.remSdp.wholeSdp
        self._written = local, remote
        self._agent.described(local)
        if self._video is not None:
            described = self._video.describe(local, remote)
            if described != local:
                prm.sdp.wholeSdp = described

    def onCallRxOffer(self, prm: Any) -> None:  # noqa: N802  (the stack's name)
        """Refuse what a re-INVITE or UPDATE offers where it would not do at the call's beginning either."""
        if self._agent.srtp_only and read_offer(prm.offer.wholeSdp) is not Offer.SECURE:
            prm.statusCode = 488

    def onCallTransferRequest(self, prm: Any) -> None:  # noqa: N802  (the stack's name)
        """Refuse to call somebody because a remote side says so (RFC 3515): the contacts are configured."""
        placed = self.getInfo().role == pj.PJSIP_ROLE_UAC
        obliging = self._agent.obliging or (placed and self._agent.distortion == "obeys-refer-of-a-contact")
        prm.statusCode = 202 if obliging else 603
        if obliging:  # the stack calls, and asks what to make of it
            prm.newCall = self._agent.calls[REFERRED] = Call(self._agent, self._account, REFERRED)
        self._agent.say("referred", call=self.name, uri=prm.dstUri)

    def description(self) -> str:
        """Return the answer to the offer of a call that came in; empty if the stack's own will do."""
        local, remote = self._written
        if not remote:
            return ""
        described = self._video.describe(local, remote) if self._video is not None else local
        if self._ear is not None:
            described = self._ear.describe(described)
        return described if described != local else ""

    def onCallMediaState(self, prm: Any) -> None:  # noqa: N802  (the stack's name)
        """Connect microphone and speaker once the audio is up."""
        info = self.getInfo()
        for index, media in enumerate(info.media):
            if media.type == pj.PJMEDIA_TYPE_AUDIO and media.status == pj.PJSUA_CALL_MEDIA_ACTIVE:
                audio = self.getAudioMedia(index)
                muted = self._was_held and self._agent.distortion == "muted-after-hold"
                microphone = self.microphone and not muted
                self._agent.sound.connect(audio, microphone, self._speaker, self.gain)
                if self._agent.distortion == "echoing":
                    back = pj.AudioMediaTransmitParam()
                    back.level = _ECHO
                    audio.startTransmit2(audio, back)
                self._heard_at = time.monotonic()
                self._audio = True
                if self.clear_packets and self._leak is None:
                    self._leak = ClearPackets(self.getMedTransportInfo(index), self.getStreamInfo(index))
        self._report_established()
        held = any(
            media.type == pj.PJMEDIA_TYPE_AUDIO and media.status == pj.PJSUA_CALL_MEDIA_REMOTE_HOLD
            for media in info.media
        )
        if held != self._held:
            self._held, self._was_held = held, True
            self._agent.say("held", call=self.name, held=held)

    def onCallTsxState(self, prm: Any) -> None:  # noqa: N802  (the stack's name)
        """Notice a BYE of the remote side (in the end both sides' look alike), and what it says of video."""
        event = prm.e
        if event.type == pj.PJSIP_EVENT_TSX_STATE:
            transaction = event.body.tsxState.tsx
            # What becomes of an earlier call's transactions is reported to the one in its place by then.
            arrived = event.body.tsxState.type == pj.PJSIP_EVENT_RX_MSG
            if transaction.method == "BYE" and transaction.role == pj.PJSIP_ROLE_UAS and arrived:
                self._bye_came = True
            if transaction.method == "INVITE":
                self._follow_invite(event.body.tsxState)

    def _follow_invite(self, change: Any) -> None:
        """Keep the INVITE, or our 200, as it went out, and take in what responses say."""
        if change.type == pj.PJSIP_EVENT_TX_MSG:
            sent = change.src.tdata
            if sent.wholeMsg.startswith("INVITE "):
                self._invite, self._trying = (sent.wholeMsg, _address(sent.dstAddress)), False
            elif sent.wholeMsg.startswith("SIP/2.0 200 "):
                self._answer = sent.wholeMsg
                self._answered = self._answered or time.monotonic()
        elif change.type == pj.PJSIP_EVENT_RX_MSG:
            status, _, answer = change.src.rdata.wholeMsg.partition("\r\n\r\n")
            self._trying |= status.startswith("SIP/2.0 1")
            if status.startswith("SIP/2.0 18"):
                self._agent.say("ringing", call=self.name)
            if self._video is not None and status.startswith("SIP/2.0 2"):
                self._video.answered(answer)

    def watch_media(self, limit: float) -> None:
        """Report audio that should come and does not, after ``limit`` seconds without a packet."""
        if not self._reported:
            return
        info = self.getInfo()
        media = info.media[0] if len(info.media) else None
        if media is None or media.status != pj.PJSUA_CALL_MEDIA_ACTIVE or media.dir not in _RECEIVES:
            self._heard_at = time.monotonic()
            return
        received = self.getStreamStat(0).rtcp.rxStat.pkt
        if received != self._received:
            self._received, self._heard_at = received, time.monotonic()
        elif time.monotonic() - self._heard_at > limit:
            self._heard_at = time.monotonic()
            self._agent.say("media_lost", call=self.name, seconds=limit)

    def turn(self) -> None:
        """Let video, and the faults of the media, have their turn."""
        for beside in (self._video, self._leak, self._ear):
            if beside is not None:
                beside.turn()

    def _place(self) -> tuple[str, tuple[int, int]]:
        arguments = self._agent.arguments
        return arguments.address, (arguments.rtp_first, arguments.rtp_last)

    def _end_video(self) -> None:
        if self._video is None:
            return
        if self._agent.distortion == "video-goes-on":
            self._agent.lingering.append((time.monotonic() + _LINGERS, self._video))
            self._video = None
        else:
            self._video.close()

    def _report_established(self) -> None:
        if self._confirmed and self._audio and not self._reported:
            self._reported = True
            self._agent.say("established", call=self.name)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)
