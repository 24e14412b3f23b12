"""The tables SIPp leaves, read back; anything else is read as nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_hil.sipp import ResponseTime, Result, Statistics, StepCounts
from intercom_hil.sipp.results import read_response_times, read_statistics, read_steps

HEAD = "ElapsedTime(C);TotalCallCreated;CurrentCall;SuccessfulCall(C);FailedCall(C);FailedTimeoutOnRecv(C);"
HEAD += "FailedCallRejected(C);Retransmissions(C);Warnings(C);FatalErrors(C);\n"


def table(tmp_path, text):
    path = tmp_path / "table.csv"
    path.write_text(text)
    return path


def test_statistics_are_those_of_the_last_row(tmp_path):
    path = table(tmp_path, HEAD + "00:00:00:000000;0;0;0;0;0;0;0;0;0;\n01:00:02:500000;3;1;1;1;1;0;4;5;0;\n")
    assert read_statistics(path) == Statistics(
        3, 1, 1, {"TimeoutOnRecv": 1}, current=1, retransmissions=4, warnings=5, elapsed=3602.5
    )


@pytest.mark.parametrize(
    "text",
    ["", "a\0b", HEAD, "SuccessfulCall(C)\n3\n", "TotalCallCreated;SuccessfulCall(C);FailedCall(C)\n3\n"],
)
def test_what_is_no_table_of_statistics_gives_none(tmp_path, text):
    assert read_statistics(table(tmp_path, text)) is None


def test_steps_are_counted_by_message(tmp_path):
    head = "CurrentTime;ElapsedTime;0_INVITE_Sent;0_INVITE_Retrans;1_100_Recv;2_Pause_Sessions;"
    text = f"{head}\nx;y;0;0;0;0;\nx;y;3;1;2;3;\n"
    assert read_steps(table(tmp_path, text)) == (
        StepCounts(0, "INVITE", {"Sent": 3, "Retrans": 1}),
        StepCounts(1, "100", {"Recv": 2}),
        StepCounts(2, "Pause", {"Sessions": 3}),
    )


def test_response_times_are_seconds(tmp_path):
    text = "Date_ms;response_time_ms;rtd_no\n103.691;2.5;1\n204.2;oops;1\n304.7;250;invite\n305"
    assert read_response_times(table(tmp_path, text)) == (
        ResponseTime("1", 0.0025),
        ResponseTime("invite", 0.25),
    )


@given(st.text())
def test_any_text_is_read_as_something_or_nothing(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_text(text, encoding="utf-8", errors="replace")
    read_statistics(path), read_steps(path), read_response_times(path)


def test_files_that_are_not_there_hold_nothing(tmp_path):
    path = tmp_path / "nothing"
    assert (read_statistics(path), read_steps(path), read_response_times(path)) == (None, (), ())


@pytest.mark.parametrize(
    ("statistics", "expected"),
    [
        (Statistics(1, 1, 0), True),
        (Statistics(2, 1, 1), False),
        (Statistics(2, 1, 0, current=1), False),
        (Statistics(1, 1, 0, fatal_errors=1), False),
        (Statistics(0, 0, 0), False),
        (None, False),
    ],
)
def test_success_is_what_was_counted(statistics, expected):
    assert Result(statistics, exit_status=0).succeeded() is expected
