"""A made-up run: what its processes report to the live page, some of it in the words of a hostile device."""

import asyncio
import json

HOSTILE = "</script><img src=x onerror=\"document.title='pwned'\"><script>document.title='pwned'</script>"
PARTIES = {"device": "192.0.2.30:5060", "pbx": "192.0.2.10:5060", "3410": "192.0.2.21:5060"}
BEGUN = 1_800_000_000.0


def sip(
    seq, time, sender, receiver, method, status=None, reason="", witness="wire", call="c1@door", **fields
):
    """A SIP message that somebody saw."""
    what = method if status is None else f"{status} {reason} ({method})"
    content = {
        "kind": "sip",
        "source": PARTIES[sender],
        "destination": PARTIES[receiver],
        "sender": sender,
        "receiver": receiver,
        "transport": "UDP",
        "method": method,
        "status": status,
        "reason": reason,
        "request_uri": f"sip:{receiver}@192.0.2.10" if status is None else "",
        "call_id": call,
        "cseq": 1,
        "branch": f"z9hG4bK{method}",
        "to_tag": "",
        "media": [],
        **fields,
    }
    text = f"{what} from {sender} to {receiver}"
    return {"what": "seen", "seq": seq, "time": time, "witness": witness, "text": text, "content": content}


def seen(seq, time, witness, kind, text, /, **content):
    """An observation of another kind."""
    return {
        "what": "seen",
        "seq": seq,
        "time": time,
        "witness": witness,
        "text": text,
        "content": {"kind": kind, **content},
    }


def judged(title, verdict, requirements, why=(), problems=()):
    """What came of a scenario."""
    return {
        "what": "judged",
        "title": title,
        "verdict": verdict,
        "duration": 4.2,
        "requirements": requirements,
        "why": [{"requirement": r, "expected": e, "seen": s} for r, e, s in why],
        "problems": list(problems),
    }


def call(begun):
    """A call from the door to a station."""
    return [
        seen(0, begun + 0.1, "portal", "configured", "configuration accepted", accepted=True, message=""),
        sip(1, begun + 0.6, "device", "pbx", "REGISTER"),
        sip(2, begun + 0.61, "pbx", "device", "REGISTER", 401, "Unauthorized"),
        sip(3, begun + 0.63, "device", "pbx", "REGISTER", cseq=2),
        sip(4, begun + 0.64, "pbx", "device", "REGISTER", 200, "OK", cseq=2),
        seen(
            5, begun + 1.2, "button", "output", "button pressed", name="button", active=True, confirmed=True
        ),
        seen(6, begun + 1.3, "console", "event", "outgoing_call_initiated", name="outgoing_call_initiated"),
        sip(7, begun + 1.35, "device", "pbx", "INVITE"),
        sip(8, begun + 1.351, "device", "pbx", "INVITE", witness="pbx"),
        sip(9, begun + 1.38, "pbx", "3410", "INVITE", call="c2@pbx"),
        sip(10, begun + 1.5, "3410", "pbx", "INVITE", 180, "Ringing", call="c2@pbx"),
        sip(11, begun + 1.52, "pbx", "device", "INVITE", 180, "Ringing"),
        seen(12, begun + 1.6, "console", "screen", f"the screen shows {HOSTILE}", text=HOSTILE),
        sip(13, begun + 2.4, "3410", "pbx", "INVITE", 200, "OK", call="c2@pbx"),
        sip(14, begun + 2.42, "pbx", "device", "INVITE", 200, "OK"),
        sip(15, begun + 2.45, "device", "pbx", "ACK"),
        seen(
            16, begun + 2.5, "console", "event", "outgoing_call_established", name="outgoing_call_established"
        ),
    ]


def run_reports(begun=BEGUN, lanes=("",), total=60):
    """Yield lane and report of a run: some scenarios are over, one plays in each lane."""
    yield "", {"what": "run", "name": "door bench", "total": total, "forecast": 300}
    for number, lane in enumerate(lanes):
        device = f"Example EX-1 2.4 at 192.0.2.3{number}"
        yield lane, {"what": "lane", "bench": f"door bench {number + 1}", "device": device}
    over = [
        judged("a call is placed", "pass", {"OUT-01": "pass", "EVT-01": "pass"}),
        judged("a busy contact", "pass", {"OUT-02": "pass", "EVT-04": "pass"}),
        judged(
            "an unanswered contact",
            "fail",
            {"OUT-03": "fail", "EVT-03": "pass"},
            why=[("OUT-03", "ring time: 2.7 to 3.3 s", f"5.0 s, and {HOSTILE}")],
        ),
        judged(
            "the speaker", "inconclusive", {"MED-01": "inconclusive"}, problems=["the bench was 2 s late"]
        ),
        judged("hold", "not applicable", {"INC-05": "not applicable"}),
    ]
    for number, report in enumerate(over):
        lane = lanes[number % len(lanes)]
        yield lane, {"what": "begins", "title": report["title"], "requirements": []}
        yield lane, report
        yield lane, {"what": "over"}
    for number, lane in enumerate(lanes):
        title = ("outgoing: the button ends a placed call", "incoming: a call is answered")[number % 2]
        yield lane, {"what": "begins", "title": title, "requirements": ["OUT-06", "EVT-02"]}
        for report in call(begun):
            yield lane, report


class Reporter:
    """A process of a run, as far as the live page sees it."""

    def __init__(self, reader, writer, lane):
        self._reader, self._writer, self._lane = reader, writer, lane

    @classmethod
    async def join(cls, path, lane=""):
        reader, writer = await asyncio.open_unix_connection(path)
        reporter = cls(reader, writer, lane)
        await reporter.report({"what": "lane"})
        return reporter

    async def report(self, *reports):
        for report in reports:
            self._writer.write(json.dumps({"lane": self._lane, **report}).encode() + b"\n")
        await self._writer.drain()

    async def told(self):
        """What the page sends."""
        async with asyncio.timeout(20):
            return await self._reader.read(1)

    async def leave(self):
        self._writer.close()
        await self._writer.wait_closed()
