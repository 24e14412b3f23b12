"""SIP on the ladder: one arrow for each message, however many witnesses saw it.

The wire is believed first. Where it could not read a message (TLS), the copy of the PBX or of a station is
drawn instead, and marked. The same message seen by several witnesses is one arrow that names them all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from intercom_hil.ladder.shapes import Arrow
from intercom_hil.run_folder.fields import mapping, relative, sequence, shorten, text, whole
from intercom_hil.run_folder.observations import Seen

_WITNESS_ORDER = ("wire", "pbx", "station")
_METHOD_STYLE = {
    "INVITE": "sip-call",
    "ACK": "sip-call",
    "BYE": "sip-end",
    "CANCEL": "sip-end",
    "REGISTER": "sip-quiet",
    "OPTIONS": "sip-quiet",
    "SUBSCRIBE": "sip-quiet",
    "NOTIFY": "sip-quiet",
}
_CHALLENGES = (401, 407)
_TLS_FACTS = ("version", "suite", "server_name", "weak_suites", "text")

Key = tuple[str, int, str, int, str, str, str]


def arrows(observations: Iterable[Seen], start: float) -> list[Arrow]:
    """Return the arrows of all SIP messages by time; ``start`` is what hover texts count from."""
    copies_of: dict[Key, dict[str, list[Seen]]] = defaultdict(lambda: defaultdict(list))
    drawn: list[Arrow] = []
    for seen in observations:
        if seen.kind == "sip":
            copies_of[_key(seen)][seen.witness].append(seen)
        elif seen.kind == "malformed_sip":
            drawn.append(_malformed(seen, start))
        elif seen.kind == "tls":
            drawn.append(_tls(seen, start))
    for by_witness in copies_of.values():
        drawn += _of_one_message(by_witness, start)
    return sorted(drawn, key=lambda arrow: (arrow.time, arrow.seqs))


def describe(seen: Seen) -> str:
    """Return a message's first line in short: ``INVITE sip:3400@…`` or ``486 Busy Here (INVITE)``."""
    status = seen.content.get("status")
    if status is None:
        return f"{seen.text('method')} {seen.text('request_uri')}".strip()
    return f"{whole(status)} {seen.text('reason')} ({seen.text('method')})"


def _key(seen: Seen) -> Key:
    return (
        seen.text("call_id"),
        seen.whole("cseq"),
        seen.text("method"),
        seen.whole("status"),
        seen.text("sender"),
        seen.text("receiver"),
        seen.text("branch"),
    )


def _of_one_message(by_witness: dict[str, list[Seen]], start: float) -> list[Arrow]:
    """Draw each copy of a message once, by the best witness; what others saw only adds their name."""
    ranked = sorted(by_witness, key=lambda name: (*_WITNESS_ORDER, name).index(name))
    best = by_witness[ranked[0]]
    drawn = []
    for index, seen in enumerate(best):
        copies = [seen, *(by_witness[name][index] for name in ranked[1:] if index < len(by_witness[name]))]
        drawn.append(_arrow(copies, again=index > 0, start=start))
    return drawn


def _arrow(copies: list[Seen], *, again: bool, start: float) -> Arrow:
    seen = copies[0]
    status = seen.content.get("status")
    witnesses = ", ".join(dict.fromkeys(copy.witness for copy in copies))
    facts = [
        f"{relative(seen.time, start)} s  {describe(seen)}",
        f"{seen.text('sender')} ({seen.text('source')}) → "
        f"{seen.text('receiver')} ({seen.text('destination')})",
        f"{seen.text('transport')}  CSeq {seen.whole('cseq')}  Call-ID {seen.text('call_id')}",
        *_media_facts(seen),
        f"seen by: {witnesses}",
    ]
    if again:
        facts.append("sent again")
    if seen.witness != "wire":
        facts.append("not readable on the wire")
    return Arrow(
        time=seen.time,
        seqs=tuple(copy.seq for copy in copies),
        source=seen.text("sender"),
        target=seen.text("receiver"),
        label=_label(seen),
        note=_note(seen),
        style=_style(seen.text("method"), None if status is None else whole(status)),
        again=again,
        secondhand=seen.witness != "wire",
        title="\n".join(shorten(fact, 300) for fact in facts),
        raw=seen.raw("raw"),
    )


def _tls(seen: Seen, start: float) -> Arrow:
    """Draw one stage of a TLS connection to a server that the bench watches from inside."""
    stage, version = seen.text("stage"), seen.text("version")
    facts = [
        f"{relative(seen.time, start)} s  TLS {stage}, connection {seen.whole('connection')}",
        *(f"{name.replace('_', ' ')}: {seen.text(name)}" for name in _TLS_FACTS if seen.text(name)),
        f"bytes under TLS so far: {seen.whole('received')}",
        f"seen by: {seen.witness}",
    ]
    return Arrow(
        time=seen.time,
        seqs=(seen.seq,),
        source=seen.text("sender"),
        target=seen.text("receiver"),
        label=f"TLS {stage} {version}".rstrip(),
        note=seen.text("text"),
        style="sip-end" if stage == "ended" else "sip-quiet",
        again=False,
        secondhand=True,
        title="\n".join(shorten(fact, 300) for fact in facts),
        raw="",
    )


def _malformed(seen: Seen, start: float) -> Arrow:
    problem = seen.text("problem")
    return Arrow(
        time=seen.time,
        seqs=(seen.seq,),
        source=seen.text("sender"),
        target=seen.text("receiver"),
        label="not SIP",
        note=problem,
        style="sip-refused",
        again=False,
        secondhand=False,
        title=f"{relative(seen.time, start)} s  bytes that are no SIP message: {shorten(problem, 300)}",
        raw=shorten(seen.text("raw_hex"), 2000),
    )


def _label(seen: Seen) -> str:
    status = seen.content.get("status")
    if status is not None:
        return f"{whole(status)} {seen.text('reason')}".strip()
    method = seen.text("method")
    if method != "INVITE":
        return method
    user = seen.text("request_uri").partition("@")[0].partition(":")[2]
    return f"re-{method}" if seen.text("to_tag") else f"{method} {user}".rstrip()


def _style(method: str, status: int | None) -> str:
    if status is None:
        return _METHOD_STYLE.get(method, "sip-other")
    if status < 200:
        return "sip-progress"
    if status < 300:
        return "sip-quiet" if _METHOD_STYLE.get(method) == "sip-quiet" else "sip-success"
    if status < 400 or status in _CHALLENGES:
        return "sip-challenge"
    return "sip-refused"


def _media_lines(seen: Seen) -> list[dict[str, object]]:
    return [mapping(item) for item in sequence(seen.content.get("media"))]


def _note(seen: Seen) -> str:
    """Say what the SDP body offers or accepts: ``RTP``, ``SRTP``, ``opt. SRTP``, with video or not."""
    parts = []
    for item in _media_lines(seen):
        if not whole(item.get("port")):
            continue
        secure = "SAVP" in text(item.get("profile"))
        keys = bool(sequence(item.get("crypto_suites")))
        kind = "SRTP" if secure else "opt. SRTP" if keys else "RTP"
        name = text(item.get("media"))
        parts.append(kind if name == "audio" else name)
    return " + ".join(dict.fromkeys(parts))


def _media_facts(seen: Seen) -> list[str]:
    return [
        f"m={text(item.get('media'))} {whole(item.get('port'))} {text(item.get('profile'))} "
        f"{text(item.get('direction'))} {text(item.get('crypto_suites'))}"
        for item in _media_lines(seen)
    ]
