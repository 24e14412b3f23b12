"""What the PBX said in a scenario, kept as it came and when, and read again without the PBX.

The file has an entry after another: a line with the kind of the entry, the time at which it came (seconds
since the epoch) and its length in bytes, then those bytes and a line end. The first entry has the PBX's
address, the last one says that nothing more was kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from intercom_hil.pbx.events import Reported, from_ami, from_ari, from_log
from intercom_hil.pbx.hep_collector import HepCollector
from intercom_hil.timeline import Content, Observation, Timeline, Witness
from intercom_hil.timeline.observation import PbxEvent
from intercom_hil.timeline.sip_content import NameOf

FILE = "pbx.log"
HEP, AMI, ARI, LOG = "hep", "ami", "ari", "log"
_ADDRESS, _END = "pbx", "end"
_HEAD = re.compile(rb"([a-z]{3}) (\d{1,12}\.\d{6}) (\d{1,8})\n")


class PbxTestimony:
    """Writes the file of the scenario being played."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._file: BinaryIO | None = None

    def begin(self, path: Path, at: float) -> None:
        """Write there from now on. Raises OSError."""
        self.end(at)
        self._file = path.open("ab", buffering=0)
        self.keep(_ADDRESS, self._address.encode(), at)

    def keep(self, kind: str, data: bytes, at: float) -> None:
        """Keep what came, and when. Raises OSError."""
        if self._file is not None:
            self._file.write(b"%s %.6f %d\n%s\n" % (kind.encode(), at, len(data), data))

    def end(self, at: float) -> None:
        """Keep nothing more. Idempotent. Raises OSError."""
        file = self._file
        if file is not None:
            try:
                self.keep(_END, b"", at)
            finally:
                self._file = None
                file.close()


def as_kept(event: object) -> bytes:
    """Return an event of the PBX's interfaces as it is kept."""
    return json.dumps(event, separators=(",", ":")).encode()


def said_again(path: Path, name_of: NameOf) -> tuple[list[Observation], float]:
    """Read a testimony anew.

    Args:
        path: the file.
        name_of: who is at an address and port.

    Returns:
        What was observed of it, and until when (seconds since the epoch) everything was kept.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no testimony, or its end is missing.
    """
    timeline = Timeline()
    collector: HepCollector | None = None
    until = None
    for kind, time, data in _entries(path.read_bytes()):
        if until is not None:
            raise ValueError("it goes on after its end")
        if kind == _ADDRESS:
            collector = HepCollector(data.decode(), timeline.append, name_of)
        elif collector is None:
            raise ValueError("it does not say whose it is")
        elif kind == HEP:
            collector.datagram_received(data, None)
        elif kind == _END:
            until = time
        else:
            _append(timeline, _READERS[kind](data), time)
    if until is None:
        raise ValueError("its end is missing")
    return list(timeline), until


def _append(timeline: Timeline, reported: Reported | None, time: float) -> None:
    if reported is not None:
        content, at = reported
        timeline.append(Witness.PBX, content, time if at is None else at)


def _logged(data: bytes) -> Reported | None:
    event = from_log(data.decode("utf-8", "surrogateescape"))
    return None if event is None else (event, None)


def _read(reader: Callable[[Any], Reported | None]) -> Callable[[bytes], Reported | None]:
    def read(data: bytes) -> Reported | None:
        event = json.loads(data)
        if not isinstance(event, dict):
            raise ValueError("an event of it is none")
        return reader(event)

    return read


_READERS: dict[str, Callable[[bytes], Reported | None]] = {
    AMI: _read(from_ami),
    ARI: _read(from_ari),
    LOG: _logged,
}


def _entries(data: bytes) -> Iterator[tuple[str, float, bytes]]:
    place = 0
    while place < len(data):
        head = _HEAD.match(data, place)
        if head is None:
            raise ValueError(f"byte {place} begins no entry")
        kind, size = head[1].decode(), int(head[3])
        end = head.end() + size
        if kind not in (_ADDRESS, _END, HEP, *_READERS) or data[end : end + 1] != b"\n":
            raise ValueError(f"the entry at byte {place} is none, or is cut")
        yield kind, float(head[2]), data[head.end() : end]
        place = end + 1


def is_said(content: Content) -> bool:
    """Return whether an observation by the witness PBX is kept in its testimony."""
    return isinstance(content, PbxEvent) or content.kind in ("sip", "malformed_sip")
