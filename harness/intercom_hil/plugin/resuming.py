"""An interrupted run that goes on: only what has no verdict that stands is played, into the same folder."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from intercom_hil.errors import BenchError
from intercom_hil.evidence.basis import Basis, Selection
from intercom_hil.evidence.issues import Amendment
from intercom_hil.evidence.resumed import ResumedRun
from intercom_hil.evidence.run import RunFolder
from intercom_hil.locations import PACKAGE, SCENARIOS
from intercom_hil.plugin.options import USAGE, end_run, member
from intercom_hil.timeline import Timeline
from intercom_hil.timeline.observation import SipMessageSeen

if TYPE_CHECKING:
    from intercom_hil.seal import Change

_RESUMED = pytest.StashKey[ResumedRun]()
_DEVICE = "device"
_PLANNED = "planned_scenarios"
_LEAVING_OUT = {"--deselect": "deselect", "--ignore": "ignore", "--ignore-glob": "ignore_glob"}
_LATELY = {"--last-failed": "lf", "--stepwise": "stepwise"}
"""pytest's options that choose scenarios by what became of them in an earlier session."""
PLANNED = pytest.StashKey[tuple[str, ...]]()
"""The scenarios that this run is to play."""
CHANGE: pytest.StashKey[Change] = pytest.StashKey()
"""What is done to the sealed run that goes on."""
AMENDMENT: pytest.StashKey[Amendment] = pytest.StashKey()
"""What is done to its report."""


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Open the run that is to go on, and refuse one that rests on something else."""
    config = session.config
    path: Path | None = config.getoption("--resume")
    if path is None:
        return
    if getattr(config.option, "numprocesses", None) or hasattr(config, "workerinput"):
        pytest.exit("--resume is for a run on one bench, without -n", returncode=USAGE)
    from intercom_hil.seal import Change

    try:
        run = ResumedRun.resume(path.resolve())
        kept, present = Basis.load(run.path), _present(config)
        if changed := kept.differences(present):
            raise BenchError(
                f"this run cannot go on: {', '.join(changed)} changed since",
                str(path),
                f"begin a new run, or go on as it began (bench file {kept.bench_file})",
            )
        _select_again(config, kept.selection, present.selection, path)
        config.stash[CHANGE] = change = Change.begin(run.path, "resume")
        config.add_cleanup(change.drop)
        config.stash[AMENDMENT] = amendment = Amendment.begin(run.path)
        config.add_cleanup(amendment.drop)
    except BenchError as problem:
        end_run(session, problem)
    config.stash[_RESUMED] = run


def _select_again(config: pytest.Config, kept: Selection, asked: Selection, run: Path) -> None:
    """Select the scenarios that the run was begun with.

    Raises:
        BenchError: the command line asks for others.
    """
    if asked not in (Selection(), kept):
        benches = [word for path in config.getoption("--bench") or () for word in ("--bench", str(path))]
        again = shlex.join(["intercom-hil", "run", *benches, "--resume", str(run)])
        raise BenchError(f"this run was asked for {kept}, and cannot go on with {asked}", str(run), again)
    config.option.requirement = list(kept.requirements)
    config.option.keyword, config.option.markexpr = kept.keywords, kept.markers
    if kept.files:
        config.args[:] = [str(SCENARIOS / file) for file in kept.files]


def selection_in_words(config: pytest.Config) -> str:
    """Return which scenarios the command line asks for, as it says so; nothing when it is all of them."""
    selection = _selection(config)
    words = [] if selection == Selection() else [str(selection)]
    for option, names in _LEAVING_OUT.items():
        words += [f"{option} {shlex.quote(str(name))}" for name in getattr(config.option, names, None) or ()]
    words += [option for option, name in _LATELY.items() if getattr(config.option, name, False)]
    return " ".join(words)


def _selection(config: pytest.Config) -> Selection:
    """Return which scenarios the command line asks for; files are named from the folder of scenarios on."""
    named = config.args if config.args_source is pytest.Config.ArgsSource.ARGS else []
    files = [_from_scenarios(config, argument) for argument in named]
    return Selection(
        requirements=tuple(config.getoption("--requirement")),
        keywords=config.option.keyword,
        markers=config.option.markexpr,
        files=() if "." in files else tuple(files),
    )


def _from_scenarios(config: pytest.Config, argument: str) -> str:
    file, separator, scenario = argument.partition("::")
    path = (config.invocation_params.dir / file).resolve()
    return f"{os.path.relpath(path, SCENARIOS)}{separator}{scenario}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the scenarios that have a verdict."""
    run = config.stash.get(_RESUMED, None)
    if run is None:
        return
    judged = [item for item in items if run.judged(identity(item))]
    config.hook.pytest_deselected(items=judged)
    items[:] = [item for item in items if item not in set(judged)]


def pytest_report_collectionfinish(config: pytest.Config) -> list[str]:
    """Report how many verdicts stand."""
    run = config.stash.get(_RESUMED, None)
    if run is None:
        return []
    stand = sum(not scenario.verdict.worth_repeating for scenario in run.scenarios)
    selection = Basis.load(run.path).selection
    return [f"going on with {run.path.name} ({selection}): {stand} scenarios have a verdict that stands"]


def identity(item: pytest.Item) -> str:
    """Return the name of a scenario in reports."""
    assert isinstance(item, pytest.Function)
    return f"{item.module.__name__.rpartition('.')[2]}.{item.name}"


def pytest_collection_finish(session: pytest.Session) -> None:
    """Keep which scenarios are to be played."""
    scenarios = [item for item in session.items if item.get_closest_marker("requirement")]
    planned: tuple[str, ...] = tuple(identity(item) for item in scenarios)
    session.config.stash[PLANNED] = planned
    output: dict[str, list[str]] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[_PLANNED] = list(planned)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take from a process that shares the run which scenarios were to be played."""
    planned: tuple[str, ...] = tuple(getattr(node, "workeroutput", {}).get(_PLANNED, ()))
    config: pytest.Config = node.config
    if planned:
        config.stash[PLANNED] = planned


def resumed(config: pytest.Config) -> RunFolder | None:
    """Return the run that goes on, if one does."""
    return config.stash.get(_RESUMED, None)


def keep_basis(config: pytest.Config, run: RunFolder) -> None:
    """Keep with a run that has just begun what it rests on. Raises BenchError."""
    if not run.shared:
        _present(config).store(run.path)


def check_device(run: RunFolder, timeline: Timeline) -> None:
    """Note what the device calls itself, and end a resumed run whose device is not the one it was.

    Raises:
        BenchError: it is another make or firmware.
    """
    if run.shared:
        return
    kept = Basis.load(run.path)
    names = (
        o.content.user_agent
        for o in timeline
        if isinstance(o.content, SipMessageSeen) and o.content.sender == _DEVICE and o.content.user_agent
    )
    name = next(names, "")
    if not kept.device and name:
        kept.model_copy(update={"device": name}).store(run.path)
    elif name and name != kept.device and isinstance(run, ResumedRun):
        raise BenchError(
            f"the device calls itself {name!r}, and {kept.device!r} in the run so far",
            str(run.path),
            "begin a new run for a new firmware",
        )


def _present(config: pytest.Config) -> Basis:
    faults = tuple(config.getoption("--fault"))
    return Basis.of(member(config).path, faults, (PACKAGE, SCENARIOS), _selection(config))
