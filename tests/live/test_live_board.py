"""What the live page knows of a run: reports in, the state out; whatever is reported, it stays bounded."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from live_story import BEGUN, HOSTILE, call, judged, run_reports, seen, sip

from intercom_hil.live.board import MOST_FINDINGS, MOST_LANES, MOST_SEEN, Board
from intercom_hil.live.view import Sections


def board_of(reports, begun=BEGUN, step=1.0):
    board = Board(begun)
    for number, (lane, report) in enumerate(reports):
        assert board.take({"lane": lane, **report}, begun + number * step)
    return board


def sections(board, now=BEGUN + 100, **given):
    return Sections(board, now=lambda: now, stop=lambda: None).sections(
        **{"acts": True, "asked": "", **given}
    )


def test_the_run_is_counted_by_scenario_and_by_requirement():
    board = board_of(run_reports())
    assert (board.name, board.total, board.played) == ("door bench", 60, 5)
    assert board.tally == {"pass": 2, "fail": 1, "inconclusive": 1, "not applicable": 1}
    assert {name: verdict.name for name, verdict in board.requirements.items()} == {
        "OUT-01": "pass",
        "EVT-01": "pass",
        "OUT-02": "pass",
        "EVT-04": "pass",
        "OUT-03": "fail",
        "EVT-03": "pass",
        "MED-01": "inconclusive",
        "INC-05": "not applicable",
    }
    assert [found.title for found in board.findings] == ["the speaker", "an unanswered contact"]
    assert board.last[0].title == "hold"


def test_the_worst_verdict_of_a_requirement_stands():
    verdicts = ("pass", "fail", "pass")
    board = board_of(("", judged("x", verdict, {"OUT-01": verdict})) for verdict in verdicts)
    assert board.requirements["OUT-01"].name == "fail"
    board.take({"what": "stands", "requirement": "OUT-01", "verdict": "error"}, BEGUN)
    board.take({"what": "stands", "requirement": "OUT-02", "verdict": "pass"}, BEGUN)
    assert [v.name for v in board.requirements.values()] == ["error", "pass"]


def test_each_lane_plays_its_own_scenario():
    board = board_of(run_reports(lanes=("gw0", "gw1")))
    assert {name: lane.scenario.title for name, lane in board.lanes.items()} == {
        "gw0": "outgoing: the button ends a placed call",
        "gw1": "incoming: a call is answered",
    }
    assert board.lanes["gw1"].device == "Example EX-1 2.4 at 192.0.2.31"
    board.leave("gw0")
    assert list(board.lanes) == ["gw1"]
    assert "gw0" not in sections(board)


def test_a_message_that_two_witnesses_saw_is_one_observation():
    board = board_of(run_reports())
    remarks = list(board.lanes[""].scenario.remarks)
    (invite,) = (one for one in remarks if one.text == "INVITE from device to pbx")
    assert invite.witnesses == ("wire", "pbx")
    again = sip(20, BEGUN + 40, "device", "pbx", "INVITE")
    board.take({"lane": "", **again}, BEGUN + 40)
    assert board.lanes[""].scenario.remarks[-1].witnesses == ("wire",)


def test_how_long_it_goes_on_is_the_forecast_at_first_and_then_what_was_measured():
    board = Board(BEGUN)
    assert board.left(BEGUN) is None
    board.take({"what": "run", "total": 10, "forecast": 300.0}, BEGUN)
    assert board.left(BEGUN + 20) == 280.0
    board.take({"what": "begins", "title": "x"}, BEGUN + 10)
    board.take(judged("x", "pass", {}), BEGUN + 16)
    assert board.left(BEGUN + 20) == 90.0
    for _ in range(9):
        board.take(judged("x", "pass", {}), BEGUN + 16)
    assert board.left(BEGUN + 100) == 0.0
    board.take({"what": "ended", "text": "The run is over: pass"}, BEGUN + 100)
    assert board.left(BEGUN + 100) is None


def test_the_page_names_what_plays_what_failed_and_what_remains():
    text = sections(board_of(run_reports()))
    for words in (
        "<b>5</b> of 60 scenarios played",
        "outgoing: the button ends a placed call",
        "judges OUT-06, EVT-02",
        "INVITE from device to pbx",
        "expected ring time: 2.7 to 3.3 s",
        "Example EX-1 2.4 at 192.0.2.30",
        "Stop after this scenario",
        'class="ladder',
        ">180 Ringing<",
    ):
        assert words in text, words


def test_what_a_device_says_is_text_and_nothing_else():
    text = sections(board_of(run_reports()), asked=HOSTILE)
    assert "&lt;script&gt;" in text
    assert "<script" not in text
    assert "<img" not in text
    for tag in ("onerror=", "javascript:"):
        assert f"<{tag}" not in text


def test_who_may_only_look_gets_no_button():
    board = board_of(run_reports())
    text = sections(board, acts=False, asked="what the screen shows")
    assert "<form" not in text
    assert "The operator is asked: what the screen shows" in text
    board.stopping = True
    assert "<form" not in sections(board)
    assert "Stops after this scenario" in sections(board)


def test_however_much_is_reported_it_stays_bounded():
    board = board_of(run_reports())
    for number in range(3 * MOST_SEEN):
        report = seen(number, BEGUN + number, "console", "screen", "y" * 5000, text="x" * 5000)
        board.take({"lane": "", **report}, BEGUN)
    for number in range(3 * MOST_LANES):
        board.take({"what": "lane", "lane": f"gw{number}", "bench": "b", "device": "d"}, BEGUN)
    for _ in range(3 * MOST_FINDINGS):
        board.take(judged("x" * 5000, "fail", {"OUT-01": "fail"}, problems=["p" * 5000] * 99), BEGUN)
    scenario = board.lanes[""].scenario
    assert scenario is None
    assert len(board.lanes) == MOST_LANES
    assert len(board.findings) == MOST_FINDINGS
    assert len(sections(board)) < 1_000_000


def test_a_scenario_keeps_its_last_observations():
    board = board_of(run_reports())
    for number in range(2 * MOST_SEEN):
        report = seen(number, BEGUN + 50 + number, "console", "screen", f"screen {number}", text="x")
        board.take({"lane": "", **report}, BEGUN)
    scenario = board.lanes[""].scenario
    assert (len(scenario.seen), len(scenario.remarks)) == (MOST_SEEN, MOST_SEEN)
    assert scenario.remarks[-1].text == f"screen {2 * MOST_SEEN - 1}"


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
REPORTS = ("run", "lane", "doing", "begins", "seen", "judged", "stands", "over", "ended", "nonsense")
FIELDS = ("lane", "bench", "text", "title", "total", "forecast", "requirements", "verdict", "duration", "why")
MORE = ("problems", "seq", "time", "witness", "content", "requirement", "device", "name")


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.builds(
            lambda what, fields: {**fields, "what": what},
            st.sampled_from(REPORTS),
            st.dictionaries(st.sampled_from(FIELDS + MORE), JSON, max_size=8),
        )
        | JSON,
        max_size=8,
    )
)
def test_whatever_is_reported_the_page_goes_on(reports):
    board = Board(BEGUN)
    for report in reports:
        board.take(report, BEGUN + 1)
    assert sections(board)


@pytest.mark.parametrize("kind", ["sip", "media_started", "media_ended", "tls", "event", "output", "lost"])
def test_an_observation_without_its_fields_is_drawn_all_the_same(kind):
    board = Board(BEGUN)
    board.take({"what": "begins", "title": "x"}, BEGUN)
    for number, report in enumerate(call(BEGUN)):
        board.take({**report, "content": {"kind": kind}}, BEGUN + number)
    assert 'class="ladder' in sections(board)
