"""The emulated intercom as a box on the bench: switched on and off, met only from outside.

It is a child process, or runs in a container where this Python cannot have its SIP stack. Its inside is never
imported.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from intercom_hil.device.emulator_container import EmulatorContainer, ptys_given_out
from intercom_hil.errors import BenchError
from intercom_hil.lateness import stretched
from intercom_hil.processes.process_host import ContainerProcessHost
from intercom_hil.processes.supervisor_client import OnLine, Process

READY_TIME = 15.0  # s
_STOP_TIME = 3.0  # s
_LOOK_EVERY = 0.01  # s between two looks for the ready file
_MODULE = "intercom_hil.emulator"
_PROGRAM = "emulator"
"""What the supervisor of a container calls it."""


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

    Attributes:
        state: its folder; what it says on standard error is kept there in ``emulator.log``.
        lost: once it is started, resolves with the reason when it ends without having been stopped.
    """

    lost: asyncio.Future[str]

    def __init__(
        self,
        *,
        state: Path,
        address: str,
        faults: Sequence[str] = (),
        variant: str = "",
        options: Sequence[str] = (),
        container: EmulatorContainer | None = None,
        reads: Sequence[Path] = (),
        on_line: OnLine | None = None,
    ) -> None:
        """Describe the device.

        Args:
            state: a folder of its own, made if need be.
            address: the IP address it binds.
            faults: names of faults it shall have.
            variant: the legal variant it shall be, if any.
            options: further command-line options, such as ``("--sip-port", "5070")``.
            container: what it runs in; None has it run beside this process.
            reads: files and folders that ``options`` name.
            on_line: in a container, is called with each line that it writes.
        """
        self.state = state
        self._container, self._reads, self._on_line = container, tuple(reads), on_line
        self._arguments = ["--state", str(state), "--address", address, *options]
        self._arguments += [part for fault in faults for part in ("--fault", fault)]
        self._arguments += ["--variant", variant] if variant else []
        self._process: _Running | None = None
        self._begun: _Child | None = None
        self._watch: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Begin to switch it on, at once and without an event loop, where it needs no container.

        ``start`` goes on from there. Raises OSError: it cannot be run.
        """
        if self._container is None and self._begun is None:
            self._ready.parent.mkdir(parents=True, exist_ok=True)
            self._ready.unlink(missing_ok=True)
            self._begun = _Child.start(self._arguments, self.log)

    def abandon(self) -> None:
        """Make an end, and block until it is there, of what was begun and has not been started."""
        begun, self._begun = self._begun, None
        if begun is not None:
            begun.kill()

    @property
    def _ready(self) -> Path:
        return self.state / "ready.json"

    @property
    def log(self) -> Path:
        """What the emulator says on standard error."""
        return self.state / ("emulator.log" if self._container is None else f"{_PROGRAM}.err")

    async def start(self, within: float = READY_TIME) -> Ready:
        """Switch the device on, and return where it is once it is ready.

        Raises:
            BenchError: it is on already, ended at once, or is not ready within the bound (s).
        """
        if self._process is not None:
            raise BenchError("the emulated intercom is on already", str(self.state), "stop it first")
        self.lost = asyncio.get_running_loop().create_future()
        async with AsyncExitStack() as until_ready:
            if self._container is None:
                self.begin()
                self._process, self._begun = self._begun, None
            else:
                self.state.mkdir(parents=True, exist_ok=True)
                self._ready.unlink(missing_ok=True)
                ptys = self.state / "ptys"
                await until_ready.enter_async_context(ptys_given_out(ptys))
                arguments = [*self._arguments, "--ptys", str(ptys)]
                self._process = await _Contained.start(
                    self._container, arguments, self.state, self._reads, self._on_line
                )
            try:
                return await self._until_ready(within)
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
        process.terminate()
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), _STOP_TIME)
        finally:
            await process.remove()

    async def _until_ready(self, within: float) -> Ready:
        assert self._process is not None
        ended = asyncio.ensure_future(self._process.wait())
        try:
            async with stretched(within):
                while (found := _ready_at(self._ready)) is None:
                    done, _ = await asyncio.wait({ended}, timeout=_LOOK_EVERY)
                    if done:
                        how = f"ended at once ({ended.result()}): {self._last_words()}"
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
                str(self._ready),
                "use a harness and an emulator of the same version",
            ) from problem
        finally:
            if not ended.done():
                ended.cancel()
        self._watch = asyncio.create_task(self._until_lost(self._process))
        return found

    async def _until_lost(self, process: _Running) -> None:
        how = await process.wait()
        if not self.lost.done():
            self.lost.set_result(f"the emulated intercom ended by itself ({how}): {self._last_words()}")
        await process.remove()

    def _last_words(self) -> str:
        try:
            said = self.log.read_text("utf-8", "backslashreplace").strip().splitlines()
        except OSError as problem:
            return f"its log cannot be read: {problem.strerror}"
        return said[-1] if said else "it said nothing"


class _Running(Protocol):
    """The emulator, switched on."""

    async def wait(self) -> str:
        """Wait until it has ended, and return how."""

    def terminate(self) -> None:
        """Ask it to end; nothing happens if it has."""

    async def remove(self) -> None:
        """Leave nothing of it running. Idempotent."""


class _Child:
    """The emulator as a child process. Its standard input is its leash."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    @classmethod
    def start(cls, arguments: Sequence[str], log: Path) -> _Child:
        with log.open("ab") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", _MODULE, "--leash", *arguments],
                stdin=subprocess.PIPE,
                stdout=file,
                stderr=file,
                start_new_session=True,  # an interrupt at the terminal reaches the bench, which then stops it
            )
        return cls(process)

    async def wait(self) -> str:
        if self._process.poll() is None:
            ended = asyncio.Event()
            descriptor = os.pidfd_open(self._process.pid)  # it can be read from when the process has ended
            loop = asyncio.get_running_loop()
            loop.add_reader(descriptor, ended.set)
            try:
                await ended.wait()
            finally:
                loop.remove_reader(descriptor)
                os.close(descriptor)
        return _how(self._process.wait())

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            # Its children, which may not notice that it has ended, share its group.
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()

    async def remove(self) -> None:
        self.kill()


class _Contained:
    """The emulator in a container. The supervisor of that is its leash."""

    def __init__(self, host: ContainerProcessHost, process: Process) -> None:
        self._host, self._process = host, process

    @classmethod
    async def start(
        cls,
        container: EmulatorContainer,
        arguments: Sequence[str],
        state: Path,
        reads: Sequence[Path],
        on_line: OnLine | None,
    ) -> _Contained:
        host = container.host(state, reads)
        supervised = await host.start()
        try:
            # What it prints is for a person: its log-ins have no place in the log of a run.
            argv = ["python3", "-m", _MODULE, *arguments, *(["--quiet"] if on_line is None else [])]
            environment = container.environment(state)
            process = await supervised.start(_PROGRAM, argv, cwd=state, on_line=on_line, env=environment)
            return cls(host, process)
        except BaseException:
            await host.stop()
            raise

    async def wait(self) -> str:
        try:
            return str(await self._process.wait())
        except BenchError as problem:
            return f"its container is lost: {problem.what}"

    def terminate(self) -> None:
        with suppress(BenchError):
            self._process.signal(signal.SIGTERM)

    async def remove(self) -> None:
        await self._host.stop()


def _ready_at(path: Path) -> Ready | None:
    try:
        return Ready.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None


def _how(status: int) -> str:
    return f"exit status {status}" if status >= 0 else f"killed by signal {-status}"
