"""``intercom-hil explore``: an exploration with its run folder, its signals and its report."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from intercom_hil import reports
from intercom_hil.bench_file.model import BenchFile
from intercom_hil.errors import BenchError
from intercom_hil.evidence.issues import Issue
from intercom_hil.evidence.run import RunFolder
from intercom_hil.explore.exploring import Tally, Wanted, explore_bench, possible_at
from intercom_hil.explore.story import Story
from intercom_hil.seal import Change, Sealed
from intercom_hil.seal.keys import private_key
from intercom_hil.seal.sealing import stamp
from intercom_hil.seal.stamping import Service

VIOLATED, UNFINISHED = 1, 2


def run_exploration(
    file: BenchFile, wanted: Wanted, runs: Path, say: Callable[[str], None], kept: Path | None = None
) -> int:
    """Explore a bench, or play one story; return the exit status: 1 if the page was broken, 2 if cut short.

    Raises:
        BenchError: it cannot begin, or go on.
    """
    story = Story.read(kept) if kept is not None else None
    possible_at(file)
    key = private_key(file.evidence.key) if file.evidence.key else None
    named = file.evidence
    service = Service(named.time_stamp, named.time_stamp_ca).seen() if named.time_stamp else None
    run = RunFolder.create(runs.absolute(), file.bench.name)  # containers see it by its whole path
    run.particulars = file.particulars
    run.selection = f"the story {kept}" if kept else f"stories drawn by the seed {wanted.seed}"
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: signal.raise_signal(signal.SIGINT))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background has it ignored
    tally, interrupted = None, True
    try:
        with asyncio.Runner() as runner:
            tally = runner.run(explore_bench(file, run, wanted, say, story))
        interrupted = False
    except KeyboardInterrupt:
        pass
    finally:
        _complete(run, say, key, service, interrupted=interrupted)
    if tally is None:
        return VIOLATED if run.verdict.breaks_the_run and _violated(run) else UNFINISHED
    say(str(tally))
    return _status(tally)


def _status(tally: Tally) -> int:
    return VIOLATED if tally.found else UNFINISHED if tally.broken else 0


def _violated(run: RunFolder) -> bool:
    return any(scenario.verdict == "fail" for scenario in run.scenarios)


def _complete(
    run: RunFolder,
    say: Callable[[str], None],
    key: Ed25519PrivateKey | None,
    service: Service | None,
    *,
    interrupted: bool,
) -> None:
    interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        run.issues = [Issue.first()]
        run.write(interrupted=interrupted)
        sealed = Change.begin(run.path, "explore").finish(key)
        with Change.begin(run.path, "report", known=sealed.tree) as change:
            try:
                for path in reports.render(run.path):
                    say(f"report {path}")
            finally:
                last = change.finish(key)
                say(str(last))
                if service is not None:
                    _stamp(run, say, service, last)
    except reports.ReportError as problem:
        raise BenchError(problem.what, problem.where, problem.remedy) from problem
    finally:
        signal.signal(signal.SIGINT, interrupt)


def _stamp(run: RunFolder, say: Callable[[str], None], service: Service, sealed: Sealed) -> None:
    try:
        stored, _ = stamp(run.path, service, sealed.tree)
    except BenchError as problem:
        say(f"no time stamp: {problem}")
    else:
        say(f"time-stamped {stored} by {service.url}")
