"""Which scenarios a run would play: collected by pytest, without a bench."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from intercom_hil.errors import BenchError
from intercom_hil.plugin import BENCH
from intercom_hil.plugin.options import asked_for, check_requirements
from intercom_hil.plugin.playing import case, declaration
from intercom_hil.plugin.resuming import identity
from intercom_hil.scenario.declaration import Declaration


@dataclass(frozen=True, slots=True)
class Collected:
    """A scenario as pytest found it: its name in reports, what is played, its declaration and parameters."""

    id: str
    function: Callable[..., Coroutine[Any, Any, None]]
    declaration: Declaration
    case: dict[str, object]


@dataclass
class _Collector:
    """Keeps what is collected, and what could not be."""

    requirements: Sequence[str]
    found: list[pytest.Item] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if declaration(item) is not None]
        if self.requirements:
            items[:] = [item for item in items if asked_for(item, self.requirements)]
        self.found = list(items)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            lines = str(report.longrepr).strip().splitlines()
            self.problems.append(f"{report.nodeid}: {lines[-1].removeprefix('E').strip() if lines else ''}")


def collect(files: Sequence[Path], keywords: str = "", requirements: Sequence[str] = ()) -> list[Collected]:
    """Return the scenarios of some files, in the order of the files.

    Args:
        files: modules or folders.
        keywords: what ``-k`` would be given.
        requirements: ids or families that the scenarios are to be about; of none, all.

    Raises:
        BenchError: a file is missing or cannot be imported, the keywords are no expression, or no scenario
            is left.
    """
    for path in files:
        if not path.exists():
            raise BenchError("there is no such file", str(path), "name a file or folder with scenarios")
    collector = _Collector(requirements)
    arguments = [*map(str, files), "--collect-only", "-p", "no:terminal", "-p", "no:cacheprovider"]
    # A bench that the project's settings name would be started.
    arguments += ["-o", "addopts=", "-o", f"{BENCH}=", "-W", "ignore"]
    arguments += ["-k", keywords] if keywords else []
    with _environment(PYTEST_ADDOPTS="", PYTEST_DISABLE_PLUGIN_AUTOLOAD="1"):  # others' take time to load
        status = pytest.main([*arguments, "-p", "intercom_hil.plugin"], plugins=[collector])
    if collector.problems:
        raise BenchError(f"scenarios cannot be read: {'; '.join(collector.problems)}", remedy="mend the file")
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        raise BenchError(
            "pytest could not collect the scenarios, and has said why", remedy="mend the expression or name"
        )
    check_requirements(requirements)
    if not collector.found:
        raise BenchError("no scenario was asked for", remedy="widen -k or --requirement")
    return [_collected(item) for item in collector.found]


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    """Have some environment variables differ for a while."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _collected(item: pytest.Item) -> Collected:
    declared = declaration(item)
    assert isinstance(item, pytest.Function)
    assert declared is not None
    return Collected(identity(item), inspect.unwrap(item.obj), declared, case(item))
