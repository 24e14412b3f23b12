"""The emulated intercom's power switch: ``python -m intercom_hil.emulator --state DIR --address 127.0.0.30``.

Ends on SIGTERM, SIGINT or, with ``--leash``, when its standard input ends. Exit status 0 after a clean end,
2 when it could not start.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import difflib
import ipaddress
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from intercom_hil.emulator.limits import Limits
    from intercom_hil.emulator.pace import Pace

_TRUST_STORE = Path("/etc/ssl/certs/ca-certificates.crt")
"""Where Debian and its relatives keep the well-known authorities: the device's own trust store (TLS-04)."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the emulated intercom until a signal or the leash ends it; return the exit status."""
    try:
        arguments = _parser().parse_args(argv)
        if arguments.list_faults:
            with contextlib.suppress(BrokenPipeError):
                _list_faults()
            return 0
    finally:
        _flush()
    if arguments.state is None or arguments.address is None:
        return _refuse("--state and --address are needed")
    try:
        return asyncio.run(_live(arguments))
    except KeyboardInterrupt:
        return 0
    except OSError as problem:
        return _refuse(str(problem))


def _list_faults() -> None:
    from intercom_hil.emulator.faults import ALL_FAULTS, VARIANTS

    for make in (*ALL_FAULTS.values(), *VARIANTS.values()):
        fault = make()
        breaks = ", ".join(sorted(fault.breaks)) or "nothing: a legal variant"
        print(f"{fault.name:40} {fault.description} [{breaks}]")


def _flush() -> None:
    """Write out what was printed; nothing happens where the reader has seen enough and gone."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _listening(arguments: argparse.Namespace, ends: Mapping[str, str]) -> Iterator[str]:
    """Yield a line for each way by which the device is met from outside."""
    from intercom_hil.emulator.administration import ACCOUNTS

    address, sip_port = arguments.address, arguments.sip_port
    first, last = arguments.rtp_ports
    logins = ", or as ".join(f"{name} with {password}" for name, (password, _) in ACCOUNTS.items())
    yield f"portal   {ends['portal']} (open it in a browser; log in as {logins})"
    yield f"SIP      {address}:{sip_port} UDP and TCP, {address}:{sip_port + 1} TLS, once it is configured"
    yield f"RTP      {address}:{first}-{last} UDP, during calls"
    yield f"console  {ends['console']} ({arguments.console_layout})"
    yield f"relay    {ends['relay']} (Numato board; relay 0 is the button)"
    if arguments.serial_server is not None:
        yield f"serial   rfc2217://{address}:{arguments.serial_server} (console; RTS is the button)"
    yield f"speaker  {ends['speaker']} (sound, growing)"
    yield from (f"events   to {url}" for url in (*arguments.syslog, *arguments.webhook))


async def _live(arguments: argparse.Namespace) -> int:
    from intercom_hil.emulator.agent_link import Location
    from intercom_hil.emulator.device import Device, Reporting, prepare_state
    from intercom_hil.emulator.faults import wrap, wrap_clock, wrap_form, wrap_pages
    from intercom_hil.emulator.form import Form
    from intercom_hil.emulator.logic import Logic
    from intercom_hil.emulator.pace import Slowed
    from intercom_hil.emulator.speech import SPEECHES
    from intercom_hil.emulator.syslog import SyslogServer

    first, last = arguments.rtp_ports
    _check_ports(arguments.address, arguments.sip_port)
    state = arguments.state.resolve()
    prepare_state(state)
    location = Location(
        arguments.address,
        arguments.sip_port,
        first,
        last,
        arguments.media_timeout,
        state,
        arguments.trust_store,
        arguments.hosts and arguments.hosts.resolve(),
    )
    step = wrap(Logic().step, arguments.variant, arguments.fault)
    if arguments.pace:
        step = Slowed(arguments.pace, step).step
    plain = Form()
    plain.limits = arguments.limits
    form = wrap_form(plain, arguments.fault)
    old, counted = arguments.syslog_format == "rfc3164", arguments.syslog_framing == "octet-counting"
    reporting = Reporting(
        SPEECHES[arguments.console_layout],
        wrap_clock(time.time, arguments.variant),
        tuple(SyslogServer(url, old, counted, arguments.syslog_ca) for url in arguments.syslog),
        tuple(arguments.webhook),
    )
    device = Device(
        location,
        arguments.portal_port,
        step,
        form,
        wrap_pages(arguments.fault),
        serial_port=arguments.serial_server,
        ptys=arguments.ptys,
        reporting=reporting,
    )
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, over.set)
    if arguments.leash:
        loop.add_reader(0, _follow_leash, over)
    await device.open()
    if not (arguments.leash or arguments.quiet):  # somebody started it by hand
        print("\n".join(_listening(arguments, device.ends)), flush=True)
    living = asyncio.create_task(device.run())
    ending = asyncio.create_task(over.wait())
    try:
        await asyncio.wait((living, ending), return_when=asyncio.FIRST_COMPLETED)
        if living.done():
            living.result()
    finally:
        loop.remove_reader(0)
        living.cancel()
        ending.cancel()
        await device.close()
    return 0


def _follow_leash(over: asyncio.Event) -> None:
    if not os.read(0, 4096):
        over.set()


def _check_ports(address: str, sip_port: int) -> None:
    """Find out early whether the SIP port can be had; SIP itself comes up only with a configuration."""
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, kind == socket.SOCK_STREAM)
            try:
                probe.bind((address, sip_port))
            except OSError as problem:
                raise OSError(f"SIP port {address}:{sip_port} cannot be had: {problem.strerror}") from problem


def _refuse(problem: str) -> int:
    print(f"emulator: {problem}", file=sys.stderr)
    return 2


class _Parser(argparse.ArgumentParser):
    """Says what is wrong with the arguments in one line."""

    def error(self, message: str) -> NoReturn:
        """End with exit status 2."""
        self.exit(_refuse(f"{message} (see --help)"))


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65_534:
        raise argparse.ArgumentTypeError(f"{text!r} is no port number")
    return int(text)


def _port_range(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    if _port(first) >= _port(last):
        raise argparse.ArgumentTypeError(f"{text!r} is no range of ports such as 42000-42499")
    return int(first), int(last)


def _url(*schemes: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        parts = urlsplit(text)
        try:
            usable = parts.scheme in schemes and parts.hostname and parts.port
        except ValueError:
            usable = None
        if not usable:
            raise argparse.ArgumentTypeError(f"{text!r} is not {'|'.join(schemes)}://host:port")
        return text

    return read


def _one_of(names: Collection[str], kind: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in names:
            near = difflib.get_close_matches(text, names, n=3, cutoff=0.4)
            like = f"; there are {', '.join(near)}" if near else ""
            listed = "intercom-hil emulate --list-faults"
            raise argparse.ArgumentTypeError(f"there is no {kind} {text!r}{like} ({listed})")
        return text

    return read


def _address(text: str) -> str:
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no IPv4 address") from None


def _file(text: str) -> Path:
    """Read a file's name. It must be there from the start: what it says is asked for in mid-life."""
    try:
        with open(text, "rb"):
            return Path(text)
    except OSError as problem:
        raise argparse.ArgumentTypeError(f"{text} cannot be read: {problem.strerror}") from None


def _pace(text: str) -> Pace:
    from intercom_hil.emulator.pace import Pace

    try:
        return Pace.read(text)
    except ValueError as problem:
        raise argparse.ArgumentTypeError(f"{text!r} is no pace: {problem}") from None


def _limits(text: str) -> Limits:
    from intercom_hil.emulator.limits import Limits

    try:
        return Limits.read(text)
    except ValueError as problem:
        raise argparse.ArgumentTypeError(str(problem)) from None


def _parser() -> argparse.ArgumentParser:
    from intercom_hil.emulator.faults import ALL_FAULTS, VARIANTS

    parser = _Parser(prog="python -m intercom_hil.emulator", description="An emulated SIP intercom.")
    parser.add_argument("--state", type=Path, help="directory for its files and links to its serial lines")
    parser.add_argument("--address", type=_address, help="the one IPv4 address it lives at")
    parser.add_argument("--sip-port", type=_port, default=5060, help="UDP and TCP; TLS is the next one")
    parser.add_argument("--rtp-ports", type=_port_range, default=(42000, 42499), metavar="FIRST-LAST")
    parser.add_argument("--portal-port", type=_port, default=8080)
    parser.add_argument(
        "--serial-server",
        type=_port,
        metavar="PORT",
        help="serve console, and RTS as the button, by RFC 2217",
    )
    parser.add_argument(
        "--ptys",
        type=Path,
        metavar="SOCKET",
        help="take the pseudo-terminals of console and relay board from who listens there",
    )
    parser.add_argument("--media-timeout", type=float, default=10.0, help="seconds without audio end a call")
    parser.add_argument(
        "--trust-store", type=Path, default=_TRUST_STORE, help="CAs trusted without an upload"
    )
    parser.add_argument("--hosts", type=_file, metavar="FILE", help="lines `address name`, its name service")
    _add_reporting(parser)
    parser.add_argument(
        "--fault", action="append", default=[], type=_one_of(ALL_FAULTS, "fault"), metavar="NAME"
    )
    parser.add_argument("--variant", type=_one_of(VARIANTS, "variant"), metavar="NAME")
    parser.add_argument(
        "--pace",
        type=_pace,
        metavar="PACE",
        help="how slow it is: slow, or seconds such as restart=20,registration=8,dial=1.5",
    )
    parser.add_argument(
        "--limits",
        type=_limits,
        default="{}",
        metavar="JSON",
        help='what it takes as settings, such as {"call_timeout": [10, 600]} (device.limits)',
    )
    parser.add_argument("--leash", action="store_true", help="end when standard input ends, and be quiet")
    parser.add_argument("--quiet", action="store_true", help="print nothing of where it is and how to log in")
    parser.add_argument("--list-faults", action="store_true", help="print faults and variants, and end")
    return parser


def _add_reporting(parser: argparse.ArgumentParser) -> None:
    from intercom_hil.emulator.speech import SPEECHES

    group = parser.add_argument_group("how it reports what it does")
    group.add_argument("--console-layout", choices=sorted(SPEECHES), default="keyed", metavar="NAME")
    group.add_argument(
        "--syslog",
        action="append",
        default=[],
        type=_url("udp", "tcp", "tls"),
        metavar="URL",
        help="a server",
    )
    group.add_argument("--syslog-format", choices=("rfc5424", "rfc3164"), default="rfc5424")
    group.add_argument("--syslog-framing", choices=("octet-counting", "newline"), default="octet-counting")
    group.add_argument("--syslog-ca", type=_file, metavar="FILE", help="who signs for servers by TLS")
    group.add_argument(
        "--webhook",
        action="append",
        default=[],
        type=_url("http"),
        metavar="URL",
        help="who gets events as JSON",
    )


if __name__ == "__main__":
    sys.exit(main())
