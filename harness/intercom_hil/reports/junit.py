"""The JUnit renderer: one testcase per scenario, for CI servers and requirement tools.

Counts agree with run.json: ``tests`` scenarios, ``failures`` those that failed, ``errors`` those in error
or inconclusive (neither may turn a pipeline green), ``skipped`` those not applicable or without any
judgement. The ``verifies`` property is the one that sphinx-needs and its relatives read.
"""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from intercom_hil.reports.output import put
from intercom_hil.run_folder import verdicts
from intercom_hil.run_folder.fields import clock, line, relative, shorten
from intercom_hil.run_folder.records import Judgement, Run, Scenario

FILE_NAME = "junit.xml"
_ERRORS = (verdicts.ERROR, verdicts.INCONCLUSIVE)
_SKIPPED = (verdicts.NOT_APPLICABLE, verdicts.NONE)
_MESSAGE_LENGTH = 500


def render(run: Run) -> bytes:
    """Return the run as a JUnit XML document in UTF-8."""
    counts = {
        "tests": len(run.scenarios),
        "failures": sum(scenario.verdict is verdicts.FAIL for scenario in run.scenarios),
        "errors": sum(scenario.verdict in _ERRORS for scenario in run.scenarios),
        "skipped": sum(scenario.verdict in _SKIPPED for scenario in run.scenarios),
    }
    attributes = {
        "name": run.name,
        **{key: str(value) for key, value in counts.items()},
        "time": f"{max(run.duration or 0.0, 0.0):.3f}",
    }
    root = ElementTree.Element("testsuites", attributes)
    stamp = clock(run.started, "%Y-%m-%dT%H:%M:%S") if run.started is not None else "1970-01-01T00:00:00"
    suite = ElementTree.SubElement(root, "testsuite", {**attributes, "timestamp": stamp})
    environment = {key: line(value) for key, value in run.environment.items()}
    about = {"verdict": run.verdict.name, "interrupted": str(run.interrupted).lower()}
    about |= {"selection": run.selection} if run.selection else {}
    _properties(suite, about | environment)
    for scenario in run.scenarios:
        suite.append(_testcase(scenario))
    if run.notes:
        ElementTree.SubElement(suite, "system-err").text = "\n".join(run.notes)
    ElementTree.indent(root)
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def write(run: Run) -> Path:
    """Write the document into the run directory and return its path."""
    return put(run.folder, FILE_NAME, render(run))


def failure_text(scenario: Scenario) -> str:
    """Return what went wrong in sentences that can stand alone: expected, seen, witness, time, evidence."""
    bad = [judgement for judgement in scenario.judgements if judgement.verdict.needs_attention]
    parts = [*(_sentence(judgement, scenario) for judgement in bad), *scenario.problems]
    parts += [
        f"{item.requirement}: measured {item.name} {_value(item.value)} {item.unit}, allowed "
        f"{_value(item.low)} to {_value(item.high)} {item.unit}"
        for item in scenario.measurements
        if item.verdict.needs_attention
    ]
    if not parts:
        parts = [f"{scenario.verdict.word}: {scenario.verdict.meaning}"]
    parts += [f"Evidence: {file.path}" for file in scenario.evidence if file.href]
    return "\n".join(parts)


def _sentence(judgement: Judgement, scenario: Scenario) -> str:
    when = relative(judgement.time, scenario.started)
    moment = f" at {when} s ({clock(judgement.time)})" if when else ""
    who = ", ".join(judgement.witnesses) or "no witness"
    return (
        f"{judgement.requirement}: {judgement.verdict.name}: expected {judgement.expected}; "
        f"seen: {judgement.seen or 'nothing'} [{who}]{moment}"
    )


def _value(value: float | None) -> str:
    return "open" if value is None else f"{value:g}"


def _testcase(scenario: Scenario) -> ElementTree.Element:
    plain, bracket, parameters = scenario.id.partition("[")
    module, _, name = plain.rpartition(".")
    case = ElementTree.Element(
        "testcase",
        {
            "classname": module or "scenarios",
            "name": name + bracket + parameters,
            "time": f"{max(scenario.duration or 0.0, 0.0):.3f}",
        },
    )
    _properties(
        case,
        {
            "verifies": ",".join(scenario.requirements),
            "verdict": scenario.verdict.name,
            "attempts": str(scenario.attempts),
            "duration_s": f"{scenario.duration or 0.0:.3f}",
            "protocol_wait_s": f"{scenario.protocol_wait or 0.0:.3f}",
        },
    )
    tag = None
    if scenario.verdict is verdicts.FAIL:
        tag = "failure"
    elif scenario.verdict in _ERRORS:
        tag = "error"
    elif scenario.verdict in _SKIPPED:
        tag = "skipped"
    if tag is not None:
        text = failure_text(scenario) if tag != "skipped" else scenario.verdict.meaning
        message = shorten(text.partition("\n")[0], _MESSAGE_LENGTH)
        ElementTree.SubElement(case, tag, {"type": scenario.verdict.name, "message": message}).text = text
    return case


def _properties(parent: ElementTree.Element, values: dict[str, str]) -> None:
    properties = ElementTree.SubElement(parent, "properties")
    for name, value in values.items():
        ElementTree.SubElement(properties, "property", {"name": name, "value": value})
