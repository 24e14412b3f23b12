"""A run as a bench stores it, made up: packets, console, syslog, PBX, station, and judgements."""

import json
from datetime import datetime

from packets import DEVICE, PBX, frames, message

from intercom_hil.capture.decoder import Decoder
from intercom_hil.event_sources.console_reader import ConsoleReader
from intercom_hil.event_sources.publisher import EventPublisher
from intercom_hil.event_sources.roles import SourceRole, language
from intercom_hil.event_sources.syslog import SyslogReader
from intercom_hil.evidence.basis import Basis
from intercom_hil.evidence.digests import write_digests
from intercom_hil.evidence.records import ScenarioRecord
from intercom_hil.evidence.run import RunFolder, write_lines
from intercom_hil.instruments.serial_console import LineFramer
from intercom_hil.judge.judgement import folded, judged, without_repeats
from intercom_hil.judge.rules import Measured, Occurs
from intercom_hil.layouts.known import KEYED, KEYED_MESSAGE
from intercom_hil.monitors.monitors import monitor
from intercom_hil.pbx.events import from_ami
from intercom_hil.pbx.hep_collector import HepCollector
from intercom_hil.pbx.testimony import PbxTestimony, as_kept
from intercom_hil.pcap.pcap import Frame
from intercom_hil.pcap.pcapng import PcapngWriter
from intercom_hil.seal import Change
from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline import Pattern, Timeline, Witness
from intercom_hil.timeline.arrivals import Arrivals
from intercom_hil.timeline.observation import StationSaid
from intercom_hil.timeline.sip_content import sip_content
from intercom_hil.wire.hep import HepPacket
from intercom_hil.wire.link import Dissector

BEGUN = 1_700_000_000.0
STATION = ("192.0.2.21", 5070)
ROLES = {(DEVICE, 5060): "device", (PBX, 5060): "pbx", STATION: "3410"}
SCENARIOS = (
    "test_calls.test_a_press_calls",
    "test_calls.test_a_call_is_taken",
    "test_logs.test_all_is_logged",
)


def name_of(host, port):
    return ROLES.get((host, port), f"{host}:{port}")


def store(folder, seed=0, key=None, code="", more=()):
    """Store a run of three scenarios, sealed, and return its folder.

    Args:
        folder: where.
        seed: what makes it another run than others.
        key: what to sign with, if with anything.
        code: the digest of the code that made it, if that is to be kept.
        more: rows that passed by rules over every scenario which are none today.
    """
    run = RunFolder.create(folder.parent, f"desk {seed}", reserved=folder)
    run.describe({"harness": "0", "bench": "desk"})
    for number, identity in enumerate(SCENARIOS):
        run.add(_scenario(run, identity, BEGUN + 1000 * seed + 60 * number, f"call{seed}{number}", more))
    if code:
        Basis(bench_file="b.toml", bench="0" * 64, faults=(), harness="0", code=code).store(folder)
    run._started, run._ended = BEGUN + 1000 * seed, BEGUN + 1000 * seed + 240
    run.write(interrupted=False)
    (folder / "report.html").write_text(f"<p>of {seed}</p>")
    with Change.begin(folder, "run") as change:
        change.finish(key)
    return folder


def _scenario(run, identity, begun, call, more=()):
    folder = run.scenario_folder(identity)
    timeline = Timeline()
    timeline.opened = begun
    _wire(folder, timeline, begun, call)
    _console(folder, timeline, begun, call)
    _syslog(folder, timeline, begun)
    _pbx(folder, timeline, begun, call)
    _station(folder, timeline, begun, call)
    timeline.store(folder / "timeline.jsonl")
    rules = [
        Occurs(pattern=Pattern(kind="sip", text="SIP"), after=begun, until=begun + 5),
        Occurs(pattern=Pattern(kind="event", text="an event"), after=begun, until=begun + 5),
        Measured(name="setup time", unit="s", value=0.1, low=0.0, high=2.0),
    ]
    own = [
        judged(row, "what is expected", rule, timeline, begun)
        for row, rule in zip(("OUT-01", "EVT-01", "OUT-02"), rules, strict=True)
    ]
    judgements = [*own, *without_repeats(monitor(timeline, begun + 5, begun + 6), own)]
    judgements += [judgements[-1].model_copy(update={"requirement": row}) for row in more]
    write_lines(folder / "judgements.jsonl", (one.model_dump_json() for one in judgements))
    (folder / "settings.json").touch()
    write_digests(folder)
    outcome = folded(judgements, Verdict.PASS, ("OUT-01", "EVT-01", "OUT-02"))
    return ScenarioRecord(
        id=identity,
        title=identity,
        verdict=outcome.verdict,
        requirements=outcome.requirements,
        started=begun,
        duration_s=30.0,
        protocol_wait_s=2.0,
        judgements=judgements,
        asked=("OUT-01", "EVT-01", "OUT-02"),
        evidence=run.evidence(folder),
    )


def _wire(folder, timeline, begun, call):
    writer = PcapngWriter(
        folder / "capture.pcapng", link_type=101, interface="lo", application="intercom-hil"
    )
    decoder = Decoder(link_type=101, sip_ports=frozenset({5060}), append=timeline.append, name_of=name_of)
    sent = frames(call)
    for at, data in sent:
        writer.write(Frame(begun + at, data, len(data)))
        decoder.packet(Dissector(101).dissect(data), round(begun + at, 6))
    decoder.end()
    writer.write_statistics(time=begun + 2, received=len(sent), dropped=0)
    writer.close()


def _console(folder, timeline, begun, call):
    reader, framer = ConsoleReader(KEYED, append=timeline.append), LineFramer(4096)
    portions = (
        (0.02, b"0 sip registered server=192.0.2.10\r\n1 event name=outgoing_call_in"),
        (0.11, f'itiated screen="Calling" details="{call}"\r\n'.encode()),
        (0.21, b"2 event name=outgoing_call_established\r\n3 screen text=Connected\r\nhum\r\n"),
        (1.02, b"4 event name=outgoing_call_remote_hangup\r\n"),
    )
    _raw(
        folder / "console.log",
        begun,
        portions,
        lambda data, at: [reader.line(x, at) for x in framer.feed(data)],
    )
    languages = {
        "console": reader.language,
        "syslog": language(KEYED_MESSAGE, SourceRole(False, False, False)),
    }
    (folder / "languages.json").write_text(json.dumps(languages))


def _syslog(folder, timeline, begun):
    role = SourceRole(False, False, False)
    publisher = EventPublisher("syslog", Witness.SYSLOG, append=timeline.append, role=role)
    reader = SyslogReader(KEYED_MESSAGE, publisher)
    told = [
        (0.12, b"<13>1 - door app - - - event name=outgoing_call_initiated"),
        (0.3, b"<14>a line\nand another"),
    ]
    portions = [(at, b"%d %s\n" % (len(data), data)) for at, data in told]
    _raw(
        folder / "syslog.log",
        begun,
        portions,
        lambda data, at: reader.message(data.partition(b" ")[2][:-1], at),
    )


def _raw(path, begun, portions, take):
    arrivals = Arrivals(path)
    with path.open("wb") as log:
        for at, data in portions:
            log.write(data)
            arrivals.note(begun + at, len(data))
            take(data, round(begun + at, 6))
    arrivals.close()


def _pbx(folder, timeline, begun, call):
    testimony = PbxTestimony(PBX)
    testimony.begin(folder / "pbx.log", begun)
    collector = HepCollector(
        PBX, timeline.append, name_of, lambda data: testimony.keep("hep", data, begun + 1)
    )
    device, pbx = (DEVICE, 5060), (PBX, 5060)
    for at, source, destination, data in (
        (0.10, device, pbx, message(f"INVITE sip:3400@{PBX} SIP/2.0", f"{call}", "1 INVITE")),
        (1.00, device, pbx, message(f"BYE sip:3400@{PBX} SIP/2.0", call, "2 BYE", tag="t")),
    ):
        collector.datagram_received(bytes(HepPacket(source, destination, 17, data, begun + at)), None)
    event = {"Event": "SuccessfulAuth", "Service": "PJSIP", "SessionID": call, "Timestamp": f"{begun + 0.5}"}
    testimony.keep("ami", as_kept(event), begun + 0.5)
    timeline.append(Witness.PBX, *from_ami(event))
    testimony.end(begun + 20)


def _station(folder, timeline, begun, call):
    (folder / "stations").mkdir()
    said = [(0.15, f"EV INVITE callid={call}"), (1.0, f"EV ENDED callid={call} how=peer")]
    with (folder / "stations" / "3410-1.said.log").open("w") as log:
        for at, text in said:
            log.write(f"{begun + at:.6f} {text}\n")
            timeline.append(Witness.STATION, StationSaid(station="3410", text=text), begun + at)
    data = message("SIP/2.0 180 Ringing", call, "1 INVITE", tag="t")
    at = begun + 0.25
    stamp = datetime.fromtimestamp(at).astimezone().isoformat(timespec="microseconds")
    entry = b"-" * 47 + f" {stamp}\nUDP message sent [{len(data)}] bytes:\n\n".encode() + data + b"\n"
    (folder / "stations" / "3410-1.messages.log").write_bytes(entry)
    content = sip_content(data, STATION, (PBX, 5060), "UDP", name_of)
    timeline.append(Witness.STATION, content, at)
