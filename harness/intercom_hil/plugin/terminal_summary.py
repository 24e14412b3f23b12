"""How a run is reported: verdicts in the terminal, the report at the end, the exit status."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from intercom_hil.bench_file.model import BenchFile
from intercom_hil.errors import BenchError
from intercom_hil.evidence.checked_bench import last_check
from intercom_hil.evidence.folder_names import fresh_stamp, new_stamp
from intercom_hil.evidence.issues import Issue
from intercom_hil.evidence.known_deviations import accepts_all
from intercom_hil.evidence.run import RunFolder
from intercom_hil.evidence.traces import requirements_of
from intercom_hil.plugin.live_view import VERDICT
from intercom_hil.plugin.options import (
    PLACE,
    STOPPED_BY,
    known_deviations,
    pool,
    runs_of,
    signing_key,
    stamp_service,
    worker,
)
from intercom_hil.plugin.resuming import AMENDMENT, CHANGE, PLANNED, keep_basis, selection_in_words
from intercom_hil.plugin.xdist_scheduler import LEFT
from intercom_hil.spec.catalogue import FAMILIES
from intercom_hil.spec.verdict import Verdict

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from intercom_hil.seal import Change, Sealed

RUN = pytest.StashKey[RunFolder]()
RUNS = pytest.StashKey[list[RunFolder]]()
STAMP = "run_stamp"
_STAMP = pytest.StashKey[str]()
SEALED: pytest.StashKey[dict[Path, Sealed]] = pytest.StashKey()
"""The last seal of each run."""
_STAMPS: pytest.StashKey[dict[Path, str]] = pytest.StashKey()
"""What came of stamping each run with the time, in words."""
_UNWRITTEN = pytest.StashKey[list[str]]()
_PLAYED = pytest.StashKey[dict[str, BenchFile]]()
"""The scenarios that processes which share a run have played, by node id, each with its bench."""
_OURS = {"report.html", "junit.xml"}
"""The reports without which a run cannot end well; those of other distributions only get a message."""
_SHOWN = (Verdict.FAIL, Verdict.ERROR, Verdict.INCONCLUSIVE)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Give every process that shares a run (pytest-xdist) the name of the one run folder."""
    stash = node.config.stash
    if _STAMP not in stash:
        stash[_STAMP] = _new_stamp(node.config)
        _keep_as_begun(node.config, stash[_STAMP])
    node.workerinput[STAMP] = stash[_STAMP]


@pytest.hookimpl(optionalhook=True)
def pytest_handlecrashitem(crashitem: str, report: pytest.TestReport) -> None:
    """File a scenario whose process died: nothing is known of it but that the bench broke."""
    node: Any = getattr(report, "node")  # noqa: B009  (pytest-xdist puts it there)
    config: pytest.Config = node.config
    bench = pool(config).at(node.workerinput[PLACE]).file
    run = RunFolder(runs_of(config, bench) / config.stash[_STAMP], bench.bench.name, shared=True)
    _add_lost(run, config, crashitem, bench.bench.name, "the process that played it died")


def _add_lost(run: RunFolder, config: pytest.Config, nodeid: str, bench: str, problem: str) -> None:
    """File a scenario of which nothing else is known; what is no scenario is left out."""
    file, _, name = nodeid.partition("::")
    asked = requirements_of(config.rootpath / file, name)
    if asked:
        run.add_lost(f"{Path(file).stem}.{name}", asked, bench, problem)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Take note of what processes that share a run have played, each on its bench."""
    node: Any = getattr(report, "node", None)
    if (
        node is not None
        and report.when == "call"
        and any(name == VERDICT for name, _ in report.user_properties)
    ):
        bench = pool(node.config).at(node.workerinput[PLACE]).file
        node.config.stash.setdefault(_PLAYED, {})[report.nodeid] = bench


@pytest.hookimpl(
    wrapper=True, trylast=True
)  # round the end of the bench, within what sums up in the terminal
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> Iterator[None]:
    """When the bench has ended, however that went, complete the run folders and write the reports.

    The worst verdict decides the exit status. A second interrupt, which cuts the ending short, is no reason
    to leave a report that says nothing of it.
    """
    status = exitstatus
    try:
        yield
    except KeyboardInterrupt:
        status = pytest.ExitCode.INTERRUPTED
        raise
    finally:
        if not worker(session.config):
            interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)
            try:
                _complete(session, status)
            finally:
                signal.signal(signal.SIGINT, interrupt)


def _complete(session: pytest.Session, exitstatus: int) -> None:
    from intercom_hil import (
        reports,  # not before: it takes 0.05 s to load, and a bench is waiting to be ready
    )

    config = session.config
    runs = config.stash[RUNS] = [config.stash[RUN]] if RUN in config.stash else _gathered(config)
    reasons = [config.stash[STOPPED_BY]] if STOPPED_BY in config.stash else config.stash.get(LEFT, [])
    for run in runs:
        run.stopped_by = "; ".join(reasons)
        run.issues = run.issues or [Issue.first()]
        try:
            run.write(interrupted=exitstatus not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED))
        except OSError as problem:
            config.stash.setdefault(_UNWRITTEN, []).append(str(BenchError.of(problem, str(run.path))))
            session.exitstatus = pytest.ExitCode.INTERRUPTED
            continue
        if AMENDMENT in config.stash:
            try:
                config.stash[AMENDMENT].finish("the run was gone on with")
            except BenchError as problem:
                config.stash.setdefault(_UNWRITTEN, []).append(str(problem))
        sealed = _seal(session, run, config.stash.get(CHANGE, None), "run")
        change = _begun(session, run, sealed)
        try:
            reports.render(run.path, reports.chosen(config.option.report_format, besides=True))
        except reports.ReportError as problem:
            config.stash.setdefault(_UNWRITTEN, []).append(str(problem))
            if not {path.name for path in problem.written} >= _OURS:
                session.exitstatus = pytest.ExitCode.INTERNAL_ERROR
        _seal(session, run, change, "report")
        _stamp(config, run)
        if exitstatus == pytest.ExitCode.OK and run.unplayed and LEFT in config.stash:
            session.exitstatus = pytest.ExitCode.INTERRUPTED
        elif exitstatus == pytest.ExitCode.OK and run.verdict.breaks_the_run:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
    if session.exitstatus == pytest.ExitCode.TESTS_FAILED and _only_accepted(config, runs):
        session.exitstatus = pytest.ExitCode.OK


def _only_accepted(config: pytest.Config, runs: list[RunFolder]) -> bool:
    """Whether nothing failed in the whole session but requirements whose failure is accepted."""
    reporter: pytest.TerminalReporter | None = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or not any(run.known for run in runs):
        return False
    broken = [report for kind in ("failed", "error") for report in reporter.stats.get(kind, ())]
    of_scenarios = [r for r in broken if r.when == "call" and any(n == VERDICT for n, _ in r.user_properties)]
    same = len(of_scenarios) == len(broken)
    return same and all(accepts_all(run.assessed(), run.scenarios) for run in runs)


def _begun(session: pytest.Session, run: RunFolder, sealed: Sealed | None) -> Change | None:
    """Begin to write the reports of a run that was sealed without them, so that they can name its seal."""
    from intercom_hil.seal import Change  # when a run ends: its start need not wait for that

    if sealed is None:
        return None
    try:
        return Change.begin(run.path, "report", known=sealed.tree)
    except BenchError as problem:
        _unsealed(session, problem)
        return None


def _seal(session: pytest.Session, run: RunFolder, change: Change | None, action: str) -> Sealed | None:
    """Seal a run; one that cannot be sealed is reported as such, and does not end well.

    Args:
        session: the session that ends.
        run: the run.
        change: what was done to it; None where nothing was sealed before.
        action: what to call that then.
    """
    from intercom_hil.seal import Change

    config = session.config
    if action == "report" and change is None:
        return None
    try:
        with change or Change.begin(run.path, action) as change:
            sealed = change.finish(_key(config, run))
    except BenchError as problem:
        _unsealed(session, problem)
        return None
    config.stash.setdefault(SEALED, {})[run.path] = sealed
    return sealed


def _unsealed(session: pytest.Session, problem: BenchError) -> None:
    session.config.stash.setdefault(_UNWRITTEN, []).append(f"the run is not sealed: {problem}")
    if session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        session.exitstatus = pytest.ExitCode.INTERNAL_ERROR


def _stamp(config: pytest.Config, run: RunFolder) -> None:
    """Have the last seal of a run time-stamped, where a service is named; without a stamp it ends as well."""
    sealed = config.stash.get(SEALED, {}).get(run.path)
    try:
        service = next((s for s in (stamp_service(config, file) for file in _files(config, run)) if s), None)
        if service is None or sealed is None:
            return
        from intercom_hil.seal.sealing import stamp

        stored, _ = stamp(run.path, service, sealed.tree)
    except BenchError as problem:
        config.stash.setdefault(_STAMPS, {})[run.path] = f"no time stamp: {problem}"
    else:
        config.stash.setdefault(_STAMPS, {})[run.path] = f"time-stamped {stored} by {service.url}"


def _key(config: pytest.Config, run: RunFolder) -> Ed25519PrivateKey | None:
    """Return what to sign a run with: of several benches that share one, the first that has a key says."""
    keys = (signing_key(config, file) for file in _files(config, run))
    return next((key for key in keys if key is not None), None)


def _files(config: pytest.Config, run: RunFolder) -> list[BenchFile]:
    """Return the bench files of those that play a run."""
    files = [one.file for one in pool(config).members]
    if config.option.each:
        files = [file for file in files if runs_of(config, file) == run.path.parent]
    return files


def _new_stamp(config: pytest.Config) -> str:
    try:
        return fresh_stamp(
            list(dict.fromkeys(runs_of(config, member.file) for member in pool(config).members))
        )
    except (OSError, BenchError):
        return new_stamp()  # what is wrong is reported by the first process that wants to write there


def _keep_as_begun(config: pytest.Config, stamp: str) -> None:
    """Keep a run on copies of one bench as one that has begun: it can be gone on with, however it ends."""
    with suppress(
        OSError, BenchError
    ):  # what is wrong is reported by the first process that wants to write there
        if len(pool(config).members) > 1:
            return
        file = pool(config).members[0].file
        run = RunFolder(runs_of(config, file) / stamp, pool(config).name)
        run.selection = selection_in_words(config)
        keep_basis(config, run)
        run.write(interrupted=True)


def _gathered(config: pytest.Config) -> list[RunFolder]:
    """Return the runs that several processes shared, from what each has filed."""
    if _STAMP not in config.stash:
        return []
    benches = [(runs_of(config, member.file), member.file.bench.name) for member in pool(config).members]
    if not config.option.each:
        benches = [(benches[0][0], pool(config).name)]
    folders = [(parent / config.stash[_STAMP], name) for parent, name in benches]
    runs = [RunFolder.gather(path, name) for path, name in folders if path.is_dir()]
    for run in runs:
        run.selection, run.planned = selection_in_words(config), config.stash.get(PLANNED, ())
        run.known = known_deviations(config)
        played = [m for m in pool(config).members if runs_of(config, m.file) == run.path.parent]
        run.particulars = played[0].file.particulars
        run.bench_check = last_check(played[0].path)
        with suppress(BenchError):  # it was there when the bench file was read
            run.keep_photo(played[0].file.device.photo)
        run.shared = True  # run.json is written once, when all is gathered
        filed = {scenario.id for scenario in run.scenarios}
        for nodeid, bench in config.stash.get(_PLAYED, {}).items():
            file, _, name = nodeid.partition("::")
            here = run.path.parent == runs_of(config, bench)
            if here and f"{Path(file).stem}.{name}" not in filed:
                _add_lost(run, config, nodeid, bench.bench.name, "its record could not be written")
    return runs


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config
) -> None:
    """Report the verdicts, what they are short of, and where the report is."""
    runs = [run for run in config.stash.get(RUNS, []) if run.scenarios]  # else it did not begin, as is said
    for problem in config.stash.get(_UNWRITTEN, []):
        terminalreporter.write_line(f"report: {problem}", red=True)
    for run in runs:
        _write_verdicts(
            terminalreporter, run, f"requirements, bench {run.name}" if len(runs) > 1 else "requirements"
        )
        if run.unplayed or exitstatus == pytest.ExitCode.INTERRUPTED:  # what is shown is as of then
            count = f", {len(run.unplayed)} not played" if run.unplayed else ""
            terminalreporter.write_line(
                f"interrupted after {len(run.scenarios)} scenarios{count}", yellow=True
            )
        elif run.selection:
            terminalreporter.write_line(f"a part of the scenarios: {run.selection}")
        if sealed := config.stash.get(SEALED, {}).get(run.path):
            keep = "" if sealed.signed_by else ": keep this digest apart from the run"
            terminalreporter.write_line(f"{sealed}{keep}")
        if stamped := config.stash.get(_STAMPS, {}).get(run.path):
            terminalreporter.write_line(stamped, red=stamped.startswith("no "))


def _write_verdicts(terminalreporter: pytest.TerminalReporter, run: RunFolder, heading: str) -> None:
    rows = run.requirements()
    terminalreporter.section(heading)
    for verdict in _SHOWN:
        for identity, row in rows.items():
            if row.verdict == verdict:
                terminalreporter.write_line(f"{verdict:13} {identity} {row.title}")
    for title, families in {"": FAMILIES, **run.catalogues}.items():
        counts = Counter(row.verdict for i, row in rows.items() if i.partition("-")[0] in families)
        tally = ", ".join(f"{counts[v]} {v.word}" for v in Verdict if counts[v])
        terminalreporter.write_line(f"{title}: {tally}" if title else tally)
    for entry in run.assessed():
        terminalreporter.write_line(
            f"deviation     {entry.requirement} {entry}", yellow=entry.standing != "accepted"
        )
    departs = Counter(item.text for scenario in run.scenarios for item in scenario.deviations)
    if departs:
        (most, _), *others = departs.most_common()
        more = f", and {len(others)} more" if others else ""
        terminalreporter.write_line(f"good practice: the device sends {most}{more}; see the report")
    restarted = [scenario for scenario in run.scenarios if scenario.restarts]
    if restarted:
        count = sum(len(scenario.restarts) for scenario in restarted)
        times = "once" if count == 1 else f"{count} times"
        before = f"before: {restarted[0].title}"
        terminalreporter.write_line(
            f"finding: the device restarted by itself {times} between scenarios, first {before}", red=True
        )
    mode = run.mode
    more = f", and {len(mode.reasons) - 1} reasons more" if len(mode.reasons) > 1 else ""
    why = f": {mode.reasons[0]}{more}" if mode.reasons else ""
    terminalreporter.write_line(f"{mode.kind} run{why}")
    report = run.path / "report.html"
    where = f"report {report}" if report.exists() else "no report could be written"
    terminalreporter.write_line(f"verdict {run.verdict}, {where}")
