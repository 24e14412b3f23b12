"""The emulated intercom that a bench file describes: the options with which it is switched on."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from intercom_hil.bench_file.model import BenchFile
from intercom_hil.device.emulated import EmulatedDevice
from intercom_hil.device.emulator_container import EmulatorContainer
from intercom_hil.errors import BenchError
from intercom_hil.event_sources.source_kinds import SourceOptions
from intercom_hil.pki import Pki

PBX_NAME = "pbx.intercom.example"
"""What the PBX is called in an emulated intercom's name service, if the bench file has no name for it."""


def pbx_name(file: BenchFile) -> str | None:
    """Return the domain name by which the device can find the PBX, if there is one."""
    return file.pbx.name or (PBX_NAME if file.device.kind == "emulated" else None)


def emulated_device(
    file: BenchFile, state: Path, pki: Pki, container: EmulatorContainer | None
) -> EmulatedDevice:
    """Return the device, switched off.

    Args:
        file: the bench.
        state: the device's folder; the files that the bench gives it are beside it.
        pki: where the authorities are from that it trusts.
        container: what it runs in, where this Python cannot run it.

    Raises:
        BenchError: a file cannot be written.
    """
    options = file.device.emulated
    first, last = options.rtp_ports
    hosts = state.with_name("hosts")
    try:
        hosts.write_text(f"{file.pbx.address} {pbx_name(file)}\n", encoding="utf-8")
    except OSError as problem:
        raise BenchError(f"it cannot be written ({problem.strerror})", str(hosts), "make room") from problem
    event_options = [
        word for source in file.device.event_sources for word in _options_of_source(file, source, pki, state)
    ]
    certificates = [Path(word) for option, word in pairwise(event_options) if option == "--syslog-ca"]
    serial = ("--serial-server", str(options.serial_server)) if options.serial_server else ()
    return EmulatedDevice(
        state=state,
        address=file.device.address,
        faults=options.faults,
        variant=options.variant or "",
        options=(
            *("--sip-port", str(file.device.sip_port)),
            *("--rtp-ports", f"{first}-{last}"),
            *("--portal-port", str(options.portal_port)),
            *("--hosts", str(hosts)),
            *("--trust-store", str(pki.trust_store)),
            *("--media-timeout", str(options.media_timeout)),
            *("--console-layout", options.console_layout),
            *("--syslog-format", options.syslog_format),
            *("--syslog-framing", options.syslog_framing),
            *_slower(file),
            *serial,
            *event_options,
        ),
        container=container,
        reads=(hosts, pki.trust_store.parent, *certificates),
    )


def _slower(file: BenchFile) -> tuple[str, ...]:
    """Return the options of an emulated device that is slow, or that takes less than others."""
    pace = ",".join(f"{name}={seconds:g}" for name, seconds in file.device.emulated.pace.items())
    limits = file.device.limits.model_dump_json(exclude_defaults=True)
    return (*(("--pace", pace) if pace else ()), *(("--limits", limits) if limits != "{}" else ()))


def _options_of_source(file: BenchFile, source: SourceOptions, pki: Pki, state: Path) -> tuple[str, ...]:
    """Return the options that have an emulated device send its events to a source."""
    from intercom_hil.event_sources.syslog import SyslogOptions  # not needed where events come by the console
    from intercom_hil.event_sources.webhook import WebhookOptions

    if not isinstance(source, SyslogOptions | WebhookOptions):
        return ()
    at = f"{source.address or file.bench.address}:{source.port}"
    if isinstance(source, WebhookOptions):
        return ("--webhook", f"http://{at}{source.path}")
    if source.transport != "tls":
        return ("--syslog", f"{source.transport}://{at}")
    trusted = source.certificate
    if trusted is None:
        trusted = state.with_name("syslog-ca.pem")
        trusted.write_text(pki.root_pem, encoding="utf-8")
    return ("--syslog", f"tls://{at}", "--syslog-ca", str(trusted))
