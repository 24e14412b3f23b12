"""Faults in going through the proxy (PRX), and in heeding its settings (CFG-21)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace

from intercom_hil.emulator.faults.fault import Fault
from intercom_hil.emulator.settings import ProxySettings, SipSettings
from intercom_hil.emulator.vocabulary import (
    Configured,
    Dial,
    HangUp,
    Input,
    Output,
    RegistrationAnswered,
    Step,
)


class _ProxyMisread(Fault, ABC):
    """A fault that takes settings with a proxy for others."""

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Misread them on their way in."""
        if isinstance(given, Configured) and given.settings.proxy is not None:
            misread = self.misread(given.settings, given.settings.proxy)
            given = replace(given, settings=misread)
        return inner(given)

    @abstractmethod
    def misread(self, settings: SipSettings, proxy: ProxySettings) -> SipSettings:
        """Return the settings as the device takes them."""


class ProxyIgnored(_ProxyMisread):
    """There might as well be no proxy."""

    name = "proxy-ignored"
    description = "everything goes straight to the server although a proxy is configured"
    breaks = frozenset({"PRX-01"})

    def misread(self, settings: SipSettings, proxy: ProxySettings) -> SipSettings:
        """Leave the proxy out."""
        return settings.with_changes({"proxy": None})


class ProxyPortIgnored(_ProxyMisread):
    """The proxy's port is always the usual one."""

    name = "proxy-port-ignored"
    description = "the proxy is looked for on port 5060, whatever its port"
    breaks = frozenset({"CFG-21"})

    def misread(self, settings: SipSettings, proxy: ProxySettings) -> SipSettings:
        """Change the port."""
        return settings.with_changes({"proxy": replace(proxy, port=5060)})


class ServerCredentialsAtProxy(_ProxyMisread):
    """The proxy gets the server's credentials."""

    name = "server-credentials-at-proxy"
    description = "a challenge of the proxy is answered with the server's username and password"
    breaks = frozenset({"PRX-02"})

    def misread(self, settings: SipSettings, proxy: ProxySettings) -> SipSettings:
        """Change the proxy's credentials."""
        misled = replace(proxy, username=settings.auth_username, password=settings.auth_password)
        return settings.with_changes({"proxy": misled})


class ProxyCredentialsAtServer(_ProxyMisread):
    """The server gets the proxy's credentials."""

    name = "proxy-credentials-at-server"
    description = "a challenge of the server is answered with the proxy's username and password"
    breaks = frozenset({"PRX-02"})

    def misread(self, settings: SipSettings, proxy: ProxySettings) -> SipSettings:
        """Change the server's credentials."""
        return settings.with_changes({"auth_username": proxy.username, "auth_password": proxy.password})


class CallsPastProxy(Fault):
    """Only the registration goes through the proxy."""

    name = "calls-past-proxy"
    description = "placed calls go straight to where they are for, past the proxy"
    breaks = frozenset({"PRX-01"})

    def change(self, output: Output) -> Output | None:
        """Send the INVITE past the proxy."""
        return replace(output, past_proxy=True) if isinstance(output, Dial) else output


class ByePastProxy(Fault):
    """How a call came is forgotten when it ends."""

    name = "bye-past-proxy"
    description = "a call that the proxy brought is ended straight at the other side as well"
    breaks = frozenset({"PRX-01", "SIP-05"})

    def change(self, output: Output) -> Output | None:
        """Send a BYE past the proxy."""
        situation = self.situation
        taken = isinstance(output, HangUp) and situation.up and not situation.placed
        proxied = situation.settings is not None and situation.settings.proxy is not None
        return (
            replace(output, past_proxy=True) if isinstance(output, HangUp) and taken and proxied else output
        )


class RoundRefusingProxy(Fault):
    """A proxy that refuses is left out."""

    name = "goes-round-a-refusing-proxy"
    description = "when the proxy does not accept its credentials the device registers without the proxy"
    breaks = frozenset({"PRX-01"})

    def __init__(self) -> None:
        super().__init__()
        self._configured: Configured | None = None

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Take the settings once more, without their proxy."""
        if isinstance(given, Configured):
            self._configured = given
        refused = isinstance(given, RegistrationAnswered) and given.status == 407
        if refused and self._configured is not None and self._configured.settings.proxy is not None:
            bare = self._configured.settings.with_changes({"proxy": None})
            self._configured = replace(self._configured, settings=bare)
            return inner(self._configured)
        return inner(given)
