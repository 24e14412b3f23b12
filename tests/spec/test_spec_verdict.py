"""The verdict algebra: a verdict can only get worse, and only a clean run exits with zero."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_hil.spec.verdict import Verdict, worst

verdicts = st.sampled_from(Verdict)


def test_the_order_is_that_of_the_standard():
    judged = [Verdict.NONE, Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.FAIL, Verdict.ERROR]
    assert [verdict.value for verdict in judged] == ["none", "pass", "inconclusive", "fail", "error"]
    ranks = [verdict.rank for verdict in judged]
    assert ranks == sorted(set(ranks))


def test_what_was_not_judged_ranks_below_a_pass():
    for verdict in (Verdict.NONE, Verdict.NOT_APPLICABLE, Verdict.OBSERVED):
        assert verdict.rank < Verdict.PASS.rank
        assert worst((verdict, Verdict.PASS)) is Verdict.PASS


def test_the_worst_of_nothing_is_none():
    assert worst([]) is Verdict.NONE
    assert worst(iter(())) is Verdict.NONE


@given(st.lists(verdicts, min_size=1, max_size=5))
def test_the_order_of_findings_does_not_matter(found):
    assert {worst(order) for order in permutations(found)} == {worst(found)}


@given(st.lists(verdicts), verdicts)
def test_one_more_finding_never_makes_it_better(found, more):
    assert worst([*found, more]).rank >= worst(found).rank
    assert worst([*found, more]).rank >= more.rank


@given(st.lists(verdicts), st.lists(verdicts))
def test_findings_can_be_folded_in_parts(first, second):
    assert worst([worst(first), worst(second)]) is worst([*first, *second])


@given(st.lists(verdicts, min_size=1))
def test_the_worst_is_one_of_those_found_and_counts_once(found):
    assert worst(found) in found
    assert worst([*found, worst(found)]) is worst(found)


@given(st.lists(verdicts))
def test_a_run_breaks_exactly_when_one_finding_breaks_it(found):
    assert worst(found).breaks_the_run == any(verdict.breaks_the_run for verdict in found)


@pytest.mark.parametrize("verdict", Verdict)
def test_fail_error_and_inconclusive_break_a_run_and_nothing_else_does(verdict):
    assert verdict.breaks_the_run == (verdict.value in {"inconclusive", "fail", "error"})
