"""A timeline told by hand: calls and events at whole seconds, for tests of rules and monitors."""

from __future__ import annotations

from intercom_hil.spec.events import EVENTS
from intercom_hil.timeline import Timeline, Witness
from intercom_hil.timeline.media import MediaStarted
from intercom_hil.timeline.observation import (
    Declared,
    DeviceEvent,
    MediaEnded,
    MediaLine,
    OutputChanged,
    SipMessageSeen,
)
from intercom_hil.timeline.sip_fields import ContactSeen

START = 1_000.0


def media_started(call="c1", **otherwise):
    """The beginning of a stream of a call: the device's sound in clear, unless said otherwise."""
    stream = {
        "flow": call,
        "source": "192.0.2.30:4000",
        "destination": "192.0.2.10:4000",
        "sender": "device",
        "receiver": "pbx",
        "media": "audio",
        "payload_type": 8,
        "ssrc": 1,
        "protection": "plain",
    }
    return MediaStarted(**(stream | {"call_id": call} | otherwise))


class Story:
    """Appends what happened; ``at`` is seconds since the start."""

    def __init__(self):
        self.timeline = Timeline()
        self.timeline.opened = START
        self.clock = 0.0

    def at(self, seconds):
        self.clock = seconds
        return self

    def _time(self):
        self.clock += 0.01
        return START + self.clock

    def declared(self, *lacks):
        """The bench file declares that the device lacks these."""
        self.timeline.append(Witness.BENCH, Declared(has=(), lacks=lacks), self._time())
        return self

    def press(self):
        content = OutputChanged(name="button", active=True, confirmed=True)
        self.timeline.append(Witness.BUTTON, content, self._time())
        return self

    def event(self, name, *, failure="", screen=None, details="", witness=Witness.CONSOLE):
        kind = EVENTS.get(name)
        shown = screen if screen is not None else (kind.screen_name if kind else "")
        content = DeviceEvent(name=name, screen_name=shown, failure=failure, details=details)
        self.timeline.append(witness, content, self._time())
        return self

    def sip(
        self,
        method,
        sender,
        receiver,
        *,
        status=None,
        call="c1",
        cseq=1,
        from_tag="",
        to_tag="t",
        profile=None,
        keys=False,
        raw="",
        media=(),
        branch="",
        uri="",
        caller="sip:a@b",
        deviations=(),
        contacts=(),
    ):
        if profile:
            suites = ("AES_CM_128_HMAC_SHA1_80",) if keys else ()
            line = MediaLine(
                media="audio", address="127.0.0.1", port=4000, profile=profile, crypto_suites=suites
            )
            media = (line,)
        content = SipMessageSeen(
            source="127.0.0.1:1",
            destination="127.0.0.1:2",
            sender=sender,
            receiver=receiver,
            transport="UDP",
            method=method,
            status=status,
            reason="",
            request_uri=uri,
            call_id=call,
            cseq=cseq,
            from_uri=caller,
            from_tag=from_tag,
            to_uri="sip:c@d",
            to_tag=to_tag,
            media=media,
            branch=branch,
            deviations=deviations,
            raw=raw,
            **({"contacts": tuple(ContactSeen(uri=one) for one in contacts)} if contacts else {}),
        )
        self.timeline.append(Witness.WIRE, content, self._time())
        return self

    def placed(self, call="c1", *, status=200, offer="RTP/AVP", answer="RTP/AVP", keys=False):
        """The device places a call that is answered with ``status``."""
        self.sip("INVITE", "device", "pbx", call=call, to_tag="", profile=offer, keys="SAVP" in offer)
        final = {"profile": answer, "keys": keys} if status < 300 else {}
        self.sip("INVITE", "pbx", "device", status=status, call=call, **final)
        return self.sip("ACK", "device", "pbx", call=call)

    def taken(self, call="c2", *, status=200):
        """The device is called and answers with ``status``."""
        self.sip("INVITE", "pbx", "device", call=call, to_tag="", profile="RTP/AVP")
        self.sip(
            "INVITE", "device", "pbx", status=status, call=call, profile="RTP/AVP" if status < 300 else None
        )
        return self.sip("ACK", "pbx", "device", call=call)

    def bye(self, sender, call="c1"):
        receiver = "pbx" if sender == "device" else "device"
        self.sip("BYE", sender, receiver, call=call, cseq=2)
        return self.sip("BYE", receiver, sender, status=200, call=call, cseq=2)

    def media(
        self, *, sender="device", protection="srtp", authenticated=50, rejected=0, plain=0, unproved=""
    ):
        content = MediaEnded(
            flow="f",
            source="127.0.0.1:1",
            destination="127.0.0.1:2",
            sender=sender,
            receiver="pbx",
            media="audio",
            payload_type=8,
            ssrc=1,
            protection=protection,
            first=START,
            last=START + 1,
            packets=50 + rejected,
            unproved=unproved,
            lost=0,
            jitter_ms=0.1,
            authenticated=authenticated,
            rejected=rejected,
            plain=plain,
        )
        self.timeline.append(Witness.WIRE, content, self._time())
        return self
