"""A person as eye and ear: what is asked, what is hidden, and what each answer becomes."""

import asyncio

import pytest

from intercom_hil.errors import Inconclusive
from intercom_hil.operator.prompter import Prompter
from intercom_hil.operator.question import Answer
from intercom_hil.operator.reading import Reader, reading
from intercom_hil.scenario.timeout import suspended_while_asked
from intercom_hil.spec.events import OUTGOING_INITIATED
from intercom_hil.timeline import Timeline, Witness
from intercom_hil.timeline.operator_content import OperatorAnswered, OperatorAsked
from intercom_hil.timeline.vocabulary import event, screen, speaker_sound, speaker_tone
from tests.operator.standing_in import Somebody

ASKED = OperatorAsked(number=1, about="screen", text="x", ways=())
ANSWERED = OperatorAnswered(number=1, about="screen", waited=0)


async def read(pattern, answer, **options):
    """Have a person give this answer, and return what is on the timeline then, and what was asked."""
    timeline, person = Timeline(), Somebody(answer=answer)
    await Reader(Prompter([person], append=timeline.append, within=5), timeline.append).read(
        pattern, **options
    )
    return timeline, person.asked[0].question


def test_only_screen_and_sound_are_read():
    assert [
        reading(p) for p in (screen("x"), speaker_sound(), speaker_tone(440), event(OUTGOING_INITIATED))
    ] == [
        "screen",
        "announcement",
        "speaker",
        None,
    ]


async def test_the_right_text_is_one_among_others():
    timeline, asked = await read(screen("Incoming call answered"), Answer(choice="Incoming call answered"))
    (shown,) = timeline.find(screen("Incoming call answered").seen_by(Witness.OPERATOR))
    assert shown.time <= list(timeline)[-2].time
    names = [choice.name for choice in asked.choices]
    assert len(names) > 5
    assert names[:-2] == sorted(names[:-2])
    assert asked.expected == "Incoming call answered"
    assert "Incoming call answered" not in asked.title + asked.text


@pytest.mark.parametrize(
    ("answer", "texts"),
    [
        (Answer(choice="nothing"), []),
        (Answer(choice="Dialing"), ["Dialing"]),
        (Answer(choice="other", text=" No  line\n"), ["No line"]),
    ],
)
async def test_another_text_is_told_as_it_is(answer, texts):
    timeline, _ = await read(screen("Incoming call answered"), answer)
    assert [o.content.text for o in timeline if o.content.kind == "screen"] == texts


@pytest.mark.parametrize(("choice", "heard"), [("nothing", 0), ("noise", 0), ("announcement", 1)])
async def test_an_announcement_is_heard_or_not(choice, heard):
    timeline, _ = await read(speaker_sound(), Answer(choice=choice))
    assert len(timeline.find(speaker_sound())) == heard


async def test_a_tone_is_known_by_its_pitch_and_compared_by_a_meter():
    timeline, _ = await read(
        speaker_tone(1000), Answer(choice="tone", numbers={"hz": 1002, "db": 71.5}), level=True
    )
    found = timeline.find(speaker_tone(1000))
    assert [(o.content.tone_hz, o.content.meter_db) for o in found] == [(1002, 71.5)]
    timeline, _ = await read(speaker_tone(1000), Answer(choice="tone", numbers={"hz": 440}))
    assert timeline.find(speaker_tone(1000)) == []
    timeline, _ = await read(speaker_tone(1000), Answer(choice="other"))
    assert timeline.find(speaker_tone(1000)) == []


@pytest.mark.parametrize(
    ("numbers", "level"), [({}, False), ({"hz": -1}, False), ({"hz": 1e9}, False), ({"hz": 1000}, True)]
)
async def test_what_an_ear_cannot_tell_is_inconclusive(numbers, level):
    with pytest.raises(Inconclusive):
        await read(speaker_tone(1000), Answer(choice="tone", numbers=numbers), level=level)


async def test_time_in_which_a_person_is_asked_does_not_count():
    timeline = Timeline()
    async with asyncio.timeout(0.1) as bound:
        with suspended_while_asked(bound, timeline):
            timeline.append(Witness.OPERATOR, ASKED)
            await asyncio.sleep(0.15)
            timeline.append(Witness.OPERATOR, ANSWERED)
            assert not bound.expired()
    timeline.append(Witness.OPERATOR, ASKED)


async def test_time_after_the_answer_counts():
    timeline = Timeline()

    async def asked_and_slow():
        async with asyncio.timeout(0.1) as bound:
            with suspended_while_asked(bound, timeline):
                timeline.append(Witness.OPERATOR, ASKED)
                timeline.append(Witness.OPERATOR, ANSWERED)
                await asyncio.sleep(5)

    with pytest.raises(TimeoutError):
        await asked_and_slow()
