"""Which settings may have been in force while something happened."""

from intercom_hil.judge.in_force import InForce
from intercom_hil.timeline import Timeline, Witness
from intercom_hil.timeline.observation import Configured, Note


def force(*submitted, apply=0.0):
    """What may be in force; each is submitted from one time to another, with a name and the answer."""
    timeline = Timeline()
    for begun, answered, name, accepted in submitted:
        timeline.append(Witness.BENCH, Note(text="something"), answered)
        settings = {"display_name": name, f"field{begun}": 1}
        timeline.append(Witness.PORTAL, Configured(settings=settings, accepted=accepted), begun)
    return InForce(timeline, apply)


def names(*submitted, begun, over=None, apply=0.0):
    """The display names that may have been shown."""
    found = force(*submitted, apply=apply).during(begun, begun if over is None else over)
    return [one["display_name"] for one in found]


A, B, C = (1, 1, "a", True), (50, 55, "b", True), (60, 60, "c", True)


def test_the_last_that_were_taken():
    assert names(A, B, begun=70) == ["b"]
    assert names(A, B, C, begun=10) == ["a"]


def test_while_they_are_submitted_either_may_be_in_force():
    assert names(A, B, begun=52) == ["a", "b"]
    assert names(A, B, C, begun=10, over=62) == ["a", "b", "c"]


def test_the_old_ones_may_be_in_force_while_the_new_are_applied():
    assert names(A, B, begun=57) == ["b"]
    assert names(A, B, begun=57, apply=3) == ["a", "b"]


def test_refused_ones_are_another_rules_affair():
    refused = (5, 5, "r", False)
    assert names(A, refused, begun=10) == ["a", "r"]
    assert names(A, refused, B, begun=70) == ["b"]


def test_what_was_before_the_first_is_not_known():
    assert names(B, begun=2) == []
    assert names(begun=2) == []


def test_whether_anything_changes():
    assert force(A, B).changed(40, 50)
    assert force(A, B).changed(54, 54)
    assert not force(A, B).changed(40, 45)
    assert not force(A, B).changed(56, 60)
    assert force(A, B, apply=3).changed(56, 60)


def test_a_few_fields_leave_the_others_as_they_were():
    timeline = Timeline()
    for at, settings in ((1, {"a": 1, "b": 1}), (2, {"b": 2})):
        timeline.append(Witness.PORTAL, Configured(settings=settings, accepted=True), at)
    assert InForce(timeline, 0.0).during(5, 5) == [{"a": 1, "b": 2}]


def test_what_was_taken_down_as_a_text_is_not_known():
    timeline = Timeline()
    texts = {
        "call_timeout": "7",
        "permitted_callers": "['1']",
        "enabled": "False",
        "display_name": "long… (99)",
    }
    for at, settings in ((1, {"call_timeout": 3, "extension": "1"}), (2, texts)):
        timeline.append(Witness.PORTAL, Configured(settings=settings, accepted=True), at)
    assert InForce(timeline, 0.0).during(5, 5) == [{"extension": "1"}]
