"""The emulated intercom as a box on the bench: a child process, switched on and off, met only from outside.

What comes in: where it may live and which faults it shall have. What goes out: where its console, relay
board, portal and speaker are. Its inside is never imported.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from intercom_hil.errors import BenchError

READY_TIME = 15.0  # s
_STOP_TIME = 3.0  # s
_LOOK_EVERY = 0.01  # s between two looks for the ready file


class Ready(BaseModel):
    """Where a started emulated intercom can be met."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    console: str
    relay: str
    portal: str
    speaker: Path
    pid: int
    agent_pid: int


class EmulatedDevice:
    """One emulated intercom. It ends with this process, however that ends: its standard input is its leash.

    Must be made inside a running event loop.

    Attributes:
        state: its folder; what it says on standard error is kept there in ``emulator.log``.
        lost: resolves with the reason when it ends without having been stopped.
    """

    def __init__(
        self,
        *,
        state: Path,
        address: str,
        faults: Sequence[str] = (),
        variant: str = "",
        options: Sequence[str] = (),
    ) -> None:
        """Describe the device.

        Args:
            state: a folder of its own, made if need be.
            address: the IP address it binds.
            faults: names of faults it shall have.
            variant: the legal variant it shall be, if any.
            options: further command-line options, such as ``("--sip-port", "5070")``.
        """
        self.state = state
        self._arguments = ["--state", str(state), "--address", address, "--leash", *options]
        self._arguments += [part for fault in faults for part in ("--fault", fault)]
        self._arguments += ["--variant", variant] if variant else []
        self._process: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @property
    def log(self) -> Path:
        """What the emulator says on standard error."""
        return self.state / "emulator.log"

    async def start(self, within: float = READY_TIME) -> Ready:
        """Switch the device on, and return where it is once it is ready.

        Raises:
            BenchError: it is on already, ended at once, or is not ready within the bound (s).
        """
        if self._process is not None:
            raise BenchError("the emulated intercom is on already", str(self.state), "stop it first")
        if self.lost.done():
            self.lost = asyncio.get_running_loop().create_future()
        self.state.mkdir(parents=True, exist_ok=True)
        ready = self.state / "ready.json"
        ready.unlink(missing_ok=True)
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "intercom_hil.emulator",
                *self._arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,  # an interrupt at the terminal reaches the bench, which then stops it
            )
        try:
            return await self._until_ready(ready, within)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Switch the device off: asked first, then made to. Nothing happens when it is off."""
        process, self._process = self._process, None
        if process is None:
            return
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _STOP_TIME)
        except TimeoutError:
            _kill_what_is_left(process)
            await process.wait()
        finally:
            _kill_what_is_left(process)
            if process.stdin is not None:
                process.stdin.close()

    async def _until_ready(self, ready: Path, within: float) -> Ready:
        assert self._process is not None
        ended = asyncio.ensure_future(self._process.wait())
        try:
            async with asyncio.timeout(within):
                while (found := _ready_at(ready)) is None:
                    done, _ = await asyncio.wait({ended}, timeout=_LOOK_EVERY)
                    if done:
                        how = f"ended at once ({_how(ended.result())}): {self._last_words()}"
                        raise BenchError(
                            f"the emulated intercom {how}", str(self.log), "see what it says there"
                        )
        except TimeoutError:
            raise BenchError(
                f"the emulated intercom was not ready within {within:g} s: {self._last_words()}",
                str(self.log),
                "see what it says there; a busy machine may need more time",
            ) from None
        except ValidationError as problem:
            raise BenchError(
                f"the emulated intercom's ready file is not understood ({problem.error_count()} errors)",
                str(ready),
                "use a harness and an emulator of the same version",
            ) from problem
        finally:
            if not ended.done():
                ended.cancel()
        self._watch = asyncio.create_task(self._until_lost(self._process))
        return found

    async def _until_lost(self, process: asyncio.subprocess.Process) -> None:
        status = await process.wait()
        _kill_what_is_left(process)
        if not self.lost.done():
            self.lost.set_result(
                f"the emulated intercom ended by itself ({_how(status)}): {self._last_words()}"
            )

    def _last_words(self) -> str:
        try:
            said = self.log.read_text("utf-8", "backslashreplace").strip().splitlines()
        except OSError as problem:
            return f"its log cannot be read: {problem.strerror}"
        return said[-1] if said else "it said nothing"


def _kill_what_is_left(process: asyncio.subprocess.Process) -> None:
    """End the process and its children, which may not notice that it has ended: they share its group."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _ready_at(path: Path) -> Ready | None:
    try:
        return Ready.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None


def _how(status: int) -> str:
    return f"exit status {status}" if status >= 0 else f"killed by signal {-status}"
