"""The documentation kept true: its links lead somewhere, its examples load, its tables name every field."""

import re
import tomllib
import typing

import pydantic
import pytest

from intercom_hil.bench_file.model import BenchFile, load
from intercom_hil.device.configurator_kinds import ConfiguratorOptions
from intercom_hil.event_sources.source_kinds import EVENT_SOURCES, SourceOptions
from intercom_hil.instruments.kinds import InputOptions, OutputOptions
from intercom_hil.instruments.registry import INSTRUMENTS
from intercom_hil.kinds import kinds_of
from intercom_hil.spec.catalogue import CATALOGUE
from intercom_hil.spec.verdict import Verdict
from tests.structure.source_tree import ROOT, files, shown

DOCS = ROOT / "docs"
PAGES = [path for path in files() if path.suffix == ".md"]
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
LIBRARY = ROOT / "harness" / "intercom_hil"
ROOMS = sorted(path.parent.name for path in files() if path.parent.parent == LIBRARY)
REGISTRIES = {OutputOptions: INSTRUMENTS, InputOptions: INSTRUMENTS, SourceOptions: EVENT_SOURCES}
TOPS = ("harness", "reports", "fixtures", "scenarios", "tests", "benchmarks")


def models(annotation):
    """Return the models that an annotation is made of: several where a table may be of several kinds."""
    if annotation is ConfiguratorOptions:
        return []  # those that come along have tables of their own
    if annotation in REGISTRIES:
        registry = REGISTRIES[annotation]
        return [kind for name, kind in kinds_of(registry, annotation) if not registry.origin(name)]
    if isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel):
        return [annotation]
    return [model for inner in typing.get_args(annotation) for model in models(inner)]


def holds(annotation, container):
    """Return whether an annotation is, or has in it, a container such as ``dict``."""
    inner = (holds(part, container) for part in typing.get_args(annotation))
    return typing.get_origin(annotation) is container or any(inner)


def tables(model, name="", told=None):
    """Return the bench file's tables by the headings that they have in the manual, each with its model.

    A table of several kinds has a heading for each. What was told once is not told again elsewhere.
    """
    told = {} if told is None else told
    for field, info in model.model_fields.items():
        kinds = models(info.annotation)
        path = f"{name}.{field}" if name else field
        path += ".NAME" if holds(info.annotation, dict) else ""
        brackets = f"[[{path}]]" if holds(info.annotation, tuple) else f"[{path}]"
        for kind in kinds:
            if kind not in told.values():
                heading = f"`{brackets}`"
                if len(kinds) > 1:
                    heading += f" of kind `{typing.get_args(kind.model_fields['kind'].annotation)[0]}`"
                told[heading] = kind
                tables(kind, path, told)
    return told


def section(page, heading):
    """Return what stands under one heading, up to the next."""
    return page.partition(f"### {heading}\n")[2].partition("\n#")[0]


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
    for name, model in tables(BenchFile).items():
        rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]*?) ?\|", section(page, name), re.MULTILINE))
        expected = {f: info for f, info in model.model_fields.items() if not models(info.annotation)}
        if set(rows) != set(expected):
            wrong.append(f"{name} has {sorted(expected)}, the manual {sorted(rows)}")
            continue
        for field, info in expected.items():
            wrong += [f"{name} {field}: the manual says {rows[field]}"] if not told(rows[field], info) else []
    assert wrong == []


def told(cell, info):
    """Return whether a table's cell gives a field's default: nothing for none, the TOML value otherwise."""
    if info.is_required():
        return cell == ""
    if info.default is None:
        return cell == "none"
    value = tomllib.loads(f"x = {cell.strip('`')}")["x"]
    return value == (list(info.default) if isinstance(info.default, tuple) else info.default)
