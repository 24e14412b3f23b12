"""The four ways a scenario can end other than by a judged expectation.

They are distinguished by whose fault it is, because that is what decides the verdict.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator


class BenchError(Exception):
    """The bench's own fault (verdict *error*): never blamed on the device.

    Attributes:
        what: what went wrong, one clause.
        where: the file, field, address or instrument concerned.
        remedy: what the reader can do about it.
    """

    def __init__(self, what: str, where: str = "", remedy: str = "") -> None:
        self.what, self.where, self.remedy = what, where, remedy
        place = f"{where}: " if where else ""
        advice = f" Remedy: {remedy}" if remedy else ""
        super().__init__(f"{place}{what}{'' if what.endswith('.') else '.'}{advice}")

    @classmethod
    def of(cls, problem: OSError, where: str = "") -> BenchError:
        """Return what an operation of this machine failed with, as the bench's own fault.

        Args:
            problem: what it failed with.
            where: the file concerned, where the problem does not name it.
        """
        full = problem.errno in (errno.ENOSPC, errno.EDQUOT)
        remedy = "make room on its disk" if full else "see that it is there, and may be written"
        return cls(f"{problem.strerror or problem}", str(problem.filename or where), remedy)


class DeviceCrashed(Exception):  # noqa: N818  (it says what happened)
    """The device went away by itself (verdict *fail*)."""


class Inconclusive(Exception):  # noqa: N818  (it is a verdict)
    """A precondition could not be established, so nothing was found out (verdict *inconclusive*)."""


class NotApplicable(Exception):  # noqa: N818  (it is a verdict)
    """The bench file declares that the device lacks what the scenario needs (verdict *not applicable*)."""


def joined(problems: Iterable[BaseException]) -> BaseException:
    """Return one exception for several that came up at once, in which each of them is reported.

    What ends the program (an interrupt, a cancellation) counts before what is wrong with the bench, and that
    before what is wrong with the device. Exception groups are taken apart.

    Args:
        problems: at least one.
    """
    found = list(_leaves(problems))
    if len(found) == 1:
        return found[0]
    if all(isinstance(problem, BenchError) for problem in found):
        broken = [problem for problem in found if isinstance(problem, BenchError)]
        messages = dict.fromkeys(f"{problem.where}: {problem.what}".removeprefix(": ") for problem in broken)
        if len(messages) == 1:
            return broken[0]
        remedies = dict.fromkeys(problem.remedy for problem in broken if problem.remedy)
        return BenchError("; ".join(messages), remedy="; ".join(remedies))
    worst = min(found, key=_rank)
    for problem in found:
        if problem is not worst:
            worst.add_note(f"At the same time: {problem or type(problem).__name__}")
    return worst


def _leaves(problems: Iterable[BaseException]) -> Iterator[BaseException]:
    for problem in problems:
        if isinstance(problem, BaseExceptionGroup):
            yield from _leaves(problem.exceptions)
        else:
            yield problem


def _rank(problem: BaseException) -> int:
    return (
        0
        if not isinstance(problem, Exception)
        else 2
        if isinstance(problem, BenchError)
        else 3
        if isinstance(problem, DeviceCrashed)
        else 1
    )
