"""Imports run downwards only. The table is the architecture; docs/architecture.md tells it in prose."""

import ast
import re

import pytest

from tests.structure.source_tree import (
    FIRST_PARTY,
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

PACKAGE = "intercom_hil"


def rooms(*names: str) -> tuple[str, ...]:
    """Return the modules of rooms of the package."""
    return tuple(f"{PACKAGE}.{name}" for name in names)


GROUND = rooms(
    "bounded_command",
    "errors",
    "extensions",
    "kinds",
    "lateness",
    "paths",
    "pcap",
    "pki",
    "redaction",
    "spec",
    "terminal_text",
    "wire",
    "media",
    "timeline",
)
HEARD = rooms("layouts", "event_sources", "operator")
WITNESSES = (
    rooms(
        "admin_portal",
        "browser",
        "capture",
        "device",
        "instruments",
        "pbx",
        "portal_pages",
        "proxy",
        "stations",
    )
    + HEARD
)
MAY_IMPORT = {
    f"{PACKAGE}.{room}": granted
    for room, granted in {
        "bounded_command": rooms("lateness"),
        "errors": (),
        "extensions": rooms("errors"),
        "kinds": rooms("errors", "extensions"),
        "lateness": (),
        "locations": (),
        "paths": (),
        "pcap": rooms("wire"),
        "pki": rooms("errors"),
        "redaction": (),
        "spec": rooms("errors", "extensions"),
        "terminal_text": (),
        "wire": (),
        "media": rooms("wire"),
        "timeline": rooms("errors", "redaction", "spec", "wire"),
        "processes": rooms("errors", "lateness"),
        "serving": (),
        "instruments": GROUND,
        "adapters": (*GROUND, *rooms("instruments")),
        "layouts": GROUND,
        "event_sources": (*GROUND, *rooms("layouts", "serving")),
        "operator": (*GROUND, *rooms("serving")),
        "device": (*GROUND, *HEARD, *rooms("instruments", "processes")),
        "browser": GROUND,
        "video": GROUND,
        "admin_portal": (*GROUND, *rooms("browser", "device")),
        "portal_pages": (
            *GROUND,
            *rooms("admin_portal", "browser", "device", "event_sources", "layouts"),
        ),
        "capture": (*GROUND, *rooms("processes", "video")),
        "pbx": (*GROUND, *rooms("processes")),
        "proxy": (*GROUND, *rooms("processes")),
        "sipp": rooms("errors", "lateness"),
        "stations": (*GROUND, *rooms("serving", "sipp")),
        "live": (*GROUND, *rooms("ladder", "operator", "reports", "run_folder", "serving")),
        "lab": (*GROUND, *rooms("processes")),
        "contracts": (*GROUND, *rooms("instruments", "layouts", "device")),
        "judge": GROUND,
        "hearing": (*GROUND, *rooms("judge")),
        "practice": (*GROUND, *rooms("judge", "hearing")),
        "registrations": (*GROUND, *rooms("judge")),
        "monitors": (*GROUND, *rooms("judge", "practice", "hearing", "registrations")),
        "evidence": (*GROUND, *rooms("judge", "monitors", "practice")),
        "capture_file": (*GROUND, *rooms("capture", "evidence", "judge", "monitors", "video")),
        "recomputed": (
            *GROUND,
            *rooms("capture", "capture_file", "event_sources", "evidence", "instruments", "judge"),
            *rooms("layouts", "locations", "monitors", "pbx", "sipp"),
        ),
        "map_trial": (*GROUND, *rooms("admin_portal", "bench_file", "browser", "portal_pages")),
        "bench_file": (*GROUND, *HEARD, *rooms("admin_portal", "instruments", "device")),
        "bench": (*GROUND, *WITNESSES, *rooms("bench_file", "processes", "lab", "locations", "evidence")),
        "scenario": (
            *GROUND,
            *WITNESSES,
            *rooms("bench", "bench_file", "judge", "monitors", "evidence", "registrations"),
        ),
        "commands": (
            *GROUND,
            *WITNESSES,
            *rooms(
                "bench", "bench_file", "capture_file", "evidence", "judge", "lab", "monitors", "processes"
            ),
            *rooms("scenario", "seal"),
        ),
        "explore": (
            *GROUND,
            *WITNESSES,
            *rooms("bench", "bench_file", "evidence", "judge", "monitors", "reports", "scenario", "seal"),
        ),
        "paper": rooms("ladder", "reports", "run_folder"),
        "plan": (
            *GROUND,
            *rooms("bench_file", "operator", "proxy", "reports", "run_folder", "scenario", "stations"),
        ),
        "plugin": (
            *GROUND,
            *rooms(
                "bench", "bench_file", "evidence", "judge", "live", "locations", "operator", "plan", "reports"
            ),
            *rooms("scenario", "seal"),
        ),
        "emulator": (),
        "seal": rooms("errors"),
        "run_folder": (),
        "ladder": rooms("run_folder"),
        "reports": rooms("extensions", "ladder", "run_folder"),
        "comparison": rooms("reports", "run_folder"),
        "cli": (PACKAGE,),
        "__main__": rooms("cli"),
    }.items()
} | {PACKAGE: ()}
"""What each room may import of the package, besides itself."""

MAY_IMPORT_TEST_TOOLS = (
    "intercom_hil.contracts",
    "intercom_hil.plugin",
    "intercom_hil.scenario.declaration",
    "conftest",
    "scenarios",
    "tests",
)
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

NOT_FOR_SCENARIOS = (
    *OUTSIDE_WORLD[1:],
    "intercom_hil.emulator",
    "intercom_hil.wire",
    "intercom_hil.media",
    "scapy",
    "serial",
    "time",
)
"""Scenarios read as prose over the bench; asyncio is left to them for doing two things at once."""

PURE = rooms("spec", "wire", "media")


def room_of(module: str) -> str:
    """Return the row of the table that a module falls under: the longest name that fits."""
    return max((room for room in MAY_IMPORT if below(module, (room,))), key=len)


def forbidden(module: str, imported: list[Import]) -> list[Import]:
    """Return the imports of the repository's own modules that the table does not grant."""
    room = room_of(module)
    granted = (*MAY_IMPORT[room], room) if room != PACKAGE else ()
    return [
        one
        for one in imported
        if one.target.split(".")[0] in FIRST_PARTY
        and not below(one.target, granted)
        and not (one.target == PACKAGE and module != PACKAGE)  # its version
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
        for path in python_files("harness")
        for one in forbidden(module_name(path), imports_of(path))
    ]
    assert found == []


def test_every_room_has_a_row():
    found = {".".join(module_name(path).split(".")[:2]) for path in python_files("harness")}
    assert found - set(MAY_IMPORT) == set()


def test_no_arrow_runs_upwards():
    """The table itself has no circle: each room stands on rooms that do not stand on it."""
    order: list[str] = []
    left = {room: set(granted) - {PACKAGE} for room, granted in MAY_IMPORT.items()}
    while free := [room for room, granted in left.items() if granted <= set(order)]:
        order += sorted(free)
        left = {room: granted for room, granted in left.items() if room not in free}
    assert left == {}


def test_only_tests_and_scenarios_import_test_tools():
    found = [
        f"{shown(path, one.line)} imports {one.target}"
        for path in files()
        if path.suffix == ".py" and not below(module_name(path), MAY_IMPORT_TEST_TOOLS)
        for one in imports_of(path)
        if below(one.target, TEST_TOOLS)
    ]
    assert found == []


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
    heavy = ("httpx", "numpy", "pydantic", "scapy", *OUTSIDE_WORLD)
    paths = [
        path
        for path in python_files("harness")
        if below(module_name(path), rooms("comparison", "paper", "reports", "ladder", "run_folder"))
    ]
    assert paths
    assert [shown(path) for path in paths for one in imports_of(path) if below(one.target, heavy)] == []


def test_scenarios_hold_no_protocol_and_no_processes():
    assert offences(("scenarios",), NOT_FOR_SCENARIOS) == []


def test_scenarios_and_fixtures_meet_the_emulator_only_as_a_device():
    assert offences(("scenarios", "fixtures", "conftest.py"), ("intercom_hil.emulator",)) == []


KNOWN = frozenset(rooms("bench", "processes.supervisor_client", "spec", "emulator", "reports"))


@pytest.mark.parametrize(
    ("room", "source", "targets"),
    [
        ("spec.x", "import intercom_hil.timeline", ["intercom_hil.timeline"]),
        ("wire.x", "def f():\n    from intercom_hil.spec import verdict", ["intercom_hil.spec"]),
        ("timeline.x", "from ..judge import judge", ["intercom_hil.judge"]),
        ("capture.x", "from intercom_hil.processes.supervisor_client import Supervised", []),
        ("capture.x", "from intercom_hil.bench import model", ["intercom_hil.bench"]),
        ("capture.x", "import intercom_hil.bench_too", ["intercom_hil.bench_too"]),
        ("bench.x", "from intercom_hil import emulator", ["intercom_hil.emulator"]),
        ("bench.x", "import intercom_hil.cli", ["intercom_hil.cli"]),
        ("bench.x", "if True:\n    import tests.spec", ["tests.spec"]),
        ("emulator.x", "from intercom_hil.spec import settings\nfrom . import logic", ["intercom_hil.spec"]),
        ("emulator.x", "def f():\n    from intercom_hil.wire import uri", ["intercom_hil.wire"]),
        ("emulator.x", "from intercom_hil.emulator import settings\nfrom . import logic", []),
        ("emulator.x", "from intercom_hil.timeline import now", ["intercom_hil.timeline"]),
        ("cli", "from intercom_hil import reports\nfrom intercom_hil.emulator import logic", []),
        ("cli.run", "import conftest", ["conftest"]),
        ("reports.x", "from intercom_hil.spec import catalogue", ["intercom_hil.spec"]),
        ("reports.x", "import jinja2, json", []),
        ("wire.x", "from intercom_hil import VERSION", []),
        ("", "from intercom_hil.spec import verdict", ["intercom_hil.spec"]),
    ],
)
def test_the_rule_catches_what_it_is_for(room, source, targets):
    module = f"{PACKAGE}.{room}".rstrip(".")
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
    told = [one.target for one in imports(tree, "intercom_hil.emulator", KNOWN, is_package=True)]
    assert told == ["intercom_hil.emulator", "intercom_hil.spec"]
    assert [one.target for one in imports(tree, "intercom_hil.emulator.x", KNOWN)] == told
