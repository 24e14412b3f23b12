"""Faults and legal variants: each a small class wrapped round the step of the device's logic.

What goes in is the logic's step and names; what comes out is a step that misbehaves as asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from harness.emulator.faults import placing, protecting, registering, reporting, taking
from harness.emulator.faults.fault import Fault, SettingIgnored
from harness.emulator.faults.variants import ButtonIgnoredWhileDialling
from harness.emulator.vocabulary import Step
from harness.spec.events import EVENTS

_FACTORIES: tuple[Callable[[], Fault], ...] = (
    registering.NeverRegisters,
    registering.HammersServer,
    registering.NeverPolls,
    placing.ButtonDead,
    placing.GivesUpAfterBusy,
    placing.DialsOnAfterAnswer,
    placing.NoCancel,
    placing.NoAnnouncement,
    placing.OneWayAudio,
    placing.ButtonDoesNotHangUp,
    placing.WrongHost,
    placing.DeafAfterRemoteHangup,
    placing.CrashesOnCall,
    taking.IgnoresExtension,
    taking.DoesNotAutoAnswer,
    taking.NoAnsweredScreen,
    taking.ComparesDisplayName,
    taking.IgnoresHost,
    taking.TrustsAnySource,
    taking.ButtonDoesNotEndAccepted,
    taking.AcceptedCallMuted,
    protecting.OffersCryptoWhenUnset,
    protecting.RefusesPlainWhenUnset,
    protecting.RefusesSecureInFallback,
    protecting.RefusesPlainInFallback,
    protecting.RefusesSecureUnderSrtpOnly,
    protecting.SrtpOnlyOffersPlain,
    protecting.NeverSecure,
    protecting.NoFallback,
    protecting.FallsBackUnderSrtpOnly,
    protecting.SrtpOnlyTakesPlain,
    protecting.PlainUnderSrtp,
    reporting.WrongEventName,
    reporting.WrongScreenName,
    reporting.DuplicateEvent,
    reporting.UnknownEvent,
    reporting.EventsOutOfOrder,
    reporting.DetailsAllAlike,
    *(partial(reporting.MissingEvent, kind) for kind in EVENTS.values()),
    *(
        partial(SettingIgnored, *row)
        for row in (
            ("allow-list-ignored", "everybody may call", "INC-03", "permitted_callers", ()),
            (
                "incoming-off-ignored",
                "calls are taken although switched off",
                "INC-04",
                "allow_incoming",
                True,
            ),
            ("sip-off-ignored", "SIP stays on when switched off", "CFG-01", "enabled", True),
            ("display-name-ignored", "no display name is shown", "CFG-11", "display_name", ""),
            (
                "microphone-volume-ignored",
                "the microphone is always at 50",
                "CFG-15",
                "microphone_volume",
                50,
            ),
            ("speaker-volume-ignored", "the speaker is always at 50", "CFG-16", "speaker_volume", 50),
            ("call-timeout-ignored", "the call timeout is always 10 s", "CFG-17", "call_timeout", 10),
        )
    ),
)
_VARIANT_FACTORIES: tuple[Callable[[], Fault], ...] = (protecting.BestEffort, ButtonIgnoredWhileDialling)

FAULTS: dict[str, Callable[[], Fault]] = {make().name: make for make in _FACTORIES}
"""What makes each fault, by its name."""
VARIANTS: dict[str, Callable[[], Fault]] = {make().name: make for make in _VARIANT_FACTORIES}
"""What makes each legal variant, by its name; these break nothing."""


def wrap(step: Step, variant: str | None, faults: Iterable[str]) -> Step:
    """Wrap a step in a variant, if any, and in faults, the last one outermost. Raises KeyError."""
    makers = ([VARIANTS[variant]] if variant else []) + [FAULTS[name] for name in faults]
    for make in makers:
        step = partial(make().step, inner=step)
    return step
