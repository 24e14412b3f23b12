"""The CTRF renderer: the Common Test Report Format, JSON that many reporters of CI services read.

CTRF knows no error: *error* and *inconclusive* are ``failed`` there, since neither may turn a pipeline green;
``rawStatus`` has the verdict, and ``summary.extra`` counts each. A run that could not begin, or did not come
to its end, has one test more, as in JUnit. The same run gives the same bytes.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from intercom_hil.reports.conformity import conformity
from intercom_hil.reports.outcomes import (
    Outcome,
    failure_text,
    is_whole,
    not_whole_text,
    outcome_of,
    split_id,
)
from intercom_hil.reports.output import put
from intercom_hil.reports.views import device_line, environment_rows
from intercom_hil.run_folder import verdicts
from intercom_hil.run_folder.fields import clock, line, shorten
from intercom_hil.run_folder.records import Run, Scenario

FILE_NAME = "ctrf.json"
SPEC_VERSION = "1.0.0"
"""The version of CTRF that this is written in."""
CONTENT_TYPES = {
    ".pcapng": "application/vnd.tcpdump.pcap",
    ".jsonl": "application/jsonl",
    ".png": "image/png",
}
CONTENT_TYPES |= {".json": "application/json", ".csv": "text/csv", ".xml": "application/xml"}
_MESSAGE_LENGTH = 500
_AT_ONCE = 10_000
"""How many words of the JSON are put together at once."""
_STATUS = {
    Outcome.PASSED: "passed",
    Outcome.FAILED: "failed",
    Outcome.ERROR: "failed",
    Outcome.SKIPPED: "skipped",
}


def render(run: Run) -> bytes:
    """Return the run as a CTRF document in UTF-8."""
    return b"".join(_encoded(_document(run)))


def write(run: Run) -> Path:
    """Write the document into the run directory and return its path."""
    return put(run.folder, FILE_NAME, _encoded(_document(run)))


def _document(run: Run) -> dict[str, Any]:
    tests = [_test(scenario) for scenario in run.scenarios]
    if not is_whole(run):
        text = not_whole_text(run)
        tests.insert(
            0,
            {
                "name": "the run",
                "status": "failed",
                "rawStatus": verdicts.ERROR.name,
                "duration": 0,
                "message": shorten(text.partition("\n")[0], _MESSAGE_LENGTH),
                "trace": text,
            },
        )
    count = {status: sum(test["status"] == status for test in tests) for status in _STATUS.values()}
    summary = {
        "tests": len(tests),
        **count,
        "pending": 0,
        "other": 0,
        "flaky": sum(test.get("flaky", False) for test in tests),
        "start": _milliseconds(run.started),
        "stop": _milliseconds(run.ended),
        "extra": {
            "verdict": run.verdict.name,
            "report": run.number,
            "mode": run.mode.kind,
            "modeReasons": list(run.mode.reasons),
            "conformity": conformity(run),
            "scenarios": _counted(scenario.verdict.name for scenario in run.scenarios),
            "requirements": _counted(row.verdict.name for row in run.requirements),
        },
    }
    return {
        "reportFormat": "CTRF",
        "specVersion": SPEC_VERSION,
        "reportId": str(uuid.uuid5(uuid.NAMESPACE_OID, run.fingerprint)),
        "timestamp": clock(run.ended or 0.0, "%Y-%m-%dT%H:%M:%SZ"),
        "generatedBy": "intercom-hil",
        "results": {
            "tool": {"name": "intercom-hil", **_version(run)},
            "summary": summary,
            "tests": tests,
            "environment": {
                "reportName": run.name,
                "appName": device_line(run.environment) or "SIP intercom",
                "testEnvironment": line(run.environment.get("bench")) or run.name,
                "healthy": is_whole(run),
                "extra": dict(environment_rows(run.environment)),
            },
        },
    }


def _encoded(document: dict[str, Any]) -> Iterator[bytes]:
    """Encode a document piece by piece: the words of one of thousands of scenarios take more than itself."""
    words = json.JSONEncoder(indent=1, ensure_ascii=False).iterencode(document)
    while piece := "".join(islice(words, _AT_ONCE)):
        yield piece.encode()
    yield b"\n"


def _test(scenario: Scenario) -> dict[str, Any]:
    module, name = split_id(scenario.id)
    bracket = name.partition("[")[2]
    outcome = outcome_of(scenario.verdict)
    test: dict[str, Any] = {
        "name": scenario.title + (f" [{bracket}" if bracket else ""),
        "testId": scenario.id,
        "status": _STATUS[outcome],
        "rawStatus": scenario.verdict.name,
        "duration": round(1000 * max(scenario.duration or 0.0, 0.0)),
        "suite": [module],
        "tags": list(scenario.requirements),
        "steps": [
            {"name": key, "status": _STATUS[outcome_of(verdict)], "extra": {"verdict": verdict.name}}
            for key, verdict in scenario.requirements.items()
        ],
    }
    if scenario.started is not None:
        test["start"] = _milliseconds(scenario.started)
        test["stop"] = test["start"] + test["duration"]
    if outcome in (Outcome.FAILED, Outcome.ERROR):
        text = failure_text(scenario)
        test |= {"message": shorten(text.partition("\n")[0], _MESSAGE_LENGTH), "trace": text}
    if scenario.earlier:
        test["retries"] = len(scenario.earlier)
        test["flaky"] = outcome is Outcome.PASSED
        test["retryAttempts"] = [
            {
                "attempt": place,
                "status": _STATUS[outcome_of(attempt.verdict)],
                "message": "\n".join(attempt.problems) or attempt.verdict.meaning,
            }
            for place, attempt in enumerate(scenario.earlier, start=1)
        ]
    attachments = [
        {"name": file.label, "contentType": content_type(file.path), "path": file.path}
        for file in scenario.evidence
        if file.href and file.label != "folder"
    ]
    return test | ({"attachments": attachments} if attachments else {})


def content_type(path: str) -> str:
    """Return the media type of a file of evidence by its name; text where nothing else is known."""
    return CONTENT_TYPES.get(Path(path).suffix, "text/plain")


def _version(run: Run) -> dict[str, str]:
    version = line(run.environment.get("harness"))
    return {"version": version} if version else {}


def _counted(names: Any) -> dict[str, int]:
    found = list(names)
    return {
        verdict.name: found.count(verdict.name) for verdict in verdicts.WORST_FIRST if verdict.name in found
    }


def _milliseconds(time: float | None) -> int:
    return round(1000 * (time or 0.0))
