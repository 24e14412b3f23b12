"""A bench begins to open while pytest imports what it plays with and collects the scenarios.

Only where this process is about to play on one bench that the command line names. When nothing comes of it
(no such scenario, a mistake in a file, Ctrl-C) what was begun is ended again.
"""

from __future__ import annotations

from contextlib import suppress

import pytest

from intercom_hil.bench.opening import Opening
from intercom_hil.errors import BenchError
from intercom_hil.evidence.folder_names import fresh_stamp
from intercom_hil.plugin.options import bench_file, pool, runs_of

OPENING = pytest.StashKey[Opening]()
"""The bench that begins to open, if one does."""
_ONLY_REPORTS = (
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


def begin(config: pytest.Config) -> None:
    """Begin to open the bench, where this process is about to play on it."""
    if not _is_to_play(config):
        return
    with suppress(BenchError, OSError):  # whoever needs the bench meets it again, and says so
        if len(pool(config).members) > 1:
            return
        file = bench_file(config)
        runs = runs_of(config, file)
        opening = Opening(file, runs / fresh_stamp([runs]))
        config.add_cleanup(lambda: _end(opening))
        config.stash[OPENING] = opening
        opening.begin()


def _is_to_play(config: pytest.Config) -> bool:
    named: object = config.getoption("--bench")
    several = config.getoption("dist", "no") != "no" or hasattr(config, "workerinput")
    resumes: object = config.getoption("--resume")
    return (
        bool(named) and not several and not resumes and not any(config.getoption(o, 0) for o in _ONLY_REPORTS)
    )


def _end(opening: Opening) -> None:
    opening.close()
    with suppress(OSError):  # it is the folder of a run that has begun
        opening.run_folder.rmdir()
