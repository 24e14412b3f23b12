"""The sound of a scenario in the report: a plot of the level of each flow, a player where it was kept."""

from __future__ import annotations

import re

import pytest
from report_sample import ScenarioBuilder, write_run
from test_reports_render import Page

from intercom_hil import reports
from intercom_hil.ladder.levels import FLATTENED_DBOV, HEIGHT, MOST_FLOWS, WIDTH, height_of, levels
from intercom_hil.practice import sound as practice
from intercom_hil.run_folder.observations import Seen
from intercom_hil.timeline import Witness
from intercom_hil.timeline.observation import MediaEnded, MediaHeard, SpeakerHeard

FLOW = {"flow": "f", "sender": "device", "receiver": "pbx", "protection": "srtp"}
PACKETS = {
    "source": "127.0.0.20:4",
    "destination": "127.0.0.10:6",
    "media": "audio",
    "payload_type": 8,
    "ssrc": 5,
}


def heard(at: float, level: float, flow: str = "f", duration: float = 0.2, **more) -> Seen:
    content = {"flow": flow, "sender": "device", "receiver": "pbx", "protection": "plain"}
    return Seen(0, at, "wire", "media_heard", content | {"level_dbov": level, "duration": duration} | more)


def story(names: tuple[str, ...] = ()) -> ScenarioBuilder:
    told = ScenarioBuilder("test_sound", "a call with sound")
    for at, level in ((1.2, -16.0), (1.4, -16.2), (1.6, -40.0)):
        told.see(at, Witness.WIRE, MediaHeard(**FLOW, level_dbov=level, tone_hz=440.1, duration=0.2))
    told.see(2.0, Witness.SPEAKER, SpeakerHeard(level_dbov=-20.0, tone_hz=1000, duration=0.2))
    span = {"first": told.started + 1, "last": told.started + 1.6, "packets": 30, "lost": 0, "jitter_ms": 1.0}
    told.see(1.7, Witness.WIRE, MediaEnded(**FLOW, **PACKETS, **span, sounds=names))
    return told


def page_of(tmp_path, listed: tuple[str, ...], written: tuple[str, ...], names: tuple[str, ...]) -> Page:
    told = story(names)
    evidence = told.row()["evidence"]
    told.extra["evidence"] = evidence | {"sounds": [f"scenarios/{told.id}/sounds/{name}" for name in listed]}
    folder = write_run(tmp_path / "run", [told])
    (folder / "scenarios" / told.id / "sounds").mkdir()
    for name in written:
        (folder / "scenarios" / told.id / "sounds" / name).write_bytes(b"RIFF")
    reports.render(folder, ["html"])
    return Page((folder / "report.html").read_text(encoding="utf-8"))


def players(page: Page) -> list[dict[str, str]]:
    return [attributes for tag, attributes in page.elements if tag == "audio"]


def test_what_was_kept_of_a_flow_is_played_beside_its_levels(tmp_path):
    name = "01-device-to-pbx-srtp.wav"
    page = page_of(tmp_path, (name,), (name,), (name,))
    (player,) = players(page)
    assert player["src"] == f"./scenarios/test_sound/sounds/{name}"
    assert player["preload"] == "none", "a page of a whole run must not load all of its sound"
    assert player["aria-label"] == "device → pbx SRTP"
    assert "device → pbx SRTP 440 Hz, −40 to −16 dBov" in page.text
    assert "Speaker of the device 1000 Hz, −20 dBov" in page.text
    assert "level from +1.000 s to +2.000 s" in page.text
    policy = next(item["content"] for tag, item in page.elements if item.get("http-equiv"))
    assert "media-src 'self' file:;" in policy
    assert page.open == []


@pytest.mark.parametrize(
    ("listed", "written", "names"),
    [
        ((), (), ()),
        (("01.wav",), (), ("01.wav",)),
        ((), ("01.wav",), ("01.wav",)),
        (("01.wav",), ("01.wav",), ("02.wav", "../../../run.json", '"><script>')),
    ],
)
def test_only_a_file_of_the_run_that_its_timeline_names_is_played(tmp_path, listed, written, names):
    page = page_of(tmp_path, listed, written, names)
    assert players(page) == []
    assert "device → pbx SRTP" in page.text


def test_a_scenario_without_sound_has_no_plot(tmp_path):
    silent = ScenarioBuilder("test_x.test_silent", "silent")
    silent.event(0.1, "outgoing_call_initiated", "Dialing")
    folder = write_run(tmp_path / "run", [silent])
    reports.render(folder, ["html"])
    assert '<ul class="sounds">' not in (folder / "report.html").read_text(encoding="utf-8")
    assert levels([]).flows == ()


def test_a_steady_level_is_one_line_and_a_pause_breaks_it():
    drawn = levels([heard(1.2, -16), heard(1.4, -16), heard(1.6, -17), heard(3.6, -40), heard(3.8, -80)])
    (flow,) = drawn.flows
    assert (drawn.start, drawn.end) == (1.0, 3.8)
    tall, low = flow.lines
    assert [y for _, y in tall] == [height_of(-16), height_of(-16)]
    assert tall[0][0] == 0
    assert low[-1] == (WIDTH, HEIGHT), "what is quieter than the lowest level is drawn at the bottom"
    assert re.fullmatch(r"M0 \d+H\d+M\d+ \d+H\d+V\d+H320", flow.path)


@pytest.mark.parametrize("level", [-16.0, -60.0])
def test_one_window_is_drawn_however_short(level):
    (flow,) = levels([heard(1.0, level, duration=0.0)]).flows
    assert flow.path.startswith("M0 ")
    assert flow.path.endswith("h0")
    assert flow.remark == ("−16 dBov" if level > -55 else "silence")


def test_a_crowd_of_flows_is_cut_and_counted():
    drawn = levels([heard(1.0 + place, -16, flow=str(place)) for place in range(MOST_FLOWS + 3)])
    assert len(drawn.flows) == MOST_FLOWS
    assert drawn.left_out == 3


def test_what_counts_as_flattened_is_what_is_judged_so():
    assert FLATTENED_DBOV == practice.FLATTENED_DBOV
