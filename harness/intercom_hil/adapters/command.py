"""Any switch that a command line can work: a PDU's outlet, a smart plug, a box with a tool of its own.

One argument list switches it on, another off; a third, where there is one, reads the state back. No shell is
involved. For instance, an outlet of a PDU with the PowerNet MIB (``sPDUOutletCtl``: 1 is on, 2 is off) is
switched off by ``snmpset -v1 -c private PDU 1.3.6.1.4.1.318.1.1.4.4.2.1.3.OUTLET i 2``, and ``snmpget`` of
the same reads its state.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from intercom_hil.bounded_command import GivenUp, run_command
from intercom_hil.errors import BenchError
from intercom_hil.instruments.kinds import Expression, OutputOptions
from intercom_hil.instruments.shared_port import SharedPorts
from intercom_hil.kinds import Wizard
from intercom_hil.paths import Command, Words
from intercom_hil.timeline.timeline import now

_MOST_KEPT = 16_384  # bytes of what one command says
_LOOK_EVERY = 0.25  # s between two questions for the state, while it is not yet the one asked for


@dataclass(frozen=True)
class Run:
    """One run of a command.

    Attributes:
        purpose: ``on``, ``off`` or ``state``.
        status: its exit status, negative for a signal, None if it was ended.
        said: its standard output and error, cut to a bound.
        at: when it was started, in seconds since the epoch.
    """

    purpose: str
    status: int | None
    said: str
    at: float


class CommandOutput:
    """Output over commands. Opening and closing make it inactive. Must be made inside a running loop.

    The commands themselves are neither logged nor shown, because passwords may be in them.

    Attributes:
        name: what messages call it.
        runs: the latest runs.
        lost: never resolves: there is nothing that is held open.
    """

    def __init__(
        self,
        *,
        on: Sequence[str],
        off: Sequence[str],
        state: Sequence[str] = (),
        on_text: str = r"\bon\b",
        off_text: str = r"\boff\b",
        within: float = 10.0,
        inverted: bool = False,
        name: str = "command",
    ) -> None:
        """Describe the switch.

        Args:
            on: program and arguments that switch it on.
            off: those that switch it off.
            state: those that read its state; none if that cannot be asked.
            on_text: regular expression, found in what ``state`` says if and only if it is on, in any case.
            off_text: likewise if it is off.
            within: how long one command, and the change of state that follows, may take (s).
            inverted: whether it is active, and unsafe to leave alone, when it is off.
            name: what messages call it.
        """
        self.name = name
        self._inverted = inverted
        self.runs: deque[Run] = deque(maxlen=100)
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._commands = {"on": on, "off": off, "state": state}
        self._texts = {True: on_text, False: off_text}
        self._within = within
        self._log: Path | None = None
        self._is_open = False
        self._one = asyncio.Lock()

    def begin(self, log: Path) -> None:
        """Append what commands say from now on to the file ``log``."""
        self._log = log

    async def open(self) -> None:
        """Make it inactive. Raises BenchError."""
        if not self._is_open:
            await self._switch(False)
            self._is_open = True

    async def close(self) -> None:
        """Make it inactive. Raises BenchError."""
        if self._is_open:
            self._is_open = False
            await self._switch(False)

    async def set(self, active: bool) -> bool:
        """Switch it, and return whether its state could be asked and is the new one.

        Raises:
            BenchError: a command could not be run, failed or did not end in time, or the state is another.
        """
        self._check_open()
        return await self._switch(active)

    async def read(self) -> bool | None:
        """Return its state, None if it cannot be asked. Raises BenchError."""
        self._check_open()
        async with self._one:
            return await self._is_on() is not self._inverted if self._commands["state"] else None

    def _check_open(self) -> None:
        if not self._is_open:
            raise BenchError("it is not open", self.name, "open it first")

    async def _switch(self, active: bool) -> bool:
        on = active is not self._inverted
        wanted = "on" if on else "off"
        async with self._one:
            await self._run(wanted)
            if not self._commands["state"]:
                return False
            deadline = monotonic() + self._within
            while await self._is_on() is not on:
                if monotonic() > deadline:
                    raise BenchError(
                        f"it was switched {wanted} but is not {wanted} within {self._within:g} s",
                        self.name,
                        "check what it is connected to, and the command that tells its state",
                    )
                await asyncio.sleep(_LOOK_EVERY)
            return True

    async def _is_on(self) -> bool:
        said = await self._run("state")
        found = [state for state, text in self._texts.items() if re.search(text, said, re.IGNORECASE)]
        if len(found) != 1:
            raise BenchError(
                f"what its state is cannot be told from {said[:200]!r}",
                self.name,
                "correct the texts for on and off in the bench file",
            )
        return found[0]

    async def _run(self, purpose: str) -> str:
        at, said = now(), b""
        status: int | None = None
        try:
            finished = await run_command(self._commands[purpose], within=self._within)
            status, said = finished.status, (finished.output + finished.errors)[:_MOST_KEPT]
        except OSError as problem:
            raise self._failed(purpose, f"cannot be run: {problem.strerror}") from problem
        except GivenUp as problem:
            said = problem.printed[-_MOST_KEPT:]
            raise self._failed(purpose, str(problem), said) from None
        finally:
            self._keep(Run(purpose, status, _text(said), at))
        if status:
            raise self._failed(purpose, f"ended with exit status {status}", said)
        return _text(said)

    def _failed(self, purpose: str, how: str, said: bytes = b"") -> BenchError:
        words = f" and said {_text(said)[-300:].strip()!r}" if said else ""
        return BenchError(f"the command for {purpose!r} {how}{words}", self.name, "try the command by hand")

    def _keep(self, run: Run) -> None:
        self.runs.append(run)
        if self._log is None:
            return
        try:
            with self._log.open("a", encoding="utf-8") as file:
                file.write(f"{run.at:.3f} {self.name} {run.purpose}: exit status {run.status}\n{run.said}\n")
        except OSError as problem:
            raise BenchError(
                f"what commands say cannot be kept ({problem.strerror})",
                str(self._log),
                "check the run folder",
            ) from problem


def _text(said: bytes) -> str:
    return said.decode("utf-8", "backslashreplace")


class CommandOptions(OutputOptions):
    """Commands that switch something."""

    label: ClassVar[str] = "a command of yours"
    kind: Literal["command"]
    on: Command
    off: Command
    state: Words = ()
    on_text: Expression = r"\bon\b"
    off_text: Expression = r"\boff\b"
    within: Annotated[float, Field(gt=0, le=120, description="s one command may take")] = 10.0

    @property
    def where(self) -> str:
        """The program that switches on; its arguments may be secret."""
        return self.on[0]

    def claims(self) -> Mapping[str, str]:
        """Return the command that switches on: whoever gives the same switches the same thing."""
        return {f"command {' '.join(self.on)}": ""}

    def make(self, ports: SharedPorts, *, name: str = "output") -> CommandOutput:
        """Return the output."""
        return self._output(name, inverted=False)

    def make_supply(self, ports: SharedPorts, *, name: str, normally_on: bool) -> CommandOutput:
        """Return the switch of a supply: *on* is what the commands do to the device."""
        return self._output(name, inverted=normally_on)

    def _output(self, name: str, *, inverted: bool) -> CommandOutput:
        return CommandOutput(
            on=self.on,
            off=self.off,
            state=self.state,
            on_text=self.on_text,
            off_text=self.off_text,
            within=self.within,
            inverted=inverted,
            name=name,
        )

    @classmethod
    def ask(cls, wizard: Wizard) -> dict[str, Any]:
        """Ask for both commands."""
        return {"on": wizard.text("Command that presses"), "off": wizard.text("Command that releases")}
