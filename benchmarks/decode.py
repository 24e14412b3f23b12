"""How fast captured packets become a timeline: packets per second, beside tshark and scapy on the same file.

    python -m benchmarks.decode [--packets 20000] [--runs 5]

A capture of calls is generated (four at a time, half of them SRTP, 20 ms A-law, both ways) and read by each.
The bench does more than the two others: it authenticates and decrypts every SRTP packet, measures level and
tone of every 200 ms, and writes the timeline; tshark prints a line of SIP and RTP fields per packet; scapy
dissects packets up to the UDP payload, on the first tenth of the file.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import struct
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from pylibsrtp import Policy, Session
from rich.console import Console
from rich.table import Table

from intercom_hil.capture.decoder import Decoder
from intercom_hil.media.g711 import encode_alaw
from intercom_hil.media.rtp import build_rtp
from intercom_hil.pcap.pcap import PcapReader
from intercom_hil.timeline.timeline import Timeline
from intercom_hil.wire import link
from intercom_hil.wire.sdp import Crypto

Address = tuple[str, int]

BEGIN = 1_700_000_000.0
PACKETS_OF_A_CALL = 1000
AT_A_TIME = 4
SCAPY_SHARE = 10
READ_BYTES = 65_536


def frame(source: Address, destination: Address, payload: bytes) -> bytes:
    """Return an Ethernet frame with one UDP datagram."""
    udp = struct.pack("!HHHH", source[1], destination[1], 8 + len(payload), 0) + payload
    addresses = bytes(int(part) for host, _ in (source, destination) for part in host.split("."))
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0) + addresses
    return bytes(12) + b"\x08\x00" + ip + udp


def call(number: int, packets: int) -> Iterator[bytes]:
    """Yield the frames of one call: offer, answer, then media both ways."""
    secure = number % 2 == 0
    caller, callee = f"127.0.43.{1 + number % AT_A_TIME}", f"127.0.43.{101 + number % AT_A_TIME}"
    port = 10_000 + 4 * (number % 10_000)
    parties = ((caller, port), (callee, port + 2))
    keys = [Crypto(1, "AES_CM_128_HMAC_SHA1_80", bytes([side + 1]) * 16, bytes(14)) for side in (0, 1)]
    for side, start in enumerate((f"INVITE sip:1@{callee} SIP/2.0", "SIP/2.0 200 OK")):
        body = (
            f"v=0\r\no=- 1 1 IN IP4 {parties[side][0]}\r\ns=-\r\nc=IN IP4 {parties[side][0]}\r\nt=0 0\r\n"
            f"m=audio {parties[side][1]} {'RTP/SAVP' if secure else 'RTP/AVP'} 8\r\n"
            + (f"a=crypto:{keys[side]}\r\n" if secure else "")
        )
        tag = ";tag=t" if side else ""
        message = (
            f"{start}\r\nVia: SIP/2.0/UDP {caller};branch=z9hG4bK{number}\r\nFrom: <sip:a@{caller}>;tag=f\r\n"
            f"To: <sip:1@{callee}>{tag}\r\nCall-ID: {number}\r\nCSeq: 1 INVITE\r\n"
            f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        )
        ends = ((caller, 5060), (callee, 5060))
        yield frame(ends[side], ends[1 - side], message.encode())
    sessions = [
        Session(Policy(key=k.key + k.salt, ssrc_type=Policy.SSRC_ANY_OUTBOUND)) if secure else None
        for k in keys
    ]
    tone = np.round(8000 * np.sin(2 * np.pi * 440 * np.arange(8000) / 8000)).astype(np.int16)
    voice = encode_alaw(tone)
    for index in range(packets - 2):
        side, step = index % 2, index // 2
        payload = voice[160 * (step % 50) : 160 * (step % 50) + 160]
        ssrc = 2 * number + side
        packet = build_rtp(payload, payload_type=8, sequence=step, timestamp=160 * step, ssrc=ssrc)
        session = sessions[side]
        yield frame(parties[side], parties[1 - side], session.protect(packet) if session else packet)


def write_capture(path: Path, packets: int) -> int:
    """Write the capture; return how many packets it holds."""
    count = 0
    with path.open("wb") as file:
        file.write(struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, link.ETHERNET))
        number, now = 0, BEGIN
        while count < packets:
            calls = [call(number + i, PACKETS_OF_A_CALL) for i in range(AT_A_TIME)]
            number += AT_A_TIME
            for together in zip(*calls, strict=True):
                now += 0.01
                for data in together:
                    seconds = int(now)
                    microseconds = round((now - seconds) * 1e6) % 1_000_000
                    file.write(struct.pack("<IIII", seconds, microseconds, len(data), len(data)) + data)
                    count += 1
    return count


def bench_decodes(path: Path) -> int:
    """Read the file as the bench reads a live capture; return how many packets it held."""
    timeline, reader = Timeline(), PcapReader()
    decoder: Decoder | None = None
    count = 0
    with path.open("rb") as file:
        while data := file.read(READ_BYTES):
            for captured in reader.feed(data):
                decoder = decoder or Decoder(
                    link_type=reader.link_type or link.ETHERNET,
                    sip_ports=frozenset({5060}),
                    append=timeline.append,
                    name_of=lambda host, port: host,
                )
                decoder.frame(captured)
                count += 1
    if decoder is not None:
        decoder.end()
    return count


def tshark_decodes(path: Path) -> int:
    """Let tshark read the file; return how many lines, one per packet, it printed."""
    fields = ("frame.time_epoch", "sip.Call-ID", "sip.Method", "sip.Status-Code", "rtp.ssrc", "rtp.seq")
    command = ["tshark", "-n", "-r", str(path), "-T", "fields"]
    for field in fields:
        command += ["-e", field]
    return subprocess.run(command, capture_output=True, check=True).stdout.count(b"\n")


def scapy_decodes(path: Path) -> int:
    """Let scapy dissect the first packets of the file up to UDP; return how many."""
    from scapy.layers.inet import UDP
    from scapy.utils import PcapReader as ScapyReader

    with ScapyReader(str(path)) as packets:
        return sum(len(bytes(packet[UDP].payload)) > 0 for packet in packets)


def measure(decode: Callable[[Path], int], path: Path, packets: int, runs: int) -> float:
    """Return packets per second, the median of several runs."""
    rates = []
    for _ in range(runs):
        begun = time.perf_counter()
        if decode(path) != packets:
            raise SystemExit(f"{decode.__name__} did not see all {packets} packets")
        rates.append(packets / (time.perf_counter() - begun))
    return statistics.median(rates)


def main() -> None:
    """Measure and print the table."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--packets", type=int, default=20_000)
    arguments.add_argument("--runs", type=int, default=5)
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path, part = Path(folder) / "calls.pcap", Path(folder) / "part.pcap"
        packets = write_capture(path, options.packets)
        few = write_capture(part, max(1, options.packets // SCAPY_SHARE))
        ours = measure(bench_decodes, path, packets, options.runs)
        rows = [("the bench: to the timeline, SRTP authenticated, sound measured", ours)]
        if shutil.which("tshark"):
            rows.append(
                ("tshark: SIP and RTP fields printed", measure(tshark_decodes, path, packets, options.runs))
            )
        rows.append(("scapy: dissected up to UDP only", measure(scapy_decodes, part, few, options.runs)))
    table = Table(title=f"{packets} packets, median of {options.runs} runs")
    for column in ("decoder", "packets/s", "us/packet", "bench is"):
        table.add_column(column, justify="left" if column == "decoder" else "right")
    for name, rate in rows:
        table.add_row(name, f"{rate:,.0f}", f"{1e6 / rate:.1f}", f"{ours / rate:.2f} x")
    console = Console()
    console.print(table)
    if not shutil.which("tshark"):
        console.print("tshark is not installed: NOT compared with it.")


if __name__ == "__main__":
    main()
