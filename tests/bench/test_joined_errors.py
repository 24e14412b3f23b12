"""What goes wrong at several places at once is reported for each of them, as one error."""

import asyncio
import traceback

import pytest

from intercom_hil.bench.parts import in_parallel, in_turn
from intercom_hil.errors import BenchError, DeviceCrashed, joined
from intercom_hil.operator.prompter import Prompter
from intercom_hil.processes.process_host import ContainerProcessHost
from intercom_hil.timeline import Timeline

RELAY = BenchError("it does not answer", "button", "check its cable")
CONSOLE = BenchError("it is gone", "console", "plug it in")


class Part:
    """Something that is stopped, and may say that it cannot be."""

    name = "part"

    def __init__(self, problem=None):
        self.problem, self.stopped = problem, False

    async def stop(self):
        await asyncio.sleep(0)
        self.stopped = True
        if self.problem is not None:
            raise self.problem

    close = stop


async def side_by_side(steps):
    await in_parallel([step() for step in steps])


@pytest.mark.parametrize("taken", [side_by_side, in_turn])
async def test_every_part_is_stopped_and_every_error_reported(taken):
    parts = [Part(RELAY), Part(), Part(CONSOLE)]
    with pytest.raises(BenchError) as raised:
        await taken([part.stop for part in parts])
    assert all(part.stopped for part in parts)
    for told in ("button: it does not answer", "console: it is gone", "check its cable", "plug it in"):
        assert told in str(raised.value)


async def test_every_way_to_a_person_is_closed():
    ways = [Part(RELAY), Part(CONSOLE), Part()]
    with pytest.raises(BenchError, match=r"button.*console"):
        await Prompter(ways, append=Timeline().append, within=1.0).close()
    assert all(way.stopped for way in ways)


def test_one_error_stays_as_it_is():
    assert joined([RELAY]) is RELAY
    assert joined([RELAY, BenchError("it does not answer", "button", "check its cable")]) is RELAY
    assert joined([ExceptionGroup("", [ExceptionGroup("", [RELAY])])]) is RELAY


@pytest.mark.parametrize(
    ("first", "others"),
    [
        (asyncio.CancelledError(), [RELAY, ValueError("odd")]),
        (ValueError("odd"), [DeviceCrashed("it restarted"), RELAY]),
        (RELAY, [DeviceCrashed("it restarted")]),
    ],
)
def test_what_weighs_most_is_raised_and_the_others_are_noted(first, others):
    found = joined([*others, first])
    assert found is first
    said = "".join(traceback.format_exception(found))
    assert all(str(other) in said for other in others)


class Refusing:
    """An engine that starts no container, for a reason that nobody foresaw."""

    def run_detached(self, *arguments, **options):
        raise PermissionError(13, "Permission denied")

    def remove(self, name):
        pass


async def test_an_engine_that_fails_is_no_exception_group(tmp_path):
    with pytest.raises(PermissionError):
        await ContainerProcessHost(Refusing(), "image", "pbx", mounts=(tmp_path,)).start()
