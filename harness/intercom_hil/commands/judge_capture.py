"""``judge capture``: what a capture file shows, and what the wire alone can judge of it."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from pathlib import Path

from intercom_hil.capture.file import SIP_PORTS, read_capture
from intercom_hil.errors import BenchError
from intercom_hil.judge.judgement import Judgement
from intercom_hil.judge.rules import clock
from intercom_hil.monitors.monitors import monitor
from intercom_hil.spec.capabilities import Capability
from intercom_hil.spec.verdict import Verdict, worst
from intercom_hil.timeline import Observation, Timeline, Witness
from intercom_hil.timeline.observation import Declared, MalformedSip, MediaEnded, MediaHeard, SipMessageSeen
from intercom_hil.wire.error import clean

Report = Callable[[str], None]


def judge_capture(
    path: Path, report: Report, *, device: Sequence[str], pbx: Sequence[str], sip_ports: Sequence[int] = ()
) -> Verdict:
    """Decode a capture file, say what was read, and run the monitors that need nothing but the wire.

    Args:
        path: a pcap or pcapng file.
        report: takes each line.
        device: the device's addresses.
        pbx: those of its server.
        sip_ports: ports on which everything is expected to be SIP (default: 5060).

    Returns:
        The worst verdict; none where there was nothing to judge.

    Raises:
        BenchError: the file cannot be read, or an address is none.
    """
    roles = {_address(text): "pbx" for text in pbx} | {_address(text): "device" for text in device}
    found = read_capture(path, roles=roles, sip_ports=frozenset(sip_ports) or SIP_PORTS)
    timeline = found.timeline
    last = max((observation.time for observation in timeline), default=timeline.opened)
    _report_calls(timeline, report)
    _report_flows(timeline, report)
    if found.other:
        report(f"{found.other} packets are of a link type that is not known here")
    unread = (
        f"{found.cut} of {found.frames} packets were cut short when they were captured" if found.cut else ""
    )
    if unread:
        report(f"{unread}: capture them whole (tcpdump -s 0)")
    lacks = Declared(has=(), lacks=(Capability.EVENT_LOG,))
    timeline.append(Witness.BENCH, lacks, timeline.opened)
    judgements = monitor(timeline, last, last)
    report("verdicts" if judgements else "verdicts: nothing to judge")
    if unread:
        judgements = [_left_open(judgement, unread) for judgement in judgements]
    for judgement in judgements:
        report(f"  {judgement.requirement} {judgement.verdict}: {_shown(judgement.seen)}")
    return worst(judgement.verdict for judgement in judgements)


def _left_open(judgement: Judgement, unread: str) -> Judgement:
    """Take back a pass that packets which could not be read may contradict."""
    if judgement.verdict is not Verdict.PASS:
        return judgement
    seen = f"{judgement.seen}; but {unread}"
    return judgement.model_copy(update={"verdict": Verdict.INCONCLUSIVE, "seen": seen})


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text.strip("[]")))
    except ValueError:
        raise BenchError("this is no IP address", text, "name the address that is in the packets") from None


def _report_calls(timeline: Timeline, report: Report) -> None:
    by_call: dict[str, list[Observation]] = {}
    for observation in timeline:
        if isinstance(observation.content, SipMessageSeen):
            by_call.setdefault(observation.content.call_id, []).append(observation)
    for call_id, found in by_call.items():
        report(f"Call-ID {_shown(call_id)}")
        for observation in found:
            report(f"  {clock(observation.time, timeline.opened)}  {_shown(str(observation))}")
            message = observation.content
            for note in message.deviations if isinstance(message, SipMessageSeen) else ():
                report(f"      departs: {_shown(note)}")
    for observation in timeline:
        if isinstance(observation.content, MalformedSip):
            report(f"{clock(observation.time, timeline.opened)}  {_shown(str(observation))}")


def _report_flows(timeline: Timeline, report: Report) -> None:
    for observation in timeline:
        flow = observation.content
        if isinstance(flow, MediaEnded):
            report(f"stream {flow.source} to {flow.destination}, SSRC {flow.ssrc:#010x}")
            report(f"  {_shown(str(flow))}")
            report(f"  {flow.last - flow.first:.2f} s, {flow.lost} lost, jitter {flow.jitter_ms:.1f} ms")
            heard = [o.content for o in timeline if isinstance(o.content, MediaHeard)]
            sounds = [f"{s.tone_hz:.0f} Hz" for s in heard if s.flow == flow.flow and s.tone_hz]
            count = sum(s.flow == flow.flow for s in heard)
            tones = f", with {', '.join(dict.fromkeys(sounds))}" if sounds else ""
            report(f"  sound heard in {count} windows{tones}")


def _shown(text: str) -> str:
    """Return text of foreign packets as a terminal may be shown it."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in clean(text))
