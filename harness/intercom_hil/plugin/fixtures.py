"""The fixtures of the bench: one running bench for the whole run, one facade for each scenario."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from intercom_hil.bench.assembly import Assembly
from intercom_hil.bench.environment import environment
from intercom_hil.errors import BenchError
from intercom_hil.evidence.run import RunFolder
from intercom_hil.plugin.options import USAGE, bench_file, member, worker
from intercom_hil.plugin.ordering import PROGRESS
from intercom_hil.plugin.resuming import check_device, identity, keep_basis, resumed
from intercom_hil.plugin.terminal_summary import RUN, STAMP, runs_of
from intercom_hil.plugin.xdist_scheduler import BEYOND_REPAIR
from intercom_hil.scenario.bench import Bench


@pytest.fixture(scope="session")
def run(pytestconfig: pytest.Config) -> RunFolder:
    """The folder of this run."""
    stamp = getattr(pytestconfig, "workerinput", {}).get(STAMP, "")
    try:
        file = bench_file(pytestconfig)
        folder = resumed(pytestconfig) or RunFolder.create(
            runs_of(pytestconfig, file), file.bench.name, stamp
        )
        keep_basis(pytestconfig, folder)
    except BenchError as problem:
        pytest.exit(str(problem), returncode=USAGE)
    pytestconfig.stash[RUN] = folder
    return folder


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def assembly(pytestconfig: pytest.Config, run: RunFolder) -> AsyncIterator[Assembly]:
    """The running bench: containers, capture, device; healed between scenarios, ended whatever happens."""
    reporter = pytestconfig.pluginmanager.get_plugin("terminalreporter")

    capture = pytestconfig.pluginmanager.get_plugin("capturemanager")

    def progress(text: str) -> None:
        if reporter is not None and capture is not None:
            with capture.global_and_fixture_disabled():  # else it is told when all is over
                reporter.ensure_newline()
                reporter.write_line(text)

    built = Assembly(
        bench_file(pytestconfig),
        run_folder=run.path,
        progress=progress,
    )
    try:
        try:
            await built.start()
        except BenchError as problem:
            pytest.exit(str(problem), returncode=USAGE)
        telling = asyncio.create_task(environment(built, member(pytestconfig).path))
        yield built
        run.describe(await telling, worker(pytestconfig))
    finally:
        await built.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def bench(request: pytest.FixtureRequest, assembly: Assembly, run: RunFolder) -> AsyncIterator[Bench]:
    """The bench as one scenario sees it."""
    node = request.node
    if assembly.asker is not None:
        assembly.asker.progress = request.config.stash.get(PROGRESS, {}).get(node.nodeid, "")
    marker = node.get_closest_marker("requirement")
    yield Bench(
        assembly,
        run,
        identity=identity(node),
        doc=node.obj.__doc__ or "",
        requirements=marker.args if marker else (),
        needs=marker.kwargs.get("needs") if marker else None,
        attempts=request.config.getoption("--attempts"),
    )
    try:
        check_device(run, assembly.timeline)
    except BenchError as problem:
        pytest.exit(str(problem), returncode=USAGE)
    if not assembly.whole:
        node.user_properties.append(BEYOND_REPAIR)
