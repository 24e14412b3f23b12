"""The ladder: one clock, one arrow per message, nothing on top of anything else."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_sample import EPOCH, ScenarioBuilder, offer
from report_stories import (
    answered_at_once,
    clear_packets_in_a_secured_call,
    five_contacts,
    incoming_over_tls,
    pbx_died,
    timeout_ignored,
)

from intercom_hil.ladder import Ladder, draw
from intercom_hil.ladder.axis import CUT_FROM, SAME_MOMENT, Axis
from intercom_hil.ladder.lanes import MAX_PARTIES, arrange
from intercom_hil.ladder.layout import MAX_ENTRIES
from intercom_hil.ladder.shapes import JUDGED, MEDIA
from intercom_hil.run_folder.observations import read_timeline
from intercom_hil.run_folder.records import Judgement
from intercom_hil.run_folder.verdicts import verdict_of
from intercom_hil.timeline import Witness
from intercom_hil.timeline.observation import TlsSeen


@pytest.fixture
def drawn(tmp_path: Path):
    def of(story: ScenarioBuilder) -> Ladder:
        story.timeline.store(tmp_path / "timeline.jsonl")
        seen, notes = read_timeline(tmp_path / "timeline.jsonl")
        assert notes == []
        judgements = [Judgement(**{**row, "verdict": verdict_of(row["verdict"])}) for row in story.judgements]
        return draw(seen, judgements, story.started, "x-")

    return of


def test_the_axis_never_runs_backwards_and_marks_every_cut():
    axis = Axis(top=10)
    assert axis.place(0.0, ["a"], 20) == axis.place(SAME_MOMENT / 2, ["b"], 20)
    assert axis.cuts == []
    below = axis.place(60.0, ["a"], 20)
    assert [cut.seconds for cut in axis.cuts] == [60.0 - SAME_MOMENT / 2]
    assert 10 < axis.cuts[0].y < below < 100


@given(st.lists(st.tuples(st.floats(0, 1e9), st.sampled_from(["a", "b", "c"])), min_size=1, max_size=60))
def test_any_axis_is_monotone_and_leaves_room_in_every_lane(entries):
    entries = sorted(entries)
    axis = Axis(top=0)
    placed = [(axis.place(time, [lane], 20), time, lane) for time, lane in entries]
    heights = [y for y, _, _ in placed]
    assert heights == sorted(heights)
    for lane in "abc":
        own = [y for y, _, other in placed if other == lane]
        assert all(later - earlier > 19.999 for earlier, later in pairwise(own))
    gaps = [after - before for (before, _), (after, _) in pairwise(entries)]
    assert len(axis.cuts) == sum(gap >= CUT_FROM for gap in gaps)
    probes = sorted(time for time, _ in entries)
    found = [axis.height_of(time) for time in probes]
    assert found == sorted(found)


def test_lanes_stand_in_order_and_fit(drawn):
    ladder = drawn(five_contacts())
    parties = [lane.key for lane in ladder.lanes.parties]
    assert parties == ["device", "pbx", "3400", "3401", "3402", "3403", "3404"]
    edges = [
        ladder.lanes.sides["button"].x,
        ladder.lanes.sides["panel"].x,
        *(lane.x for lane in ladder.lanes.parties),
        ladder.lanes.sides[MEDIA].x,
        ladder.lanes.sides[JUDGED].x,
        ladder.width,
    ]
    assert edges == sorted(edges)
    assert ladder.width * 0.83 < 1180


def test_lanes_without_content_take_no_room():
    assert arrange(["device", "pbx"], {}).width < arrange(["device", "pbx"], {MEDIA: 20}).width


def test_a_crowd_shares_the_last_lane(drawn):
    story = ScenarioBuilder("x", "x")
    for number in range(60):
        story.sip(number * 0.1, "pbx", f"34{number:02d}", "OPTIONS sip:x", call=f"c{number}")
    ladder = drawn(story)
    assert len(ladder.lanes.parties) == MAX_PARTIES
    assert len(ladder.arrows) == 60


def test_a_message_seen_by_three_witnesses_is_one_arrow(drawn):
    story = ScenarioBuilder("x", "x")
    for delay, witness in ((0.002, Witness.PBX), (0, Witness.WIRE), (0.004, Witness.STATION)):
        story.sip(0.1 + delay, "device", "pbx", "INVITE sip:3400@127.0.0.10", witness=witness)
    ladder = drawn(story)
    (placed,) = ladder.arrows
    assert placed.arrow.time == pytest.approx(EPOCH + 0.1)
    assert not placed.arrow.secondhand
    assert "seen by: wire, pbx, station" in placed.arrow.title
    assert set(ladder.anchors) == {0, 1, 2}


def test_a_retransmission_is_thin_and_a_new_transaction_is_not(drawn):
    story = ScenarioBuilder("x", "x")
    story.sip(0.1, "device", "pbx", "INVITE sip:3400@127.0.0.10")
    story.sip(0.6, "device", "pbx", "INVITE sip:3400@127.0.0.10")
    story.sip(0.9, "device", "pbx", "INVITE sip:3400@127.0.0.10", cseq=2)
    assert [placed.arrow.again for placed in drawn(story).arrows] == [False, True, False]


def test_what_tls_hides_is_drawn_as_the_pbx_saw_it(drawn):
    ladder = drawn(incoming_over_tls())
    told = {
        placed.arrow.secondhand
        for placed in ladder.arrows
        if "device" in (placed.arrow.source, placed.arrow.target)
    }
    assert told == {True}
    assert "secondhand" in ladder.styles


def test_a_tls_connection_that_is_given_up_is_told_stage_by_stage(drawn):
    story = ScenarioBuilder("test_tls.test_refused", "")
    parties = {"connection": 1, "sender": "device", "receiver": "pbx"}
    for at, stage in ((0.1, "offered"), (0.2, "agreed"), (0.3, "ended")):
        content = TlsSeen(stage=stage, version="TLS 1.2", text="the client closed", **parties)
        story.timeline.append(Witness.STATION, content, story.started + at)
    labels = [arrow.label for arrow in drawn(story).arrows]
    assert labels == ["TLS offered TLS 1.2", "TLS agreed TLS 1.2", "TLS ended TLS 1.2"]


def test_offers_are_told_on_the_arrow(drawn):
    story = ScenarioBuilder("x", "x")
    story.sip(0.1, "device", "pbx", "INVITE sip:3400@h", media=(offer("RTP/SAVP", "S"), offer(media="video")))
    story.sip(0.2, "pbx", "device", "200 OK INVITE", media=(offer(), offer(media="video", port=0)))
    assert [placed.note for placed in drawn(story).arrows] == ["SRTP + video", "RTP"]


def test_media_bars_hang_side_by_side_on_the_clock(drawn):
    ladder = drawn(answered_at_once())
    assert len({placed.x for placed in ladder.spans}) == 4
    for placed in ladder.spans:
        assert placed.y1 < placed.y2
        assert placed.heard
        assert all(placed.y1 <= y and y + height <= placed.y2 + 1 for y, height in placed.heard)
    assert {placed.text for placed in ladder.spans} >= {"device → pbx RTP 440 Hz", "3400 → pbx RTP 1000 Hz"}


def test_clear_packets_in_a_secured_flow_are_called_out(drawn):
    ladder = drawn(clear_packets_in_a_secured_call())
    assert [placed.text for placed in ladder.marks if placed.mark.style == "mark-breach"] == [
        "12 packets in clear"
    ]
    assert [placed.span.open_ended for placed in ladder.spans] == [False, False, True]


def test_a_failed_expectation_is_drawn_across_at_its_time(drawn):
    ladder = drawn(timeout_ignored())
    failed = [placed for placed in ladder.marks if placed.mark.rule]
    assert [placed.mark.style for placed in failed] == ["v-fail", "v-fail"]
    assert failed[0].text.startswith("✗ OUT-03")
    assert "no CANCEL within 5.0 s" in failed[0].mark.title
    assert all(abs(failed[0].y - arrow.y) > 10 for arrow in ladder.arrows)
    assert [text for _, text in ladder.cuts] == ["1.8 s", "2.7 s", "25.1 s"]


def test_a_lost_instrument_crosses_all_lanes(drawn):
    assert [band.text for band in drawn(pbx_died()).bands] == [
        "pbx lost: the container ended with status 139 (bench)"
    ]


def test_speaker_sound_is_one_mark_per_stretch(drawn):
    heard = [placed for placed in drawn(answered_at_once()).marks if placed.mark.style == "mark-speaker"]
    assert [placed.text for placed in heard] == ["♪ speaker 1000 Hz −20 dB"]


def test_a_flood_is_cut_and_counted(drawn):
    story = ScenarioBuilder("x", "x")
    for number in range(MAX_ENTRIES + 50):
        story.sip(number * 0.001, "device", "pbx", "OPTIONS sip:x", call=f"c{number}")
    ladder = drawn(story)
    assert len(ladder.arrows) == MAX_ENTRIES
    assert ladder.left_out == 50
