"""Faults in trusting TLS servers (TLS)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from intercom_hil.emulator.faults.fault import Fault
from intercom_hil.emulator.settings import Transport
from intercom_hil.emulator.vocabulary import Apply, Configured, Dial, Flaw, Input, Output, Step


class RuleBent(Fault):
    """Some rule about TLS servers does not hold."""

    def __init__(self, name: str, description: str, *requirements: str, **bent: Any) -> None:
        """Bend the rules.

        Args:
            name: what the fault is asked for by.
            description: what the device does wrong.
            *requirements: what that breaks.
            **bent: fields of ``TlsRules`` with other values; ``uploaded`` says, where it matters, whether
                they are bent only with (True) or only without (False) an uploaded CA.
        """
        super().__init__()
        self.name, self.description, self.breaks = name, description, frozenset(requirements)
        self._uploaded: bool | None = bent.pop("uploaded", None)
        self._bent = bent

    def change(self, output: Output) -> Output | None:
        """Bend the rules on their way to the agent."""
        if not isinstance(output, Apply):
            return output
        uploaded = output.settings.ca_certificate is not None
        if self._uploaded not in (None, uploaded):
            return output
        return replace(output, tls=replace(output.tls, **self._bent))


class TlsIgnored(Fault):
    """TLS is set, and UDP is used."""

    name = "tls-ignored"
    description = "with the transport TLS the device speaks SIP in clear, over UDP"
    breaks = frozenset({"CFG-06"})

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Choose UDP."""
        if isinstance(given, Configured) and given.settings.transport is Transport.TLS:
            given = replace(given, settings=given.settings.with_changes({"transport": Transport.UDP}))
        return inner(given)


class EveryUploadTrusted(Fault):
    """An uploaded CA joins those that were uploaded before."""

    name = "trusts-former-ca"
    description = "a CA that was uploaded once is trusted also when another has taken its place"
    breaks = frozenset({"TLS-02"})

    def __init__(self) -> None:
        super().__init__()
        self._uploaded: dict[str, None] = {}

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Trust all of them."""
        if isinstance(given, Configured) and given.settings.ca_certificate:
            self._uploaded[given.settings.ca_certificate] = None
            every = "\n".join(self._uploaded)
            settings = given.settings.with_changes({"ca_certificate": every})
            given = replace(given, settings=settings)
        return inner(given)


class CallsInClear(Fault):
    """TLS is set, and only the registration uses it."""

    name = "calls-in-clear-despite-tls"
    description = "with the transport TLS calls are placed in clear, over UDP"
    breaks = frozenset({"CFG-06"})

    def change(self, output: Output) -> Output | None:
        """Dial at the usual port for UDP."""
        settings = self.situation.settings
        if not isinstance(output, Dial) or settings is None or settings.transport is not Transport.TLS:
            return output
        usual = output.uri.replace(
            f"@{settings.server_address}:{settings.server_port}", f"@{settings.server_address}"
        )
        return replace(output, uri=usual, in_clear=True)


BENT_RULES: tuple[Callable[[], RuleBent], ...] = (
    partial(
        RuleBent,
        "refuses-own-ca",
        "with a CA uploaded, no certificate will do",
        "TLS-01",
        uploaded=True,
        nobody=True,
    ),
    partial(
        RuleBent,
        "accepts-other-ca",
        "with a CA uploaded, the well-known ones are trusted too",
        "TLS-02",
        uploaded=True,
        well_known_too=True,
    ),
    partial(
        RuleBent,
        "accepts-private-ca-without-upload",
        "without an uploaded CA, any certificate will do",
        "TLS-03",
        uploaded=False,
        tolerated=frozenset(Flaw),
    ),
    partial(
        RuleBent,
        "refuses-well-known",
        "without an uploaded CA, no certificate will do",
        "TLS-04",
        uploaded=False,
        nobody=True,
    ),
    partial(
        RuleBent,
        "accepts-expired",
        "a certificate outside its time of validity will do",
        "TLS-05",
        tolerated=frozenset({Flaw.EXPIRED}),
    ),
    partial(
        RuleBent,
        "ignores-certificate-name",
        "a certificate for another host will do",
        "TLS-05",
        tolerated=frozenset({Flaw.IDENTITY}),
    ),
    partial(
        RuleBent,
        "ignores-certificate-purpose",
        "a certificate that is not meant for servers will do",
        "TLS-05",
        tolerated=frozenset({Flaw.PURPOSE}),
    ),
    partial(
        RuleBent,
        "accepts-self-signed",
        "a certificate that its own holder signed will do, and any CA that comes along with one",
        "TLS-02",
        "TLS-03",
        "TLS-05",
        tolerated=frozenset({Flaw.SELF_SIGNED}),
    ),
    partial(
        RuleBent,
        "accepts-any-certificate",
        "TLS servers are not verified at all",
        "TLS-02",
        "TLS-03",
        "TLS-05",
        tolerated=frozenset(Flaw),
    ),
    partial(
        RuleBent,
        "judges-servers-once",
        "once a server was good, any certificate will do",
        "TLS-02",
        once=True,
    ),
    partial(
        RuleBent,
        "takes-a-ca-by-its-name",
        "a certificate will do that somebody signed who only calls himself by the CA's name",
        "TLS-02",
        tolerated=frozenset({Flaw.ISSUER}),
    ),
    partial(
        RuleBent,
        "accepts-wide-wildcards",
        "a wildcard stands for names of any depth",
        "TLS-05",
        wide_wildcards=True,
    ),
    partial(RuleBent, "accepts-tls-1.0", "TLS 1.0 and 1.1 will do", "TLS-06", obsolete_versions=True),
    partial(
        RuleBent, "accepts-null-suites", "suites that encrypt nothing will do", "TLS-06", null_suites=True
    ),
)
"""What makes each fault of this family."""
