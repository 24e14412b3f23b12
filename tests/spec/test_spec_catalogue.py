"""The catalogue against the requirements as somebody else typed them from the page."""

import re
import subprocess
import sys
from pathlib import Path

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_hil.spec import events
from intercom_hil.spec.catalogue import (
    CATALOGUE,
    DERIVED,
    FAMILIES,
    Catalogue,
    Requirement,
    catalogue_markdown,
)
from intercom_hil.spec.catalogues import UnknownRequirement, requirement
from intercom_hil.spec.good_practice import GOOD_PRACTICE

DOCS = Path(__file__).parents[2] / "docs"

CLASSES = {
    "CFG": "SSSSSSSSSSSSSSSSSSSSSD",
    "REG": "SDSDD",
    "PRX": "SS",
    "TLS": "SSSSDD",
    "ENC": "SDSSDDSSSSD",
    "OUT": "SSSSSSDDGG",
    "INC": "SSSSSDDGG",
    "VID": "SSSS",
    "EVT": "SSSSSSSSSSDDS",
}
"""One letter for each row, in order: the class of CFG-01, CFG-02, and so on."""

EVENTS = [
    ("EVT-01", "Dialing", "outgoing_call_initiated"),
    ("EVT-02", "Call Established", "outgoing_call_established"),
    ("EVT-03", "Call Failed", "outgoing_call_failure"),
    ("EVT-04", "Hanging Up", "outgoing_remote_hangup"),
    ("EVT-05", "Call Failed", "outgoing_call_contact_failure"),
    ("EVT-06", "Call Rejected", "incoming_call_rejected"),
    ("EVT-07", "Incoming Call", "incoming_call_received"),
    ("EVT-08", "Call Failed", "incoming_call_failure"),
    ("EVT-09", "Hanging Up", "incoming_call_remote_hangup"),
    ("EVT-10", "Hanging Up", "incoming_call_local_hangup"),
]

INTERFACE_STRINGS = {
    "CFG-02": ["Account Administrator", "Settings > Modify", "SIP Configuration", "Submit"],
    "CFG-07": [".pem", ".cer", ".crt"],
    "CFG-08": ["RTP with Optional SRTP (Fallback Mode)", "SRTP-only"],
    "CFG-13": ["<extension>", "sip:<extension>@<server>"],
    "CFG-18": ["Outgoing", "Incoming", "Both"],
    "ENC-07": ["outgoing_call_failure"],
    "INC-02": ["Incoming call answered"],
}

HEAD = """
title = "t"
[families]
CFG = "Settings"
OUT = "Outgoing calls"
"""
ROW = """
[[requirement]]
id = "OUT-01"
class = "S"
title = "t"
text = "t"
source = "s"
harm = "h"
"""


def test_the_rows_and_their_classes_are_those_of_the_requirements():
    expected = {
        f"{family}-{number:02}": letter
        for family, letters in CLASSES.items()
        for number, letter in enumerate(letters, start=1)
    }
    assert {row.id: row.class_.name for row in CATALOGUE.values()} == expected
    assert list(CATALOGUE) == list(expected)
    assert len(CATALOGUE) == 82


def test_the_families_stand_in_the_order_of_reports():
    assert list(FAMILIES) == list(CLASSES)
    assert all(row.family in FAMILIES for row in CATALOGUE.values())


def test_the_event_rows_carry_the_literal_names():
    carried = [(r.id, r.screen_name, r.event_name) for r in CATALOGUE.values() if r.event_name]
    assert carried == EVENTS


def test_the_event_vocabulary_is_the_same_ten_events():
    assert [(k.requirement, k.screen_name, k.name) for k in events.EVENTS.values()] == EVENTS
    assert all(name == kind.name for name, kind in events.EVENTS.items())


def test_the_failure_kinds_are_those_that_details_must_tell_apart():
    assert set(events.FAILURE_KINDS) == {
        "busy",
        "declined",
        "no answer",
        "not found",
        "unreachable",
        "media security",
        "caller not permitted",
        "incoming calls off",
    }
    assert len(events.FAILURE_KINDS) == 8
    assert all(kind in requirement("EVT-13").text for kind in events.FAILURE_KINDS)


@pytest.mark.parametrize(("name", "strings"), INTERFACE_STRINGS.items())
def test_interface_strings_are_literal(name, strings):
    assert [string for string in strings if string not in requirement(name).text] == []


def test_every_row_tells_its_harm_in_one_sentence():
    assert [row.id for row in CATALOGUE.values() if not re.fullmatch(r"[A-Z][^.!?]*\.", row.harm)] == []


def test_no_two_rows_say_the_same():
    for field in ("title", "text", "harm"):
        said = [getattr(row, field) for row in CATALOGUE.values()]
        assert len(set(said)) == len(said), field


def test_gaps_are_not_judged_and_say_so():
    gaps = {row.id for row in CATALOGUE.values() if not row.judged}
    assert gaps == {"OUT-09", "OUT-10", "INC-08", "INC-09"}
    assert all(requirement(name).text.startswith("Recorded, not judged") for name in gaps)


def test_derived_rows_cite_what_they_are_derived_from():
    sources = {r.id: r.source for r in CATALOGUE.values() if r.class_ == DERIVED}
    unsupported = {name for name, source in sources.items() if not re.search(r"RFC \d{4}", source)}
    assert unsupported == {"CFG-22", "EVT-11", "EVT-12"}, "these follow from the page alone"
    assert all(source.startswith("Page: ") for source in sources.values())


def test_a_row_cannot_be_changed():
    with pytest.raises(pydantic.ValidationError):
        requirement("OUT-01").title = "something else"


def test_a_row_survives_json_under_the_name_class():
    row = requirement("EVT-05")
    stored = row.model_dump_json(by_alias=True)
    assert '"class":"S"' in stored
    assert Requirement.model_validate_json(stored) == row


@pytest.mark.parametrize("family", CATALOGUE.families)
def test_a_family_is_no_requirement(family):
    with pytest.raises(UnknownRequirement):
        requirement(family)


@pytest.mark.parametrize("asked", ["out-02", "OUT02", "OUT-2", " OUT-02 "])
def test_an_unknown_id_is_told_with_those_that_look_like_it(asked):
    with pytest.raises(UnknownRequirement) as caught:
        requirement(asked)
    assert "OUT-02" in caught.value.near
    assert repr(asked) in str(caught.value)
    assert "OUT-02" in str(caught.value)
    assert "docs/requirements.md" in str(caught.value)


@given(st.text())
def test_any_name_is_a_row_or_a_typed_error(name):
    if name in CATALOGUE or name in GOOD_PRACTICE:
        assert requirement(name).id == name
    else:
        with pytest.raises(UnknownRequirement, match="no requirement is called"):
            requirement(name)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[[requirement]\n", "Expected"),
        (ROW + ROW, "OUT-01 comes twice"),
        (ROW.replace("OUT-01", "OUT-02") + ROW, "not in the order"),
        (ROW + ROW.replace("OUT-01", "CFG-01"), "not in the order"),
        (ROW.replace("OUT-01", "XYZ-01"), "no family is called XYZ"),
        (ROW.replace("OUT-01", "OUT-1"), "String should match pattern"),
        (ROW.replace('"S"', '"X"'), "there is no class 'X'; use S, D, G"),
        (ROW.replace('harm = "h"', ""), "harm"),
        (ROW.replace('harm = "h"', 'harm = ""'), "at least 1 character"),
        (ROW + 'remark = "r"\n', "remark"),
        (ROW + 'event_name = "e"\n', "belong together"),
        (ROW + '[classes]\nmust = "told"\n', "Input should be 'judged' or 'recorded'"),
        (ROW + '[classes]\nmust = "judged"\n', "there is no class 'S'; use must"),
        (ROW + "[colours]\n", "Extra inputs are not permitted"),
    ],
)
def test_a_defective_catalogue_is_refused(text, complaint):
    with pytest.raises(ValueError, match=re.escape(complaint)):
        Catalogue.parse(HEAD + text)


def test_the_page_of_requirements_is_up_to_date():
    page = (DOCS / "requirements.md").read_text(encoding="utf-8")
    command = [sys.executable, "-m", "intercom_hil.cli", "requirements"]
    printed = subprocess.run(command, cwd=DOCS.parent, capture_output=True, text=True, check=True).stdout
    assert page == printed, "write it again: intercom-hil requirements > docs/requirements.md"


def test_the_page_of_requirements_holds_every_row():
    page = catalogue_markdown()
    headings = re.findall(r"^### ([A-Z]{3}-[0-9]{2}): ", page, re.MULTILINE)
    assert headings == list(CATALOGUE)
    assert "<extension>" not in page.replace("\\<extension>", ""), "Markdown would swallow it as HTML"
