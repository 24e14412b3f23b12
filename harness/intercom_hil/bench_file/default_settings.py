"""The bench's plain configuration of the device, and what a choice of transport adds to it.

A whole configuration is made of the bench file and the fields that a scenario wants.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from intercom_hil.bench_file.model import BenchFile
from intercom_hil.errors import Inconclusive, NotApplicable
from intercom_hil.spec.capabilities import Capability
from intercom_hil.spec.limits import USUAL_POLLING
from intercom_hil.spec.settings import Encryption, Settings, SipSettings, Transport, VideoCalls

_CALL_TIMEOUT = 30
"""Seconds for which a contact may ring, where a scenario is about something else."""


def plain_settings(
    file: BenchFile, password: str, call_number: str, root_pem: str, wanted: Settings
) -> SipSettings:
    """Return the device's settings: those of the bench, with those that are wanted in their place.

    Args:
        file: the bench.
        password: the device's at the PBX.
        call_number: whom the button calls.
        root_pem: the CA certificate under which the bench's TLS servers are.
        wanted: what differs from the plain configuration.

    Raises:
        NotApplicable: something is wanted that is declared to be missing.
        Inconclusive: something is wanted that is beyond the device's limits.
    """
    limits = file.device.limits
    plain: dict[str, Any] = {
        "polling_interval": limits.nearest("polling_interval", USUAL_POLLING),
        "call_timeout": limits.nearest("call_timeout", _CALL_TIMEOUT),
        "server_address": file.pbx.address,
        "server_port": file.pbx.sip_port,
        "auth_username": file.device.extension,
        "auth_password": password,
        "display_name": file.device.display_name,
        "extension": file.device.extension,
        "call_number": call_number,
    }
    if wanted.get("transport") is Transport.TLS:
        # By its name, where it has one: whether an address in a certificate counts is the device's own choice
        # (RFC 5922 §7.1 knows names only).
        server = file.pbx.name or file.pbx.address
        plain |= {"server_address": server, "server_port": file.pbx.tls_port, "ca_certificate": root_pem}
    settings = SipSettings(**{**plain, **wanted})
    for capability in _asked_for(settings):
        if file.device.capabilities.lacks(capability):
            raise NotApplicable(capability.declared_missing)
    excess = limits.excess(settings, usual_ports(file))
    if excess:
        raise Inconclusive(str(excess))
    return settings


def usual_ports(file: BenchFile) -> tuple[int, ...]:
    """Return the ports of the server at which the device finds it without a change of its own."""
    return (file.pbx.sip_port, file.pbx.tls_port)


def _asked_for(settings: SipSettings) -> Iterator[Capability]:
    """Return what a device must have to do as these settings say."""
    if settings.transport is Transport.TLS:
        yield Capability.TLS
    if settings.encryption is not Encryption.UNSET:
        yield Capability.SRTP
    if settings.video_calls is not VideoCalls.OFF:
        yield Capability.VIDEO
    if settings.proxy is not None:
        yield Capability.PROXY
