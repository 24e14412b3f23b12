"""What settings and contacts forbid in every call, whichever scenario made it.

SRTP-only holds in whatever state a call is (ENC-07, ENC-09), and only a press of the button has the device
call somebody (OUT-01). Nothing is said where the settings in force, or a press, may be missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import inf

from intercom_hil.judge.calls import calls
from intercom_hil.judge.expected_events import presses_in
from intercom_hil.judge.finding import Finding
from intercom_hil.judge.messages import messages, sip
from intercom_hil.spec.settings import Encryption
from intercom_hil.timeline import Observation, Timeline
from intercom_hil.timeline.media import MediaStarted
from intercom_hil.timeline.observation import Configured, SipMessageSeen


def srtp_only(timeline: Timeline) -> Iterator[Finding]:
    """ENC-07 of placed calls, ENC-09 of taken ones: under SRTP-only none is in clear (RFC 3264 §8, RFC 3311).

    A session description of the device in a 2xx stands for what it agrees to, whether INVITE or UPDATE opened
    the call or changed it, and whoever made the offer. Calls that began under other settings are left out.
    """
    known = {call.call_id: call for call in calls(timeline)}
    for begun, over in _periods(timeline):
        broken: dict[str, list[Observation]] = {}
        for observation in (
            *messages(timeline),
            *(o for o in timeline if isinstance(o.content, MediaStarted)),
        ):
            call = known.get(getattr(observation.content, "call_id", ""))
            within = call is not None and begun < call.invite.time and observation.time < over
            if within and _in_clear(observation):
                broken.setdefault(getattr(observation.content, "call_id", ""), []).append(observation)
        for name, found in broken.items():
            requirement = "ENC-07" if known[name].placed else "ENC-09"
            yield Finding(
                requirement, "under SRTP-only nothing in clear in any state of a call", str(found[0]), found
            )


def unasked_calls(timeline: Timeline) -> Iterator[Finding]:
    """OUT-01: in or after a call that was taken, the device calls nobody unless the button was pressed.

    Only a REFER (RFC 3515) that came before gives the device away: without one, a hand may have pressed.
    """
    referred = [o for o in messages(timeline) if _refers(sip(o))]
    pressed = [o.time for o in presses_in(timeline)]
    if not referred:
        return
    first = min(o.time for o in referred)
    for call in calls(timeline):
        if call.placed and call.invite.time > first and not any(at <= call.invite.time for at in pressed):
            found = [*referred[:1], call.invite]
            yield Finding(
                "OUT-01", "no call that the button did not cause", f"{call.invite}, after a REFER", found
            )


def _periods(timeline: Timeline) -> Iterator[tuple[float, float]]:
    """Yield from when to when (epoch seconds) SRTP-only was in force.

    Whatever is submitted ends a period, taken or not: what a form does that should be refused is open.
    """
    submitted = sorted((o for o in timeline if isinstance(o.content, Configured)), key=lambda o: o.time)
    ends = [*(o.time for o in submitted), inf]
    for observation, (begun, over) in zip(submitted, pairwise(ends), strict=True):
        content = observation.content
        assert isinstance(content, Configured)  # nothing else was asked for
        if content.accepted and content.settings.get("encryption") == Encryption.SRTP_ONLY:
            yield begun, over


def _in_clear(observation: Observation) -> bool:
    content = observation.content
    if isinstance(content, MediaStarted):
        return content.sender == "device" and content.protection == "plain"
    return (
        isinstance(content, SipMessageSeen)
        and content.sender == "device"
        and content.method in ("INVITE", "UPDATE")
        and content.status is not None
        and 200 <= content.status < 300
        and any(
            line.media in ("audio", "video")
            and line.port != 0
            and line.direction != "inactive"
            and not line.secured
            and not line.crypto_suites
            for line in content.media
        )
    )


def _refers(message: SipMessageSeen) -> bool:
    return message.is_request and message.method == "REFER" and message.receiver == "device"
