"""OUT: chains of contacts that fail, each in its own way, until one answers or none is left."""

from collections.abc import Callable

import pytest

from fixtures.scenario import requirement
from harness.bench.bench import Bench
from harness.judge.vocabulary import (
    DEVICE,
    answer,
    invite,
    refusal,
    request,
    speaker_sound,
)
from harness.peer.behaviours import (
    Behaviour,
    answers,
    answers_too_late,
    busy,
    declines,
    makes_progress_for_ever,
    not_found,
    redirects,
    rings_forever,
    silent,
    unavailable,
)
from harness.peer.station import Station
from harness.spec.capabilities import Capability
from harness.timeline import now

PROMPT = 3.0
"""Seconds within which a device that reacts at all has reacted, to a contact that failed too."""
TIMEOUT = 1
"""Seconds that an unanswered contact may ring."""
KINDS: dict[str, Callable[[], Behaviour]] = {
    "answers": lambda: answers(hang_up_after=0.2),
    "busy": busy,
    "declines": declines,
    "not found": not_found,
    "unavailable": unavailable,
    "redirects": redirects,
    "rings for ever": rings_forever,
    "makes progress": makes_progress_for_ever,
    "never replies": silent,
    "answers too late": answers_too_late,
}
WAITED_FOR = ("rings for ever", "makes progress", "never replies", "answers too late")
"""What only the call timeout ends."""
PAST_THE_SERVER = ("redirects", "answers too late")
"""What a server in between would deal with by itself: these are called straight."""
CHAINS = (
    ("busy", "rings for ever", "answers"),
    ("declines", "makes progress", "not found", "answers"),
    ("never replies", "unavailable", "answers"),
    ("redirects", "busy", "declines", "unavailable", "answers"),
    ("answers too late", "answers"),
    ("unavailable", "answers too late"),
    ("not found", "redirects", "never replies"),
    ("rings for ever", "declines", "busy"),
    ("makes progress",),
    ("busy", "not found", "unavailable", "declines", "busy"),
)
"""Every kind of failure comes first, in the middle and last, and before and after every other sort."""


@requirement("OUT-02", "OUT-03", "OUT-04", "OUT-01")
@pytest.mark.parametrize("chain", CHAINS, ids=[" - ".join(chain) for chain in CHAINS])
async def test_every_contact_gets_its_turn_whatever_became_of_the_one_before(
    bench: Bench, chain: tuple[str, ...]
):
    """However a contact fails, the next is called; the end of the list is announced, an answer is not.

    One telephone that is broken in an unusual way would leave the visitor with nobody.
    """
    stations = await bench.stations(*(KINDS[kind]() for kind in chain))
    numbers = [_number(station, kind) for station, kind in zip(stations, chain, strict=True)]
    await bench.configure(call_number=numbers[0], further_numbers=tuple(numbers[1:]), call_timeout=TIMEOUT)

    failed = await bench.intercom.press_button()

    await bench.require(invite(sender=DEVICE, to=stations[0].number), within=PROMPT, after=failed)
    for station, kind in zip(stations, chain, strict=True):
        dialled = await bench.expect(
            "OUT-02", invite(sender=DEVICE, to=station.number), within=PROMPT, after=failed
        )
        if kind != "answers":
            failed = await _failed(bench, station, kind, dialled.time)
    if chain[-1] == "answers":
        await _answered(bench, dialled.time)
    else:
        await _exhausted(bench, stations[0], failed)


@requirement("OUT-09")
async def test_what_a_press_does_while_the_call_is_still_ringing(bench: Bench):
    """A press before the answer may give the call up, or nothing: the page does not say (recorded).

    A visitor who changed his mind should know whether he can.
    """
    (desk,) = await bench.stations(rings_forever())
    await bench.configure(call_number=desk.number, call_timeout=2)
    pressed = await bench.intercom.press_button()
    await bench.require(invite(receiver=desk.number), within=PROMPT, after=pressed)

    again = await bench.intercom.press_button()

    given_up = request("CANCEL", sender=DEVICE)
    await bench.require(given_up, within=2 + PROMPT, after=again)
    bench.at_end("OUT-09", given_up, at_least=0, after=again)
    bench.at_end("OUT-09", invite(sender=DEVICE), at_least=0, after=again)


async def _failed(bench: Bench, station: Station, kind: str, dialled: float) -> float:
    """Wait until a contact has failed in its way, and return when; the device must let go of it."""
    if kind not in WAITED_FOR:
        return (await bench.require(refusal(receiver=DEVICE), within=PROMPT, after=dialled)).time
    gave_up = request("CANCEL", sender=DEVICE)
    over = await bench.require(gave_up, within=TIMEOUT + PROMPT, after=dialled)
    if kind == "answers too late":
        late = await bench.require(answer(sender=station.number), within=PROMPT, after=over.time)
        hung_up = request("BYE", sender=DEVICE, receiver=station.number)
        await bench.expect("OUT-03", hung_up, within=PROMPT, after=late.time)
    return over.time


async def _answered(bench: Bench, dialled: float) -> None:
    """After the answer nobody else is called; after the call, nothing is announced."""
    await bench.require(answer(receiver=DEVICE), within=PROMPT, after=dialled)
    over = await bench.require(request("BYE", receiver=DEVICE), within=PROMPT, after=dialled)
    quiet = over.time + 0.4  # what was still on its way to the speaker has been heard by then
    if bench.has(Capability.SPEAKER):
        await bench.never("OUT-04", speaker_sound(), during=1.0, after=quiet)
    bench.at_end("OUT-02", invite(sender=DEVICE), at_least=0, at_most=0, after=dialled + 0.5)


async def _exhausted(bench: Bench, first: Station, failed: float) -> None:
    """The end of the list is announced, and the next press places the next call."""
    if bench.has(Capability.SPEAKER):
        await bench.expect("OUT-04", speaker_sound(), within=PROMPT, after=failed, count=3)
    begun = now()
    await bench.intercom.press_button()
    await bench.expect("OUT-01", invite(sender=DEVICE, to=first.number), within=PROMPT, after=begun)


def _number(station: Station, kind: str) -> str:
    return station.uri if kind in PAST_THE_SERVER else station.number
