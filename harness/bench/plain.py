"""The bench's plain configuration of the device, and what a choice of transport adds to it.

The bench file and the fields that a scenario wants come in; a whole configuration goes out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.bench.model import BenchFile
from harness.spec.capabilities import Capability
from harness.spec.settings import SipSettings, Transport
from harness.timeline.errors import NotApplicable


def plain_settings(
    file: BenchFile, password: str, call_number: str, root_pem: str, wanted: Mapping[str, Any]
) -> SipSettings:
    """Return the device's settings: those of the bench, with those that are wanted in their place.

    Args:
        file: the bench.
        password: the device's at the PBX.
        call_number: whom the button calls.
        root_pem: the CA certificate under which the bench's TLS servers are.
        wanted: fields of ``SipSettings``.

    Raises:
        NotApplicable: TLS is wanted, and declared to be missing.
    """
    plain: dict[str, Any] = {
        "server_address": file.pbx.address,
        "server_port": file.pbx.sip_port,
        "auth_username": file.device.extension,
        "auth_password": password,
        "display_name": file.device.display_name,
        "extension": file.device.extension,
        "call_number": call_number,
    }
    if wanted.get("transport") is Transport.TLS:
        if file.device.capabilities.lacks(Capability.TLS):
            raise NotApplicable(Capability.TLS.declared_missing)
        plain |= {"server_port": file.pbx.tls_port, "ca_certificate": root_pem}
    return SipSettings(**{**plain, **wanted})
