"""The command line of a compliance run, and what is settled before anything starts.

What takes long to load is loaded where it is needed: the bench's containers begin before that.
"""

from __future__ import annotations

import argparse
import signal
from collections.abc import Iterable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from intercom_hil.errors import BenchError
from intercom_hil.evidence.folder_names import folder_name
from intercom_hil.plugin import BENCH
from intercom_hil.terminal_text import visible

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from intercom_hil.bench_file.model import BenchFile
    from intercom_hil.bench_file.pool import Member, Pool
    from intercom_hil.evidence.known_deviations import KnownDeviation
    from intercom_hil.seal.stamping import Service

DEFAULT_RUNS = Path("reports/runs")
PLACE = "bench_place"
"""What a process among several is known by: its place in the pool of benches."""
_POOL: pytest.StashKey[Pool] = pytest.StashKey()
STOPPED_BY: pytest.StashKey[str] = pytest.StashKey()
"""Why the run cannot begin, or go on: one message."""
_ENDED_FOR = "bench_ended_for"
"""What a process among several gives as the reason why it cannot begin, or go on."""
USAGE = 2
"""Exit status when the run cannot begin: bench file, folder, engine, addresses."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options of a compliance run."""
    group = parser.getgroup("intercom-hil", "compliance bench")
    group.addoption(
        "--each", action="store_true", help="play every scenario on every bench, with a report for each bench"
    )
    group.addoption(
        "--runs",
        type=Path,
        metavar="FOLDER",
        help=f"where run folders are made (default: {DEFAULT_RUNS} in the project's folder)",
    )
    group.addoption(
        "--fault",
        action="append",
        default=[],
        metavar="NAME",
        help="a rule that the emulated intercom shall break (repeatable)",
    )
    group.addoption(
        "--requirement",
        action="append",
        default=[],
        metavar="ID",
        help="play only the scenarios of this requirement (OUT-03) or family (OUT) (repeatable)",
    )
    group.addoption(
        "--report-format",
        action="append",
        default=[],
        metavar="NAME",
        help="write this report besides html and junit: csv, ctrf, allure …, or all (repeatable)",
    )
    group.addoption(
        "--as-written",
        action="store_true",
        help="play the scenarios in the order of their files, however often that reconfigures the device",
    )
    group.addoption(
        "--shuffle",
        type=int,
        metavar="SEED",
        help="play the scenarios in an order drawn at random; the same whole number, the same order",
    )
    group.addoption(
        "--resume",
        type=Path,
        metavar="RUN",
        help="go on with an interrupted run: play what it lacks, and what was inconclusive or in error",
    )
    group.addoption(
        "--deviations",
        type=Path,
        metavar="FILE",
        help="what the device is known to break, and somebody accepts: a fail that breaks no pipeline",
    )
    group.addoption(
        "--sign",
        type=Path,
        metavar="KEY.pem",
        help="the private key that signs the seal of the run (default: [evidence] key of the bench file)",
    )
    group.addoption(
        "--time-stamp",
        metavar="URL",
        help="the service (RFC 3161) that stamps the last seal (default: [evidence] time_stamp)",
    )
    group.addoption(
        "--live",
        nargs="?",
        const="",
        metavar="ADDRESS:PORT",
        help="serve a page that shows the run and can stop it (default: 127.0.0.1, at any free port)",
    )
    group.addoption(
        "--attempts",
        type=_attempts,
        default=1,
        metavar="N",
        help="how often an inconclusive or erroneous scenario is played at most; every attempt is kept",
    )


def _attempts(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of attempts; name one from 1 on")
    return int(text)


def pytest_configure() -> None:
    """Let SIGTERM and a closed terminal end a run as Ctrl-C does."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # Started in the background by a shell: without this, nothing at all would end the run cleanly.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _interrupt)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Refuse benches that cannot stand side by side before any of them is started."""
    from intercom_hil.bench_file.pool import bench_files

    config = session.config
    if worker(config):
        return
    if config.option.as_written and config.option.shuffle is not None:
        raise pytest.UsageError("--shuffle and --as-written each want an order of their own: leave one out")
    if config.option.report_format:
        _check_formats(config.option.report_format)
    count = getattr(config.option, "numprocesses", None) or 0
    if count < 0:
        raise pytest.UsageError(f"-n {count}: name a number of processes, from 0 on")
    try:
        known_deviations(config)
        if count or len(bench_files(bench_paths(config))) > 1:
            _check_side_by_side(config, count)
    except BenchError as problem:
        cannot_begin(session, problem)


def cannot_begin(session: pytest.Session, problem: BenchError) -> NoReturn:
    """End a run before anything is collected: one message, exit status 2."""
    message = session.config.stash[STOPPED_BY] = visible(str(problem))
    raise _CannotBeginError(message, USAGE) from None


class _CannotBeginError(pytest.exit.Exception):  # type: ignore[name-defined, misc]
    """The run ends before anything is collected.

    Of an exit that early pytest writes the message to standard error, and the text of the exception to
    standard output: the message is to be read once.
    """

    def __str__(self) -> str:
        return "the run cannot begin"


_CannotBeginError.__name__ = _CannotBeginError.__qualname__ = "intercom-hil"
_CannotBeginError.__module__ = "builtins"  # as the outcomes of pytest do: what is shown is the name alone


def _check_formats(names: list[str]) -> None:
    from intercom_hil import reports

    try:
        reports.chosen(names)
    except reports.ReportError as problem:
        raise pytest.UsageError(f"--report-format {problem}") from problem


def _check_side_by_side(config: pytest.Config, count: int) -> None:
    benches = pool(config)
    several = len(benches.members) > 1
    if several and not count:
        raise BenchError("several benches need a process each", "-n", f"add -n {len(benches.members)}")
    if several and config.option.each and config.option.dist != "each":
        raise BenchError("--each has every process play everything", "--dist", "add --dist each")
    benches.check_workers(count)
    if not config.option.each:
        benches.check_alike()


def known_deviations(config: pytest.Config) -> tuple[KnownDeviation, ...]:
    """Return what the device is known to break, as the command line says. Raises BenchError."""
    path: Path | None = config.getoption("--deviations")
    if path is None:
        return ()
    from intercom_hil.evidence.known_deviations import load

    return load(config.invocation_params.dir / path)


def bench_paths(config: pytest.Config) -> list[Path]:
    """Return the bench files and folders of the command line, or else of the ini file."""
    paths: list[Path] = config.getoption("--bench") or config.getini(BENCH)
    return paths


def runs_folder(config: pytest.Config, asked: Path | None) -> Path:
    """Return where run folders are made: as was asked for, else below the project's root folder.

    Where that root is not around the current directory (scenarios of an installed package), it is below the
    current directory.
    """
    current = config.invocation_params.dir
    if asked is not None:
        return current / asked  # containers see it at the same path: an absolute one
    return (config.rootpath if current.is_relative_to(config.rootpath) else current) / DEFAULT_RUNS


def pool(config: pytest.Config) -> Pool:
    """Return the benches of this run. Raises BenchError."""
    from intercom_hil.bench_file.pool import Pool

    if _POOL not in config.stash:
        config.stash[_POOL] = Pool.load(bench_paths(config))
    return config.stash[_POOL]


def member(config: pytest.Config) -> Member:
    """Return the bench of this process, with the faults of the command line.

    Raises:
        BenchError: the file, or the combination of file and options, is wrong.
    """
    from intercom_hil.bench_file.pool import Member

    found = pool(config).at(getattr(config, "workerinput", {}).get(PLACE, 0))
    return Member(found.path, found.file.with_faults(config.getoption("--fault"), str(found.path)))


def runs_of(config: pytest.Config, file: BenchFile) -> Path:
    """Return the folder of run folders: one of the bench's own where each bench has a run to itself."""
    runs = runs_folder(config, config.getoption("--runs"))
    return runs / folder_name(file.bench.name) if config.option.each else runs


def bench_file(config: pytest.Config) -> BenchFile:
    """Return the bench file of this process. Raises BenchError as ``member`` does."""
    return member(config).file


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the scenarios of requirements that were not asked for."""
    wanted: list[str] = config.getoption("--requirement")
    if not wanted:
        return
    try:
        check_requirements(wanted)
    except BenchError as problem:
        raise pytest.UsageError(f"--requirement {problem}") from problem
    config.hook.pytest_deselected(items=[item for item in items if not asked_for(item, wanted)])
    items[:] = [item for item in items if asked_for(item, wanted)]


def check_requirements(names: Iterable[str]) -> None:
    """Raise BenchError for a name that is neither that of a requirement nor that of a family."""
    from intercom_hil.spec.catalogues import catalogue_of

    for name in names:
        if catalogue_of(name) is None:
            raise BenchError("no such requirement or family", name)


def asked_for(item: pytest.Item, requirements: Iterable[str]) -> bool:
    """Return whether a scenario is about one of these requirements or families."""
    marker = item.get_closest_marker("requirement")
    return marker is not None and any(
        identity == name or identity.startswith(f"{name}-")
        for identity in marker.args
        for name in requirements
    )


def worker(config: pytest.Config) -> str:
    """Return the name of this process among those that share a run (pytest-xdist), or nothing."""
    return str(getattr(config, "workerinput", {}).get("workerid", ""))


def signing_key(config: pytest.Config, file: BenchFile) -> Ed25519PrivateKey | None:
    """Return the key with which a run on this bench is sealed; None where none is named.

    Raises:
        BenchError: it cannot be read, or is no private key that only its owner may read.
    """
    asked: Path | None = config.getoption("--sign")
    path = config.invocation_params.dir / asked if asked is not None else file.evidence.key
    if path is None:
        return None
    from intercom_hil.seal.keys import private_key

    return private_key(path)


def stamp_service(config: pytest.Config, file: BenchFile) -> Service | None:
    """Return the service that stamps the seal of a run on this bench; None where none is named.

    Raises:
        BenchError: it is no address, or the certificates that vouch for it cannot be read.
    """
    asked = str(config.getoption("--time-stamp") or "")
    named = file.evidence
    url = asked or named.time_stamp
    if not url:
        return None
    from intercom_hil.seal.stamping import Service

    return Service(url, named.time_stamp_ca if url == named.time_stamp else None).seen()


def end_run(session: pytest.Session, problem: BenchError) -> NoReturn:
    """End a run that cannot begin, or go on: one message, exit status 2."""
    message = session.config.stash[STOPPED_BY] = visible(str(problem))
    if worker(session.config):
        getattr(session.config, "workeroutput")[_ENDED_FOR] = message  # noqa: B009  (of pytest-xdist)
    pytest.exit(message, returncode=USAGE)


@pytest.hookimpl(optionalhook=True, tryfirst=True)
def pytest_testnodedown(node: Any) -> None:
    """End a run of several processes as soon as one of them cannot begin, in its words."""
    reason = getattr(node, "workeroutput", {}).get(_ENDED_FOR)
    if reason is not None:
        node.config.stash[STOPPED_BY] = reason
        pytest.exit(reason, returncode=USAGE)


def _interrupt(number: int, frame: FrameType | None) -> None:
    # The interrupt's own handler knows how to end a running event loop; an exception from here does not.
    signal.raise_signal(signal.SIGINT)
