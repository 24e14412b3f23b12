"""A story is kept in a file and reads as prose; a wrong file is refused by its name, field and remedy."""

import json
from random import Random

import pytest

from intercom_hil.emulator.faults import EXPLORED, FAULTS
from intercom_hil.errors import BenchError
from intercom_hil.explore.drawing import Possible, draw
from intercom_hil.explore.story import Story
from tests.structure.source_tree import ROOT

WRITTEN = """\
schema = 1

[given]
desks = ["busy", "rings until it is told otherwise"]
contacts = [1, 0]
straight = true

[[steps]]
verb = "press"

[[steps]]
verb = "call"
caller = 1

[[steps]]
verb = "change"
change = { contacts = [0], sip = false }
"""


def test_what_was_kept_is_what_is_read(tmp_path):
    for number in range(50):
        story = draw(Random(number), Possible(), seed=str(number))
        story.write(tmp_path / "kept" / "story.json")
        assert Story.read(tmp_path / "kept" / "story.json") == story


def test_a_story_is_written_by_hand_and_reads_as_prose(tmp_path):
    path = tmp_path / "story.toml"
    path.write_text(WRITTEN)
    assert Story.read(path).prose().splitlines() == [
        "Given a device that calls desk B (it rings), then desk A (it is busy), 4 s each,",
        "that lets caller 1 in, with encryption unset, and calls that go straight, past the server:",
        "1. the button is pressed.",
        "2. caller 2 calls the device.",
        "3. the settings are changed: the button calls desk A, SIP off.",
    ]


@pytest.mark.parametrize(
    ("wrong", "right", "named"),
    [
        ('verb = "press"', 'verb = "dance"', "steps.0.verb"),
        ("caller = 1", "", "'caller'"),
        ("caller = 1", "caller = 7", "steps.1.caller"),
        ("contacts = [1, 0]", "contacts = [2]", "desk 2"),
        ("schema = 1", "schema = 2", "schema"),
        ("straight = true", "bent = true", "given.bent"),
        ("[given]", "[given", "TOML"),
    ],
)
def test_a_wrong_file_is_refused_by_its_name_its_field_and_a_remedy(tmp_path, wrong, right, named):
    path = tmp_path / "story.toml"
    path.write_text(WRITTEN.replace(wrong, right, 1))
    with pytest.raises(BenchError) as refused:
        Story.read(path)
    assert str(path) in str(refused.value)
    assert named in str(refused.value)
    assert "Remedy" in str(refused.value)


def test_stories_before_one_are_kept_with_it_and_have_none_before_themselves(tmp_path):
    path = tmp_path / "story.json"
    story = draw(Random(1), Possible(), seed="1").behind([draw(Random(2), Possible(), seed="2")])
    story.write(path)
    assert Story.read(path) == story
    nested = story.behind([story])
    nested.write(path)
    with pytest.raises(BenchError, match="has no 'before' of its own"):
        Story.read(path)


def test_a_file_that_is_not_there_is_one_message(tmp_path):
    with pytest.raises(BenchError, match="cannot be read"):
        Story.read(tmp_path / "none.json")


def test_the_schema_that_comes_along_is_that_of_the_model():
    from importlib import resources

    kept = json.loads(resources.files("intercom_hil.schemas").joinpath("story.schema.json").read_text())
    assert kept == Story.model_json_schema(by_alias=True)


def test_the_page_lists_every_fault_that_is_explored():
    page = (ROOT / "docs" / "explore.md").read_text(encoding="utf-8")
    for name, make in EXPLORED.items():
        rows = ", ".join(sorted(make().breaks))
        assert f"| `{name}` | {make().description} | {rows} |" in page
    assert len(EXPLORED) == 20
    assert not EXPLORED.keys() & FAULTS.keys()
