"""A run's list of scenarios is read piece by piece, and comes out as ``json.loads`` reads it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_hil.run_folder.pieces import load_in_pieces

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
OBJECTS = st.dictionaries(st.sampled_from(["scenarios", "name", ""]) | st.text(), VALUES)


def loaded(written):
    return load_in_pieces(written, "scenarios", lambda value: value)


@given(OBJECTS | VALUES, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_what_comes_out_is_what_json_reads(value, indent, ascii_only):
    assert loaded(json.dumps(value, indent=indent, ensure_ascii=ascii_only)) == value


def test_each_element_of_the_list_is_handed_over_and_what_is_returned_stands_for_it():
    seen = []
    written = (
        ' {"before": [1, {"scenarios": [9]}], "scenarios" : [ {"id": "a"} , {"id": "b"} ], "after": {}}\n'
    )
    read = load_in_pieces(written, "scenarios", lambda row: seen.append(row) or row["id"])
    assert seen == [{"id": "a"}, {"id": "b"}]
    assert read == {"before": [1, {"scenarios": [9]}], "scenarios": ["a", "b"], "after": {}}


@pytest.mark.parametrize("value", [{"a": 1}, "text", 7, None])
def test_what_is_no_list_is_not_taken(value):
    written = json.dumps({"scenarios": value})
    assert load_in_pieces(written, "scenarios", pytest.fail) == {"scenarios": value}


@pytest.mark.parametrize(
    "written",
    [
        "",
        " ",
        "{",
        "{]",
        '{"scenarios": [1, 2',
        '{"scenarios": [1 2]}',
        '{"scenarios": [1,]}',
        '{"scenarios": [,1]}',
        '{"scenarios": [1],}',
        '{"scenarios" [1]}',
        '{"scenarios": [1]} x',
        "{1: 2}",
        '{"a": 1 "b": 2}',
        '{,"a": 1}',
        '\ufeff{"scenarios": []}',
        "{'scenarios': []}",
    ],
)
def test_what_is_no_json_is_refused_in_the_words_of_json(written):
    with pytest.raises(ValueError) as right:  # noqa: PT011
        json.loads(written)
    with pytest.raises(ValueError) as found:  # noqa: PT011
        loaded(written)
    assert str(found.value) == str(right.value)


def test_what_is_nested_too_deeply_is_no_endless_work():
    with pytest.raises(RecursionError):
        loaded('{"scenarios": [' + "[" * 200_000)
