"""How many copies of an emulated bench share a run where nobody says: one for each core.

Only where the whole of the scenarios is played: a few are done sooner on one bench than others are started.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence

from intercom_hil.bench_file.model import BenchFile, lane
from intercom_hil.bench_file.resources import claims
from intercom_hil.errors import BenchError

MOST = 8
"""More are of no use: one scenario takes a minute by its nature. Each copy takes some 250 MB."""
_HOW_MANY = ("-n", "--numprocesses", "--maxprocesses", "--dist", "-d", "--tx", "no:xdist")
_A_PART = ("-k", "-m", "--requirement", "--deselect", "--ignore", "--resume")
_PLAYS_NONE = ("-h", "--help", "--version", "--markers", "--collect-only", "--fixtures", "--setup-")
_WATCHED = ("-s", "--capture", "--pdb", "--trace")
_ALONE = (*_HOW_MANY, *_A_PART, *_PLAYS_NONE, *_WATCHED)
"""What pytest's arguments begin with that ask for one process, or say how many."""


def lanes(file: BenchFile, arguments: Sequence[str]) -> int:
    """Return how many copies of a bench play all scenarios quickest; 1 where there can be no more.

    Args:
        file: the bench.
        arguments: what is passed on to pytest. Those in its environment count as well.
    """
    asked = (*shlex.split(os.environ.get("PYTEST_ADDOPTS", "")), *arguments)
    if any(argument.startswith(_ALONE) or argument == "--co" or ".py" in argument for argument in asked):
        return 1
    cores = min(len(os.sched_getaffinity(0)), MOST)
    return cores if cores > 1 and _can_be_doubled(file) else 1


def _can_be_doubled(file: BenchFile) -> bool:
    """Whether copies of a bench have nothing in common, and nobody is asked by several of them."""
    if file.device.operator is not None:
        return False
    try:
        return claims(file).keys().isdisjoint(claims(lane(file, 1)))
    except BenchError:
        return False
