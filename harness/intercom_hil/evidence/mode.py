"""Whether a run speaks for the device as a whole: a conformance run, or a diagnostic one, and why.

Nobody is asked: it follows from what is on record of the run. Only a conformance run may state conformity.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

OLDEST_CHECK = 86_400.0
"""Seconds before a run in which a bench with a physical device has to be checked."""
_MOST_NAMED = 8
_WHAT_IT_IS = {"make": "make", "model": "model", "firmware": "firmware"}
_WHICH_ONE = ("serial", "mac")


class BenchCheck(BaseModel):
    """The last time that a bench was looked at as a whole and all was well (``bench check``).

    Attributes:
        time: when (seconds since the epoch).
        harness: the version that looked.
        bench: the SHA-256 of the bench file then.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    time: float
    harness: str = ""
    bench: str = ""


class Mode(BaseModel):
    """What a run may be taken for.

    Attributes:
        kind: ``conformance``, all that applies to the device was asked of it, under the bench's own
            conditions; or ``diagnostic``, anything else.
        reasons: why it is diagnostic; empty for conformance.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    kind: Literal["conformance", "diagnostic"] = "diagnostic"
    reasons: list[str] = Field(default_factory=list)


def mode_of(
    *,
    started: float,
    interrupted: bool,
    selection: str,
    environment: Mapping[str, Any],
    asked: Sequence[str],
    rows: Sequence[str],
    check: BenchCheck | None,
) -> Mode:
    """Return the mode of a run.

    Args:
        started: when it began (seconds since the epoch).
        interrupted: whether it did not come to its end.
        selection: which part of the scenarios it was asked for, in words; empty for all.
        environment: what it ran on, as it is stored.
        asked: the requirements that its scenarios were to judge.
        rows: the requirements that a device can pass or fail.
        check: the last check of its bench, if there was any.
    """
    reasons = [
        *_of_scope(interrupted, selection, asked, rows),
        *_of_devices(devices_of(environment)),
        *_of_check(started, devices_of(environment), check),
    ]
    return Mode(kind="diagnostic" if reasons else "conformance", reasons=reasons)


def devices_of(environment: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the table ``[device]`` of each bench that took part, from a run's stored environment."""
    benches = environment.get("benches")
    places = [environment, *(benches.values() if isinstance(benches, Mapping) else ())]
    tables = [place.get("device") for place in places if isinstance(place, Mapping)]
    return [table for table in tables if isinstance(table, Mapping)]


def _of_scope(interrupted: bool, selection: str, asked: Sequence[str], rows: Sequence[str]) -> Iterator[str]:
    if interrupted:
        yield "the run was interrupted"
    if selection:
        yield f"a part of the scenarios was asked for: {selection}"
    left_out = [name for name in rows if name not in set(asked)]
    if left_out and not (interrupted or selection):
        more = f" and {len(left_out) - _MOST_NAMED} more" if len(left_out) > _MOST_NAMED else ""
        yield f"no scenario was asked for {', '.join(left_out[:_MOST_NAMED])}{more}"


def _of_devices(devices: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if not devices:
        yield "no bench is on record, so what was tested is not known"
        return
    if any(_identity(device) != _identity(devices[0]) for device in devices[1:]):
        yield f"{len(devices)} devices took part, and any of them may have played any scenario"
    device = devices[0]
    missing = [words for field, words in _WHAT_IT_IS.items() if not device.get(field)]
    if not any(device.get(field) for field in _WHICH_ONE):
        missing.append("serial number or MAC address")
    if missing:
        yield f"the device is not identified: {', '.join(missing)} missing in [device] of the bench file"
    if not isinstance(device.get("capabilities"), dict):
        yield "what the device has is not declared ([device.capabilities] of the bench file)"
    emulated = [device.get("emulated") for device in devices if device.get("kind") == "emulated"]
    tables = [table for table in emulated if isinstance(table, dict)]
    if faults := list(dict.fromkeys(str(name) for table in tables for name in table.get("faults") or ())):
        yield f"faults were injected into the emulated intercom: {', '.join(faults)}"
    if any(table.get("pace") for table in tables):
        yield "the emulated intercom was slowed down ([device.emulated] pace)"


def _identity(device: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what makes a device the one it is; copies of an emulated one are one device."""
    names = ("kind", "make", "model", "hardware", "firmware", "serial", "mac")
    address = () if device.get("kind") == "emulated" else (device.get("address"),)
    return (*(device.get(name) for name in names), *address)


def _of_check(
    started: float, devices: Sequence[Mapping[str, Any]], check: BenchCheck | None
) -> Iterator[str]:
    """An emulated intercom has no cable that could hang loose: the bench starts all of it by itself."""
    if not any(device.get("kind") == "physical" for device in devices):
        return
    if check is None:
        yield "the bench was not checked with this bench file (intercom-hil bench check)"
    elif not 0 <= started - check.time <= OLDEST_CHECK:
        yield "the bench was checked more than a day before the run (intercom-hil bench check)"
