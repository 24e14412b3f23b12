"""The wiring guide kept true: bench files load, pictures are whole, the list of problems is complete."""

import re
import xml.etree.ElementTree as ElementTree

import pytest

from intercom_hil.bench_file.model import load
from intercom_hil.commands.check import check
from tests.structure.source_tree import ROOT

GUIDE = ROOT / "docs" / "bench"
EXAMPLES = sorted(GUIDE.glob("examples/*.toml"))
PICTURES = sorted(GUIDE.glob("*.svg"))
PAGES = sorted(GUIDE.glob("*.md"))
SVG = "{http://www.w3.org/2000/svg}"
IMAGE = re.compile(r"!\[([^\]]*)\]\(([^)\s]+)\)")
TEXT = {page: page.read_text(encoding="utf-8") for page in PAGES}


def on_loopback(example, folder):
    """Write a copy of an example whose addresses are this machine's, and return its path."""
    path = folder / example.name
    path.write_text(example.read_text(encoding="utf-8").replace("192.0.2.", "127.0.64."), encoding="utf-8")
    return path


def test_there_are_three_examples_each_of_a_bench_of_its_own():
    files = [load(path) for path in EXAMPLES]
    assert [file.device.kind for file in files] == ["physical"] * 3
    assert len({file.bench.name for file in files}) == 3
    ways = {file.device.console.port.partition(":")[0] for file in files}
    assert {"socket", "rfc2217"} < ways
    assert any(file.device.speaker for file in files)


def test_the_examples_have_addresses_that_are_kept_for_documentation():
    hosts = re.findall(r"\b\d+\.\d+\.\d+\.\d+\b", "".join(path.read_text() for path in EXAMPLES))
    assert {host.rpartition(".")[0] for host in hosts} == {"192.0.2"}


@pytest.mark.parametrize("picture", PICTURES, ids=lambda path: path.stem)
def test_a_picture_is_told_to_those_who_cannot_see_it(picture):
    root = ElementTree.parse(picture).getroot()
    assert root.tag == f"{SVG}svg"
    assert root.get("aria-labelledby") == "title desc"
    assert root.findtext(f"{SVG}title")
    assert root.findtext(f"{SVG}desc")


def test_the_pictures_have_one_style_for_light_and_dark():
    styles = {ElementTree.parse(picture).getroot().findtext(f"{SVG}style") for picture in PICTURES}
    assert len(styles) == 1
    assert "prefers-color-scheme: dark" in styles.pop()


def test_every_picture_is_shown_and_every_picture_shown_is_there():
    shown = {(name, told) for text in TEXT.values() for told, name in IMAGE.findall(text)}
    assert {name for name, _ in shown} == {picture.name for picture in PICTURES}
    assert all(told for _, told in shown)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_everything_that_bench_check_looks_at_has_its_place_in_the_list(example, tmp_path):
    """No device is there: its console, button and portal are missing."""
    lines = []
    assert not check(on_loopback(example, tmp_path), lines.append)

    looked_at = [re.match(r"  (ok|MISSING) +([^:]+)", line) for line in lines]
    named = {match[2] for match in looked_at if match}
    assert {"console", "button", "portal"} <= {name.split()[0] for name in named}
    titles = re.findall(r"^### (.+)$", TEXT[GUIDE / "when-it-fails.md"], re.MULTILINE)
    headings = [heading for title in titles for heading in title.split(", ")]
    assert [name for name in named if not any(name.startswith(heading) for heading in headings)] == []
