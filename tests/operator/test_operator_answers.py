"""The answers file: which entry answers, what its commands get and say, and every mistake named."""

import asyncio

import pytest

from intercom_hil.errors import BenchError
from intercom_hil.operator.answers import AnswersFile
from intercom_hil.operator.prompter import Asked
from intercom_hil.operator.question import GivenFile
from tests.operator.standing_in import SHEET, question, until


async def opened(folder, text):
    path = folder / "answers.toml"
    path.write_text(text)
    answers = AnswersFile(path)
    await answers.open()
    return answers


def script(folder, text):
    """Return an entry whose command runs this Python."""
    (folder / "script.py").write_text(f"import json, sys\nq = json.load(sys.stdin)\n{text}\n")
    return '[[answer]]\nrun = ["{python}", "script.py"]\nwithin = 5\n'


async def ask(answers, asked=SHEET):
    return await answers.ask(Asked(1, asked, 0.0))


async def test_the_first_entry_that_matches_answers(tmp_path):
    answers = await opened(
        tmp_path,
        '[[answer]]\nabout = ["screen"]\nchoice = "nothing"\n'
        '[[answer]]\ntitle = "Call n.mber$"\nchoice = "refused"\nfields = ["call_number"]\nby = "robot"\n'
        '[[answer]]\nchoice = "accepted"\n',
    )
    said, by = await ask(answers)
    assert (said.choice, said.fields, by) == ("refused", ("call_number",), "robot")
    said, by = await ask(answers, question(title="settings: all fields"))
    assert (said.choice, by) == ("accepted", "answers file")


async def test_a_question_that_no_entry_matches_is_for_somebody_else(tmp_path):
    answers = await opened(tmp_path, '[[answer]]\nabout = ["screen"]\nchoice = "nothing"\n')
    assert not answers.can(SHEET)


async def test_a_command_gets_the_question_and_prints_the_answer(tmp_path):
    wanted = SHEET.model_copy(
        update={"files": (GivenFile(name="ca.pem", content=b"pem"),), "expected": "shh"}
    )
    entry = script(
        tmp_path,
        "assert q['files'] == {'ca.pem': 'cGVt'} and 'expected' not in q\n"
        "text = q['fields'][0]['value']\n"
        "print(json.dumps({'choice': 'refused', 'text': text, 'fields': ['call_number']}))",
    )
    said, _ = await ask(await opened(tmp_path, entry), wanted)
    assert (said.choice, said.text) == ("refused", "3411")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("print('yes')", "printed no answer"),
        ("print(json.dumps({'choice': 'perhaps'}))", "is no answer to"),
        ("print(json.dumps({'choice': 'refused', 'fields': ['colour']}))", "is no answer to"),
        ("print(json.dumps({'choice': 'accepted', 'numbers': {'hz': float('nan')}}))", "printed no answer"),
        ("sys.exit('the arm is stuck')", "status 1: the arm is stuck"),
        ("print('x' * 1_000_000)", "printed no answer"),
    ],
)
async def test_a_command_that_does_not_answer_is_the_benchs_fault(tmp_path, text, told):
    answers = await opened(tmp_path, script(tmp_path, text))
    with pytest.raises(BenchError, match=told):
        await ask(answers)


async def test_a_command_that_takes_too_long_is_ended(tmp_path):
    entry = script(tmp_path, "import time; time.sleep(60)").replace("within = 5", "within = 0.5")
    with pytest.raises(BenchError, match="did not end within"):
        await ask(await opened(tmp_path, entry))


async def test_a_withdrawn_question_ends_its_command(tmp_path):
    entry = script(tmp_path, "open('begun', 'w').close(); import time; time.sleep(60)")
    asking = asyncio.create_task(ask(await opened(tmp_path, entry)))
    await until((tmp_path / "begun").exists)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("answer = 3", "answer"),
        ("", "answer"),
        ("[[answer]]\nchoice =", "not a TOML file"),
        ("[[answer]]\n", "either run or choice"),
        ('[[answer]]\nrun = ["x"]\nchoice = "y"', "either run or choice"),
        ('[[answer]]\nchoice = "y"\ntitle = "("', "no regular expression"),
        ('[[answer]]\nchoice = "y"\nabout = ["weather"]', "about"),
        ('[[answer]]\nchoice = "y"\ncolour = 1', "colour"),
    ],
)
async def test_a_wrong_file_is_named_with_what_is_wrong(tmp_path, text, told):
    with pytest.raises(BenchError, match=told) as caught:
        await opened(tmp_path, text)
    assert caught.value.where.endswith("answers.toml")


async def test_a_file_or_command_that_is_not_there(tmp_path):
    with pytest.raises(BenchError, match="cannot be read"):
        await AnswersFile(tmp_path / "none.toml").open()
    answers = await opened(tmp_path, '[[answer]]\nrun = ["no-such-command"]')
    with pytest.raises(BenchError, match="cannot be run"):
        await ask(answers)
