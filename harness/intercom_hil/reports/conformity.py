"""What a run states about conformity, by which rule, and what a test report has to say beside its results.

The items are those of ISO/IEC 17025:2017 §7.8, each with its clause; docs/laboratory.md lists where each is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from intercom_hil.reports.headline import injected_faults, is_emulated
from intercom_hil.reports.views import device_line
from intercom_hil.run_folder import verdicts
from intercom_hil.run_folder.fields import clock, line, mapping, seconds
from intercom_hil.run_folder.records import Requirement, Run

TITLE = "Test report"
NOT_STATED = "not stated"
ITEM_ONLY = "The results relate only to the item that was tested."
DECISION_RULE = (
    "A requirement is met where all expectations of all scenarios that judge it held. A measured value is "
    "met where it lies within its limits, the limits included (simple acceptance); where it lies outside by "
    "no more than its expanded uncertainty (k = 2), or than the bench was late, it is inconclusive (guard "
    "band), else a failure. What could not be found out is inconclusive, never a pass. Conformity is stated "
    "in a conformance run only, and only where every requirement that applies to the device is met."
)
UNCERTAINTY = (
    "Stated with each measured time and level: expanded, with the coverage factor k = 2 (about 95 %). Of "
    "times from the rate of the clock, the dating of packets and lines, and how late the bench was; of "
    "levels from how they are measured on a loop (docs/timeline-and-verdicts.md). "
    "Of counts there is none. Of levels that a sound card or a person heard it is not stated."
)
_MOST_NAMED = 12


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that a report says of itself: its clause in ISO/IEC 17025, its name, and lines of text."""

    clause: str
    name: str
    lines: tuple[str, ...]


def conformity(run: Run) -> str:
    """Return the statement of conformity of a run, or why there is none."""
    if not run.mode.is_conformance:
        return f"No statement of conformity is made: {'; '.join(run.mode.reasons)}."
    rows = _applicable(run)
    failed = [row.id for row in rows if row.verdict is verdicts.FAIL]
    left = [row.id for row in rows if row.verdict not in (verdicts.PASS, verdicts.FAIL)]
    device = (
        f"The emulated intercom {device_line(run.environment)}"
        if is_emulated(run)
        else (f"The device {device_line(run.environment)}")
    )
    open_ = f" {len(left)} could not be found out: {_named(left)}." if left else ""
    if failed:
        return (
            f"{device} does not conform: it broke {len(failed)} of the {len(rows)} requirements that apply: "
            f"{_named(failed)}.{open_}"
        )
    if left or not rows:
        return f"Conformity is not stated. Of {len(rows)} requirements,{open_ or ' none was judged.'}"
    if run.verdict.needs_attention:
        return f"Conformity is not stated: {run.verdict.meaning} ({run.verdict.word})."
    return f"{device} conforms to all {len(rows)} requirements that apply to it."


def _applicable(run: Run) -> list[Requirement]:
    """Return the requirements of the page that a device like this can meet or break."""
    foreign = {family for families in run.catalogues.values() for family in families}
    return [
        row
        for row in run.requirements
        if row.family not in foreign
        and row.verdict is not verdicts.NOT_APPLICABLE
        and row.verdict.name != "observed"
        and row.kind != "G"
    ]


def _named(ids: list[str]) -> str:
    more = f" and {len(ids) - _MOST_NAMED} more" if len(ids) > _MOST_NAMED else ""
    return f"{', '.join(ids[:_MOST_NAMED])}{more}"


def particulars(run: Run) -> list[Item]:
    """Return what a test report says beside its results, in the order of the standard."""
    laboratory, customer, details = run.laboratory, run.customer, run.details
    who = [] if laboratory is None else [laboratory.name, laboratory.address, laboratory.contact]
    if laboratory is not None and laboratory.accreditation:
        who.append(f"Accreditation: {laboratory.accreditation}")
    for_whom = [] if customer is None else [customer.name, customer.address, customer.contact]
    if customer is not None and customer.order:
        for_whom.append(f"Order: {customer.order}")
    place = (laboratory.place or laboratory.address) if laboratory else ""
    condition = f"Condition when received: {details.condition}" if details.condition else ""
    conditions = f"Of the place: {details.conditions}" if details.conditions else ""
    return [
        _item("7.8.2.1 a", "Title", f"{TITLE}: SIP door intercom"),
        _item("7.8.2.1 b", "Laboratory", *who),
        _item("7.8.2.1 c", "Place of the tests", place),
        _item("7.8.2.1 d", "Number of the report", run.number),
        _item("7.8.2.1 e", "Customer", *for_whom),
        _item("7.8.2.1 f", "Method", *_method(run)),
        _item("7.8.2.1 g", "Item tested", *_item_tested(run), condition),
        _item("7.8.2.1 h", "Received", details.received),
        _item("7.8.2.1 i", "Tested", f"{clock(run.started)} to {clock(run.ended)}", _by(details.tested_by)),
        _item("7.8.2.1 j", "Issued", clock(run.issue.issued)),
        _item("7.8.2.1 k", "Sampling", "none: the item itself was tested"),
        _item("7.8.2.1 l", "Scope of the results", ITEM_ONLY),
        _item("7.8.2.1 m", "Results", "in the sections on requirements and scenarios, with their units"),
        _item("7.8.2.1 n", "Deviations, exclusions", *(departures_from_method(run) or ["none"])),
        _item("7.8.2.1 o", "Authorised by", details.authorised_by),
        _item("7.8.2.1 p", "External providers", "none: all results are the bench's own"),
        _item("7.8.3.1 a", "Conditions", conditions, *_conditions(run)),
        _item("7.8.3.1 c", "Uncertainty", UNCERTAINTY),
        _item("7.8.3.1 b, 7.8.6.2", "Conformity", conformity(run)),
        _item("7.8.6.1", "Decision rule", DECISION_RULE),
        _item("6.4.13", "Equipment", *_equipment(run)),
        _item("7.8.8", "Amendments", *_amendments(run)),
    ]


def _item(clause: str, name: str, *lines: str) -> Item:
    said = tuple(line(part) for text in lines for part in text.splitlines() if part.strip())
    return Item(clause, name, said or (NOT_STATED,))


def _item_tested(run: Run) -> Iterator[str]:
    yield device_line(run.environment) or "not identified"
    for one in run.said:
        yield f"{one.witness}: {one.text}"
    if run.confirmed:
        yield f"Confirmed by that: {', '.join(run.confirmed)}; the rest is as the bench file declares it"


def _by(name: str) -> str:
    return f"by {name}" if name else ""


def _method(run: Run) -> Iterator[str]:
    environment = run.environment
    commit = line(environment.get("commit"))
    yield (
        f"intercom-hil {line(environment.get('harness'), 'of an unknown version')}"
        f"{f', commit {commit}' if commit else ''}: the vendor's documentation page “SIP Intercom”, as "
        "requirements in docs/requirements.md"
    )
    for title, digest in run.digests.items():
        yield f"Catalogue “{title}”, SHA-256 {digest}"


def departures_from_method(run: Run) -> list[str]:
    """Return in sentences what was added to, left out of or done otherwise than the method has it."""
    found = list(run.details.remarks)
    if run.selection:
        found.append(f"A part of the scenarios was asked for: {run.selection}.")
    if run.interrupted:
        found.append("The run did not come to its end.")
    if faults := injected_faults(run):
        found.append(f"Faults were injected on purpose: {', '.join(faults)}.")
    declared = [row.id for row in run.requirements if row.verdict is verdicts.NOT_APPLICABLE]
    if declared:
        found.append(f"Not applicable by what the bench file declares: {', '.join(declared)}.")
    again = [scenario for scenario in run.scenarios if scenario.earlier]
    if again:
        found.append(
            f"{len(again)} scenarios were played more than once; the last attempt counts, all are kept."
        )
    for known in run.known_deviations:
        if known.is_accepted:
            found.append(f"The failure of {known.requirement} is {known.terms}; it stays a failure.")
    device = mapping(run.environment.get("device"))
    if device.get("reconfigure") == "when-needed":
        found.append("The device was not configured anew where it had the settings wanted already.")
    if imported := line(run.environment.get("imported_event_log")):
        found.append(f"The event log was imported after the run: {imported}.")
    return found


def _conditions(run: Run) -> Iterator[str]:
    environment = run.environment
    named = {
        "platform": "Host",
        "engine": "Engine",
        "image": "Image",
        "bench_late": "Load: the bench was late for",
    }
    for key, words in named.items():
        if value := line(environment.get(key)):
            yield f"{words}: {value}" if not words.endswith("for") else f"{words} {value}"
    if value := line(environment.get("device_clock")):
        yield f"Clock of the device: {value}"
    if run.bench_check is not None:
        yield f"The bench was checked as a whole {clock(run.bench_check.time)}"
    yield f"Duration: {seconds(run.duration)}"


def _equipment(run: Run) -> Iterator[str]:
    for one in run.laboratory.equipment if run.laboratory else ():
        dates = [f"calibrated {one.calibrated}"] if one.calibrated else []
        past = " (past when it was tested)" if one.due and one.due < clock(run.started, "%Y-%m-%d") else ""
        dates += [f"valid until {one.due}{past}"] if one.due else []
        dates += [f"certificate {one.certificate}"] if one.certificate else []
        identity = f" ({one.identity})" if one.identity else ""
        yield f"{one.name}{identity}: {', '.join(dates) or 'calibration not stated'}"
    for use, found in mapping(run.environment.get("equipment")).items():
        yield f"Found by the bench, {use.replace('_', ' ')}: {line(found)}"


def _amendments(run: Run) -> Iterator[str]:
    if len(run.issues) == 1:
        yield "none: this is the first issue"
    for issue in run.issues[1:]:
        changes = f" Changed: {'; '.join(issue.changes)}." if issue.changes else ""
        yield (
            f"Issue {issue.number} of {clock(issue.issued)} takes the place of issue {issue.number - 1}: "
            f"{issue.reason or 'no reason was given'}.{changes}"
        )
