"""New rows of a list that is read again and again: each once, in order, however the list shows them."""

from hypothesis import given
from hypothesis import strategies as st

from intercom_hil.portal_pages import listed_rows
from intercom_hil.portal_pages.listed_rows import ListFollower


def row(text):
    return (("time", text[:1]), ("event", text))


def rows(texts):
    return [row(text) for text in texts]


def followed(*readings, whole=True):
    """Return what each reading of a list shows anew."""
    follower = ListFollower()
    return [
        [
            "".join(text for name, text in one if name == "event")
            for one in follower.take(rows(r), whole=whole)
        ]
        for r in readings
    ]


def test_what_a_list_shows_at_first_is_not_new():
    assert followed("ab", "abc", "abc", "abcde") == [[], ["c"], [], ["d", "e"]]


def test_the_first_rows_of_an_empty_list_are_new():
    assert followed("", "a", "ab") == [[], ["a"], ["b"]]


def test_rows_that_are_alike_count_as_often_as_they_are_there():
    assert followed("aa", "aaa", "aaab", "aaabb") == [[], ["a"], ["b"], ["b"]]


def test_rows_that_change_their_order_are_not_new():
    assert followed("abc", "cabd", "dcba") == [[], ["d"], []]


def test_a_list_that_was_stale_for_a_while_shows_nothing_twice():
    assert followed("ab", "abcd", "ab", "abcde") == [[], ["c", "d"], [], ["e"]]


def test_a_list_that_was_emptied_goes_on():
    assert followed("abc", "", "d", "de") == [[], [], ["d"], ["e"]]


def test_rows_older_than_the_first_page_are_not_new():
    # page by page: the second reading went further back, because much is new
    assert followed("ef", "bcdefgh", whole=False) == [[], ["g", "h"]]


def test_pages_are_read_until_something_is_known():
    follower = ListFollower()
    assert follower.knows_any([])
    follower.take(rows("ab"), whole=False)
    assert not follower.knows_any(rows("cd"))
    assert follower.knows_any(rows("bcd"))


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr(listed_rows, "MOST_KNOWN", 3)
    assert followed("ab", "abc", "abcd", "cde", "cdef") == [[], ["c"], ["d"], ["e"], ["f"]]


@given(st.text("abcd", max_size=20), st.lists(st.integers(0, 20), max_size=6), st.integers(1, 30))
def test_every_row_is_new_once_whatever_part_of_the_log_is_shown(log, places, window):
    """A log that grows, of which the newest rows are shown: what was seen is what was written meanwhile."""
    log = [f"{place:02}{letter}" for place, letter in enumerate(log)]  # each with a time of its own
    ends = [*sorted(min(place, len(log)) for place in places), len(log)]
    follower, seen = ListFollower(), []
    follower.take(rows(log[: ends[0]][-window:]), whole=ends[0] <= window)
    for end in ends[1:]:
        shown = window
        while shown < end and not follower.knows_any(rows(log[:end][-shown:])):
            shown += window
        seen += follower.take(rows(log[:end][-shown:]), whole=end <= shown)
    assert seen == rows(log[ends[0] :])
