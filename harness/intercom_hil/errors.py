"""The four ways a scenario can end other than by a judged expectation.

They are told apart by whose fault it is, because that is what decides the verdict.
"""

from __future__ import annotations


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


class DeviceCrashed(Exception):  # noqa: N818  (it says what happened)
    """The device went away by itself (verdict *fail*)."""


class Inconclusive(Exception):  # noqa: N818  (it is a verdict)
    """A precondition could not be established, so nothing was found out (verdict *inconclusive*)."""


class NotApplicable(Exception):  # noqa: N818  (it is a verdict)
    """The bench file declares that the device lacks what the scenario needs (verdict *not applicable*)."""
