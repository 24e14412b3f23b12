"""The terminal, as a pseudo-terminal has it: what is shown, what is understood, what is asked again."""

import asyncio
import contextlib
import os
import pty
import tty

import pytest

from intercom_hil.operator.prompter import Asked
from intercom_hil.operator.question import Choice, SheetField
from intercom_hil.operator.terminal import Terminal
from intercom_hil.timeline.operator_content import OperatorAnswered
from tests.operator.standing_in import SHEET, question


class Person:
    """Sits at the other end of a terminal."""

    def __init__(self):
        self.end, slave = pty.openpty()
        tty.setraw(slave)
        self.device = os.ttyname(slave)
        self._slave = slave
        os.set_blocking(self.end, False)
        self.seen = ""

    async def sees(self, text):
        for _ in range(400):
            try:
                self.seen += os.read(self.end, 65_536).decode()
            except BlockingIOError:
                await asyncio.sleep(0.005)
            if text in self.seen:
                return
        raise AssertionError(f"{text!r} not shown, but:\n{self.seen}")

    def types(self, text):
        self.seen = ""
        os.write(self.end, text.encode())

    def leaves(self):
        os.close(self.end)
        os.close(self._slave)


@pytest.fixture
async def person():
    person = Person()
    yield person
    with contextlib.suppress(OSError):
        person.leaves()


@pytest.fixture
async def terminal(person):
    terminal = Terminal(person.device)
    await terminal.open()
    yield terminal
    await terminal.close()


async def conversation(terminal, person, asked, *typed):
    """Ask, type each line when there is something to answer, and return the answer."""
    asking = asyncio.create_task(terminal.ask(Asked(7, asked, 0.0)))
    for prompt, line in typed:
        await person.sees(prompt)
        person.types(line + "\n")
    return (await asyncio.wait_for(asking, 5))[0]


async def test_a_number_is_the_answer_and_what_follows_is_the_text(terminal, person):
    said = await conversation(terminal, person, SHEET, ("Answer:", "1 with a warning"))
    assert (said.choice, said.text) == ("accepted", "with a warning")


async def test_a_refusal_names_fields(terminal, person):
    said = await conversation(
        terminal,
        person,
        SHEET,
        ("Answer:", "2"),
        ("Which of these", "9"),
        ("Which of these", "1, 2"),
    )
    assert (said.choice, said.fields) == ("refused", ("call_number", "auth_password"))


async def test_what_is_no_answer_is_asked_again(terminal, person, tmp_path):
    said = await conversation(
        terminal,
        person,
        SHEET,
        ("Answer:", ""),
        ("begin with a number", "yes"),
        ("begin with a number", "3"),
        ("begin with a number", "1 @" + str(tmp_path / "none.jpg")),
        ("cannot be read", "1 @'"),
        ("No closing quotation", "1"),
    )
    assert said.choice == "accepted"


async def test_photos_are_attached_by_name(terminal, person, tmp_path):
    (tmp_path / "door 1.jpg").write_bytes(b"\xff\xd8")
    said = await conversation(
        terminal, person, SHEET, ("Answer:", f"2 as seen @'{tmp_path / 'door 1.jpg'}'"), ("Which", "")
    )
    assert (said.text, [(a.name, a.content) for a in said.attachments]) == (
        "as seen",
        [("door 1.jpg", b"\xff\xd8")],
    )


async def test_only_what_changes_is_shown_until_asked_for_all(terminal, person):
    said = await conversation(
        terminal, person, SHEET, ("1 fields stay as they are", "all"), ("s3cret-0815", "1")
    )
    assert said.choice == "accepted"


async def test_numbers_are_asked_for_with_the_choice_that_has_them(terminal, person):
    tone = question(
        choices=(Choice(name="nothing", label="Nothing"), Choice(name="tone", label="A tone")),
        numbers={"hz": "Pitch in Hz", "db": "Level in dB"},
        numbers_with=("tone",),
    )
    said = await conversation(terminal, person, tone, ("Answer:", "2"), ("Pitch", "440,5"), ("Level", ""))
    assert said.numbers == {"hz": 440.5}
    assert (await conversation(terminal, person, tone, ("Answer:", "1"))).numbers == {}


async def test_what_was_typed_before_the_question_answers_nothing(terminal, person):
    person.types("1\n")
    asking = asyncio.create_task(terminal.ask(Asked(1, SHEET, 0.0)))
    await person.sees("Answer:")
    await asyncio.sleep(0.05)  # an absence: the old line is not taken
    assert not asking.done()
    person.types("2\n\n")
    assert (await asking)[0].choice == "refused"


async def test_a_withdrawn_question_says_so_and_what_was_expected(terminal, person):
    asked = Asked(1, SHEET, 0.0)
    asking = asyncio.create_task(terminal.ask(asked))
    await person.sees("Answer:")
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    outcome = OperatorAnswered(
        number=1, about="screen", way="web page", by="Ada", choice="Busy", expected="Dialing", waited=1
    )
    terminal.ended(asked, outcome)
    await person.sees("Ada answered (web page): Busy")
    await person.sees("Expected was: Dialing")


async def test_control_characters_of_a_value_never_reach_the_terminal(terminal, person):
    odd = question(fields=(SheetField(name="n", label="Number", value="34\x1b[2J\u202e01"),))
    await conversation(terminal, person, odd, ("Answer:", "1"))
    asking = asyncio.create_task(terminal.ask(Asked(1, odd, 0.0)))
    await person.sees("Answer:")
    assert "\x1b" not in person.seen
    assert r"'34\x1b[2J\u202e01'" in person.seen
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)


async def test_a_person_who_hangs_up_answers_nothing(terminal, person):
    asking = asyncio.create_task(terminal.ask(Asked(1, SHEET, 0.0)))
    await person.sees("Answer:")
    person.leaves()
    done, _ = await asyncio.wait({asking}, timeout=0.1)
    assert not done
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)


@pytest.mark.parametrize("device", ["/dev/null", "/nowhere/tty"])
async def test_where_there_is_no_terminal_this_way_leads_nowhere(device):
    terminal = Terminal(device)
    await terminal.open()
    assert not terminal.can(SHEET)
    await terminal.close()
    await terminal.close()
