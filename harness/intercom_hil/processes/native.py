"""A place without a container engine: the supervisor and its programs as processes of this machine.

Every one of them ends with the bench's process: the supervisor because its connection closes, its programs
because it ends them; when it is itself killed, because the kernel is asked to kill them with it; and what
even that does not reach wears the bench's labels in its environment and is found by them.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from intercom_hil.errors import BenchError
from intercom_hil.processes.command import run
from intercom_hil.processes.native_programs import ANSWER_WITHIN, environment
from intercom_hil.processes.owner_labels import PLACE, as_environment, kill_processes, own_labels
from intercom_hil.processes.process_host import START_WITHIN, SUPERVISOR, SupervisedHost
from intercom_hil.processes.supervisor_client import Supervised


class NativeProcessHost(SupervisedHost):
    """One supervisor as a child of this process."""

    def __init__(self, role: str, *, folder: Path) -> None:
        """Describe the place; ``folder`` takes what the supervisor says."""
        super().__init__(role)
        self._said = folder / f"{role}-supervisor.err"
        self._process: asyncio.subprocess.Process | None = None

    async def kill(self) -> None:
        """Kill all its processes as a power cut would."""
        await asyncio.to_thread(kill_processes, self._is_mine)

    async def _open(self) -> Supervised:
        ours, theirs = socket.socketpair()
        try:
            with theirs, self._said.open("ab") as said:
                number = str(theirs.fileno())
                self._process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-I", "-S", str(SUPERVISOR), "--inherited", number),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=said,
                    stderr=said,
                    pass_fds=(theirs.fileno(),),
                    env={
                        **os.environ,
                        **environment(),
                        **as_environment({**own_labels(), PLACE: self.name}),
                    },
                    start_new_session=True,  # an interrupt at the terminal reaches the bench, which ends it
                )
        except OSError as problem:
            ours.close()
            what = f"its supervisor cannot be started ({problem.strerror})"
            raise BenchError(what, self.role, "make room on the disk, or in the table of processes") from None
        except BaseException:
            ours.close()
            raise
        return await Supervised.adopt(ours, str(self._said), within=START_WITHIN)

    async def _remove(self) -> None:
        await self.kill()
        process, self._process = self._process, None
        if process is not None:
            await process.wait()

    def _is_mine(self, worn: Mapping[str, str]) -> bool:
        return worn.get(PLACE) == self.name


def check_capture(interface: str) -> None:
    """Find out whether packets of an interface may be captured here.

    Raises:
        BenchError: they may not, or there is no such interface.
    """
    argv = ["tcpdump", "-i", interface, "--list-data-link-types"]
    done = run(argv, within=ANSWER_WITHIN, env={**os.environ, **environment()})
    if done.returncode == 0:
        return
    said = " ".join(done.stderr.split()) or f"exit status {done.returncode}"
    if "permission" in said.lower() or "not permitted" in said.lower():
        remedy = (
            "capture needs the capabilities NET_RAW and NET_ADMIN: run as root, or, as root, "
            "setcap cap_net_raw,cap_net_admin=eip /usr/bin/tcpdump"
        )
    else:
        remedy = "name one that `tcpdump --list-interfaces` lists"
    raise BenchError(f"nothing can be captured on {interface}: {said}", "capture.interface", remedy)
