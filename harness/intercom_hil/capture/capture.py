"""The wire as a witness, for as long as the bench runs: one file, and one account of the media, per scenario.

It writes the frames of ``Sniffer`` to a pcapng file per scenario and hands them to ``Decoder``.
``flush`` is how the bench knows that nothing is still under way: a marker datagram goes over the same
interface, and when it has come through the capture, everything sent before it has come through too.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from intercom_hil.capture.decoder import Decoder
from intercom_hil.capture.marker import Marker
from intercom_hil.capture.sniffer import Sniffer
from intercom_hil.capture.sound import load_hearing
from intercom_hil.errors import BenchError
from intercom_hil.lateness import gauge
from intercom_hil.media.recording import Recordings
from intercom_hil.pcap.pcap import Frame
from intercom_hil.pcap.pcapng import PcapngWriter
from intercom_hil.processes.process_host import ProcessHost
from intercom_hil.timeline.observation import SipMessageSeen
from intercom_hil.timeline.sip_content import NameOf
from intercom_hil.timeline.timeline import Append
from intercom_hil.video.viewers import InThread, Viewer
from intercom_hil.wire.split_secrets import SplitSecrets

APPLICATION = "intercom-hil"
LOOPBACK = "lo"
USUAL_LAG = 0.05
"""Seconds that a packet may take from the kernel to the bench; 1 ms is usual."""


@dataclass(frozen=True)
class CaptureSummary:
    """What one scenario's capture holds.

    Attributes:
        packets: frames in the file.
        dropped: frames that the kernel lost before tcpdump; where there are any, a marker may be among them.
    """

    packets: int
    dropped: int


class Capture:
    """One interface, captured.

    Attributes:
        lost: resolves with the reason when the capture breaks down without having been asked to stop.
    """

    def __init__(
        self,
        *,
        append: Append,
        name_of: NameOf,
        place: ProcessHost,
        folder: Path,
        interface: str,
        sip_ports: frozenset[int],
        addresses: Sequence[str] | None,
        marker: tuple[str, int],
        apart_from: Sequence[str] = (),
        redacted: Callable[[bytes], bytes] = bytes,
        sound_of_secured: bool = True,
    ) -> None:
        """Prepare; nothing runs before ``start``. To be made on the running event loop.

        Args:
            append: puts an observation on the current scenario's timeline.
            name_of: who is at an address and port.
            place: where tcpdump runs; it needs the capabilities NET_RAW and NET_ADMIN there.
            folder: holds a FIFO and tcpdump's output; must be at the same path in the place.
            interface: the network interface to capture on.
            sip_ports: ports on which everything is expected to be SIP.
            addresses: hosts whose packets are captured; None captures all.
            marker: where marker datagrams go: any address that is reached over the interface. On loopback,
                an address and UDP port that nobody else uses.
            apart_from: flows that are not captured, in the language of pcap-filter(7).
            redacted: returns a frame's bytes without secrets; the same object where there are none.
            sound_of_secured: whether the sound of encrypted media is kept as a file, as that of other is.
        """
        self._append, self._name_of, self._sip_ports = append, name_of, sip_ports
        self._interface = interface
        hosts = [] if addresses is None else sorted({*addresses, marker[0]})
        self._filter = _capture_filter(interface, hosts, apart_from)
        self._redacted = redacted
        self._marker = Marker(marker)
        self._sniffer = Sniffer(
            place=place,
            folder=folder,
            interface=interface,
            capture_filter=self._filter,
            on_frame=self._take,
        )
        self._decoding = InThread()
        self._viewer = Viewer(self._decoding, Recordings(of_secured=sound_of_secured))
        self._path = Path()
        self._split = SplitSecrets()
        self._decoder: Decoder | None = None
        self._writer: PcapngWriter | None = None
        self._packets = self._dropped_before = 0
        self.lost = self._sniffer.lost

    async def start(self) -> None:
        """Start capturing; returns when packets are known to come through.

        Raises:
            BenchError: tcpdump cannot be started, refuses the interface, or nothing comes through.
        """
        try:
            self._marker.open()
            await self._sniffer.start()
            await self.flush()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End the capture, and the scenario's file if one is open. Idempotent."""
        await self._sniffer.stop()
        self.break_off()
        self._decoding.close()
        self._marker.close()

    def begin(self, path: Path) -> None:
        """Begin a scenario: packets go to a new pcapng file, sound and stills of video to folders beside it.

        Raises:
            BenchError: the file cannot be created.
            RuntimeError: the capture has not started, or a scenario is open already.
        """
        if self._writer is not None:
            raise RuntimeError("the scenario before was not ended")
        try:
            self._writer = PcapngWriter(
                path,
                link_type=self._sniffer.link_type,
                interface=self._interface,
                application=APPLICATION,
                capture_filter=self._filter,
            )
        except OSError as problem:
            what = f"the capture file cannot be created: {problem.strerror}"
            raise BenchError(what, str(path), "make room, or choose another folder for runs") from problem
        self._packets = 0
        self._path, self._split = path, SplitSecrets()

    def break_off(self) -> None:
        """End the scenario at once, without the last packets; nothing happens when none was begun."""
        with contextlib.suppress(OSError):  # its file cannot be written, as was reported
            self._close(None)

    async def flush(self, within: float = 2.0) -> None:
        """Return when every packet sent before now is on the timeline.

        Args:
            within: bound in seconds.

        Raises:
            BenchError: the marker did not come through in time: the capture is lost, if it was not before.
        """
        try:
            await self._marker.come_through(within, self.lost)
        except BenchError as problem:
            self._sniffer.lose(problem.what)
            raise
        await self._decoding.idle()

    async def hearing(self) -> None:
        """Return when sound can be measured without holding up the packets behind it."""
        await load_hearing()

    async def settle(self) -> None:
        """Return when every packet sent before now is on the timeline, media that nobody agreed on included.

        Such media is otherwise reported after a while only: the answer it belongs to may be on its way.

        Raises:
            BenchError: as ``flush`` does.
        """
        await self.flush()
        self._current_decoder().media.settle()

    async def end(self) -> CaptureSummary:
        """End the scenario: wait for the last packets, give the account of every flow, close the file.

        Returns:
            What was captured; nothing when no scenario was begun.

        Raises:
            BenchError: the last packets, or the count of lost ones, could not be had; the file is closed
                all the same, and says that the count is not known.
        """
        if self._writer is None:
            return CaptureSummary(0, 0)
        dropped: int | None = None
        try:
            await self.flush()
            total = await self._sniffer.dropped()
            dropped, self._dropped_before = total - self._dropped_before, total
        finally:
            self._close(dropped)
            await self._decoding.idle()
            self._viewer.file_stills(self._path.with_name("stills"))
            self._viewer.file_sounds(self._path.with_name("sounds"))
        return CaptureSummary(self._packets, dropped)

    def learn(self, seen: SipMessageSeen, at: float) -> None:
        """Take in a message that another witness could read (for example the PBX, of a TLS connection).

        Its session description decides what the media on the wire is; what is wrong with it is that
        witness's to report.

        Args:
            seen: the message.
            at: when it was seen, seconds since the epoch.
        """
        self._current_decoder().media.learn(seen, at)

    def _take(self, frame: Frame) -> None:
        if (lag := time.time() - frame.time) > USUAL_LAG:
            gauge().report("capture", lag)
        if self._marker.recognises(frame.data):
            return
        kept = frame._replace(data=self._redacted(frame.data))
        if self._writer is not None:
            self._packets += 1
            place = self._writer.write(kept, redacted=kept.data is not frame.data)
            self._split.take(kept.data, self._sniffer.link_type, place)
        self._current_decoder().frame(kept)

    def _current_decoder(self) -> Decoder:
        if self._decoder is None:
            self._decoder = Decoder(
                link_type=self._sniffer.link_type,
                sip_ports=self._sip_ports,
                append=self._append,
                name_of=self._name_of,
                viewer=self._viewer,
            )
        return self._decoder

    def _close(self, dropped: int | None) -> None:
        if self._decoder is not None:
            self._decoder.end()
        writer, self._writer = self._writer, None
        if writer is not None:
            with contextlib.closing(writer):
                received = self._packets + (dropped or 0)
                writer.write_statistics(time=time.time(), received=received, dropped=dropped)
            self._split.replace(self._path, self._redacted)


def _capture_filter(interface: str, hosts: Sequence[str], apart_from: Sequence[str]) -> str:
    """Return the filter that lets packets from and to the hosts, or any, pass, apart from some flows.

    On loopback a packet goes by twice, out and in; tcpdump shows one, but both would take room in the kernel
    buffer, and be counted twice when it overflows.
    """
    parts = ["inbound"] if interface == LOOPBACK else []
    if hosts:
        parts.append("(" + " or ".join(f"host {host}" for host in hosts) + ")")
    parts += [f"not ({flow})" for flow in apart_from]
    return " and ".join(parts)
