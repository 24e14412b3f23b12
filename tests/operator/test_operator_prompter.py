"""The prompter: the first answer counts, and whatever happens the question ends and is on record."""

import asyncio
import json

import pytest

from intercom_hil.errors import BenchError, DeviceCrashed, Inconclusive
from intercom_hil.operator.prompter import Prompter
from intercom_hil.operator.question import Answer, Attachment, GivenFile
from intercom_hil.timeline import Timeline, Witness
from tests.operator.standing_in import ACCEPTED, SHEET, Somebody, question, until


def prompter_of(*ways, within=5.0, timeline=None):
    timeline = Timeline() if timeline is None else timeline
    return Prompter(ways, append=timeline.append, within=within, name="M. Curie")


def ended(timeline):
    return [o.content for o in timeline if o.content.kind == "answered"]


async def test_the_first_answer_counts_and_the_others_are_withdrawn(tmp_path):
    timeline, quick, slow = Timeline(), Somebody("quick", ACCEPTED), Somebody("slow")
    prompter = prompter_of(slow, quick, timeline=timeline)
    prompter.begin(tmp_path)

    assert await prompter.ask(SHEET) == ACCEPTED

    assert slow.withdrawn == 1
    asked, answered = list(timeline)
    assert asked.witness is Witness.OPERATOR
    assert asked.content.ways == ("slow", "quick")
    assert (answered.content.way, answered.content.by) == ("quick", "quick herself")
    assert [way.outcomes for way in (slow, quick)] == [[answered.content]] * 2


async def test_an_unanswered_question_is_inconclusive_and_still_ends():
    timeline = Timeline()
    with pytest.raises(Inconclusive, match="nobody answered within"):
        await prompter_of(Somebody(), within=0.05, timeline=timeline).ask(SHEET)
    assert [content.way for content in ended(timeline)] == [""]


async def test_where_nobody_can_be_asked_nobody_waits():
    timeline = Timeline()
    with pytest.raises(Inconclusive, match="nobody is there"):
        await prompter_of(Somebody(able=False), within=60, timeline=timeline).ask(SHEET)
    assert len(timeline) == 0


async def test_answer_photos_and_files_are_kept_and_secrets_are_not(tmp_path):
    timeline = Timeline()
    photo = Attachment(name="../../door photo.jpg", content=b"\xff\xd8")
    said = Answer(choice="refused", text="'s3cret-0815' is too short", fields=("auth_password",))
    prompter = prompter_of(
        Somebody(answer=said.model_copy(update={"attachments": (photo,)})), timeline=timeline
    )
    prompter.begin(tmp_path)
    given = SHEET.model_copy(update={"files": (GivenFile(name="ca.pem/", content=b"pem"),)})

    assert (await prompter.ask(given, secrets=("s3cret-0815",))).text == said.text

    kept = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert kept == {"0001.json", "0001-1-_.._door_photo.jpg", "0001-files/1/ca.pem_"}
    assert b"s3cret" not in b"".join(path.read_bytes() for path in tmp_path.rglob("*.json"))
    assert "s3cret" not in "".join(o.model_dump_json() for o in timeline)
    record = json.loads((tmp_path / "0001.json").read_text())
    assert (record["by"], record["way"]) == ("somebody herself", "somebody")
    assert ended(timeline)[0].attachments == tuple(record["attachments"])


async def test_what_is_expected_is_recorded_and_not_shown():
    timeline, way = Timeline(), Somebody(answer=ACCEPTED)
    await prompter_of(way, timeline=timeline).ask(question(expected="Incoming call answered"))
    assert "expected" not in way.asked[0].question.shown()
    assert ended(timeline)[0].expected == "Incoming call answered"


@pytest.mark.parametrize("problem", [BenchError("cable out"), DeviceCrashed("it restarted")])
async def test_a_question_ends_when_bench_or_device_are_gone(problem):
    timeline, way = Timeline(), Somebody()
    prompter = prompter_of(way, within=60, timeline=timeline)
    asking = asyncio.create_task(prompter.ask(SHEET))
    await until(lambda: way.asked)
    prompter.give_up(problem)
    with pytest.raises(type(problem)):
        await asking
    assert way.withdrawn == 1
    assert len(ended(timeline)) == 1


async def test_the_next_scenario_may_ask_again_after_a_loss(tmp_path):
    prompter = prompter_of(Somebody(answer=ACCEPTED))
    prompter.give_up(BenchError("cable out"))
    prompter.begin(tmp_path)
    assert await prompter.ask(SHEET) == ACCEPTED


async def test_a_way_that_fails_is_the_benchs_fault():
    with pytest.raises(BenchError, match="broken"):
        await prompter_of(Somebody(answer=BenchError("broken")), Somebody()).ask(SHEET)


async def test_a_cancelled_scenario_withdraws_its_question():
    timeline, way = Timeline(), Somebody()
    asking = asyncio.create_task(prompter_of(way, timeline=timeline).ask(SHEET))
    await until(lambda: way.asked)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert (way.withdrawn, len(ended(timeline))) == (1, 1)


async def test_questions_are_asked_one_at_a_time():
    way = Somebody()
    prompter = prompter_of(way)
    both = [asyncio.create_task(prompter.ask(SHEET)) for _ in range(2)]
    await until(lambda: way.asked)
    await asyncio.sleep(0.02)  # an absence: the second one is not asked
    assert len(way.asked) == 1
    way.answer = ACCEPTED
    assert await asyncio.gather(*both) == [ACCEPTED, ACCEPTED]


async def test_an_answer_that_cannot_be_kept_is_the_benchs_fault(tmp_path):
    (tmp_path / "taken").write_text("a file")
    prompter = prompter_of(Somebody(answer=ACCEPTED))
    prompter.begin(tmp_path / "taken")
    with pytest.raises(BenchError, match="cannot be kept"):
        await prompter.ask(SHEET)


async def test_ways_are_opened_and_closed_together():
    class Broken(Somebody):
        async def open(self):
            raise BenchError("no such address")

    first, second = Somebody(), Broken()
    with pytest.raises(BenchError):
        await prompter_of(first, second).open()
    assert not first.is_open
