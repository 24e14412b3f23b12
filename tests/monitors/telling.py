"""Timelines told entry by entry, each at an exact time: (seconds since the start, what happens)."""

from intercom_hil.timeline import Witness
from intercom_hil.timeline.media import MediaEnded
from intercom_hil.timeline.observation import (
    BenchLate,
    Configured,
    Declared,
    InstrumentLost,
    MediaLine,
    SipMessageSeen,
)
from tests.judge.story import START, Story, media_started

SETTINGS = {
    "enabled": True,
    "allow_incoming": True,
    "permitted_callers": ["3410"],
    "call_number": "1001",
    "further_numbers": ["1002"],
    "call_timeout": 4,
    "server_address": "pbx",
    "extension": "3401",
    "encryption": "",
    "transport": "UDP",
}
AUDIO = MediaLine(media="audio", address="1", port=4000, profile="RTP/AVP", payload_types=(8,))
VIDEO = MediaLine(media="video", address="1", port=4002, profile="RTP/AVP", payload_types=(99,))
SECURE = AUDIO.model_copy(
    update={"profile": "RTP/SAVP", "crypto_suites": ("AES_CM_128_HMAC_SHA1_80",), "secured": True}
)


class _Exact(Story):
    """A story in which nothing takes any time."""

    def _time(self):
        return START + self.clock


def told(*entries):
    story = _Exact()
    for seconds, happens in entries:
        happens(story.at(seconds))
    return story.timeline


def seen(content, witness=Witness.WIRE):
    return lambda story: story.timeline.append(witness, content, story._time())


def submits(*, accepted=True, secrets=(), **settings):
    return seen(Configured(settings=settings, accepted=accepted, secrets=secrets), Witness.PORTAL)


def has(**settings):
    """All the settings, with some that are others."""
    return submits(**(SETTINGS | settings))


def declares(**said):
    return seen(Declared(**({"has": (), "lacks": ()} | said)), Witness.BENCH)


def is_late(seconds, *, begun):
    return seen(BenchLate(begun=START + begun, length=seconds, late=seconds), Witness.LATENESS)


def press(story):
    story.press()


def lost(story):
    seen(InstrumentLost(instrument="device", problem="it restarted", blame="device"), Witness.BENCH)(story)


def logs(name, *, failure="", screen=None, details=""):
    return lambda story: story.event(name, failure=failure, screen=screen, details=details)


def calls(number="1001", call="c1", **more):
    """The device places a call."""
    usual = {"media": (AUDIO,), "uri": f"sip:{number}@pbx", "to_tag": "", "call": call}
    usual["caller"] = "sip:3401@pbx"
    return lambda story: story.sip("INVITE", "device", "pbx", **(usual | more))


def hears(status, call="c1", **more):
    """What the device gets in answer to its INVITE."""
    usual = {"media": (AUDIO,) if status == 200 else (), "call": call, "status": status}
    return lambda story: story.sip("INVITE", "pbx", "device", **(usual | more))


def called(by="3410", call="c2", **more):
    """Somebody calls the device."""
    usual = {"media": (AUDIO,), "uri": "sip:3401@door", "to_tag": "", "call": call, "caller": f"sip:{by}@pbx"}
    return lambda story: story.sip("INVITE", "pbx", "device", **(usual | more))


def answers(status, call="c2", by="3410", **more):
    """What the device answers who calls it."""
    usual = {"media": (AUDIO,) if status == 200 else (), "call": call, "status": status}
    return lambda story: story.sip("INVITE", "device", "pbx", **(usual | {"caller": f"sip:{by}@pbx"} | more))


def sends(method, call="c1", *, by="device", cseq=1, **more):
    """A request within a call."""
    to = "pbx" if by == "device" else "device"
    return lambda story: story.sip(method, by, to, call=call, cseq=cseq, **more)


FLOW = {
    "flow": "f",
    "source": "1",
    "destination": "2",
    "sender": "device",
    "receiver": "pbx",
    "media": "audio",
    "payload_type": 8,
    "ssrc": 1,
    "protection": "plain",
}


def streams(call="c1", **more):
    return seen(media_started(call, **more))


def streamed(begun, over, call="c1", **more):
    times = {"first": START + begun, "last": START + over, "packets": 100, "lost": 0, "jitter_ms": 0.0}
    return seen(MediaEnded(**(FLOW | times | {"call_id": call} | more)))


def messages(text, *, by="device", to="pbx", **more):
    """A message by its text: what it says is read from there."""
    lines = text.strip().split("\n")
    first, named = lines[0].split(" "), dict(line.split(": ", 1) for line in lines[1:] if line.strip())
    number, method = named["CSeq"].split(" ")
    content = SipMessageSeen(
        source=more.pop("source", "127.0.0.1:1"),
        destination=more.pop("destination", "127.0.0.2:5060"),
        sender=by,
        receiver=to,
        transport=more.pop("transport", "UDP"),
        method=method,
        status=int(first[1]) if first[0].startswith("SIP") else None,
        request_uri="" if first[0].startswith("SIP") else first[1],
        call_id=named["Call-ID"],
        cseq=int(number),
        branch=f"z9hG4bK{number}{named['Call-ID']}",
        from_uri="sip:3401@pbx",
        to_uri="sip:3401@pbx",
        raw="\r\n".join([*lines, "", ""]),
        **more,
    )
    return seen(content)


def registers(cseq=1, *, lasting=60, more="", call="r", method="REGISTER", **fields):
    head = f"{method} sip:pbx SIP/2.0\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK{cseq}\n"
    parties = "From: <sip:3401@pbx>;tag=1\nTo: <sip:3401@pbx>\n"
    contact = f"Contact: <sip:3401@127.0.0.1>;expires={lasting}\n" if method == "REGISTER" else ""
    text = f"{head}{parties}Call-ID: {call}\nCSeq: {cseq} {method}\n{contact}{more}"
    return messages(text, **fields)


def registered(cseq=1, *, status=200, lasting=60, more="", call="r", method="REGISTER", **fields):
    """What a server answers; ``lasting`` None lists nobody."""
    head = f"SIP/2.0 {status} x\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK{cseq}\n"
    parties = "From: <sip:3401@pbx>;tag=1\nTo: <sip:3401@pbx>;tag=2\n"
    listed = status == 200 and lasting is not None and method == "REGISTER"
    contact = f"Contact: <sip:3401@127.0.0.1>;expires={lasting}\n" if listed else ""
    text = f"{head}{parties}Call-ID: {call}\nCSeq: {cseq} {method}\n{contact}{more}"
    return messages(text, **({"by": "pbx", "to": "device"} | fields))
