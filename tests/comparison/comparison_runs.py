"""Run directories of a few scenarios, as small as their schema allows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

BEGIN = 1_795_380_000.0
RANKS = ("none", "not applicable", "observed", "pass", "inconclusive", "fail", "error")


def scenario(
    name: str = "test_outgoing.test_a_call",
    verdict: str = "pass",
    *,
    value: float | None = None,
    events: Sequence[str] = ("outgoing_call_initiated",),
    late: float = 0.0,
    attempts: int = 1,
    unit: str = "s",
) -> dict[str, Any]:
    """One scenario about OUT-03, with a measurement where a value is given."""
    measured = {"requirement": "OUT-03", "name": "ring time", "unit": unit, "low": 0.5, "high": 1.5}
    return {
        "id": name,
        "title": name.partition(".")[2].removeprefix("test_").replace("_", " "),
        "doc": "",
        "verdict": verdict,
        "requirements": {"OUT-03": verdict},
        "started": BEGIN,
        "duration_s": 2.0,
        "protocol_wait_s": 1.0,
        "late_s": late,
        "attempts": attempts,
        "judgements": [{"requirement": "OUT-03", "verdict": verdict, "expected": "CANCEL", "seen": "none"}],
        "measurements": [] if value is None else [{**measured, "value": value, "verdict": "pass"}],
        "events": list(events),
    }


def run(folder: Path, name: str, *scenarios: dict[str, Any], at: float = 0.0, **changes: Any) -> Path:
    """Write a run directory of scenarios, and return it."""
    place = folder / name
    rows = []
    for item in scenarios:
        row = dict(item)
        own = f"scenarios/{row['id']}"
        (place / own).mkdir(parents=True)
        lines = [
            {
                "seq": number,
                "time": BEGIN + number,
                "witness": "console",
                "content": {"kind": "event", "name": event},
            }
            for number, event in enumerate(row.pop("events"))
        ]
        (place / own / "timeline.jsonl").write_text("\n".join(map(json.dumps, lines)))
        rows.append(row | {"evidence": {"folder": own, "timeline": f"{own}/timeline.jsonl"}})
    place.mkdir(parents=True, exist_ok=True)
    worst = max((row["verdict"] for row in rows), key=RANKS.index, default="none")
    row = {"class": "S", "title": "An unanswered call ends", "text": "t", "source": "s", "harm": "h"}
    data = {
        "schema": 1,
        "name": "emulated",
        "started": BEGIN + at,
        "ended": BEGIN + at + 10,
        "verdict": worst,
        "interrupted": False,
        "environment": {"harness": "0.1.0", "device": {"model": "Door One", "firmware": "1.0"}},
        "requirements": {"OUT-03": row | {"verdict": worst, "scenarios": [item["id"] for item in rows]}},
        "scenarios": rows,
    } | changes
    (place / "run.json").write_text(json.dumps(data))
    return place
