"""What a run comes to in one line, and what a reader must know before he believes it."""

from __future__ import annotations

from dataclasses import dataclass

from intercom_hil.run_folder.fields import mapping, texts
from intercom_hil.run_folder.records import Run
from intercom_hil.run_folder.verdicts import NONE, NOT_APPLICABLE, tally


@dataclass(frozen=True, slots=True)
class Headline:
    """The headline of a run.

    Attributes:
        words: what became of it.
        remarks: why it does not speak for a device or for all requirements, if so.
        speaks: whether the verdict is one on the device as a whole: that of a conformance run.
        faults: the faults that were injected.
        device: what was tested, where the bench file does not name it.
    """

    words: str
    remarks: tuple[str, ...]
    speaks: bool
    faults: tuple[str, ...] = ()
    device: str = ""


def headline(run: Run) -> Headline:
    """Return the headline of a run."""
    faults = injected_faults(run)
    remarks = []
    if faults:
        count = "One fault was" if len(faults) == 1 else f"{len(faults)} faults were"
        remarks.append(
            f"{count} injected into the emulated intercom on purpose: {', '.join(faults)}. "
            "This run says nothing about a device."
        )
    elif is_emulated(run):
        remarks.append("The emulated intercom was tested, not a device.")
    if run.selection:
        tested = sum(row.verdict not in (NONE, NOT_APPLICABLE) for row in run.requirements)
        remarks.append(
            f"A part of the scenarios was asked for ({run.selection}): {tested} of {len(run.requirements)} "
            "requirements were looked at, the others are not proven."
        )
    speaks = run.mode.is_conformance and not faults
    return Headline(
        _words(run),
        tuple(remarks),
        speaks,
        faults,
        "emulated intercom" if is_emulated(run) else "not named in the bench file",
    )


def injected_faults(run: Run) -> tuple[str, ...]:
    """Return the faults that the emulated intercom was started with."""
    found = [
        name for device in _devices(run) for name in texts(mapping(device.get("emulated")).get("faults"))
    ]
    return tuple(dict.fromkeys(found))


def is_emulated(run: Run) -> bool:
    """Whether every device of the run was the emulated intercom."""
    devices = _devices(run)
    return bool(devices) and all(device.get("kind") == "emulated" for device in devices)


def _devices(run: Run) -> list[dict[str, object]]:
    benches = [mapping(bench) for bench in mapping(run.environment.get("benches")).values()]
    found = [mapping(place.get("device")) for place in (run.environment, *benches)]
    return [device for device in found if device]


def _words(run: Run) -> str:
    count = len(run.scenarios)
    if run.interrupted:
        return "the run was interrupted" if run.scenarios else "the run did not begin"
    if not run.scenarios:
        return "nothing was judged"
    shares = tally(scenario.verdict for scenario in run.scenarios)
    bad = [f"{share.count} {share.verdict.word}" for share in shares if share.verdict.needs_attention]
    if bad:
        return f"{', '.join(bad)}, of {count} scenarios"
    if run.verdict.name != "pass":
        return run.verdict.meaning
    left_out = sum(share.count for share in shares if share.verdict is NOT_APPLICABLE)
    besides = f"; {left_out} not applicable" if left_out else ""
    which = "every scenario that applies" if left_out else "every scenario"
    if run.selection:
        return f"{which} of a part passed: {count} {'was' if count == 1 else 'were'} asked for{besides}"
    return f"{which} passed{besides}"
