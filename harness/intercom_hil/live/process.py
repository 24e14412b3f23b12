"""The live page's process, as the run that wants a page starts it.

The ports are taken here, so that one that cannot be had is known at once and nobody waits for the process; it
inherits them. It ends when the run has ended, however that ended: its standard input is closed then.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from intercom_hil.errors import BenchError
from intercom_hil.operator.page import new_token, url
from intercom_hil.timeline.timeline import now

DEFAULT = "127.0.0.1:0"
"""Where the page is unless told otherwise: reached from this computer only, at any port that is free."""
_FORM = "write it as ADDRESS:PORT, such as 127.0.0.1:8090 or [::1]:8090"
_END_WITHIN = 5.0
_BACKLOG = 128


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page is to be: an IP address and a TCP port, which field or option says so, and its name."""

    address: str
    port: int
    said_by: str
    name: str = "the live page"

    @classmethod
    def parse(cls, text: str, said_by: str, name: str = "the live page") -> Place:
        """Read ``ADDRESS:PORT``.

        Raises:
            BenchError: it is none, or the address is that of no one interface.
        """
        host, _, port = text.rpartition(":")
        try:
            address = ip_address(host.removeprefix("[").removesuffix("]"))
        except ValueError:
            raise BenchError(f"{text!r} is no IP address and port", said_by, _FORM) from None
        if not port.isdecimal() or int(port) > 65_535:
            raise BenchError(f"{text!r} has no TCP port", said_by, _FORM)
        if address.is_unspecified:
            remedy = "name the one by which whoever is to see it reaches this computer"
            raise BenchError(f"{address} is every address of this computer", said_by, remedy)
        return cls(str(address), int(port), said_by, name)


class LiveProcess:
    """The running page.

    Attributes:
        path: the socket to which the processes of the run report.
        pages: for each place, the addresses of the page: to act on, and only to look at.
    """

    def __init__(self, places: Sequence[Place], *, bench: str) -> None:
        """Start it.

        Args:
            places: where the page is to be; at least one.
            bench: what the page calls the bench.

        Raises:
            BenchError: an address or port cannot be had, or no process can be started.
        """
        token = new_token()
        with ExitStack() as taken:
            ports = [taken.enter_context(_listening(place)) for place in places]
            self._folder = Path(tempfile.mkdtemp(prefix="intercom-hil-live-"))
            taken.callback(shutil.rmtree, self._folder, ignore_errors=True)
            self.path = str(self._folder / "page")
            reports = taken.enter_context(socket.socket(socket.AF_UNIX))
            reports.bind(self.path)
            reports.listen(_BACKLOG)
            known = [socket.getsockname()[:2] for socket in ports]
            self.pages = [(url(address, port, token), url(address, port)) for address, port in known]
            described = {
                "token": token,
                "begun": now(),
                "bench": bench,
                "addresses": [address for address, _ in known],
                "ports": [port.fileno() for port in ports],
                "reports": reports.fileno(),
                "folder": str(self._folder),
            }
            self._process = self._started([port.fileno() for port in (*ports, reports)])
            assert self._process.stdin is not None
            with suppress(OSError):  # whoever waits for it meets the end of it
                self._process.stdin.write(json.dumps(described).encode() + b"\n")
                self._process.stdin.flush()
            for one in (*ports, reports):
                one.close()
            taken.pop_all()

    def close(self) -> None:
        """End it. Idempotent."""
        if self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.close()
        try:
            self._process.wait(_END_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _started(self, inherited: Sequence[int]) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                [sys.executable, "-m", "intercom_hil.live"],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=inherited,
                start_new_session=True,  # Ctrl-C is for the run, which has yet to say how it ended
            )
        except OSError as problem:
            raise BenchError.of(problem, "the live page") from problem


def _listening(place: Place) -> socket.socket:
    """Return a socket that listens there. Raises BenchError."""
    family = socket.AF_INET6 if ":" in place.address else socket.AF_INET
    try:
        return socket.create_server((place.address, place.port), family=family, backlog=_BACKLOG)
    except OSError as problem:
        raise BenchError(
            f"{place.name} cannot listen on {place.address} port {place.port} ({problem.strerror})",
            place.said_by,
            "name an address of this computer and a free port",
        ) from problem
