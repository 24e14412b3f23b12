"""Imports run downwards only. The table is the architecture; docs/architecture.md tells it in prose."""

import ast
import re

import pytest

from tests.structure.source_tree import (
    FIRST_PARTY,
    ROOT,
    Import,
    below,
    files,
    imports,
    imports_of,
    module_name,
    python_files,
    shown,
    syntax,
)

GROUND = ("harness.spec", "harness.wire", "harness.timeline")
ASSEMBLED = (
    "harness.instruments",
    "harness.operator",
    "harness.device",
    "harness.capture",
    "harness.pbx",
    "harness.proxy",
    "harness.peer",
    "harness.lab",
)

MAY_IMPORT = {
    "harness.spec": (),
    "harness.wire": (),
    "harness.timeline": ("harness.spec", "harness.wire"),
    "harness.serving": (),
    "harness.instruments": GROUND,
    "harness.operator": (*GROUND, "harness.serving"),
    "harness.device": (*GROUND, "harness.instruments", "harness.operator", "harness.serving"),
    "harness.capture": (*GROUND, "harness.bench.supervised"),
    "harness.pbx": (*GROUND, "harness.bench.supervised", "harness.capture.sip_content"),
    "harness.proxy": (*GROUND, "harness.bench.supervised"),
    "harness.peer": (*GROUND, "harness.bench.supervised", "harness.serving"),
    "harness.lab": GROUND,
    "harness.judge": GROUND,
    "harness.evidence": (*GROUND, "harness.judge"),
    "harness.bench": (*GROUND, *ASSEMBLED, "harness.judge", "harness.evidence"),
    "harness.emulator": ("harness.spec",),
    "harness.cli": ("harness", "reports"),
    "harness": (),
    "reports": (),
}
"""What each room may import of the repository, besides itself."""

MAY_IMPORT_TEST_TOOLS = ("conftest.py", "fixtures", "scenarios", "tests")
TEST_TOOLS = ("pytest", "_pytest", "pytest_asyncio", "hypothesis")

OUTSIDE_WORLD = (
    "asyncio",
    "multiprocessing",
    "select",
    "selectors",
    "signal",
    "socket",
    "subprocess",
    "threading",
)
"""What pure rooms have no use for."""

NOT_FOR_SCENARIOS = (*OUTSIDE_WORLD[1:], "harness.emulator", "harness.wire", "scapy", "serial", "time")
"""Scenarios read as prose over the bench; asyncio is left to them for doing two things at once."""

LIBRARY = ("harness", "reports")
PURE = ("harness.spec", "harness.wire")


def room_of(module: str) -> str:
    """Return the row of the table that a module falls under: the longest name that fits."""
    return max((room for room in MAY_IMPORT if below(module, (room,))), key=len)


def forbidden(module: str, imported: list[Import]) -> list[Import]:
    """Return the imports of the repository's own modules that the table does not grant."""
    room = room_of(module)
    granted = (room, *MAY_IMPORT[room]) if room != "harness" else ()
    harmless = "harness" if module.startswith("harness.") else None
    return [
        one
        for one in imported
        if one.target.split(".")[0] in FIRST_PARTY
        and not below(one.target, granted)
        and one.target != harmless
    ]


def offences(tops: tuple[str, ...], forbidden_names: tuple[str, ...]) -> list[str]:
    """Return the imports of certain modules in the Python files below ``tops``."""
    return [
        f"{shown(path, one.line)} imports {one.target}"
        for path in python_files(*tops)
        for one in imports_of(path)
        if below(one.target, forbidden_names)
    ]


def test_modules_import_only_what_lies_below_them():
    found = [
        f"{shown(path, one.line)} imports {one.target}"
        for path in python_files(*LIBRARY)
        for one in forbidden(module_name(path), imports_of(path))
    ]
    assert found == []


def test_every_room_of_the_harness_has_a_row():
    rooms = {".".join(module_name(path).split(".")[:2]) for path in python_files("harness")}
    assert rooms - set(MAY_IMPORT) == set()


def test_the_bench_package_itself_pulls_nothing_in():
    """Rooms below the bench import ``harness.bench.supervised``, which must not bring the bench along."""
    package = ROOT / "harness" / "bench" / "__init__.py"
    assert [one.target for one in imports_of(package) if one.target.startswith("harness")] == []


def test_only_tests_and_scenarios_import_test_tools():
    tops = {path.relative_to(ROOT).parts[0] for path in files() if path.suffix == ".py"}
    assert offences(tuple(tops - set(MAY_IMPORT_TEST_TOOLS)), TEST_TOOLS) == []


def test_pure_rooms_do_not_touch_the_outside_world():
    pure = [path for path in python_files("harness") if room_of(module_name(path)) in PURE]
    assert pure
    touched = [
        f"{shown(path, one.line)} imports {one.target}"
        for path in pure
        for one in imports_of(path)
        if below(one.target, OUTSIDE_WORLD) and one.target != "socket"
    ]
    connected = [f"{shown(path)} uses {name}" for path in pure for name in sockets_in(syntax(path))]
    assert touched + connected == []


def sockets_in(tree: ast.AST) -> list[str]:
    """Return what a module takes from ``socket`` beyond the conversion of addresses, which is pure."""
    taken = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "socket":
            taken += [f"socket.{name.name}" for name in node.names]
    return [name for name in taken if re.match(r"socket\.(?!inet_|AF_)\w+$", name)]


def test_reports_read_a_run_folder_with_plain_means():
    assert offences(("reports",), ("httpx", "numpy", "pydantic", "scapy", *OUTSIDE_WORLD)) == []


def test_scenarios_hold_no_protocol_and_no_processes():
    assert offences(("scenarios",), NOT_FOR_SCENARIOS) == []


def test_scenarios_and_fixtures_meet_the_emulator_only_as_a_device():
    assert offences(("scenarios", "fixtures", "conftest.py"), ("harness.emulator",)) == []


KNOWN = frozenset(
    {"harness.bench", "harness.bench.supervised", "harness.spec", "harness.emulator", "reports"}
)


@pytest.mark.parametrize(
    ("module", "source", "targets"),
    [
        ("harness.spec.x", "import harness.timeline", ["harness.timeline"]),
        ("harness.wire.x", "def f():\n    from harness.spec import verdict", ["harness.spec"]),
        ("harness.timeline.x", "from ..judge import judge", ["harness.judge"]),
        ("harness.capture.x", "from harness.bench import supervised", []),
        ("harness.capture.x", "from harness.bench.supervised import Supervised", []),
        ("harness.capture.x", "from harness.bench import model", ["harness.bench"]),
        ("harness.capture.x", "import harness.bench.supervised_too", ["harness.bench.supervised_too"]),
        ("harness.bench.x", "from harness import emulator", ["harness.emulator"]),
        ("harness.bench.x", "import reports, harness.cli", ["reports", "harness.cli"]),
        ("harness.bench.x", "if True:\n    import tests.spec", ["tests.spec"]),
        ("harness.emulator.x", "from harness.spec import settings\nfrom . import logic", []),
        ("harness.emulator.x", "from harness.timeline import now", ["harness.timeline"]),
        ("harness.cli", "import reports\nfrom harness.emulator import logic", []),
        ("harness.cli.run", "import conftest", ["conftest"]),
        ("reports.x", "from harness.spec import catalogue", ["harness.spec"]),
        ("reports.x", "import jinja2, json", []),
        ("reports.x", "import harness", ["harness"]),
        ("harness.wire.x", "from harness import VERSION", []),
        ("harness", "from harness.spec import verdict", ["harness.spec"]),
    ],
)
def test_the_rule_catches_what_it_is_for(module, source, targets):
    found = imports(ast.parse(source), module, KNOWN)
    assert [one.target for one in forbidden(module, found)] == targets


def test_a_pure_room_may_convert_addresses_but_not_connect():
    source = "import socket\nfrom socket import {}\nsocket.inet_ntoa(b'')\n{}"
    assert sockets_in(ast.parse(source.format("inet_pton", ""))) == []
    assert sockets_in(ast.parse(source.format("create_connection", "socket.socket()"))) == [
        "socket.socket",
        "socket.create_connection",
    ]


def test_relative_imports_are_counted_from_the_package():
    tree = ast.parse("from . import logic\nfrom ..spec import verdict")
    told = [one.target for one in imports(tree, "harness.emulator", KNOWN, is_package=True)]
    assert told == ["harness.emulator", "harness.spec"]
    assert [one.target for one in imports(tree, "harness.emulator.x", KNOWN)] == told
