"""A bench begins to open while pytest imports what it plays with and collects the scenarios.

Only where this process is about to play on one bench that the command line names. When nothing comes of it
(no such scenario, a mistake in a file, Ctrl-C) what was begun is ended again. The containers begin first, as
soon as the command line is known: all that they need to know of the bench file is which engine it names.
"""

from __future__ import annotations

import argparse
import os
import tomllib
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from intercom_hil.bench.containers import Containers
from intercom_hil.errors import BenchError
from intercom_hil.evidence.folder_names import fresh_stamp
from intercom_hil.plugin.options import bench_file, runs_folder

if TYPE_CHECKING:
    from intercom_hil.bench.opening import Opening

_CONTAINERS = pytest.StashKey[Containers]()
OPENING: pytest.StashKey[Opening] = pytest.StashKey()
"""The bench that begins to open, if one does."""
ONLY_REPORTS = (
    "help",
    "version",
    "markers",
    "collectonly",
    "showfixtures",
    "show_fixtures_per_test",
    "setuponly",
    "setupplan",
)
"""pytest's options with which nothing is played."""
_SEVERAL = ("numprocesses", "tx", "distload")
"""pytest-xdist's options with which other processes play."""


def begin_containers(config: pytest.Config, options: argparse.Namespace) -> None:
    """Begin to start the bench's containers, where this process is about to play on it.

    Args:
        config: pytest's, of a command line that is not settled yet.
        options: what is known of that.
    """
    benches: list[Path] = options.bench or []
    if not _is_to_play(options) or len(benches) != 1:
        return
    with suppress(BenchError, OSError, ValueError):  # whoever needs the bench meets it again, and says so
        kind = _engine_kind(benches[0])
        runs = runs_folder(config, options.runs)
        new = [folder for folder in (runs, *runs.parents) if not folder.exists()]
        containers = Containers(runs / fresh_stamp([runs]))
        config.add_cleanup(lambda: _end(containers, new))
        config.stash[_CONTAINERS] = containers
        containers.begin(kind)


def begin(config: pytest.Config) -> None:
    """Begin with all else, where the containers have begun."""
    containers = config.stash.get(_CONTAINERS, None)
    if containers is None:
        return
    from intercom_hil.bench.opening import Opening

    with suppress(BenchError, OSError):
        opening = Opening(bench_file(config), containers)
        config.add_cleanup(opening.close)
        config.stash[OPENING] = opening
        opening.begin()


def _is_to_play(options: argparse.Namespace) -> bool:
    several = getattr(options, "dist", "no") != "no" or any(getattr(options, o, None) for o in _SEVERAL)
    one_of_several = "PYTEST_XDIST_WORKER" in os.environ
    nothing_played = any(getattr(options, o, None) for o in ONLY_REPORTS)
    # Where each bench has a run to itself, it is the bench's name that says where the run's folder is.
    return not (several or one_of_several or nothing_played or options.resume or options.each)


def _engine_kind(bench: Path) -> str:
    """Return which engine a bench file names. Raises OSError, or ValueError: it is no bench file."""
    engine = tomllib.loads(bench.read_text(encoding="utf-8")).get("engine", {})
    return str(engine.get("kind", "auto")) if isinstance(engine, dict) else ""


def _end(containers: Containers, new: list[Path]) -> None:
    containers.close()
    with suppress(OSError):  # it is the folder of a run that has begun, or another run is beside it
        for folder in (containers.run_folder, *new):
            folder.rmdir()
