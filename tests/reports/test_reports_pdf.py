"""The PDF report as a reader of PDF sees it: pages, numbers, counts, fonts, bookmarks; and hostile texts."""

from __future__ import annotations

import base64
import csv
import json
import os
import re
import subprocess
import sys
from collections import Counter
from io import BytesIO

import pytest
from pypdf import PdfReader
from report_sample import ScenarioBuilder, write_run
from report_stories import everything
from test_reports_hostile import ATTACKS, hostile_story
from test_reports_render import Page

from intercom_hil import reports
from intercom_hil.ladder.window import window
from intercom_hil.paper import annex as pdf_annex
from intercom_hil.paper import report as pdf
from intercom_hil.reports import views
from intercom_hil.run_folder import verdicts
from intercom_hil.run_folder.run import read_run

try:
    pdf.weasyprint()
except pdf.SystemLacksError as problem:
    pytest.skip(str(problem), allow_module_level=True)

THIRTY = 30
"""Pages that the report has less of, whatever a device breaks."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = write_run(tmp_path_factory.mktemp("paper") / "run", everything())
    reports.render(found, [*reports.chosen(["all"]), "pdf-annex"])
    return found


@pytest.fixture(scope="module")
def report(folder):
    return PdfReader(folder / pdf.FILE_NAME)


@pytest.fixture(scope="module")
def annex(folder):
    return PdfReader(folder / pdf_annex.FILE_NAME)


def texts(reader):
    return [page.extract_text() for page in reader.pages]


def rendered(folder, name="pdf"):
    (path,) = reports.render(folder, [name])
    return PdfReader(path)


def outline(reader, items=None):
    for item in reader.outline if items is None else items:
        if isinstance(item, list):
            yield from outline(reader, item)
        else:
            yield item.title, reader.get_destination_page_number(item)


def first_verdict(text):
    """The verdict that a text shows first: its sign, and its word."""
    places = {text.find(f"{one.sign} {one.word}"): one.name for one in verdicts.VERDICTS}
    return places[min(place for place in places if place >= 0)]


def test_every_page_has_its_number_and_the_reports(folder, report, annex):
    run = read_run(folder)
    for reader in (report, annex):
        for place, text in enumerate(texts(reader), start=1):
            assert f"Page {place} of {len(reader.pages)}" in text
            assert f"Report {run.number} ({run.fingerprint[:8]})" in text
        for text in texts(reader)[1:]:
            assert run.mode.words in text


def test_the_last_page_says_that_it_is_the_last(report, annex):
    for reader in (report, annex):
        ends = ["End of report" in text for text in texts(reader)]
        assert ends == [False] * (len(ends) - 1) + [True]


def test_all_formats_count_as_the_run_does(folder, report):
    """One result, many papers: nobody may read another verdict in another format."""
    count_as_the_run_does(folder, report)


def test_all_formats_count_a_run_that_has_every_verdict_as_it_does(tmp_path):
    stories = []
    for place, verdict in enumerate(verdicts.VERDICTS, start=1):
        for turn in range(place):
            story = ScenarioBuilder(f"test_x.test_{place}_{turn}", f"{verdict.word}, {turn} of {place}")
            story.event(0.1, "outgoing_call_initiated", "Dialing")
            story.judge(f"CFG-{place:02}", verdict.name, "what is expected", "what was seen", 0.2)
            stories.append(story)
    folder = write_run(tmp_path / "run", stories)
    run = json.loads((folder / "run.json").read_text())
    names = {one.name for one in verdicts.VERDICTS}
    assert {item["verdict"] for item in run["scenarios"]} == names
    assert {row["verdict"] for row in run["requirements"].values()} == names
    reports.render(folder, reports.chosen(["all"]))
    count_as_the_run_does(folder, PdfReader(folder / pdf.FILE_NAME))
    source = (folder / "report.html").read_text(encoding="utf-8")
    for place, verdict in enumerate(verdicts.VERDICTS, start=1):
        assert f'class="{verdict.slug}">{place} {verdict.word}</label>' in source, (
            "the filter counts them too"
        )


def count_as_the_run_does(folder, report):
    run = json.loads((folder / "run.json").read_text())
    scenarios = Counter(item["verdict"] for item in run["scenarios"])
    requirements = {key: row["verdict"] for key, row in run["requirements"].items()}

    lines = [line for text in texts(report) for line in text.splitlines()]
    head = next(line for line in lines if line.endswith(" all"))
    shown = [verdict for verdict in verdicts.WORST_FIRST if f"{verdict.sign} {verdict.word}" in head]
    for name, counts in (("Scenarios", scenarios), ("Requirements", Counter(requirements.values()))):
        *numbers, total = map(int, next(x for x in lines if re.match(rf"{name} \d+( \d+)+$", x)).split()[1:])
        assert dict(zip([one.name for one in shown], numbers, strict=True)) == {
            one.name: counts[one.name] for one in shown
        }
        assert total == counts.total() == sum(numbers)
    matrix = "\n".join(texts(report)[2:])
    for key, verdict in requirements.items():
        row = re.search(rf"^{key} .*?(?=^[A-Z]{{3}}-\d|\Z)", matrix, re.MULTILINE | re.DOTALL)[0]
        assert first_verdict(row) == verdict, key

    page = Page((folder / "report.html").read_text(encoding="utf-8"))
    rows = {
        attributes["id"].removeprefix("req-"): attributes["class"]
        for tag, attributes in page.elements
        if tag == "tr" and attributes.get("id", "").startswith("req-")
    }
    assert rows == {key: "v-" + verdict.replace(" ", "-") for key, verdict in requirements.items()}
    cards = [
        attributes["class"].split()[2]
        for tag, attributes in page.elements
        if tag == "details" and attributes.get("class", "").startswith("card scenario")
    ]
    assert Counter(cards) == {"v-" + key.replace(" ", "-"): count for key, count in scenarios.items()}

    with (folder / "results.csv").open(encoding="utf-8", newline="") as file:
        cells = list(csv.DictReader(file))
    assert (
        Counter({c["scenario"]: c["scenario verdict"] for c in cells if c["scenario"]}.values()) == scenarios
    )
    extra = json.loads((folder / "ctrf.json").read_text())["results"]["summary"]["extra"]
    assert (extra["scenarios"], extra["requirements"]) == (scenarios, Counter(requirements.values()))
    summary = (folder / "summary.md").read_text()
    counted = [re.findall(r"\d+", row) for row in summary.splitlines() if row.startswith("| Scenarios |")]
    assert sum(map(int, counted[0])) == scenarios.total()


def test_each_requirement_that_needs_attention_has_a_page_with_its_ladder(folder, report):
    run = read_run(folder)
    bad = [row.id for row in run.requirements if row.verdict.needs_attention]
    assert bad
    places = {title.split()[1]: place for title, place in outline(report) if title[0] in "✗?!"}
    assert set(bad) <= set(places)
    assert len(set(places.values())) == len(places), "each has a page of its own"
    for key in bad:
        page = report.pages[places[key]]
        assert page.mediabox.width > page.mediabox.height
        words = page.extract_text()
        row = next(row for row in run.requirements if row.id == key)
        assert " ".join(row.text.split()[:4]) in " ".join(words.split())
        assert "Expected" in words
        assert "course of events" in words
        assert "Device" in words, "the head of the ladder"


def test_the_contents_lead_to_the_pages_that_they_name(report):
    found = dict(outline(report))
    (contents,) = [text for text in texts(report) if text.count("....") > 3]
    named = re.findall(r"^(.*?) \.{3,} (\d+)$", contents, re.MULTILINE)
    assert len(named) >= len(found) - 3
    for name, place in named:
        where = [page for title, page in found.items() if name.strip() in title or title in name]
        assert int(place) - 1 in where, name


def test_fonts_are_embedded_and_nothing_acts(folder):
    for name in (pdf.FILE_NAME, pdf_annex.FILE_NAME):
        reader = PdfReader(folder / name)
        fonts = [
            font.get_object()
            for page in reader.pages
            for font in page["/Resources"].get("/Font", {}).values()
        ]
        assert fonts
        for font in fonts:
            (inner,) = font["/DescendantFonts"]
            assert {"/FontFile", "/FontFile2", "/FontFile3"} & set(inner.get_object()["/FontDescriptor"])
        assert not _actions(reader)


def _actions(reader):
    """What a reader could be made to do: scripts, programs, addresses, files."""
    kinds = ("/JavaScript", "/Launch", "/URI", "/GoToR", "/GoToE", "/SubmitForm", "/ImportData", "/Movie")
    found = [key for key in ("/OpenAction", "/AA", "/AcroForm") if key in reader.root_object]
    for page in reader.pages:
        for note in page.get("/Annots") or ():
            action = note.get_object().get("/A")
            if action is not None and action.get_object().get("/S") in kinds:
                found.append(action.get_object()["/S"])
    return found


def test_the_annex_is_written_where_it_is_asked_for_by_its_name():
    assert "pdf" in reports.chosen(["all"])
    assert "pdf-annex" not in reports.chosen(["all"])
    assert "pdf-annex" in reports.chosen(["all", "pdf-annex"])


def test_the_same_run_gives_the_same_bytes(folder):
    assert pdf.render(read_run(folder)) == (folder / pdf.FILE_NAME).read_bytes()


def test_the_annex_has_every_scenario_with_its_verdict(folder, annex):
    run = read_run(folder)
    words = " ".join(" ".join(texts(annex)).split())
    titles = [title for title, _ in outline(annex)]
    for scenario in run.scenarios:
        assert f"{scenario.verdict.sign} {scenario.title[:1].upper()}{scenario.title[1:]}" in titles
    for scenario in run.scenarios:
        for item in scenario.judgements:
            if item.verdict.needs_attention:
                assert " ".join(item.expected.split()[:4]) in words


def test_hostile_texts_stay_texts_and_nothing_is_fetched(tmp_path):
    texts_of_devices = [
        "\n".join(ATTACKS).replace("/", "∕"),
        "<img src='http:∕∕h'><link rel=stylesheet href=file:∕∕∕etc∕passwd>",
        "\x00\x07\x1b[31m\x85 control",
        "\u202eright to left שלום مرحبا\u202c",
        "W" * 5_000,
        "word " * 2_000,
        "e\u0301\u0302\u0303" * 300,
    ]
    stories = []
    for place, text in enumerate(texts_of_devices):
        story = hostile_story(text)
        story.id = f"test_hostile.test_{place}"
        story.extra["evidence"]["timeline"] = f"scenarios/{story.id}/timeline.jsonl"
        stories.append(story)
    folder = write_run(
        tmp_path / "run", stories, name="<script>x</script>", environment={"<b>x</b>": "<i>y</i>" * 900}
    )
    with _recorded() as seen:
        report, annex = rendered(folder), rendered(folder, "pdf-annex")
    assert [
        event for event in seen if event[0] in ("socket.connect", "urllib.Request", "subprocess.Popen")
    ] == []
    assert [path for event, path in seen if event == "open" and "passwd" in str(path)] == []
    assert len(report.pages) < THIRTY
    words = "".join("".join(texts(annex)).split())
    assert "<script>alert(1)<∕script>" in words
    assert "\\x00\\x07\\x1b[31m\\x85control" in words
    assert "\\u202e" in words
    assert _actions(report) == _actions(annex) == []


class _recorded:  # noqa: N801
    """The audit events of the interpreter during a block."""

    _seen = None
    _hooked = False

    def __enter__(self):
        if not _recorded._hooked:
            sys.addaudithook(_recorded._hook)
            _recorded._hooked = True
        _recorded._seen = []
        return _recorded._seen

    def __exit__(self, *_):
        _recorded._seen = None

    @staticmethod
    def _hook(event, given):
        if _recorded._seen is not None and event in (
            *("open", "socket.connect", "urllib.Request", "subprocess.Popen"),
        ):
            _recorded._seen.append((event, given[0] if given else ""))


@pytest.mark.parametrize("many", [24, pytest.param(109, marks=pytest.mark.nightly)])
def test_however_much_is_broken_the_report_is_short(tmp_path, many):
    stories = []
    for place in range(many):
        story = ScenarioBuilder(f"test_x.test_{place}", f"story {place}")
        story.press(0.1)
        for turn in range(8):
            story.sip(0.2 + turn / 10, "device", "pbx", "REGISTER sip:x", call=f"c{turn}", cseq=turn)
        for cause in range(5):
            text = f"the {'very ' * 80}long expectation {'abcdefghij'[cause]}"
            story.judge(f"FAM{place % 4}-{place:02}", "fail", text, "nothing of that " * 60, 2.0)
        stories.append(story)
    report = rendered(write_run(tmp_path / "run", stories))
    assert len(report.pages) < THIRTY
    found = [title for title, _ in outline(report)]
    pages = [place for title, place in outline(report) if title.startswith("✗ FAM")]
    assert len(pages) == len(set(pages)) == pdf.MOST_PAGES
    assert "Further findings" in found
    last = " ".join(texts(report))
    assert all(f"FAM{place % 4}-{place:02}" in last for place in range(many)), "each is named all the same"


def test_a_run_that_did_not_begin_is_no_pass_on_paper(tmp_path):
    folder = write_run(tmp_path / "run", [], interrupted=True, verdict="none", stopped_by="no PBX")
    cover, summary, *_ = texts(rendered(folder))
    assert "? inconclusive" in cover
    assert "the run did not begin" in cover
    assert "no PBX" in summary


def test_a_stretch_of_a_ladder_shows_the_failure_and_keeps_the_heads():
    story = ScenarioBuilder("test_x.test_y", "long")
    for turn in range(200):
        story.sip(turn, "device", "pbx", "REGISTER sip:x", call=f"c{turn}", cseq=turn)
    story.flow(50, 150, "device", "pbx", tone=440)
    story.judge("REG-02", "fail", "few", "many", 120.0)
    ladder = _drawn(story)
    part = window(ladder, 400.0, "v-fail")
    assert part.height == 400.0 < ladder.height
    assert part.lanes is ladder.lanes
    assert [mark.mark.style for mark in part.marks if mark.mark.lane == "judged"] == ["v-fail"]
    ys = [one.y for one in (*part.arrows, *part.marks)] + [
        y for span in part.spans for y in (span.y1, span.y2)
    ]
    assert ys
    assert min(ys) >= 34
    assert max(ys) <= 400
    assert all(begin + height <= span.y2 + 1 for span in part.spans for begin, height in span.heard)
    assert window(ladder, ladder.height, "v-fail") is ladder


def test_a_stretch_of_a_ladder_is_that_of_the_requirement_that_it_stands_under():
    story = ScenarioBuilder("test_x.test_y", "long")
    for turn in range(200):
        story.sip(turn, "device", "pbx", "REGISTER sip:x", call=f"c{turn}", cseq=turn)
    story.judge("REG-05", "fail", "digests", "a password", 20.0)
    story.judge("REG-02", "fail", "few", "many", 180.0)
    shown = [mark.text for mark in window(_drawn(story), 400.0, "v-fail", "REG-02").marks]
    assert any("REG-02" in text for text in shown)
    assert not any("REG-05" in text for text in shown)


PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAFElEQVR4nGM8ISfHgA0wYRUdtBIA0MoBFD5jqJkAAAAASUVORK5CYII="
)


def test_the_item_tested_is_pictured_on_the_cover(tmp_path):
    folder = write_run(tmp_path / "run", everything(), photo="device.png")
    (folder / "device.png").write_bytes(PICTURE)
    pictures = [pictured(page) for page in rendered(folder).pages]
    assert pictures[0]
    assert not any(pictures[1:])
    assert not any(pictured(page) for page in rendered(folder, "pdf-annex").pages)


def test_a_picture_that_is_none_is_left_out(tmp_path):
    folder = write_run(tmp_path / "run", everything()[:1], photo="device.png")
    (folder / "device.png").write_bytes(PICTURE[:16] + b"broken")
    assert not any(pictured(page) for page in rendered(folder).pages)


def pictured(page):
    """Whether a page shows a picture; all pages share their resources."""
    resources = page["/Resources"].get_object().get("/XObject", {})
    names = [name for name, one in resources.items() if one.get_object()["/Subtype"] == "/Image"]
    return any(f"{name} Do".encode() in page.get_contents().get_data() for name in names)


def test_the_mapping_to_standards_is_an_annex_and_what_nobody_reviewed_is_marked(tmp_path):
    mapping = {"standard": "EN 18031-1", "title": "EN 18031-1:2024", "clause": "SCM-2", "about": "integrity"}
    folder = write_run(
        tmp_path / "run", everything(), mappings=[mapping | {"requirements": ["OUT-03"], "reason": "because"}]
    )
    run = json.loads((folder / "run.json").read_text())
    run["requirements"]["OUT-03"]["review"] = "changed since they were reviewed (2026-10-01)"
    (folder / "run.json").write_text(json.dumps(run))
    report = rendered(folder)
    pages = {title: " ".join(report.pages[place].extract_text().split()) for title, place in outline(report)}
    annex = pages["Annex: standards"]
    assert "SCM-2 integrity contradicted: a requirement fails ✗ OUT-03 because" in annex
    assert "Words of requirements that were not reviewed as they are OUT-03: marked" in pages["Summary"]
    marked = "changed since they were reviewed (2026-10-01)"
    assert f"(words {marked})" in " ".join(" ".join(texts(report)[2:4]).split())
    (own,) = (text for title, text in pages.items() if title.startswith("✗ OUT-03"))
    assert f"Words {marked}." in own


def _drawn(story):
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as scratch:
        run = read_run(write_run(Path(scratch) / "run", [story]))
        return views.drawn(views.scenario_views(run)[0]).ladder


@pytest.mark.parametrize(
    ("module", "told"),
    [
        (
            "raise ModuleNotFoundError('x', name='weasyprint')",
            "weasyprint is not installed. Remedy: pip install",
        ),
        (
            "print('long story'); raise OSError('no libpango')",
            "Pango is not installed, which lays out its text.",
        ),
    ],
)
def test_what_is_missing_is_said_with_the_remedy(folder, tmp_path, module, told):
    """In place of WeasyPrint stands what fails as it does where it, or Pango, is not there."""
    (tmp_path / "weasyprint.py").write_text(module)
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "intercom_hil.cli",
            "report",
            str(folder),
            "--format",
            "pdf",
            "--format",
            "csv",
        ],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout.splitlines() == [str(folder / "results.csv")], "the others are written all the same"
    assert done.stderr.startswith(f"intercom-hil: report pdf: {told}")
    assert "Traceback" not in done.stderr
    if "Pango" in told:
        assert f"apt-get install -y --no-install-recommends {' '.join(pdf.PACKAGES)}" in done.stderr


def test_a_report_is_a_pdf_that_other_programs_can_read(folder):
    data = (folder / pdf.FILE_NAME).read_bytes()
    assert data.startswith(b"%PDF-1.")
    assert PdfReader(BytesIO(data), strict=True).metadata.title.startswith("Test report: SIP door intercom")
