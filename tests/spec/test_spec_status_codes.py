"""The table of SIP statuses: one meaning each, and the same that the emulated intercom has of its own."""

from collections import Counter

from intercom_hil.emulator.failures import MEDIA_STATUSES, failure_kind
from intercom_hil.spec import status_codes
from intercom_hil.spec.status_codes import (
    BUSY,
    CANCELLED,
    CHALLENGES,
    DECLINED,
    MEDIA_NOT_ACCEPTABLE,
    NOT_FOUND,
    OVERLOADED,
    UNAVAILABLE,
)

GROUPS = (CHALLENGES, NOT_FOUND, UNAVAILABLE, BUSY, OVERLOADED, DECLINED, MEDIA_NOT_ACCEPTABLE, CANCELLED)


def test_a_status_has_one_meaning():
    counted = Counter(status for group in GROUPS for status in group)
    assert {status for status, count in counted.items() if count > 1} == set()
    assert all(400 <= status < 700 for status in counted)


def test_a_challenge_and_a_call_that_was_given_up_are_no_refusals():
    assert set(status_codes.REJECTIONS).isdisjoint(status_codes.NO_REFUSALS)


def test_the_emulated_intercom_and_the_bench_read_the_statuses_alike():
    """Each has a table of its own, so that one mistake does not hide itself."""
    assert set(MEDIA_STATUSES) == set(MEDIA_NOT_ACCEPTABLE)
    kinds = {"busy": BUSY, "not found": NOT_FOUND, "declined": (*CHALLENGES, *DECLINED)}
    kinds |= {"unreachable": (*UNAVAILABLE, *OVERLOADED), "media security": MEDIA_NOT_ACCEPTABLE}
    for kind, statuses in kinds.items():
        assert {failure_kind(status) for status in statuses} == {kind}
