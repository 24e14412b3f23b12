"""labgrid as a user of it sees it: its client, run as a program from an environment of its own.

Its complaints become ``BenchError``. labgrid itself is never imported: it brings a pyserial of its own that
would replace ours. Every call is bounded in time, and no client outlives this process.
"""

from __future__ import annotations

import asyncio
import getpass
import os
import re
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress

from intercom_hil.errors import BenchError
from intercom_hil.lab.labgrid_output import PlaceShown, place_shown

CALL_WITHIN = 30.0
"""Seconds one order may take: 1 to 2 are usual, and the coordinator gives an exporter some 15."""
_DIES_WITH_US = (
    "import ctypes, os, sys\n"
    "ctypes.CDLL(None).prctl(1, 9)\n"  # PR_SET_PDEATHSIG, SIGKILL: prctl(2)
    "os.getppid() == int(sys.argv[1]) or sys.exit(1)\n"
    "os.execvp(sys.argv[2], sys.argv[2:])\n"
)
_NOT_OURS = ("LG_ENV", "LG_PLACE", "LG_STATE", "LG_INITIAL_STATE", "LG_TOKEN", "PLACE", "STATE", "PYTHONPATH")
"""Variables by which a user of labgrid chooses a place, or that lead out of the client's environment."""
_SPEAKER = re.compile(r"^(Server error: |labgrid-client: |ERROR:root:)?(Error: )?")


class Labgrid:
    """A coordinator, asked through ``labgrid-client``.

    Attributes:
        coordinator: its address, ``host:port``.
    """

    def __init__(self, coordinator: str, client: Sequence[str]) -> None:
        """Name them.

        Args:
            coordinator: the address, ``host`` or ``host:port``.
            client: the command that starts labgrid-client.
        """
        self.coordinator = coordinator
        self._command = [*client, "--coordinator", coordinator]

    @property
    def me(self) -> str:
        """Host and user as labgrid calls this process. Raises BenchError where the user has no name."""
        host = os.environ.get("LG_HOSTNAME") or socket.gethostname()
        try:
            return f"{host}/{os.environ.get('LG_USERNAME') or getpass.getuser()}"
        except (KeyError, OSError):
            raise BenchError("this user has no name", "labgrid", "set LG_USERNAME") from None

    async def show(self, place: str) -> PlaceShown:
        """Return a place. Raises BenchError: there is none of that name."""
        return place_shown(await self._ask("--place", place, "show"), place)

    async def reserve(self, place: str, priority: float) -> str:
        """Queue for a place, and return the token. Raises BenchError."""
        said = await self._ask("reserve", "--shell", "--prio", f"{priority:g}", f"name={place}")
        token = re.search(r"LG_TOKEN=(\w+)", said)
        if token is None:
            raise BenchError(f"no token came of the reservation: {said[:200]!r}", f"labgrid place {place}")
        return token[1]

    async def until_allocated(self, token: str, within: float) -> bool:
        """Wait for a reservation's turn, and return whether it came in time. Raises BenchError."""
        try:
            said = await self._ask("wait", token, within=within)
        except TimeoutError:
            return False
        return re.findall(r"state: (\w+)", said)[-1:] == ["allocated"]

    async def cancel(self, token: str) -> None:
        """Give a reservation up. Raises BenchError."""
        await self._ask("cancel-reservation", token)

    async def acquire(self, place: str) -> None:
        """Have a place for this user. Raises BenchError."""
        await self._ask("--place", place, "acquire")

    async def touch(self, place: str) -> None:
        """Have the coordinator report a place of ours, without changing it. Raises BenchError."""
        await self._ask("--place", place, "allow", self.me)

    async def release(self, place: str) -> None:
        """Give a place back, unless somebody else has it by now. Raises BenchError."""
        await self._ask("--place", place, "release-from", self.me)

    async def monitor(self) -> asyncio.subprocess.Process:
        """Start a client that prints what changes at the coordinator. Raises BenchError."""
        return await self._start("monitor")

    async def _ask(self, *order: str, within: float = 0.0) -> str:
        """Give an order and return the answer; without a bound of its own, being late is an error."""
        process = await self._start(*order)
        try:
            async with asyncio.timeout(within or CALL_WITHIN):
                out, err = await process.communicate()
        except TimeoutError:
            if within:
                raise
            raise BenchError(
                f"labgrid-client {order[-1]} did not end within {CALL_WITHIN:g} s",
                f"labgrid coordinator {self.coordinator}",
                "look at the coordinator and its exporters",
            ) from None
        finally:
            await ended(process)
        if process.returncode:
            raise self._refused(err.decode(errors="replace"))
        return out.decode(errors="replace")

    async def _start(self, *order: str) -> asyncio.subprocess.Process:
        environment = {name: value for name, value in os.environ.items() if name not in _NOT_OURS}
        leashed = [sys.executable, "-I", "-S", "-c", _DIES_WITH_US, str(os.getpid())]
        return await asyncio.create_subprocess_exec(
            *leashed,
            *self._command,
            *order,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**environment, "PYTHONUNBUFFERED": "1"},
            start_new_session=True,  # an interrupt at the terminal is the bench's, which then gives back
        )

    def _refused(self, said: str) -> BenchError:
        lines = [line for line in said.strip().splitlines() if line.strip()]
        last = _SPEAKER.sub("", lines[-1]) if lines else "it said nothing"
        where = f"labgrid coordinator {self.coordinator}"
        if "FileNotFoundError" in last or "PermissionError" in last:
            return BenchError(
                f"labgrid-client cannot be run ({self._command[0]})",
                "labgrid.client",
                "intercom-hil provision --labgrid, or correct it",
            )
        if "unavailable" in said or "Could not connect" in last:
            remedy = "start labgrid-coordinator there, or correct labgrid.coordinator"
            return BenchError("it does not answer", where, remedy)
        if "has no matching remote resource" in last:
            return BenchError(last, where, "start the labgrid-exporter that has it")
        if "matches nothing" in last:
            return BenchError(last, where, "correct labgrid.places; labgrid-client places lists them")
        return BenchError(last, where, "see labgrid-client who, and labgrid-client show")


async def ended(process: asyncio.subprocess.Process) -> None:
    """See to it that a client has ended."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
