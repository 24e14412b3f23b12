"""The contract of layouts, on those that come along."""

import pytest

from intercom_hil.contracts import LayoutContract, Sample
from intercom_hil.emulator.speech import SPEECHES
from intercom_hil.emulator.vocabulary import Show, WriteEvent
from intercom_hil.layouts.known import LAYOUTS

AT = 1_795_380_063.25
DIALING = ("outgoing_call_initiated", "Dialing")
FAILURE = ("outgoing_call_failure", "Call Failed")


@pytest.mark.parametrize("name", sorted(SPEECHES))
class TestLayouts(LayoutContract):
    @pytest.fixture
    def layout(self, name):
        return LAYOUTS[name]

    @pytest.fixture
    def samples(self, name):
        write = SPEECHES[name]
        return [
            Sample(write(AT, WriteEvent(*FAILURE, "busy: 486")), *FAILURE, "busy", AT),
            Sample(write(AT, WriteEvent(*DIALING, "")), *DIALING),
            Sample(write(AT, Show("Call Failed"))),
        ]


def test_a_layout_of_another_device_is_found_out():
    sample = Sample(SPEECHES["keyed"](AT, WriteEvent(*FAILURE, "")), *FAILURE)
    with pytest.raises(AssertionError):
        LayoutContract().test_each_sample_says_what_it_should(LAYOUTS["bracketed"], [sample])
