"""The reports on a realistic run: what a reader must find, and that every link leads somewhere."""

from __future__ import annotations

from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest
from report_sample import ScenarioBuilder, write_run
from report_stories import answered_at_once, everything

from intercom_hil import reports

VOID = {"meta", "input", "br", "img"}


class Page(HTMLParser):
    """The elements of a page as (tag, attributes), and its text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, {key: value or "" for key, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, {key: value or "" for key, value in attrs}))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def values(self, name: str) -> list[str]:
        return [attributes[name] for _, attributes in self.elements if name in attributes]


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory) -> Path:
    folder = write_run(tmp_path_factory.mktemp("sample") / "run", everything())
    assert [path.name for path in reports.render(folder)] == ["junit.xml", "report.html"]
    return folder


@pytest.fixture(scope="module")
def source(run_folder) -> str:
    return (run_folder / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(source) -> Page:
    return Page(source)


def test_the_headline_does_not_hide_failures_behind_an_error(page):
    assert "error 1 error, 2 fail, 1 inconclusive, of 8 scenarios" in page.text


def test_every_scenario_and_every_requirement_is_there(page):
    ids = set(page.values("id"))
    assert {f"s{place}" for place in range(1, 9)} <= ids
    assert {"req-CFG-01", "req-OUT-03", "req-EVT-13"} <= ids
    for story in everything():
        assert story.title in page.text


def test_only_what_needs_attention_is_open(page):
    scenarios = [
        attributes
        for tag, attributes in page.elements
        if tag == "details" and "scenario" in attributes["class"]
    ]
    opened = [("open" in attributes) for attributes in scenarios]
    assert opened == [False, False, True, True, False, True, True, False]


def test_ids_are_unique_and_every_link_leads_somewhere(page, run_folder):
    ids = page.values("id")
    assert [name for name, count in Counter(ids).items() if count > 1] == []
    for link in page.values("href"):
        if link.startswith("#"):
            assert link[1:] in ids
        else:
            assert link.startswith("./")
            assert (run_folder / link).exists()


def test_the_page_needs_nothing_but_itself(source, page):
    assert {"script", "link", "img", "iframe", "object", "embed", "base", "form"}.isdisjoint(
        tag for tag, _ in page.elements
    )
    assert "url(" not in source
    assert "@import" not in source
    assert page.values("style") == []
    policy = next(item["content"] for tag, item in page.elements if item.get("http-equiv"))
    assert policy.startswith("default-src 'none'; style-src 'sha256-")


def test_the_page_is_well_formed(page):
    assert page.open == []


def test_a_failure_shows_its_evidence_and_its_harm(page):
    for part in (
        "CANCEL to sip:3400@127.0.0.10 3.0 s (±0.3) after 180 Ringing",
        "What it means A visitor waits at a desk that nobody sits at, and nobody else is called.",
        "wire, pbx, console at +5.290 s",
        "ring time 30.11 s , allowed 2.7 to 3.3 s",
    ):
        assert part in page.text


def test_raw_messages_are_shown_once_and_without_secrets(source):
    assert source.count("INVITE sip:3400@127.0.0.10 SIP/2.0") == 3
    assert "inline:…" in source
    assert "WVNfX19z" not in source
    assert "0123456789abcdef" not in source


def test_what_has_no_room_in_the_drawing_leads_to_where_it_is_said_in_full(tmp_path):
    story = ScenarioBuilder("test_x.test_long", "long")
    long = "an event that the device has to log as soon as nobody answers, " * 4
    story.event(0.1, "outgoing_call_initiated", "Dialing")
    story.sip(0.2, "device", "pbx", "INVITE sip:a-number-that-is-much-too-long-for-any-drawing@127.0.0.10")
    story.judge("EVT-01", "pass", long, "logged", 0.3)
    folder = write_run(tmp_path / "run", [story], verdict="pass")
    reports.render(folder, ["html"])
    page = Page((folder / "report.html").read_text(encoding="utf-8"))
    assert "#s1-j1" in page.values("href")
    assert page.text.count(long.strip()) == 1
    assert "What the drawing has no room for (1)" in page.text
    assert "INVITE sip:a-number-that-is-much-too-long-for-any-drawing@127.0.0.10" in page.text


def test_rendering_again_gives_the_same_bytes(run_folder, source):
    reports.render(run_folder)
    assert (run_folder / "report.html").read_text(encoding="utf-8") == source


def test_a_page_of_many_scenarios_stays_small_and_quick(tmp_path):
    stories = [story for _ in range(12) for story in everything()]
    for place, story in enumerate(stories):
        story.id = f"{story.id}[{place}]"
    folder = write_run(tmp_path / "run", stories)
    reports.render(folder)
    assert (folder / "report.html").stat().st_size < 40_000 * len(stories)


def test_a_full_run_fits_into_three_megabytes(tmp_path):
    """As many scenarios as there are, each with a call from press to hang-up, and what it is judged by."""
    stories = []
    for number in range(240):
        story = answered_at_once()
        story.id = f"test_outgoing.test_the_sentence_that_says_what_is_expected_of_the_device[{number}]"
        for rule in ("EVT-11", "EVT-12", "REG-05", "SIP-01", "SIP-02", "SIP-03", "RTP-01", "KEY-02"):
            story.judge(rule, "pass", "a rule over every scenario that held", "held", 1.0)
        story.extra["asked"] = ["OUT-01", "EVT-01", "EVT-02"]
        stories.append(story)
    folder = write_run(tmp_path / "run", stories, verdict="pass")
    reports.render(folder, ["html"])
    assert (folder / "report.html").stat().st_size < 3_000_000


def test_departures_from_the_grammar_are_shown_in_each_scenario_and_summed_up(page, source):
    rows = source.partition('id="good-practice"')[2].partition("</section>")[0]
    scenarios = [story for story in everything() if story.row()["deviations"]]
    count = sum(story.row()["deviations"][0]["count"] for story in scenarios)
    assert f'<td class="num right">{count}</td><td>line ends other than CRLF (RFC 3261 §7)</td>' in rows
    assert "<td>INVITE</td>" in rows
    assert rows.count('href="#s') == len(scenarios) > 1
    assert source.count("<li>line ends other than CRLF") == len(scenarios)
    assert "#good-practice" in page.values("href")


def test_a_run_without_departures_has_no_such_section(tmp_path):
    reports.render(write_run(tmp_path / "run", everything()[-1:]))
    assert "good-practice" not in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")


def test_the_head_of_a_drawing_is_drawn_once_and_referred_to_where_it_is_alike(tmp_path):
    stories = []
    for number in range(3):
        story = answered_at_once()
        story.id = f"test_x.test_{number}"
        stories.append(story)
    stories.append(everything()[1])
    reports.render(write_run(tmp_path / "run", stories), ["html"])
    page = Page((tmp_path / "run" / "report.html").read_text(encoding="utf-8"))
    heads = [item["id"] for _, item in page.elements if item.get("class") == "heads"]
    shown = [item["href"] for tag, item in page.elements if tag == "use" and item["href"][1:] in heads]
    assert len(heads) == len(set(heads)) == 2
    assert shown == [f"#{heads[0]}"] * 2
