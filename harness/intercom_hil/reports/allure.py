"""The Allure renderer: a folder of results that Allure 2 and 3 make their report of.

``allure serve allure-results``. *inconclusive* and *error* are ``broken`` there. Evidence of scenarios that
need attention lies beside the results, as hard links where the file system has them: it takes no room.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from pathlib import Path
from typing import Any

from intercom_hil.reports.ctrf import content_type
from intercom_hil.reports.outcomes import (
    Outcome,
    failure_text,
    is_whole,
    not_whole_text,
    outcome_of,
    split_id,
)
from intercom_hil.reports.views import environment_rows
from intercom_hil.run_folder import verdicts
from intercom_hil.run_folder.fields import shorten
from intercom_hil.run_folder.records import Run, Scenario

FOLDER_NAME = "allure-results"
ATTACHED = ("capture", "timeline", "console")
_STATUS = {
    Outcome.PASSED: "passed",
    Outcome.FAILED: "failed",
    Outcome.ERROR: "broken",
    Outcome.SKIPPED: "skipped",
}
_CATEGORIES = [
    {"name": "The device breaks a requirement", "matchedStatuses": ["failed"]},
    {"name": "In error or inconclusive", "matchedStatuses": ["broken"]},
]


def write(run: Run) -> Path:
    """Write the folder into the run directory, in place of an earlier one, and return its path."""
    folder, unfinished = run.folder / FOLDER_NAME, run.folder / f".{FOLDER_NAME}.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    try:
        for scenario in run.scenarios:
            _result(run, scenario, unfinished)
        if not is_whole(run):
            _of_the_run(run, unfinished)
        _store(unfinished / "categories.json", _CATEGORIES)
        about = [("report", run.number), ("mode", run.mode.kind), *environment_rows(run.environment)]
        rows = (f"{_key(name)} = {value}\n" for name, value in about)
        (unfinished / "environment.properties").write_text("".join(rows), encoding="utf-8")
        if folder.is_dir():
            shutil.rmtree(folder)
        unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def _result(run: Run, scenario: Scenario, folder: Path) -> None:
    module, name = split_id(scenario.id)
    start = round(1000 * (scenario.started or run.started or 0.0))
    outcome = outcome_of(scenario.verdict)
    labels = {"suite": [module], "framework": ["intercom-hil"], "tag": list(scenario.requirements)}
    labels["feature"] = list(dict.fromkeys(key.partition("-")[0] for key in scenario.requirements))
    labels["story"] = list(scenario.requirements)
    result: dict[str, Any] = {
        "uuid": _uuid(run, scenario.id),
        "historyId": _hash(scenario.id),
        "testCaseId": _hash(scenario.id.partition("[")[0]),
        "fullName": scenario.id,
        "name": scenario.title,
        "description": scenario.doc,
        "status": _STATUS[outcome],
        "stage": "finished",
        "start": start,
        "stop": start + round(1000 * max(scenario.duration or 0.0, 0.0)),
        "labels": [{"name": key, "value": value} for key, values in labels.items() for value in values],
        "steps": [
            {
                "name": f"{item.requirement}: expected {shorten(item.expected, 300)}; "
                f"seen: {shorten(item.seen, 300) or 'nothing'}",
                "status": _STATUS[outcome_of(item.verdict)],
                "stage": "finished",
                "start": round(1000 * (item.time or start / 1000)),
                "stop": round(1000 * (item.time or start / 1000)),
            }
            for item in scenario.judgements
        ],
        "attachments": [],
    }
    bracket = name.partition("[")[2].rstrip("]")
    if bracket:
        result["parameters"] = [{"name": "case", "value": bracket}]
    if outcome is not Outcome.PASSED:
        text = failure_text(scenario) if scenario.verdict.needs_attention else scenario.verdict.meaning
        result["statusDetails"] = {"message": shorten(text.partition("\n")[0], 500), "trace": text}
    if scenario.earlier:
        result.setdefault("statusDetails", {})["flaky"] = outcome is Outcome.PASSED
    if scenario.verdict.needs_attention:
        result["attachments"] = _attached(run, scenario, folder)
    _store(folder / f"{result['uuid']}-result.json", result)


def _attached(run: Run, scenario: Scenario, folder: Path) -> list[dict[str, str]]:
    found = []
    for file in scenario.evidence:
        source = run.folder / file.path
        if not file.href or file.label not in ATTACHED or not source.is_file():
            continue
        name = f"{_uuid(run, file.path)}-attachment{source.suffix}"
        try:
            os.link(source.resolve(), folder / name)
        except OSError:
            shutil.copyfile(source, folder / name)
        found.append({"name": file.label, "source": name, "type": content_type(file.path)})
    return found


def _of_the_run(run: Run, folder: Path) -> None:
    text, at = not_whole_text(run), round(1000 * (run.started or 0.0))
    result = {
        "uuid": _uuid(run, "the run"),
        "historyId": _hash("the run"),
        "fullName": "the run",
        "name": "the run",
        "status": _STATUS[outcome_of(verdicts.ERROR)],
        "stage": "finished",
        "start": at,
        "stop": at,
        "statusDetails": {"message": shorten(text.partition("\n")[0], 500), "trace": text},
        "labels": [{"name": "suite", "value": "intercom-hil"}],
    }
    _store(folder / f"{result['uuid']}-result.json", result)


def _store(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")


def _key(name: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in name)


def _uuid(run: Run, name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{run.fingerprint} {name}"))


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:32]
