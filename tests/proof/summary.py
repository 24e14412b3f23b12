"""What the proof came to: ``proof.json`` with the figures, ``proof.html`` with faults against rows."""

from __future__ import annotations

import html
import json
import statistics
import time
from collections import Counter
from pathlib import Path
from typing import Any

from tests.proof.entries import BENCH_FAULT, FAULT, KINDS, VARIANT, WHOLE, Entry
from tests.proof.playing import ERROR, FALSE, INCONCLUSIVE, MISSED, RIGHT, WRONG_ROW

_SHADE = {RIGHT: "#2e7d32", WRONG_ROW: "#e65100", MISSED: "#b71c1c", FALSE: "#b71c1c"}
_STYLE = """
body{font:14px/1.45 system-ui,sans-serif;margin:2em auto;max-width:1500px;padding:0 1em;color:#222}
h1{font-size:1.5em}h2{font-size:1.15em;margin-top:2em}
table{border-collapse:collapse}
td,th{padding:2px 8px;text-align:left;vertical-align:top;border-bottom:1px solid #e4e4e4}
.matrix td,.matrix th{padding:1px 3px;font-size:11px;border:1px solid #eee}
.matrix th.row{writing-mode:vertical-rl;font-weight:normal}.matrix td.hit{background:#2e7d32}
.matrix td.lost{background:#b71c1c}.matrix td.more{background:#e65100}.figures td:last-child{text-align:right}
.m{overflow-x:auto}.n{white-space:nowrap}small{color:#666}
"""


def figures(played: list[dict[str, Any]], asked: list[Entry]) -> dict[str, Any]:
    """Return the figures of the proof.

    Args:
        played: the lines of the entries, one for each.
        asked: what was to be played.
    """
    of = {kind: [line for line in played if line["kind"] == kind] for kind in KINDS}
    names = {kind: {entry.name for entry in asked if entry.kind == kind} for kind in KINDS}
    faults, variants = _by_name(of[FAULT]), _by_name(of[VARIANT])
    whole = [line for line in of[FAULT] if line["against"] == WHOLE]
    caught = {RIGHT, WRONG_ROW}
    seconds = [line["seconds"] for line in of[FAULT] if "seconds" in line]
    return {
        "commit": ", ".join(sorted({line["commit"] for line in played})),
        "date": time.strftime("%Y-%m-%d", time.gmtime(max((line["at"] for line in played), default=0))),
        "faults": {
            "total": len(names[FAULT]),
            "played": len(faults),
            "caught": sum(all(line["verdict"] in caught for line in lines) for lines in faults.values()),
            "on_the_right_row": sum(_all_right(lines) for lines in faults.values()),
            "against_the_whole_run": len(whole),
            "on_the_right_row_in_the_whole_run": sum(line["verdict"] == RIGHT for line in whole),
            "errors": sum(line["verdict"] == ERROR for line in of[FAULT]),
            "inconclusive": sum(line["verdict"] == INCONCLUSIVE for line in of[FAULT]),
            "median_seconds_to_detection": round(statistics.median(seconds), 1) if seconds else None,
            "longest_seconds_to_detection": max(seconds, default=None),
        },
        "variants": {
            "total": len(names[VARIANT]),
            "played": len(variants),
            "against_the_whole_run": sum(line["against"] == WHOLE for line in of[VARIANT]),
            "false_accusations": sum(line["verdict"] == FALSE for line in of[VARIANT]),
            "errors": sum(line["verdict"] == ERROR for line in of[VARIANT]),
        },
        "bench_faults": {
            "total": len(names[BENCH_FAULT]),
            "played": len(of[BENCH_FAULT]),
            "right_verdict": sum(line["verdict"] == RIGHT for line in of[BENCH_FAULT]),
            "leftovers": sum(len(line.get("leftovers", ())) for line in of[BENCH_FAULT]),
        },
        "not_played": {
            f"{kind}s".replace("-", "_"): sorted(names[kind] - _by_name(of[kind]).keys()) for kind in KINDS
        },
    }


def _by_name(lines: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        found.setdefault(line["name"], []).append(line)
    return found


def _all_right(lines: list[dict[str, Any]]) -> bool:
    return all(line["verdict"] == RIGHT for line in lines)


def write(folder: Path, played: list[dict[str, Any]], asked: list[Entry]) -> dict[str, Any]:
    """Write ``proof.json`` and ``proof.html`` into a folder, and return the figures."""
    found = figures(played, asked) | {"mutants": _mutants(folder.parent / "mutants.json")}
    entries = [{key: line[key] for key in line if key != "output"} for line in played]
    (folder / "proof.json").write_text(json.dumps({**found, "entries": entries}, indent=1) + "\n")
    (folder / "proof.html").write_text(_page(found, played))
    return found


def _mutants(path: Path) -> dict[str, Any]:
    """Return which share of the mutants was killed, if mutation testing left a record of it."""
    if not path.exists():
        return {"killed": None}
    record = json.loads(path.read_text())
    return {
        "killed": record["killed_of_tried"],
        "tried": record["tried"],
        "total": record["mutants"],
        "commit": record["commit"],
    }


def _page(found: dict[str, Any], played: list[dict[str, Any]]) -> str:
    totals = "".join(
        f"<tr><td>{kind.replace('_', ' ')}<td>{name.replace('_', ' ')}<td>{value}"
        for kind in ("faults", "variants", "bench_faults", "mutants")
        for name, value in found[kind].items()
    )
    verdicts = ", ".join(
        f"{count} {verdict}" for verdict, count in Counter(line["verdict"] for line in played).most_common()
    )
    wrong = [line for line in played if line["verdict"] != RIGHT]
    faults = [line for line in played if line["kind"] == FAULT]
    others = [line for line in played if line["kind"] != FAULT]
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Proof</title>'
        f"<style>{_STYLE}</style><h1>Proof of {found['date']}</h1>"
        f"<p>Commit {html.escape(found['commit'])}. {len(played)} entries were played: {verdicts}."
        f'<table class="figures">{totals}</table>'
        f"<h2>Not right</h2>{_lines(wrong) if wrong else '<p>None.'}"
        f"<h2>Faults and rows</h2>{_matrix(faults)}"
        f"<h2>Faults</h2>{_lines(faults)}<h2>Lawful variants and bench faults</h2>{_lines(others)}"
        f"<h2>Not played</h2>{_not_played(found['not_played'])}</html>\n"
    )


def _not_played(names: dict[str, list[str]]) -> str:
    lines = (
        f"<p>{len(left)} {kind.replace('_', ' ')}: {html.escape(', '.join(left))}."
        for kind, left in names.items()
        if left
    )
    return "".join(lines) or "<p>Each was played at least once."


def _matrix(faults: list[dict[str, Any]]) -> str:
    """Return the matrix: a column for each row of the page that a fault breaks or that failed."""
    rows = sorted({row for line in faults for row in (*line["expected"], *line.get("failed", ()))})
    head = "".join(f'<th class="row">{row}' for row in rows)
    body = ""
    for line in faults:
        failed, expected = set(line.get("failed", ())), set(line["expected"])
        cells = ""
        for row in rows:
            kind = (
                ("hit" if row in failed else "lost") if row in expected else "more" if row in failed else ""
            )
            cells += f'<td class="{kind}" title="{row}">' if kind else "<td>"
        body += f'<tr><td class="n">{html.escape(line["name"])} <small>{line["against"]}</small>{cells}'
    key = "<p>Green: broken and found. Red: broken and not found. Orange: found, and not broken."
    return f'{key}<div class="m"><table class="matrix"><tr><th>{head}{body}</table></div>'


def _lines(played: list[dict[str, Any]]) -> str:
    body = ""
    for line in played:
        shade = _SHADE.get(line["verdict"], "#555")
        seconds = f"{line['seconds']:g} s" if "seconds" in line else ""
        more = line.get("message", "") or " ".join(line.get("errors", ()))
        how = f"{line['against']}, {line['commit'][:8]}"
        body += (
            f'<tr><td class="n">{html.escape(line["name"])}<br><small>{how}</small>'
            f'<td class="n" style="color:{shade}">{line["verdict"]}'
            f"<td>{' '.join(line['expected'])}<td>{' '.join(line.get('failed', ()))}"
            f'<td class="n">{seconds}<td>{html.escape(more[:400])}'
        )
    head = "<tr><th>what<th>verdict<th>breaks<th>failed<th>found after<th>message"
    return f"<table>{head}{body}</table>"
