"""What good practice finds in each story told elsewhere: `findings.toml` has it all, what passes too.

``SIP-01 3@0`` is a row that looked three times, first at the message 0, and found nothing. A broken row has
its problem, and the numbers of the messages that show it: ``SIP-05 ! a CSeq that does not rise @3``.
"""

import re
import tomllib
from pathlib import Path

import pytest

from intercom_hil.practice.practice import practice
from intercom_hil.spec.good_practice import GOOD_PRACTICE
from intercom_hil.spec.verdict import Verdict
from tests.practice import more_stories
from tests.practice.test_lawful_habits import BOTH, HABITS
from tests.practice.test_practice import ALLOWED, BROKEN, LATER, LAWFUL, told
from tests.practice.test_practice_problems import PROBLEMS

FINDINGS = tomllib.loads(Path(__file__).with_name("findings.toml").read_text(encoding="utf-8"))
STORIES = {
    **{f"lawful: {name}": story for name, story in LAWFUL.items()},
    **{f"allowed: {name}": story for name, story in ALLOWED.items()},
    **{f"habit: {name}": story for name, story in HABITS.items()},
    **{f"broken: {row}": story for row, story in BROKEN.items()},
    **{f"problem: {name}": story for name, (story, *_) in PROBLEMS.items()},
    **{f"more: {name}": story for name, story in more_stories.STORIES.items()},
    "two stations that both answered": BOTH,
}


def in_words(timeline):
    """Everything that good practice finds, one line for each finding."""
    seen = list(timeline)
    lines = []
    for found in practice(timeline, LATER):
        numbers = ",".join(str(seen.index(o)) for o in found.observations)
        looked = re.fullmatch(r"looked at (\d+) times", found.seen)
        if found.verdict is Verdict.PASS and looked:
            lines.append(f"{found.requirement} {looked[1]}@{numbers}")
        else:
            problem, _, rest = found.seen.partition(f": {found.observations[0]}")
            lines.append(f"{found.requirement} ! {problem}{rest} @{numbers}")
    return lines


@pytest.mark.parametrize("name", STORIES)
def test_all_that_is_found_in_a_story(name):
    assert in_words(told(*STORIES[name])) == FINDINGS[name]


def test_there_is_a_story_for_every_entry():
    assert FINDINGS.keys() == STORIES.keys()


def test_a_finding_says_what_its_row_expects_and_where_that_is_written():
    for found in practice(told(*PROBLEMS["no To tag"][0]), LATER):
        title = GOOD_PRACTICE[found.requirement].title
        source = GOOD_PRACTICE[found.requirement].source
        assert found.expected == f"{title[0].lower()}{title[1:]} ({source})"
