"""The timeline: order, waiting, bookkeeping of waits, and that what is stored comes back as it was."""

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_hil.errors import BenchError
from intercom_hil.timeline import Pattern, Timeline, Witness, now
from intercom_hil.timeline.observation import ConsoleLine, Note, Observation, OperatorHeard
from intercom_hil.timeline.pattern import Condition

NOTE = Pattern(kind="note", text="a note")


@given(st.lists(st.tuples(st.floats(0, 1e10), st.text()), max_size=20))
def test_a_stored_timeline_comes_back_as_it_was(tmp_path_factory, seen):
    path = tmp_path_factory.mktemp("timeline") / "timeline.jsonl"
    timeline = Timeline()
    for time, text in seen:
        timeline.append(Witness.CONSOLE, ConsoleLine(text=text), time)
    timeline.store(path)
    assert list(Timeline.load(path)) == list(timeline)


def test_a_damaged_line_is_an_error_and_not_a_shorter_timeline(tmp_path):
    path = tmp_path / "timeline.jsonl"
    good = Observation(seq=0, time=1.0, witness=Witness.BENCH, content=Note(text="a note")).model_dump_json()
    for damaged in (b'{"seq": 0}', b"{", b"\xff", b"null", good.encode()[:-9]):
        path.write_bytes(f"{good}\n\n".encode() + damaged + b"\n")
        with pytest.raises(BenchError, match=r"timeline\.jsonl: it cannot be read: line 3: .*restore"):
            Timeline.load(path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"seq": "first"}, "seq: it should be a valid integer"),
        ({"witness": "nobody"}, "witness: it should be "),
        ({"content": {"kind": "dance"}}, "content: no such kind"),
        ({"content": {"kind": "note"}}, "content.note.text: it is missing"),
        ({"more": 1}, "more: no such field"),
    ],
)
def test_what_is_wrong_with_a_line_is_said_in_plain_words(tmp_path, change, said):
    good = Observation(seq=0, time=1.0, witness=Witness.BENCH, content=Note(text="a note"))
    path = tmp_path / "timeline.jsonl"
    path.write_text(json.dumps({**good.model_dump(mode="json"), **change}) + "\n")
    with pytest.raises(BenchError, match=f"line 1: {said}") as refused:
        Timeline.load(path)
    assert "Input should" not in str(refused.value)


async def test_a_wait_for_several_ends_with_the_last_of_them():
    timeline = Timeline()
    loop = asyncio.get_running_loop()
    for delay in (0.01, 0.03, 0.05):
        loop.call_later(delay, timeline.append, Witness.BENCH, Note(text=str(delay)))
    found = await timeline.wait(NOTE, within=10, count=3)
    assert [o.content.text for o in found] == ["0.01", "0.03", "0.05"]


async def test_when_time_is_up_what_was_found_is_returned():
    timeline = Timeline()
    timeline.append(Witness.BENCH, Note(text="one"))
    assert len(await timeline.wait(NOTE, within=0.01, count=2)) == 1


async def test_what_was_made_before_does_not_count():
    timeline = Timeline()
    timeline.append(Witness.BENCH, Note(text="early"), now() - 10)
    assert await timeline.wait(NOTE, within=0.01, after=now() - 1) == []


async def test_overlapping_waits_are_booked_once():
    timeline = Timeline()
    timeline.book_wait(100.0, 102.0)
    timeline.book_wait(101.0, 103.0)
    timeline.book_wait(110.0, 111.0)
    assert timeline.protocol_wait() == pytest.approx(4.0)


@given(st.one_of(st.none(), st.booleans(), st.text(), st.integers(), st.floats(), st.tuples(st.text())))
def test_conditions_are_total(value):
    for condition in (
        Condition(one_of=("a", 1)),
        Condition(none_of=("a",)),
        Condition(regex="a*"),
        Condition(contains="a"),
        Condition(at_least=1, at_most=2),
    ):
        assert condition.holds(value) in (True, False)


AGAIN = Pattern(kind="console_line", text="a line", once_per=("text",))


def line(text):
    return ConsoleLine(text=text)


def test_what_is_alike_counts_once_and_the_first_counts():
    timeline = Timeline()
    for at, text in ((3.0, "b"), (1.0, "a"), (2.0, "a"), (4.0, "a")):
        timeline.append(Witness.CONSOLE, line(text), at)
    assert [o.time for o in timeline.find(AGAIN)] == [1.0, 3.0]
    assert [o.time for o in timeline.find(AGAIN, after=1.5)] == [2.0, 3.0], "what is alike within the bounds"
    assert len(timeline.find(Pattern(kind="console_line", text="a line"))) == 4


async def test_a_wait_counts_what_is_alike_once():
    timeline = Timeline()
    waiting = asyncio.create_task(timeline.wait(AGAIN, within=5, count=2))
    for text in ("a", "a", "a"):
        await asyncio.sleep(0)
        timeline.append(Witness.CONSOLE, line(text))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    timeline.append(Witness.CONSOLE, line("b"))
    assert [o.content.text for o in await waiting] == ["a", "b"]


HEARD = Pattern(kind="speaker", text="a tone", heard=("tone",)).where(
    tone_hz=Condition(at_least=990, at_most=1010)
)


@pytest.mark.parametrize(
    ("told", "counts"),
    [
        (OperatorHeard(what="tone", tone_hz=1000), True),
        (OperatorHeard(what="tone", tone_hz=440), False),
        (OperatorHeard(what="tone"), False),
        (OperatorHeard(what="sound"), False),
        (OperatorHeard(what="nothing"), False),
    ],
)
async def test_what_a_person_heard_is_one_answer_and_enough(told, counts):
    """An instrument says every 0.2 s what it hears; a person who has heard it has heard it."""
    timeline = Timeline()
    timeline.append(Witness.OPERATOR, told)
    found = await timeline.wait(HEARD, within=0.01 if not counts else 5, count=3)
    assert len(found) == counts
    assert told == Timeline([Observation.model_validate_json(timeline[0].model_dump_json())])[0].content
