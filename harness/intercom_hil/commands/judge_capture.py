"""``judge capture``: what a capture file shows, and what the wire alone can judge of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from intercom_hil.capture_file.forwarding import forwarded_calls, without_forwarded
from intercom_hil.capture_file.given_keys import NO_KEYS, read_keys
from intercom_hil.capture_file.judging import judge_capture_read
from intercom_hil.capture_file.parties import Parties, parties
from intercom_hil.capture_file.reading import SIP_PORTS, CaptureRead, read_capture
from intercom_hil.capture_file.run_of_capture import run_of_capture
from intercom_hil.judge.rules import clock
from intercom_hil.spec.catalogue import CATALOGUE
from intercom_hil.spec.verdict import Verdict, worst
from intercom_hil.timeline import Observation, Timeline
from intercom_hil.timeline.observation import MalformedSip, MediaEnded, MediaHeard, SipMessageSeen
from intercom_hil.wire.error import clean

Report = Callable[[str], None]
_MOST_LISTED = 5


def judge_capture(
    path: Path,
    report: Report,
    *,
    device: Sequence[str] = (),
    pbx: Sequence[str] = (),
    sip_ports: Sequence[int] = (),
    folder: Path | None = None,
    keys: Path | None = None,
) -> Verdict:
    """Decode a capture file, say what was read, and run the monitors that need nothing but the wire.

    Args:
        path: a pcap or pcapng file.
        report: takes each line.
        device: the device's addresses, with or without a port; without them it is the one that registers.
        pbx: those of its server; without them it is where the device registers.
        sip_ports: ports on which everything is expected to be SIP (default: 5060).
        keys: a file of SRTP keys that its signalling does not show, or a key log of its TLS connections.
        folder: where a run folder with what was judged is made, for reports.

    Returns:
        The worst verdict; none where there was nothing to judge.

    Raises:
        BenchError: the file cannot be read, an address is none, the device was not named and is not the only
            one that registers, or the folder cannot be made.
    """
    given = read_keys(keys) if keys is not None else NO_KEYS
    read = read_capture(path, sip_ports=frozenset(sip_ports) or SIP_PORTS, keys=given)
    who = parties(path, read.timeline, device, pbx)
    timeline = who.named(read.timeline)
    _report_parties(who, report)
    _report_absent(who, read.timeline, report)
    _report_calls(timeline, report)
    _report_flows(timeline, report)
    _report_unread(read, report)
    forwarded = forwarded_calls(timeline)
    if forwarded:
        timeline = without_forwarded(timeline, forwarded)
        report(
            f"{len(forwarded)} calls are not judged: the device passes them on as a proxy (RFC 3261 §16.6)"
        )
    judgements = judge_capture_read(read, timeline, servers_named=who.servers_named)
    report("verdicts" if judgements else "verdicts: nothing to judge")
    for judgement in judgements:
        report(f"  {judgement.requirement} {judgement.verdict}: {_shown(judgement.seen)}")
    rows = sum(row.judged for row in CATALOGUE.values())
    named = len({judgement.requirement for judgement in judgements} & set(CATALOGUE))
    which = f"{rows - named} of the {rows} requirements" if named else f"any of the {rows} requirements"
    report(f"  not judged: {which} (the wire alone does not show them)")
    verdict = worst(judgement.verdict for judgement in judgements)
    if folder is not None:
        run_of_capture(folder, path, read, timeline, judgements, keys)
    return verdict


def _report_parties(who: Parties, report: Report) -> None:
    for role in ("device", "pbx", "proxy"):
        hosts = [host for host, name in who.roles.items() if name == role]
        if hosts:
            report(f"{role} {', '.join(hosts)}" + (f" ({who.reason})" if role == "device" else ""))
    if "device" not in who.roles.values():
        report(f"no device: {who.reason}")


def _report_absent(who: Parties, timeline: Timeline, report: Report) -> None:
    """Say which of the named parties is in nothing that could be read: a slip of the pen, perhaps."""
    ends = {
        str(getattr(o.content, end))
        for o in timeline
        for end in ("source", "destination")
        if getattr(o.content, end, None)
    }
    seen = ends | {end.rpartition(":")[0].strip("[]") for end in ends}
    for role in dict.fromkeys(who.roles.values()) if who.reason == "as named" else ():
        hosts = [host for host, name in who.roles.items() if name == role]
        if seen.isdisjoint(hosts):
            report(f"nothing that could be read is from or to {', '.join(hosts)} ({role}): is that right?")


def _report_unread(read: CaptureRead, report: Report) -> None:
    if read.other:
        report(f"{read.other} packets are of a link type that is not known here")
    if read.twice:
        report(f"{read.twice} packets were captured twice, and count once")
    for gap in read.gaps:
        report(f"{gap}: capture them whole (tcpdump -s 0)" if "cut short" in gap else gap)
    for client, server in read.encrypted[:_MOST_LISTED]:
        report(f"TLS from {client} to {server}: what is in it cannot be read")
    if len(read.encrypted) > _MOST_LISTED:
        report(f"and {len(read.encrypted) - _MOST_LISTED} more TLS connections")


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
