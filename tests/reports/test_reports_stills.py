"""Pictures of video in the report: taken into the page where they are what they say, and nothing else is."""

from __future__ import annotations

import base64

from report_sample import ScenarioBuilder, write_run
from test_reports_render import Page

from intercom_hil import reports
from intercom_hil.timeline import Witness
from intercom_hil.timeline.observation import MediaEnded, MediaStarted, VideoSeen

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


def story_with_video(*, frames: int = 5, moving: bool = True) -> ScenarioBuilder:
    story = ScenarioBuilder("test_video", "a call with video")
    flow = {"flow": "f", "sender": "device", "receiver": "pbx", "protection": "plain"}
    packets = {"source": "127.0.0.20:4", "destination": "127.0.0.10:6", "media": "video"}
    packets |= {"payload_type": 99, "ssrc": 5}
    story.see(1.0, Witness.WIRE, MediaStarted(**flow, **packets))
    seen = VideoSeen(**flow, frames=frames, width=320, height=240, moving=moving, duration=0.5)
    story.see(1.5, Witness.WIRE, seen)
    span = {"first": story.started + 1, "last": story.started + 1.5}
    story.see(1.6, Witness.WIRE, MediaEnded(**flow, **packets, **span, packets=9, lost=0, jitter_ms=1))
    return story


def page_with(tmp_path, stills, write=(), **seen):
    folder = write_run(tmp_path / "run", [story := story_with_video(**seen)])
    (folder / "scenarios" / story.id / "stills").mkdir()
    for name, data in write:
        (folder / name).write_bytes(data)
    text = (folder / "run.json").read_text(encoding="utf-8")
    listed = ", ".join(f'"{name}"' for name in stills)
    (folder / "run.json").write_text(
        text.replace('"evidence": {', f'"evidence": {{"stills": [{listed}], ', 1), encoding="utf-8"
    )
    reports.render(folder)
    return Page((folder / "report.html").read_text(encoding="utf-8"))


def pictures(page):
    return [item["src"] for tag, item in page.elements if tag == "img"]


def test_a_still_is_part_of_the_page(tmp_path):
    name = "scenarios/test_video/stills/01-device-to-pbx-plain.png"
    page = page_with(tmp_path, [name], [(name, PNG)])
    assert pictures(page) == [f"data:image/png;base64,{base64.b64encode(PNG).decode()}"]
    assert "01-device-to-pbx-plain" in page.text
    policy = next(item["content"] for tag, item in page.elements if item.get("http-equiv"))
    assert "img-src data:;" in policy
    assert page.open == []


def test_what_is_no_small_picture_of_the_run_is_not_shown(tmp_path):
    (tmp_path / "outside.png").write_bytes(PNG)
    inside = "scenarios/test_video/stills/"
    names = [inside + name for name in ("large.png", "text.png", "gone.png")]
    write = [(names[0], PNG + bytes(60_000)), (names[1], b"<script>")]
    assert pictures(page_with(tmp_path, [*names, "../outside.png", inside], write)) == []


def test_only_so_many_are_shown(tmp_path):
    name = "scenarios/test_video/stills/01.png"
    assert len(pictures(page_with(tmp_path, [name] * 40, [(name, PNG)]))) == 16


def drawn(tmp_path, **seen):
    page_with(tmp_path, [], **seen)
    return (tmp_path / "run" / "report.html").read_text(encoding="utf-8")


def test_the_ladder_tells_what_the_video_showed(tmp_path):
    assert "SSRC 0x00000005, video 320x240, moving" in drawn(tmp_path / "a")
    assert "SSRC 0x00000005, video 320x240, nothing moves" in drawn(tmp_path / "b", moving=False)
    assert "SSRC 0x00000005, video, no picture" in drawn(tmp_path / "c", frames=0)
