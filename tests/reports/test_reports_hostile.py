"""Texts that a device, a caller or a broken disk chose: shown as text, whatever they hold."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from report_sample import ScenarioBuilder, write_run
from report_stories import everything
from test_reports_render import Page

from intercom_hil import reports
from intercom_hil.evidence.records import RunRecord
from intercom_hil.run_folder import fields, verdicts
from intercom_hil.timeline import Witness
from intercom_hil.timeline.observation import Configured, InstrumentLost, MalformedSip, Note, StationSaid

ATTACKS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</title></style></svg><script>alert(1)</script>",
    "{{ 7 * 7 }}{% include 'style.css' %}",
    "]]><!--",
    "javascript:alert(1)",
]
# fmt: off
TAGS = {
    "html", "head", "meta", "title", "style", "body", "header", "div", "p", "h1", "h2", "h3", "h4",
    "dl", "dt", "dd", "span", "nav", "a", "main", "section", "strong", "b", "i", "ul", "li", "article",
    "table", "caption", "thead", "tr", "th", "tbody", "td", "fieldset", "legend", "input", "label",
    "details", "summary", "code", "pre", "svg", "g", "rect", "path", "circle", "text", "tspan",
    "symbol", "use",
}
# fmt: on


def hostile_story(attack: str) -> ScenarioBuilder:
    story = ScenarioBuilder(f"test_{attack}", attack, attack)
    story.sip(0.1, "device", attack, f"INVITE sip:{attack}@x", call=attack)
    story.sip(0.2, attack, "device", f"486 {attack} INVITE", call=attack)
    story.event(0.3, attack, attack, attack, attack)
    story.screen(0.4, attack)
    story.flow(0.5, 1.5, attack, "device", attack, 440, attack)
    story.see(0.6, Witness.BENCH, Note(text=attack))
    story.see(
        0.7,
        Witness.PORTAL,
        Configured(settings={attack: attack}, accepted=False, message=attack, changed=(attack,)),
    )
    story.see(0.8, Witness.BENCH, InstrumentLost(instrument=attack, problem=attack, blame="bench"))
    story.see(0.9, Witness.STATION, StationSaid(station=attack, text=attack))
    malformed = MalformedSip(
        source="a", destination="b", sender=attack, receiver="device", problem=attack, raw_hex=attack
    )
    story.see(1.0, Witness.WIRE, malformed)
    story.judge(attack, "fail", attack, attack, 1.2, [0], [attack])
    story.judge("OUT-01", "fail", attack, attack, 1.2, [0], [attack])
    story.measure(attack, attack, 1.0, 2.0, 3.0)
    story.problems.append(attack)
    story.extra = {
        "evidence": {"folder": attack, attack: attack, "timeline": f"scenarios/{story.id}/timeline.jsonl"}
    }
    return story


@pytest.mark.parametrize("attack", [attack.replace("/", "∕") for attack in ATTACKS])
def test_no_text_becomes_markup(tmp_path, attack):
    folder = write_run(
        tmp_path / "run", [hostile_story(attack)], name=attack, environment={attack: {attack: attack}}
    )
    reports.render(folder)
    page = Page((folder / "report.html").read_text(encoding="utf-8"))
    assert {tag for tag, _ in page.elements} <= TAGS
    for _, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on")]
        assert "src" not in attributes
        assert attributes.get("href", "#").startswith(("#", "./"))
    assert page.open == []
    assert attack in page.text
    failure = next(ElementTree.parse(folder / "junit.xml").getroot().iter("failure"))
    assert attack in failure.text


def test_a_closing_tag_in_a_title_closes_nothing(tmp_path):
    story = ScenarioBuilder("x", "</summary></details></svg></body><script>alert(1)</script>")
    reports.render(write_run(tmp_path / "run", [story], name="</title><script>alert(1)</script>"))
    source = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "<script" not in source
    assert Page(source).open == []


def test_characters_that_hide_or_reorder_text_are_made_visible():
    assert fields.visible("a\x00b\x1b[31m\u202egnp.exe\ud800\ufffe") == (
        "a\\x00b\\x1b[31m\\u202egnp.exe\\ud800\\ufffe"
    )
    assert fields.visible("two\r\nlines\tand ümläuts 🔔") == "two\r\nlines\tand ümläuts 🔔"


@given(st.text())
def test_any_visible_text_is_legal_xml(text):
    element = ElementTree.Element("x", {"a": fields.visible(text)})
    element.text = fields.visible(text)
    ElementTree.fromstring(ElementTree.tostring(element, encoding="utf-8"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def _mangle(value: object, path: list[int], replacement: object) -> object:
    """Replace one node of a JSON document, found by following ``path`` as far as it goes."""
    if not path or not isinstance(value, dict | list) or not value:
        return replacement
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    key = keys[path[0] % len(keys)]
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[key] = _mangle(value[key], path[1:], replacement)
    return copy


def fits(run: object) -> bool:
    """Whether a document is a run as the models of the run directory have it, to the letter."""
    try:
        RunRecord.model_validate_json(json.dumps(run), strict=True)
    except ValidationError:
        return False
    return isinstance(run, dict) and type(run["schema"]) is int  # True and 1.0 are no version


@dataclass(frozen=True, repr=False)
class Sample:
    folder: Path
    run: dict[str, Any]
    timeline: Path
    rows: list[Any]


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    story = everything()[3]
    folder = write_run(tmp_path_factory.mktemp("mangled") / "run", [story])
    timeline = folder / "scenarios" / story.id / "timeline.jsonl"
    rows = [json.loads(row) for row in timeline.read_text().splitlines()]
    return Sample(folder, json.loads((folder / "run.json").read_text()), timeline, rows)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    paths=st.lists(st.tuples(st.lists(st.integers(0, 99), min_size=1, max_size=6), JSON), max_size=4),
    data=st.data(),
)
def test_a_mangled_run_gives_a_report_or_one_sentence(sample, paths, data):
    folder, run, timeline, rows = sample.folder, sample.run, sample.timeline, sample.rows
    for path, replacement in paths:
        run = _mangle(run, path, replacement)
    path = data.draw(st.lists(st.integers(0, 99), min_size=1, max_size=5))
    rows = _mangle(rows, path, data.draw(JSON))
    rows = rows if isinstance(rows, list) else [rows]
    (folder / "run.json").write_text(json.dumps(run))
    timeline.write_text("\n".join(json.dumps(row) for row in rows))
    if fits(run):
        reports.render(folder)
        page = Page((folder / "report.html").read_text(encoding="utf-8"))
        assert page.open == []
        assert {tag for tag, _ in page.elements} <= TAGS
        assert "nan" not in [value for name in ("x", "y", "cx", "cy") for value in page.values(name)]
        ElementTree.parse(folder / "junit.xml")
    else:
        with pytest.raises(reports.ReportError) as refused:
            reports.render(folder)
        assert "\n" not in str(refused.value)


@given(st.lists(st.sampled_from(verdicts.VERDICTS)))
def test_shares_add_up(given_verdicts):
    shares = verdicts.tally(given_verdicts)
    assert sum(share.count for share in shares) == len(given_verdicts)
    assert not shares or abs(sum(share.length for share in shares) - 1000) < 1
