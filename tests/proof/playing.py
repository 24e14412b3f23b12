"""One entry of the proof, played: what came of it, as a line of ``entries.jsonl``."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.faults import lane, test_broken_evidence, test_broken_parts
from tests.faults.test_slow_and_limited import BENCHES, played
from tests.foreign.test_drawn_device import DEVICES
from tests.proof.entries import BENCH_FAULT, BENCH_TESTS, EXPLORE, PAGES, VARIANT, Entry
from tests.proof.variants import VARIANTS

RIGHT, MISSED, WRONG_ROW, FALSE = "right", "missed", "wrong row", "false accusation"
WRONG_VERDICT, ERROR, INCONCLUSIVE = "wrong verdict", "error", "inconclusive"
"""What an entry comes to; an error is a run that the bench could not play as it should.

Inconclusive is a fault of whose rows the bench said that it could not look, and that broke no other.
"""
EXPLORE_MINUTES, EXPLORE_SEED = 10, 3
PAGES_ALONE = "scenarios/test_portal_pages.py"
"""The scenarios that look at the portal's pages."""
LONGEST = 7200.0
"""Seconds after which a run is given up: a slow device takes long for the whole of the scenarios."""


def play(entry: Entry, folder: Path, number: int) -> dict[str, Any]:
    """Play an entry and return what came of it.

    Args:
        entry: what is played.
        folder: where its runs go.
        number: the third octet of the addresses that it has to itself.
    """
    if entry.kind == BENCH_FAULT:
        return _broken_part(entry, folder)
    run = _variant(entry, folder, number) if entry.kind == VARIANT else _fault(entry, folder, number)
    return {**judged(entry, run.record), "output": "" if run.record else run.output[-2000:]}


def judged(entry: Entry, record: dict[str, Any]) -> dict[str, Any]:
    """Return what a run says of an entry: what failed, when it first did, and the verdict."""
    rows = {name: row["verdict"] for name, row in record.get("requirements", {}).items()}
    scenarios = sorted(record.get("scenarios", ()), key=lambda one: one["started"] + one["duration_s"])
    failed = sorted(name for name, verdict in rows.items() if verdict == "fail")
    wrong_here = [one["id"] for one in scenarios if one["verdict"] == "error"]
    found = [
        (one, judgement)
        for one in scenarios
        for judgement in one["judgements"]
        if judgement["verdict"] == "fail"
        and (judgement["requirement"] in entry.expected or not entry.expected)
    ]
    first = {}
    if found:
        one, judgement = found[0]
        first = {
            "message": f"{judgement['requirement']}: expected {judgement['expected']}; {judgement['seen']}",
            "scenario": one["id"],
            "seconds": round(one["started"] + one["duration_s"] - record["started"], 1),
        }
    return {
        "failed": failed,
        "verdict": _verdict(entry, rows, failed, played=bool(scenarios) and not wrong_here),
        "errors": wrong_here,
        "scenarios": len(scenarios),
        "inconclusive": sum(one["verdict"] == "inconclusive" for one in scenarios),
        **first,
    }


def _verdict(entry: Entry, rows: dict[str, str], failed: list[str], *, played: bool) -> str:
    if entry.kind == VARIANT and failed:
        return FALSE
    if not played:
        return ERROR
    if failed == list(entry.expected):
        return RIGHT
    unseen = {row for row in entry.expected if rows.get(row) == "inconclusive"}
    if unseen and {*failed} | unseen == {*entry.expected}:
        return INCONCLUSIVE
    return WRONG_ROW if failed else MISSED


def _requirements(entry: Entry) -> list[str]:
    return [word for name in entry.chosen for word in ("--requirement", name)]


def _fault(entry: Entry, folder: Path, number: int) -> lane.Run:
    if entry.against == PAGES:
        bench = lane.write_bench(folder, number, browser=True)
        chosen = ("--fault", entry.name, *_requirements(entry))
        return lane.run_scenarios(
            folder, number, *chosen, scenarios=PAGES_ALONE, bench=bench, longest=LONGEST
        )
    if entry.against != EXPLORE:
        return lane.run_scenarios(
            folder, number, "--fault", entry.name, *_requirements(entry), longest=LONGEST
        )
    bench, runs = lane.write_bench(folder, number), folder / "runs"
    command = [sys.executable, "-m", "intercom_hil.cli", "explore", "--bench", str(bench), "--first"]
    command += ["--minutes", str(EXPLORE_MINUTES), "--seed", str(EXPLORE_SEED), "--runs", str(runs)]
    done = subprocess.run(
        [*command, "--fault", entry.name],
        cwd=lane.ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LONGEST,
        check=False,
    )
    latest = runs / "latest" / "run.json"
    record = json.loads(latest.read_text()) if latest.exists() else {}
    return lane.Run(done.returncode, done.stdout, record, latest.parent)


def _variant(entry: Entry, folder: Path, number: int) -> lane.Run:
    variant = next(variant for variant in VARIANTS if variant.name == entry.name)
    chosen = _requirements(entry) or ["-m", "not long"]
    if not variant.emulated:
        network = f"198.18.{number}"  # RFC 2544: for benches
        stand = [sys.executable, str(DEVICES / "stand.py"), "--network", network, "drawn", "--"]
        env = {"INTERCOM_DRAW": variant.draw}
        bench = folder / "drawn.toml"
        bench.write_text((DEVICES / "drawn.toml").read_text().replace("192.0.2", network))
        (folder / "control.py").symlink_to(DEVICES / "control.py")  # the bench locks what it presses with
        return lane.run_scenarios(
            folder, number, *chosen, bench=bench, through=stand, env=env, longest=LONGEST
        )
    if (BENCHES / f"{variant.emulated}.toml").exists():
        return played(folder, variant.emulated, *chosen, longest=LONGEST)
    bench = lane.write_bench(folder, number)
    bench.write_text(f'{bench.read_text()}\n[device.emulated]\nvariant = "{variant.emulated}"\n')
    return lane.run_scenarios(folder, number, *chosen, bench=bench, longest=LONGEST)


def _broken_part(entry: Entry, folder: Path) -> dict[str, Any]:
    """Play a row of the table of bench faults, or the test that plays one."""
    message = ""
    if entry.name in BENCH_TESTS:
        command = [sys.executable, "-m", "pytest", "-q", f"--basetemp={folder / 'test'}"]
        command += ["-p", "no:cacheprovider", f"tests/faults/{BENCH_TESTS[entry.name]}"]
        done = subprocess.run(
            command, cwd=lane.ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        message = "" if done.returncode == 0 else done.stdout[-2000:]
    else:
        rows = [row for row in test_broken_parts.TABLE if f"{row[0]} {row[1]}" == entry.name]
        try:
            test_broken_parts.check(test_broken_parts.run_of(folder, rows), rows)
        except AssertionError as error:
            message = str(error)[-2000:] or "a check of test_broken_parts.py"
    left = [*lane.left_of(test_broken_parts.LANE), *lane.left_of(test_broken_evidence.LANE)]
    return {"verdict": WRONG_VERDICT if message else RIGHT, "message": message, "leftovers": left}
