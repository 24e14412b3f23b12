"""What every file of the house keeps to, beyond what the linter checks."""

import ast
import re
from collections import Counter

import pytest

from intercom_hil.spec.catalogue import CATALOGUE, FAMILIES
from tests.structure.source_tree import ROOT, below, files, imports_of, python_files, shown, syntax

TEXT = {
    ".cfg",
    ".css",
    ".html",
    ".ini",
    ".j2",
    ".json",
    ".md",
    ".py",
    ".sh",
    ".toml",
    ".txt",
    ".xml",
    ".yaml",
    ".yml",
    "",
}

REGISTRIES = re.compile(
    r"\b(pypi\.org|pythonhosted\.org|docker\.io[/]|ghcr\.io|quay\.io|gcr\.io|mcr\.microsoft\.com|"
    r"deb\.debian\.org|(security|archive|snapshot)\.debian\.org|(archive|ports)\.ubuntu\.com|"
    r"registry\.npmjs\.org|crates\.io|proxy\.golang\.org)"
)
MACHINE_PATHS = re.compile(r"(?<![\w.~/{}$>-])/(home|Users|root|work|tmp)[/][\w.]")
LARGEST_ROOM = 2500
"""Lines of the modules of one room."""
DEVICES = ROOT / "fixtures" / "devices"
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b")
REQUIREMENT = re.compile(rf"\b({'|'.join(FAMILIES)})-\d\d\b")


def lines_matching(pattern, *, skip=()):
    """Return the places in the repository's text files where a pattern matches."""
    found = []
    for path in files():
        if path.suffix not in TEXT or path.relative_to(ROOT).parts[0] in skip:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if match := pattern.search(line):
                found.append((f"{shown(path, number)} {match[0]}", match[0]))
    return found


def sleeps(tree: ast.AST) -> list[int]:
    """Return the lines that sleep, or that get hold of a ``sleep``."""
    lines = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            lines += [node.lineno for name in node.names if name.name == "sleep"]
        elif isinstance(node, ast.Attribute) and node.attr == "sleep":
            lines.append(node.lineno)
    return lines


def undocumented(tree: ast.Module) -> list[str]:
    """Return the public classes, functions and methods without a docstring, and the module if it has none."""
    missing = [] if ast.get_docstring(tree) or not tree.body else ["the module"]
    waiting: list[tuple[str, ast.AST]] = [("", tree)]
    while waiting:
        prefix, parent = waiting.pop()
        for node in ast.iter_child_nodes(parent):
            if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            if node.name.startswith("_") or _is_a_variation(node):
                continue
            if not ast.get_docstring(node):
                missing.append(f"{prefix}{node.name}")
            if isinstance(node, ast.ClassDef):
                waiting.append((f"{node.name}.", node))
    return missing


def _is_a_variation(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Setters and overloads share the docstring of what they belong to."""
    named = {ast.unparse(decorator).rpartition(".")[2] for decorator in node.decorator_list}
    return bool(named & {"setter", "deleter", "overload"})


def test_what_is_public_is_documented():
    places = [
        f"{shown(path)}: {name}"
        for path in python_files("harness", "benchmarks", "conftest.py")
        for name in undocumented(syntax(path))
    ]
    assert places == []


def test_scenarios_and_fixtures_never_sleep():
    paths = python_files("scenarios", "fixtures", "conftest.py")
    judging = [path for path in paths if DEVICES not in path.parents]  # a device may take its time
    assert [shown(path, line) for path in judging for line in sleeps(syntax(path))] == []


def test_every_scenario_says_what_it_is_about():
    silent = [
        f"{shown(path, node.lineno)} {node.name}"
        for path in python_files("scenarios")
        for node in ast.walk(syntax(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if node.name.startswith("test_") and not ast.get_docstring(node)
    ]
    assert silent == []


def test_no_registry_is_named():
    assert [place for place, _ in lines_matching(REGISTRIES)] == []


def test_no_path_of_one_machine_is_named():
    assert [place for place, _ in lines_matching(MACHINE_PATHS)] == []


def test_nothing_is_left_unfinished():
    assert [place for place, _ in lines_matching(UNFINISHED)] == []


def test_every_requirement_that_is_named_anywhere_exists():
    named = lines_matching(REQUIREMENT, skip=("tests",))
    assert [place for place, name in named if name not in CATALOGUE] == []


def test_no_room_is_a_warehouse():
    lines = Counter()
    package = ROOT / "harness" / "intercom_hil"
    for path in python_files("harness"):
        room = path.relative_to(package).parts[0]
        lines[room] += len(path.read_text(encoding="utf-8").splitlines())
    del lines["emulator"]  # it stands for a whole device
    assert {room: count for room, count in lines.items() if count > LARGEST_ROOM} == {}


def test_names_of_test_files_are_unique():
    counted = Counter(
        path.name for path in python_files("tests") if path.name not in ("__init__.py", "conftest.py")
    )
    assert [name for name, count in counted.items() if count > 1] == []


def test_tests_mock_nothing():
    mocked = [
        shown(path, one.line)
        for path in python_files("tests", "scenarios", "fixtures", "conftest.py")
        for one in imports_of(path)
        if below(one.target, ("unittest.mock", "mock", "pytest_mock"))
    ]
    assert mocked == []


@pytest.mark.parametrize(
    "source",
    [
        "import asyncio\nasync def f():\n    await asyncio.sleep(1)",
        "import time as t\nt.sleep(1)",
        "from time import sleep as wait",
        "from asyncio import sleep",
        "import asyncio\npause = asyncio.sleep",
    ],
)
def test_the_rule_about_sleeping_catches_it(source):
    assert sleeps(ast.parse(source))


def test_the_rule_about_docstrings_catches_what_lacks_one():
    source = """
class A:
    def shown(self): ...
    def _hidden(self): ...
    @property
    def told(self):
        "Told."
    @told.setter
    def told(self, value): ...
def bare():
    def inner(): ...
class _Private:
    def method(self): ...
"""
    assert set(undocumented(ast.parse(source))) == {"the module", "A", "A.shown", "bare"}


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        (REGISTRIES, "see https://pypi" + ".org/project/x"),
        (REGISTRIES, "image = 'docker.io" + "/library/debian'"),
        (MACHINE_PATHS, "path = '/home" + "/someone/bench.toml'"),
        (MACHINE_PATHS, "open('/tmp" + "/x')"),
        (UNFINISHED, "# TO" + "DO: later"),
    ],
)
def test_the_rules_about_text_catch_what_they_are_for(pattern, line):
    assert pattern.search(line)


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        (REGISTRIES, "apt-get install docker.io podman"),
        (MACHINE_PATHS, "/dev/serial/by-id/usb-Numato and ~/.cache and <run>/tmp" + "/x and http://h/home/x"),
    ],
)
def test_the_rules_about_text_leave_the_rest_alone(pattern, line):
    assert not pattern.search(line)
