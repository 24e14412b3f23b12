"""Requirements mapped to standards, each with a reason; words that changed after their review are marked."""

import re
from datetime import date

import pytest

from intercom_hil.spec.catalogue import CATALOGUE
from intercom_hil.spec.good_practice import GOOD_PRACTICE
from intercom_hil.spec.mappings import MAPPING, Mapping, in_words, mapping_markdown
from intercom_hil.spec.reviewed import REVIEWED, digest, reviewed_toml, standing
from tests.structure.source_tree import ROOT

ROWS = {**CATALOGUE, **GOOD_PRACTICE}
ONE = """
[[standard]]
id = "S 1"
title = "Standard one"
clauses = { "A-1" = "about a", "A-2" = "about another" }
[[supports]]
requirements = ["OUT-03"]
clauses = { "S 1" = ["A-2", "A-1"] }
reason = "because"
"""


def test_every_line_names_requirements_that_there_are_and_says_why():
    for support in MAPPING.supports:
        assert [name for name in support.requirements if name not in ROWS] == []
        assert len(support.reason) > 20
        assert "prove" not in support.reason


def test_every_clause_that_is_listed_is_supported_by_something():
    listed = {(one.id, clause) for one in MAPPING.standard for clause in one.clauses}
    used = {(key, clause) for one in MAPPING.supports for key, some in one.clauses.items() for clause in some}
    assert listed == used


def test_what_is_only_recorded_supports_nothing():
    gaps = [row.id for row in ROWS.values() if not row.judged]
    assert gaps
    assert [name for name in gaps if MAPPING.of(name)] == []


def test_a_mapping_is_read_in_the_order_of_its_clauses():
    found = Mapping.parse(ONE)
    assert found.of("OUT-03") == {"S 1": ["A-1", "A-2"]}
    assert in_words(found.of("OUT-03")) == "S 1 A-1, A-2"
    assert found.of("OUT-01") == {}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"A-2", "A-1"', '"A-3"', "not listed: S 1 A-3"),
        ('{ "S 1" = ["A-2"', '{ "S 2" = ["A-2"', "not listed: S 2"),
        ('reason = "because"', "", "reason"),
        ('reason = "because"', 'reason = ""', "reason"),
    ],
)
def test_a_mapping_that_is_not_whole_is_refused(old, new, told):
    with pytest.raises(ValueError, match=re.escape(told)):
        Mapping.parse(ONE.replace(old, new))


def test_the_manual_has_the_mapping_as_it_is():
    assert (ROOT / "docs" / "standards.md").read_text(encoding="utf-8").endswith(mapping_markdown())


def test_words_that_changed_since_their_review_are_marked():
    row = CATALOGUE["OUT-03"]
    changed = row.model_copy(update={"text": row.text + " Or later."})
    assert digest(changed) != digest(row)
    assert digest(row.model_copy(update={"text": row.text.replace(" ", "  ")})) == digest(row)
    assert digest(row.model_copy(update={"harm": "other"})) == digest(row)
    if REVIEWED["OUT-03"] == digest(row):
        assert standing(row) == ""
        assert standing(changed).startswith("changed since the review of 20")
    assert standing(row.model_copy(update={"id": "OUT-99"})) == "not reviewed yet"


def test_the_file_of_a_review_is_one_that_can_be_read():
    written = reviewed_toml(ROWS.values(), date(2030, 1, 7))
    assert "on = 2030-01-07\n" in written
    assert f'OUT-03 = "{digest(CATALOGUE["OUT-03"])}"\n' in written
