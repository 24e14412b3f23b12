"""SIPp's command line as data: what can be checked before SIPp starts is checked here.

Written for SIPp 3.7 and 3.8. What has no field of its own goes into `Options.more`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from intercom_hil.sipp.sockets import free_port

Address = tuple[str, int]

LOG_STREAM = Path("/dev/fd/3")
"""Where a process host reads what SIPp's ``<log>`` actions write, line by line."""
LIFETIME = 3600.0
"""Seconds after which SIPp ends by itself, should everybody forget it."""


class OptionError(ValueError):
    """SIPp would not start, or would do something else, with a value. The message names the field."""


class BuiltIn(StrEnum):
    """The scenarios inside SIPp itself (``-sn``); ``sipp -sd NAME`` shows one."""

    UAC = "uac"
    UAS = "uas"
    REGEXP = "regexp"
    BRANCH_CLIENT = "branchc"
    BRANCH_SERVER = "branchs"


class Transport(StrEnum):
    """How SIP messages travel (``-t``); ``PER_CALL``: each call has a socket of its own."""

    UDP = "u1"
    UDP_PER_CALL = "un"
    UDP_PER_ADDRESS = "ui"
    TCP = "t1"
    TCP_PER_CALL = "tn"
    TLS = "l1"
    TLS_PER_CALL = "ln"

    @property
    def is_udp(self) -> bool:
        """Whether it is UDP rather than a stream."""
        return self.value.startswith("u")

    @property
    def is_tls(self) -> bool:
        """Whether it is TLS."""
        return self.value.startswith("l")


@dataclass(frozen=True)
class Tls:
    """Certificates for TLS, as PEM files.

    Attributes:
        certificate: the own certificate, and those between it and its CA.
        key: its private key.
        ca: the CAs that the peer's certificate must come from; None verifies nothing. A server with it
            demands a certificate of its clients. SIPp checks the chain only, never the peer's name.
        version: ``1.0`` to ``1.3``; None for whatever both sides can do.
    """

    certificate: Path | None = None
    key: Path | None = None
    ca: Path | None = None
    version: str | None = None

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            raise OptionError("tls: certificate and key belong together")
        if self.version not in (None, "1.0", "1.1", "1.2", "1.3"):
            raise OptionError(f"tls: {self.version!r} is no version; give 1.0, 1.1, 1.2 or 1.3")

    def argv(self) -> list[str]:
        """Return it as arguments."""
        return _given(
            ("-tls_cert", self.certificate),
            ("-tls_key", self.key),
            ("-tls_ca", self.ca),
            ("-tls_version", self.version),
        )


@dataclass(frozen=True)
class Media:
    """Where RTP comes and goes.

    Attributes:
        address: the local address in the SDP and of the sockets.
        ports: the first and the last port.
        echo: send every packet back to whom it came from (``-rtp_echo``; not usable with SRTP).
    """

    address: str
    ports: tuple[int, int] = (20000, 20199)
    echo: bool = False

    def __post_init__(self) -> None:
        low, high = self.ports
        if not 0 < low <= high < 65536:
            raise OptionError(f"media: {low}-{high} is no range of ports")

    def argv(self) -> list[str]:
        """Return it as arguments."""
        low, high = self.ports
        ports = ["-mi", self.address, "-min_rtp_port", str(low), "-max_rtp_port", str(high)]
        return [*ports, *(["-rtp_echo"] if self.echo else [])]


@dataclass(frozen=True)
class Credentials:
    """What SIPp answers a 401 or 407 with (RFC 3261 §22), where its scenario says ``[authentication]``."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Traces:
    """Which files SIPp leaves behind. All paths; None for a file that is not wanted.

    Attributes:
        messages: every message, with its bytes.
        short_messages: a line for every message.
        errors: what went wrong, in words.
        statistics: the counters, a row every so often and one at the end.
        log: what the scenario's ``<log>`` actions write; `LOG_STREAM` to have the lines live.
        statistics_every: seconds from row to row.
        counts: whether messages are counted for each step. SIPp names the file itself, in its working folder.
        response_times: whether each call's response times are kept; a file that SIPp names, too.
    """

    messages: Path | None = None
    short_messages: Path | None = None
    errors: Path | None = None
    statistics: Path | None = None
    log: Path | None = LOG_STREAM
    statistics_every: int = 60
    counts: bool = False
    response_times: bool = False

    @classmethod
    def beside(cls, stem: Path) -> Traces:
        """Return all of them, named after a stem: ``STEM.messages.log``, ``STEM.errors.log`` and so on."""
        named = stem.parent / stem.name
        return cls(
            messages=named.with_name(f"{stem.name}.messages.log"),
            short_messages=named.with_name(f"{stem.name}.short.csv"),
            errors=named.with_name(f"{stem.name}.errors.log"),
            statistics=named.with_name(f"{stem.name}.statistics.csv"),
            counts=True,
            response_times=True,
        )

    def argv(self) -> list[str]:
        """Return them as arguments."""
        argv = ["-rfc3339"]  # the only form of SIPp's times that says which zone it is in
        for switch, option, path in (
            ("-trace_logs", "-log_file", self.log),
            ("-trace_msg", "-message_file", self.messages),
            ("-trace_shortmsg", "-shortmessage_file", self.short_messages),
            ("-trace_err", "-error_file", self.errors),
        ):
            argv += [switch, option, str(path)] if path is not None else []
        if self.statistics is not None:
            argv += ["-trace_stat", "-stf", str(self.statistics), "-fd", str(self.statistics_every)]
        argv += ["-trace_counts"] if self.counts else []
        # Written out after every call: a run that is cut short keeps what it has.
        argv += ["-trace_rtt", "-rtt_freq", "1"] if self.response_times else []
        return argv


@dataclass(frozen=True)
class Options:
    """How one SIPp is to run.

    Attributes:
        scenario: an XML file, or one of SIPp's own.
        local: address and port it binds; port 0 picks a free one at the start.
        remote: where its requests go; None for a scenario that waits for calls.
        transport: how messages travel.
        service: the user part of the Request-URI, and ``[service]`` in the scenario.
        calls: how many calls it makes or takes before it ends; None for no limit.
        simultaneous: at most so many calls at a time.
        rate: calls begun in a second.
        pause: seconds that a ``<pause/>`` without a length of its own lasts.
        receive_timeout: seconds after which a ``<recv>`` gives its call up; None waits.
        lifetime: seconds after which SIPp ends, whatever it does.
        remembers_calls: seconds for which SIPp drops what comes with the Call-ID of a call that is over;
            None leaves it at SIPp's own 33. With 0 an INVITE that tries otherwise after a refusal, which
            SHOULD have the same Call-ID (RFC 3261 §8.1.3.5), is a new call.
        credentials: for challenges.
        injection: CSV files whose columns are ``[field0]``, ``[field1]`` and so on.
        variables: values of ``<Global variables="..."/>``.
        keywords: values of ``[name]`` in messages.
        call_ids: how Call-IDs are made; ``uuid`` makes them unique over all runs.
        answers_out_of_call: whether OPTIONS, INFO, NOTIFY and UPDATE get a 200 by themselves (``-aa``).
        default_behaviors: what SIPp does of itself: ``all``, ``none``, or a list such as
            ``all,-abortunexp``.
        media: where RTP comes and goes; None leaves that to SIPp.
        tls: certificates; only with a TLS transport.
        control: address and port of SIPp's remote control; None picks a free port at the local address.
            SIPp's own choice is port 8888 of every address, open to the network.
        traces: which files it leaves behind.
        more: further arguments, as they are.

    Raises:
        OptionError: a value that SIPp would refuse or misread.
    """

    scenario: Path | BuiltIn
    local: Address
    remote: Address | None = None
    transport: Transport = Transport.UDP
    service: str | None = None
    calls: int | None = None
    simultaneous: int | None = None
    rate: float | None = None
    pause: float | None = None
    receive_timeout: float | None = None
    lifetime: float = LIFETIME
    remembers_calls: float | None = None
    credentials: Credentials | None = None
    injection: Sequence[Path] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    keywords: Mapping[str, str] = field(default_factory=dict)
    call_ids: str = "uuid"
    answers_out_of_call: bool = False
    default_behaviors: str = "all"
    media: Media | None = None
    tls: Tls | None = None
    control: Address | None = None
    traces: Traces = field(default_factory=Traces)
    more: Sequence[str] = ()

    def __post_init__(self) -> None:
        _port("local", self.local, least=0)
        if self.remote is not None:
            _port("remote", self.remote, least=1)
        if self.control is not None:
            _port("control", self.control, least=1)
        for name in ("calls", "simultaneous", "rate", "lifetime"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise OptionError(f"{name}: {value!r} is not above 0")
        for name in ("pause", "receive_timeout", "remembers_calls"):
            value = getattr(self, name)
            if value is not None and not value >= 0:
                raise OptionError(f"{name}: {value!r} is below 0")
        if self.tls is not None and not self.transport.is_tls:
            raise OptionError(f"tls: not with transport {self.transport.name}")
        if self.transport.is_tls and self.remote is None and not (self.tls and self.tls.certificate):
            raise OptionError("tls: a server needs a certificate and its key")

    @property
    def is_server(self) -> bool:
        """Whether it waits for calls."""
        return self.remote is None

    def with_ports(self) -> Options:
        """Return these options with free ports picked where they left the choice.

        Raises:
            OSError: the local address is not this machine's.
        """
        address, port = self.local
        port = port or free_port(address, stream=not self.transport.is_udp)
        control = self.control or (address, free_port(address, besides=port))
        return replace(self, local=(address, port), control=control)

    def argv(self, program: Sequence[str] = ("sipp",)) -> list[str]:
        """Return program and arguments, scenario and traces with their full paths."""
        argv = [*program]
        argv += [":".join(map(str, self.remote))] if self.remote else []
        if isinstance(self.scenario, BuiltIn):
            argv += ["-sn", self.scenario.value]
        else:
            argv += ["-sf", str(self.scenario)]
        # Without -bind_local SIPp listens on all addresses, whatever -i says.
        argv += ["-t", self.transport.value, "-i", self.local[0], "-bind_local"]
        argv += ["-p", str(self.local[1])] if self.local[1] else []
        if self.control is not None:
            argv += ["-ci", self.control[0], "-cp", str(self.control[1])]
        argv += ["-nostdin", "-cid_type", self.call_ids, "-default_behaviors", self.default_behaviors]
        argv += ["-aa"] if self.answers_out_of_call else []
        argv += _given(
            ("-s", self.service),
            ("-m", self.calls),
            ("-l", self.simultaneous),
            ("-d", _milliseconds(self.pause)),
            ("-recv_timeout", _milliseconds(self.receive_timeout)),
            ("-deadcall_wait", _milliseconds(self.remembers_calls)),
            ("-timeout", f"{_milliseconds(self.lifetime)}ms"),
            ("-f", max(1, round(self.lifetime))),  # no screens: nobody sees them
        )
        argv += _rate(self.rate)
        if self.credentials is not None:
            argv += ["-au", self.credentials.user, "-ap", self.credentials.password]
        for path in self.injection:
            argv += ["-inf", str(path)]
        for option, values in (("-set", self.variables), ("-key", self.keywords)):
            for name, value in values.items():
                argv += [option, name, value]
        argv += self.media.argv() if self.media else []
        argv += self.tls.argv() if self.tls else []
        return [*argv, *self.traces.argv(), *self.more]


def _rate(rate: float | None) -> list[str]:
    """Return calls for a second, or, where that is no whole number, calls for as many milliseconds."""
    if rate is None:
        return []
    if rate >= 1 and float(rate).is_integer():
        return ["-r", str(int(rate))]
    return ["-r", "1", "-rp", str(max(1, round(1000 / rate)))]


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def _given(*options: tuple[str, object]) -> list[str]:
    return [text for option, value in options if value is not None for text in (option, str(value))]


def _port(name: str, address: Address, least: int) -> None:
    host, port = address
    if not host or not least <= port < 65536:
        raise OptionError(f"{name}: {address!r} is no address and port")
