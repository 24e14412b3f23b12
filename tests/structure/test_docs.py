"""The documentation kept true: its links lead somewhere, its examples load, its tables name every field."""

import re
import tomllib
import types
import typing

import pydantic
import pytest

from harness.bench.model import BenchFile, load
from harness.spec.catalogue import CATALOGUE
from harness.spec.verdict import Verdict
from tests.structure.source_tree import ROOT, files, shown

DOCS = ROOT / "docs"
PAGES = [path for path in files() if path.suffix == ".md"]
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
ROOMS = sorted(path.parent.name for path in files() if path.parent.parent == ROOT / "harness")
TOPS = ("harness", "reports", "fixtures", "scenarios", "tests", "benchmarks")


def tables(model, name):
    """Return the bench file's tables by their TOML names, each with its model."""
    found = {}
    for field, info in model.model_fields.items():
        inner = [t for t in (info.annotation, *typing.get_args(info.annotation)) if isinstance(t, type)]
        inner = [t for t in inner if not isinstance(t, types.GenericAlias)]
        for kind in inner:
            if issubclass(kind, pydantic.BaseModel):
                path = f"{name}.{field}" if name else field
                found |= {path: kind, **tables(kind, path)}
    return found


def section(page, heading):
    """Return what stands under one heading, up to the next."""
    return page.partition(f"### `[{heading}]`\n")[2].partition("\n#")[0]


def test_every_link_leads_to_a_file():
    broken = [
        f"{shown(path)}: {target}"
        for path in PAGES
        for target in LINK.findall(path.read_text(encoding="utf-8"))
        if "://" not in target and not (path.parent / target).exists()
    ]
    assert broken == []


def test_the_readme_leads_to_every_page():
    linked = set(LINK.findall((ROOT / "README.md").read_text(encoding="utf-8")))
    assert {shown(path) for path in PAGES if path.parent == DOCS} - linked == set()


@pytest.mark.parametrize("page", ["README.md", "docs/architecture.md"])
def test_the_tree_names_every_room(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    assert [room for room in {*ROOMS, *TOPS} if not re.search(rf"^ *{room}/ ", text, re.MULTILINE)] == []


def test_the_readme_counts_the_requirements_and_explains_every_verdict():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"[{len(CATALOGUE)} requirements](docs/requirements.md)" in text
    assert [verdict.value for verdict in Verdict if f"| {verdict.value} |" not in text] == []


def test_the_bench_files_of_the_manual_are_valid(tmp_path):
    examples = re.findall(
        r"^```toml\n(.*?)^```", (DOCS / "bench-file.md").read_text(), re.MULTILINE | re.DOTALL
    )
    kinds = []
    for number, example in enumerate(examples):
        path = tmp_path / f"{number}.toml"
        path.write_text(example)
        kinds.append(load(path).device.kind)
    assert kinds == ["emulated", "physical"]


def test_the_bench_files_that_come_along_are_valid():
    paths = [path for path in files() if path.parent == ROOT / "fixtures" / "benches"]
    assert {load(path).bench.name for path in paths}


def test_the_manual_names_every_field_of_a_bench_file_and_its_default():
    page = (DOCS / "bench-file.md").read_text(encoding="utf-8")
    wrong = []
    for name, model in tables(BenchFile, "").items():
        rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]*?) ?\|", section(page, name), re.MULTILINE))
        expected = {
            field: info
            for field, info in model.model_fields.items()
            if f"{name}.{field}" not in tables(BenchFile, "")
        }
        if set(rows) != set(expected):
            wrong.append(f"[{name}] has {sorted(expected)}, the manual {sorted(rows)}")
            continue
        for field, info in expected.items():
            wrong += (
                [f"[{name}] {field}: the manual says {rows[field]}"] if not told(rows[field], info) else []
            )
    assert wrong == []


def told(cell, info):
    """Return whether a table's cell gives a field's default: nothing for none, the TOML value otherwise."""
    if info.is_required():
        return cell == ""
    if info.default is None:
        return cell == "none"
    value = tomllib.loads(f"x = {cell.strip('`')}")["x"]
    return value == (list(info.default) if isinstance(info.default, tuple) else info.default)
