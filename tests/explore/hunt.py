"""A hunt in virtual time: which story of a seed finds which fault, and how short it becomes."""

from random import Random

from virtual_stage import Broken, tell

from intercom_hil.emulator.faults import wrap
from intercom_hil.emulator.logic import Logic
from intercom_hil.explore.drawing import Possible, draw
from intercom_hil.explore.shrinking import shrink


def broken_by(story, fault, has=lambda capability: True):
    """Play a story against a fault; return the row that is broken and the steps that were done."""
    problem, done, _ = tell(story, wrap(Logic().step, None, [fault]), has)
    return (problem.requirement if isinstance(problem, Broken) else None), tuple(done)


def hunt(fault, seed, most):
    """Return the number of the first story that finds a fault, the row, and the story shortened; or None."""
    for number in range(1, most + 1):
        drawn = draw(Random(f"{seed}:{number}"), Possible(), seed=f"{seed}:{number}")
        row, done = broken_by(drawn, fault)
        if row is not None:
            return number, row, shorten(drawn.with_steps(done), fault, row)
    return None


def shorten(story, fault, row):
    """Shrink a story in virtual time."""

    async def shows(candidate):
        again, done = broken_by(candidate, fault)
        return done if again == row else None

    shrinking = shrink(story, shows)
    try:
        shrinking.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("virtual time has stood still")
