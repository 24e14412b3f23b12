"""Faults in registering (REG)."""

from __future__ import annotations

import base64
from abc import ABC, abstractmethod
from dataclasses import replace

from intercom_hil.emulator.addresses import read_address
from intercom_hil.emulator.faults.fault import Fault
from intercom_hil.emulator.settings import SipSettings
from intercom_hil.emulator.vocabulary import (
    Apply,
    Configured,
    Dial,
    Input,
    Output,
    Refresh,
    RegistrationAnswered,
    StartTimer,
    Step,
    StopTimer,
    TimerFired,
    Withdraw,
)


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
    description = "the registration is not confirmed again every polling interval, nor after an outage"
    breaks = frozenset({"REG-03", "REG-04"})

    def change(self, output: Output) -> Output | None:
        """Never start the polling timer."""
        return None if isinstance(output, StartTimer) and output.name == "poll" else output


class PollsEverySecond(Fault):
    """The polling interval that was set does not matter."""

    name = "polling-interval-ignored"
    description = "connectivity is confirmed every second, whatever the polling interval"
    breaks = frozenset({"CFG-05"})

    def change(self, output: Output) -> Output | None:
        """Poll every second."""
        if isinstance(output, StartTimer) and output.name == "poll":
            return StartTimer("poll", 1.0)
        return output


class KeepsOldPassword(Fault):
    """A changed password is not taken over."""

    name = "keeps-old-password"
    description = "a new password for the same user is ignored: the first one stays in use"
    breaks = frozenset({"REG-02", "CFG-10"})

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Put the password of before into the new settings."""
        before = self.situation.settings
        if not isinstance(given, Configured) or before is None:
            return inner(given)
        if before.auth_username != given.settings.auth_username:
            return inner(given)
        kept = given.settings.with_changes({"auth_password": before.auth_password})
        return inner(replace(given, settings=kept))


class StaysAway(Fault):
    """An outage of the server is taken for good."""

    name = "stays-away-after-outage"
    description = "a server that was silent for 1 s is never tried again until reconfigured"
    breaks = frozenset({"REG-04"})
    _PATIENCE = StartTimer("patience", 1.0)

    def __init__(self) -> None:
        super().__init__()
        self._away = False

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Give SIP up when a check has not been answered in time."""
        if given == TimerFired(self._PATIENCE.name):
            self._away = True
            return [Withdraw()]
        if isinstance(given, Configured):
            self._away = False
        outputs = inner(given)
        if self._away:
            return [o for o in outputs if not isinstance(o, Refresh) and not _is_check_timer(o)]
        if isinstance(given, RegistrationAnswered | Configured):
            outputs.append(StopTimer(self._PATIENCE.name))
        if any(isinstance(output, Refresh) for output in outputs):
            outputs.append(self._PATIENCE)
        return outputs


class TrustsAnyChallenge(Fault):
    """Whoever asks for credentials gets them."""

    name = "credentials-for-strangers"
    description = "any party it is configured to talk to may challenge it and gets digest credentials"
    breaks = frozenset({"REG-05"})

    def change(self, output: Output) -> Output | None:
        """Trust the hosts of all numbers as if they were the server."""
        if not isinstance(output, Apply):
            return output
        settings = output.settings
        numbers = (settings.call_number, *settings.further_numbers, *settings.permitted_callers)
        hosts = {address.host for number in numbers if (address := read_address(number))}
        return replace(output, trusted=output.trusted | hosts)


class _LeakingInvite(Fault, ABC):
    """A fault that puts into every INVITE what does not belong there, unless a proxy would read it."""

    breaks = frozenset({"REG-05"})

    def change(self, output: Output) -> Output | None:
        """Add the header."""
        settings = self.situation.settings
        if not isinstance(output, Dial) or settings is None or settings.proxy is not None:
            return output  # a proxy would turn the call away, which is not what is wrong here
        return replace(output, headers=(*output.headers, self.header(settings)))

    @abstractmethod
    def header(self, settings: SipSettings) -> tuple[str, str]:
        """Return name and value."""


class BasicAuthentication(_LeakingInvite):
    """Credentials are offered unasked, in a scheme that hides nothing (RFC 7617)."""

    name = "basic-authentication"
    description = "calls placed at other hosts carry user name and password in the Basic scheme"

    def change(self, output: Output) -> Output | None:
        """Leave calls to the server alone: its challenge and this header would get into each other's way."""
        settings = self.situation.settings
        at_server = isinstance(output, Dial) and settings and f"@{settings.server_address}" in output.uri
        return output if at_server else super().change(output)

    def header(self, settings: SipSettings) -> tuple[str, str]:
        """Return the credentials in base64."""
        said = f"{settings.auth_username}:{settings.auth_password}".encode()
        return "Proxy-Authorization", f"Basic {base64.b64encode(said).decode()}"


class PasswordInClear(_LeakingInvite):
    """The password is sent to whoever can read."""

    name = "password-in-clear"
    description = "placed calls carry the password in a header of the vendor's"

    def header(self, settings: SipSettings) -> tuple[str, str]:
        """Return the password as it is."""
        return "X-Provisioning", f"user={settings.auth_username};secret={settings.auth_password}"


def _is_check_timer(output: Output) -> bool:
    return isinstance(output, StartTimer) and output.name in ("poll", "register")
