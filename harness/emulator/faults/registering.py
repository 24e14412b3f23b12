"""Faults in registering (REG)."""

from __future__ import annotations

from dataclasses import replace

from harness.emulator.faults.fault import Fault
from harness.emulator.vocabulary import Apply, Output, Refresh, StartTimer


class NeverRegisters(Fault):
    """No REGISTER ever leaves the device."""

    name = "never-registers"
    description = "the device does not register"
    breaks = frozenset({"REG-01"})

    def change(self, output: Output) -> Output | None:
        """Bring SIP up without a registration."""
        if isinstance(output, Apply):
            return replace(output, register=False)
        return None if isinstance(output, Refresh) else output


class HammersServer(Fault):
    """A refused registration is tried again at once, for ever."""

    name = "hammers-server"
    description = "after a failed registration the next attempt follows within a fifth of a second"
    breaks = frozenset({"REG-02"})

    def change(self, output: Output) -> Output | None:
        """Shorten the pause."""
        if isinstance(output, StartTimer) and output.name == "register":
            return StartTimer("register", 0.2)
        return output


class NeverPolls(Fault):
    """Connectivity is not confirmed at the polling interval."""

    name = "never-polls"
    description = "the registration is not confirmed again every polling interval"
    breaks = frozenset({"REG-03"})

    def change(self, output: Output) -> Output | None:
        """Never start the polling timer."""
        return None if isinstance(output, StartTimer) and output.name == "poll" else output
