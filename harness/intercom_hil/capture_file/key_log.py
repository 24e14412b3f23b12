"""SIP over TLS in a capture file, read with the secrets that one side of the connection logged.

The form is that of NSS (``SSLKEYLOGFILE``, draft-ietf-tls-keylogfile): label, client random and secret, in
hexadecimal. tshark opens the connections, and hands over each SIP message with its time and addresses.
"""

from __future__ import annotations

import ipaddress
import os
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from intercom_hil.errors import BenchError
from intercom_hil.pcap.pcapng import read_pcapng
from intercom_hil.wire.error import WireError
from intercom_hil.wire.sip import SipError
from intercom_hil.wire.sip_stream import SipFramer

PROGRAM = "tshark"
_WITHIN = 300.0
"""Seconds that tshark may take; a capture of an hour takes some ten."""
_LARGEST = 256 << 20
"""Bytes of the messages that it hands over."""
_MOST_PORTS = 64
_UPPER_PDU = 252
"""LINKTYPE_WIRESHARK_UPPER_PDU: tags, and behind them the data of one protocol."""
_END, _PROTOCOL, _PORT_TYPE, _SOURCE_PORT, _DESTINATION_PORT, _FRAME = 0, 12, 24, 25, 26, 30
_SOURCES, _DESTINATIONS = (20, 22), (21, 23)
_TCP = 2
_LABELS = {
    *("CLIENT_RANDOM", "CLIENT_EARLY_TRAFFIC_SECRET", "CLIENT_HANDSHAKE_TRAFFIC_SECRET"),
    *("SERVER_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"),
    *("EARLY_EXPORTER_SECRET", "EARLY_EXPORTER_MASTER_SECRET", "EXPORTER_SECRET"),
}
_RANDOM, _SECRETS = 32, (32, 48, 64)
"""Bytes of a client random, and of a secret by the hash that a cipher suite has."""

Address = tuple[str, int]


class NoProgramError(BenchError):
    """There is no tshark here, with which connections are opened."""


class Opened(NamedTuple):
    """A SIP message of a TLS connection: seconds since the epoch, who sent it to whom, its bytes.

    ``frame`` is the number of the frame that completed it.
    """

    time: float
    frame: int
    source: Address
    destination: Address
    message: bytes


def is_secret(words: Sequence[str]) -> bool:
    """Return whether the words of a line are a secret of TLS."""
    if len(words) != 3 or words[0] not in _LABELS:
        return False
    try:
        return len(bytes.fromhex(words[1])) == _RANDOM and len(bytes.fromhex(words[2])) in _SECRETS
    except ValueError:
        return False


def opened(
    path: Path, secrets: Sequence[str], connections: Sequence[tuple[Address, Address]]
) -> list[Opened]:
    """Return the SIP messages of TLS connections, by time.

    Args:
        path: the capture file.
        secrets: lines of a key log.
        connections: client and server of each connection that is looked into.

    Raises:
        NoProgramError: there is no tshark.
        BenchError: it failed, or took too long.
    """
    if not secrets or not connections:
        return []
    program = shutil.which(PROGRAM)
    if program is None:
        raise NoProgramError(
            "TLS is opened with tshark, and there is none here",
            PROGRAM,
            "install it (Debian: apt install tshark)",
        )
    with tempfile.TemporaryDirectory(prefix="intercom-hil-") as folder:
        log, found = Path(folder, "keys"), Path(folder, "found.pcapng")
        log.touch(mode=0o600)
        log.write_text("".join(f"{line}\n" for line in secrets), encoding="ascii")
        words = [program, "-r", str(path.resolve()), "-o", f"tls.keylog_file:{log}", "-n"]
        for port in sorted({server[1] for _, server in connections})[:_MOST_PORTS]:
            words += ["-d", f"tcp.port=={port},tls", "-d", f"tls.port=={port},sip"]
        _run([*words, "-U", "OSI layer 7", "-w", str(found)], folder, path)
        try:
            size = found.stat().st_size if found.exists() else 0
            if size > _LARGEST:
                raise BenchError(f"its TLS connections have more than {_LARGEST} bytes", str(path), _CUT)
            data = found.read_bytes() if size else b""
        except OSError as problem:
            raise BenchError.of(problem, str(found)) from problem
    both = {*connections, *((server, client) for client, server in connections)}
    units = dict.fromkeys(one for one in _units(data, path) if (one.source, one.destination) in both)
    found_messages = [message for unit in units for message in _messages(unit)]
    return sorted(found_messages, key=lambda one: (one.time, one.frame))


_CUT = "cut the capture into parts (editcap -c)"


def _run(words: list[str], folder: str, path: Path) -> None:
    # settings of whoever runs this are not those of the capture
    environment = {**os.environ, "WIRESHARK_CONFIG_DIR": folder, "LC_ALL": "C"}
    try:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=_WITHIN,
            check=False,
            env=environment,
        )
    except subprocess.TimeoutExpired as problem:
        raise BenchError(f"tshark took more than {_WITHIN:g} s", str(path), _CUT) from problem
    except OSError as problem:
        raise BenchError.of(problem, words[0]) from problem
    if done.returncode not in (0, 2):  # 2: the file is cut short; what is there was read
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or ["nothing said why"]
        raise BenchError(f"tshark could not read it ({said[0][:200]})", str(path))


def _messages(unit: Opened) -> Iterator[Opened]:
    """Yield the whole messages of a unit.

    Of a record with several, tshark hands over the record for each of them: whoever asks takes it once. What
    is cut at its end comes again with the record that completes it.
    """
    framer = SipFramer()
    framer.feed(unit.message)
    try:
        while (message := framer.next_message()) is not None:
            yield unit._replace(message=message)
    except SipError as problem:
        yield unit._replace(message=problem.data)


def _units(data: bytes, path: Path) -> Iterator[Opened]:
    try:
        for link_type, frame in read_pcapng(data) if data else ():
            if link_type == _UPPER_PDU and (one := _unit(frame.data, frame.time)) is not None:
                yield one
    except WireError as problem:
        raise BenchError(f"what tshark wrote cannot be read ({problem.problem})", str(path)) from problem


def _unit(data: bytes, time: float) -> Opened | None:
    """Read one unit; None where it is not what tshark's SIP dissector had over TCP."""
    tags: dict[int, bytes] = {}
    at = 0
    while at + 4 <= len(data):
        tag, size = struct.unpack_from("!HH", data, at)
        at += 4
        if tag == _END:
            break
        tags[tag] = data[at : at + size]
        at += size
    numbers = {tag: int.from_bytes(value, "big") for tag, value in tags.items() if len(value) == 4}
    source, destination = (
        next((tags[tag] for tag in some if len(tags.get(tag, b"")) in (4, 16)), b"")
        for some in (_SOURCES, _DESTINATIONS)
    )
    whole = tags.get(_PROTOCOL, b"").rstrip(b"\0") == b"sip" and numbers.get(_PORT_TYPE) == _TCP
    if not whole or not source or not destination:
        return None
    return Opened(
        time,
        numbers.get(_FRAME, 0),
        (str(ipaddress.ip_address(source)), numbers.get(_SOURCE_PORT, 0)),
        (str(ipaddress.ip_address(destination)), numbers.get(_DESTINATION_PORT, 0)),
        data[at:],
    )
