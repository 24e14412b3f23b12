"""The fixtures of the bench: one running bench for the whole run, one facade for each scenario."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from intercom_hil.bench.assembly import Assembly
from intercom_hil.bench.environment import environment, said_by_device
from intercom_hil.bench.parts import in_parallel
from intercom_hil.errors import BenchError, DeviceCrashed
from intercom_hil.evidence.checked_bench import last_check
from intercom_hil.evidence.digests import FILE as DIGESTS
from intercom_hil.evidence.digests import renew_digests
from intercom_hil.evidence.run import RunFolder
from intercom_hil.plugin.beginning import OPENING
from intercom_hil.plugin.live_page import FEED, join_live_page
from intercom_hil.plugin.options import (
    bench_file,
    end_run,
    known_deviations,
    member,
    runs_of,
    signing_key,
    stamp_service,
    worker,
)
from intercom_hil.plugin.ordering import PROGRESS
from intercom_hil.plugin.playing import case, declaration
from intercom_hil.plugin.resuming import (
    PLANNED,
    check_device,
    identity,
    keep_basis,
    resumed,
    selection_in_words,
)
from intercom_hil.plugin.terminal_summary import RUN, STAMP
from intercom_hil.plugin.xdist_scheduler import BEYOND_REPAIR, leave_run
from intercom_hil.scenario.bench import Bench
from intercom_hil.scenario.runner import WRITTEN_WITHOUT_SECRETS
from intercom_hil.terminal_text import visible


@pytest.fixture(scope="session")
def intercom_run(request: pytest.FixtureRequest, pytestconfig: pytest.Config) -> RunFolder:
    """The folder of this run."""
    stamp = getattr(pytestconfig, "workerinput", {}).get(STAMP, "")
    opening = pytestconfig.stash.get(OPENING, None)
    try:
        file = bench_file(pytestconfig)
        signing_key(pytestconfig, file)  # one that cannot be used is no surprise for the end of the run
        stamp_service(pytestconfig, file)
        folder = resumed(pytestconfig) or RunFolder.create(
            runs_of(pytestconfig, file),
            file.bench.name,
            stamp,
            reserved=opening.run_folder if opening else None,
        )
        folder.selection = folder.selection or selection_in_words(pytestconfig)
        folder.known = known_deviations(pytestconfig) or folder.known
        folder.planned = pytestconfig.stash.get(PLANNED, ())
        folder.particulars = file.particulars
        folder.bench_check = last_check(member(pytestconfig).path)
        if not folder.shared:
            folder.keep_photo(file.device.photo)
    except BenchError as problem:
        end_run(request.session, problem)
    pytestconfig.stash[RUN] = folder
    return folder


@pytest.fixture(scope="session")
def intercom_assembly(
    request: pytest.FixtureRequest,
    pytestconfig: pytest.Config,
    intercom_run: RunFolder,
    intercom_loop: asyncio.Runner,
) -> Iterator[Assembly]:
    """The running bench: containers, capture, device; healed between scenarios, ended whatever happens."""
    reporter = pytestconfig.pluginmanager.get_plugin("terminalreporter")
    capture = pytestconfig.pluginmanager.get_plugin("capturemanager")

    feed = pytestconfig.stash.get(FEED, None)

    def progress(text: str) -> None:
        if feed is not None:
            feed.send("doing", text=visible(text))
        if reporter is not None and capture is not None:
            with capture.global_and_fixture_disabled():  # else it is shown when all is over
                reporter.ensure_newline()
                reporter.write_line(visible(text))
                reporter.flush()

    assembly = Assembly(
        bench_file(pytestconfig),
        run_folder=intercom_run.path,
        progress=progress,
        opening=pytestconfig.stash.get(OPENING, None),
        redactor=intercom_run.redactor,
    )
    if feed is not None:
        join_live_page(assembly, feed)
    try:
        try:
            keeping = asyncio.to_thread(keep_basis, pytestconfig, intercom_run)  # it reads every source file
            intercom_loop.run(in_parallel([assembly.start(), keeping]))
            intercom_run.point_latest()
        except BenchError as problem:
            leave_run(request.session, problem)
        except DeviceCrashed as problem:
            leave_run(request.session, BenchError(str(problem), "device", "see why it does not start"))
        except Exception as problem:  # each scenario would end with the same insides
            what = f"the bench cannot be started: {type(problem).__name__}: {problem}"
            leave_run(request.session, BenchError(what, remedy="report it with this line"))
        # While the first scenarios are played: nobody waits for it.
        versions = intercom_loop.get_loop().create_task(environment(assembly, member(pytestconfig).path))
        yield assembly
        with suppress(OSError):  # a run whose folder cannot be written has ended for that
            described = intercom_loop.run(_result(versions)) | said_by_device(assembly)
            intercom_run.describe(described, worker(pytestconfig))
    finally:
        intercom_loop.run(assembly.stop())
        with suppress(OSError):  # what the device said between two scenarios went to the logs of the first
            apart_from = (*WRITTEN_WITHOUT_SECRETS, DIGESTS)
            scenarios = intercom_run.path / "scenarios"
            for path in intercom_run.redactor.sweep(scenarios, apart_from=apart_from):
                renew_digests(scenarios / path.relative_to(scenarios).parts[0], [path])


async def _result(task: asyncio.Task[dict[str, Any]]) -> dict[str, Any]:
    return await task


@pytest.fixture
def bench(
    request: pytest.FixtureRequest, intercom_assembly: Assembly, intercom_run: RunFolder
) -> Iterator[Bench]:
    """The bench as one scenario sees it."""
    node, assembly = request.node, intercom_assembly
    if assembly.prompter is not None:
        assembly.prompter.progress = request.config.stash.get(PROGRESS, {}).get(node.nodeid, "")
    declared = declaration(node)
    if declared is None:
        pytest.fail("the bench is for scenarios: decorate the test with @scenario(...)", pytrace=False)
    yield Bench(
        assembly,
        intercom_run,
        identity=identity(node),
        doc=node.obj.__doc__ or "",
        requirements=declared.requirements,
        needs=declared.needs,
        settings=lambda at: declared.settings_at(at, case(node)),
        attempts=request.config.getoption("--attempts"),
    )
    if intercom_run.unwritable is not None:
        end_run(request.session, intercom_run.unwritable)
    try:
        check_device(intercom_run, assembly.timeline)
    except BenchError as problem:
        end_run(request.session, problem)
    if not assembly.whole:
        node.user_properties.append(BEYOND_REPAIR)
