"""The JUnit renderer: one testcase per scenario, for CI servers and requirement tools.

The document keeps to what Jenkins' xUnit plugin admits (junit-10.xsd), the strictest of the dialects;
GitLab, Allure and junitparser read it too. A testcase may have no properties there: they are lines of its
``system-out``, ``[[PROPERTY|verifies=OUT-03]]``, as TestRail and Testmo read them.

Counts agree with run.json: ``tests`` scenarios, ``failures`` those that failed, ``errors`` those in error
or inconclusive (neither may turn a pipeline green), ``skipped`` those not applicable or without any
judgement. A run that could not begin, or did not come to its end, has one testcase more, in error: what was
not played is not passed.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

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
from intercom_hil.run_folder import verdicts
from intercom_hil.run_folder.fields import clock, line, shorten
from intercom_hil.run_folder.records import Attempt, KnownDeviation, Run, Scenario

FILE_NAME = "junit.xml"
_TAGS = {
    Outcome.PASSED: None,
    Outcome.FAILED: "failure",
    Outcome.ERROR: "error",
    Outcome.SKIPPED: "skipped",
}
_MESSAGE_LENGTH = 500


def render(run: Run) -> bytes:
    """Return the run as a JUnit XML document in UTF-8."""
    whole = [] if is_whole(run) else [_not_whole(run)]
    outcomes = Counter(outcome_of(scenario.verdict) for scenario in run.scenarios)
    counts = {
        "tests": len(run.scenarios) + len(whole),
        "failures": outcomes[Outcome.FAILED],
        "errors": outcomes[Outcome.ERROR] + len(whole),
    }
    attributes = {
        "name": run.name,
        **{key: str(value) for key, value in counts.items()},
        "time": f"{max(run.duration or 0.0, 0.0):.3f}",
    }
    skipped = outcomes[Outcome.SKIPPED]
    stamp = clock(run.started, "%Y-%m-%dT%H:%M:%S") if run.started is not None else "1970-01-01T00:00:00"
    root = ElementTree.Element("testsuites", attributes)
    suite = ElementTree.SubElement(
        root, "testsuite", {**attributes, "skipped": str(skipped), "timestamp": stamp}
    )
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in _about(run).items():
        ElementTree.SubElement(properties, "property", {"name": name, "value": value})
    suite.extend([*whole, *(_testcase(scenario, run.accepted) for scenario in run.scenarios)])
    if run.notes:
        ElementTree.SubElement(suite, "system-err").text = "\n".join(run.notes)
    ElementTree.indent(root)
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _about(run: Run) -> dict[str, str]:
    about = {"verdict": run.verdict.name, "interrupted": str(run.interrupted).lower()}
    about |= {"report": run.number, "mode": run.mode.kind, "conformity": conformity(run)}
    about |= {"selection": run.selection} if run.selection else {}
    about |= {
        f"deviation {known.requirement}": f"{known.standing}; {known.terms}" for known in run.known_deviations
    }
    about |= {"seal": f"sha256:{run.seal}"} if run.seal else {}
    return about | {key: line(value) for key, value in run.environment.items()}


def _not_whole(run: Run) -> ElementTree.Element:
    """Return the testcase of a run that could not begin, judged nothing, or was interrupted."""
    case = ElementTree.Element("testcase", {"classname": "intercom-hil", "name": "the run", "time": "0.000"})
    text = not_whole_text(run)
    message = shorten(text.partition("\n")[0], _MESSAGE_LENGTH)
    ElementTree.SubElement(case, "error", {"type": verdicts.ERROR.name, "message": message}).text = text
    return case


def write(run: Run) -> Path:
    """Write the document into the run directory and return its path."""
    return put(run.folder, FILE_NAME, render(run))


def _testcase(scenario: Scenario, accepted: dict[str, KnownDeviation]) -> ElementTree.Element:
    module, name = split_id(scenario.id)
    case = ElementTree.Element(
        "testcase",
        {
            "classname": module,
            "name": name,
            "time": f"{max(scenario.duration or 0.0, 0.0):.3f}",
        },
    )
    tag = _TAGS[outcome_of(scenario.verdict)]
    if tag is not None:
        text = failure_text(scenario) if tag != "skipped" else scenario.verdict.meaning
        failed = [name for name, verdict in scenario.requirements.items() if verdict is verdicts.FAIL]
        known = [f"{name} is {accepted[name].terms}" for name in failed if name in accepted]
        text = "\n".join([*known, text])
        message = shorten(text.partition("\n")[0], _MESSAGE_LENGTH)
        ElementTree.SubElement(case, tag, {"type": scenario.verdict.name, "message": message}).text = text
    for attempt in scenario.earlier:
        _earlier(case, attempt, finally_good=tag in (None, "skipped"))
    ElementTree.SubElement(case, "system-out").text = "\n".join(
        f"[[PROPERTY|{name}={value}]]" for name, value in _properties(scenario).items()
    )
    return case


def _earlier(case: ElementTree.Element, attempt: Attempt, *, finally_good: bool) -> None:
    """Add an earlier attempt as Maven Surefire does: one that was made good in the end is flaky."""
    text = "\n".join(attempt.problems) or attempt.verdict.meaning
    attributes = {
        "type": attempt.verdict.name,
        "message": shorten(text.partition("\n")[0], _MESSAGE_LENGTH),
    }
    ElementTree.SubElement(case, "flakyError" if finally_good else "rerunError", attributes).text = text


def _properties(scenario: Scenario) -> dict[str, str]:
    return {
        "verifies": ",".join(scenario.requirements),
        "verdict": scenario.verdict.name,
        "attempts": str(scenario.attempts),
        "duration_s": f"{scenario.duration or 0.0:.3f}",
        "protocol_wait_s": f"{scenario.protocol_wait or 0.0:.3f}",
    }
