"""Faults and legal variants: each a small class wrapped round the step of the device's logic.

What goes in is the logic's step and names; what comes out is a step that misbehaves as asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from intercom_hil.emulator.events import (
    EVENTS,
    OUTGOING_CONTACTS_EXHAUSTED,
    OUTGOING_ESTABLISHED,
    OUTGOING_FAILURE,
    OUTGOING_INITIATED,
)
from intercom_hil.emulator.faults import (
    administering,
    admitting,
    browsing,
    guessed,
    lasting,
    overlooked,
    placing,
    practising,
    protecting,
    proxying,
    registering,
    reported,
    reporting,
    showing,
    taking,
    trusting,
)
from intercom_hil.emulator.faults.combined import COMBINED
from intercom_hil.emulator.faults.fault import (
    ChangeAloneIgnored,
    Fault,
    KeptWhenTakenOut,
    SettingIgnored,
)
from intercom_hil.emulator.faults.variants import ButtonIgnoredWhileDialling, ClockAhead
from intercom_hil.emulator.form import Form
from intercom_hil.emulator.page_rules import PageRules
from intercom_hil.emulator.settings import Transport
from intercom_hil.emulator.vocabulary import Step

_FACTORIES: tuple[Callable[[], Fault], ...] = (
    registering.NeverRegisters,
    registering.HammersServer,
    registering.NeverPolls,
    registering.PollsEverySecond,
    registering.KeepsOldPassword,
    registering.StaysAway,
    registering.TrustsAnyChallenge,
    registering.BasicAuthentication,
    registering.PasswordInClear,
    proxying.ProxyIgnored,
    proxying.ProxyPortIgnored,
    proxying.ServerCredentialsAtProxy,
    proxying.ProxyCredentialsAtServer,
    proxying.CallsPastProxy,
    proxying.ByePastProxy,
    proxying.RoundRefusingProxy,
    placing.ButtonDead,
    *placing.GIVES_UP_AFTER,
    placing.DialsOnAfterAnswer,
    placing.DialsLate,
    placing.NoCancel,
    placing.KeepsLateAnswer,
    placing.NoAnnouncement,
    placing.AnnouncesOnce,
    placing.AnnouncesAfterHangup,
    placing.OneWayAudio,
    placing.ThirdContactHearsNothing,
    placing.QuieterCallByCall,
    placing.ButtonDoesNotHangUp,
    placing.ButtonForFirstContactOnly,
    placing.WrongHost,
    placing.DeafAfterRemoteHangup,
    placing.CrashesOnCall,
    taking.IgnoresExtension,
    taking.DoesNotAutoAnswer,
    taking.RefusesWithoutOffer,
    taking.NoAnsweredScreen,
    taking.ScreenBeforeDecision,
    taking.BusyAfterRejection,
    admitting.ComparesDisplayName,
    admitting.IgnoresHost,
    admitting.TrustsAnySource,
    admitting.ComparesLetterCase,
    admitting.EscapesCompared,
    admitting.EntrySearched,
    admitting.ServerAdmitted,
    *admitting.RESEMBLING,
    admitting.TakenOffAdmitted,
    *admitting.BELIEVED_CLAIMS,
    admitting.FormerCallersAdmitted,
    admitting.ListCheckedOnce,
    taking.DirectCallsDespiteOff,
    taking.ButtonDoesNotEndAccepted,
    taking.AcceptedCallMuted,
    taking.ObeysRefer,
    protecting.OffersCryptoWhenUnset,
    protecting.RefusesPlainWhenUnset,
    protecting.RefusesSecureInFallback,
    protecting.RefusesPlainInFallback,
    protecting.RefusesSecureUnderSrtpOnly,
    protecting.SrtpOnlyOffersPlain,
    protecting.NeverSecure,
    protecting.HangsUpSecuredCalls,
    protecting.NoFallback,
    protecting.FallbackSticks,
    protecting.FallbackForFirstContactOnly,
    protecting.SrtpOnlyForFirstContactOnly,
    protecting.FallsBackUnderSrtpOnly,
    protecting.SrtpOnlyTakesPlain,
    protecting.TakesUnusableKeys,
    protecting.TurnedClearWithinCall,
    protecting.PlainUnderSrtp,
    protecting.PlaysClearMedia,
    showing.NoVideoOffered,
    showing.TakesVideoWhenOutgoingOnly,
    showing.OffersVideoWhenIncomingOnly,
    showing.DeclinesVideoWhenIncomingOnly,
    showing.BothMeansOutgoing,
    showing.BothMeansIncoming,
    showing.VideoDespiteOff,
    showing.RefusesVideoCallsWhenOff,
    showing.FrozenVideo,
    showing.VideoNeverSent,
    showing.NoKeyPicture,
    showing.ClearVideoUnderSrtp,
    showing.VideoSettingIgnored,
    *trusting.BENT_RULES,
    trusting.TlsIgnored,
    trusting.CallsInClear,
    trusting.EveryUploadTrusted,
    administering.ViewerMayConfigure,
    administering.StrangersMayConfigure,
    administering.RoleOfTheFirst,
    administering.NameNotResolved,
    administering.NoPollingWarning,
    administering.TcpIgnored,
    administering.AnyFileIsACertificate,
    administering.OddSuffixRefused,
    administering.PasswordCutShort,
    administering.ShortPasswordPadded,
    administering.DummyPasswordRefused,
    administering.FullNumberRefused,
    administering.ShortNumberRefused,
    administering.NumbersSorted,
    administering.SingleCallerOnly,
    administering.ShortCallerRefused,
    administering.RefusalNamesNoField,
    administering.RefusedSettingsInForce,
    administering.SipOffAfterTheCall,
    *(
        partial(administering.FieldNotChecked, field, requirement)
        for field, requirement in (
            ("server_address", "CFG-03"),
            ("server_port", "CFG-04"),
            ("polling_interval", "CFG-05"),
            ("transport", "CFG-06"),
            ("encryption", "CFG-08"),
            ("auth_username", "CFG-09"),
            ("extension", "CFG-12"),
            ("call_number", "CFG-13"),
            ("further_numbers", "CFG-14"),
            ("microphone_volume", "CFG-15"),
            ("speaker_volume", "CFG-16"),
            ("call_timeout", "CFG-17"),
            ("video_calls", "CFG-18"),
            ("allow_incoming", "CFG-19"),
            ("permitted_callers", "CFG-20"),
            ("proxy", "CFG-21"),
        )
    ),
    *(
        partial(ChangeAloneIgnored, *row)
        for row in (
            (
                "incoming-switch-alone-ignored",
                "a configuration that differs from the last in nothing but allow_incoming has no effect",
                "CFG-19 INC-03 EVT-13",
                "allow_incoming",
            ),
            (
                "server-address-alone-ignored",
                "a configuration that differs from the last in nothing but server_address has no effect",
                "CFG-03",
                "server_address",
            ),
            (
                "udp-alone-ignored",
                "a configuration that differs from the last in nothing but a change to UDP has no effect",
                "CFG-06",
                "transport",
                Transport.UDP,
            ),
        )
    ),
    *(partial(practising.Distorted, *row) for row in practising.DISTORTED),
    practising.SameKeys,
    lasting.AnswersOnce,
    lasting.ShowsOnce,
    lasting.ForbidsAfterPlaced,
    lasting.NamesCallerBefore,
    lasting.RingsFurtherHalf,
    lasting.RingsFurtherTwice,
    lasting.LongTimeoutLonger,
    lasting.ExhaustedFirst,
    lasting.ExhaustedWhenGivenUp,
    lasting.HangUpBeginsAgain,
    *(partial(lasting.SecondNotLogged, *row) for row in lasting.SECOND_NOT_LOGGED),
    practising.PasswordLogged,
    reporting.WrongEventName,
    reporting.WrongScreenName,
    reporting.DuplicateEvent,
    reporting.UnknownEvent,
    reporting.EventsOutOfOrder,
    reporting.DetailsAllAlike,
    reporting.AttemptAtHangup,
    reporting.LoggedBeforeAnswer,
    reporting.DetailsOfTheCallBefore,
    *reported.REPORTED,
    *guessed.GUESSED,
    *overlooked.OVERLOOKED,
    *(partial(reporting.MissingEvent, kind) for kind in EVENTS),
    *(partial(reporting.EventWrittenTwice, kind) for kind in EVENTS),
    partial(reporting.EventWrittenOnce, OUTGOING_INITIATED, "OUT-04"),
    partial(reporting.EventWrittenOnce, OUTGOING_FAILURE, "OUT-04"),
    partial(reporting.EventWrittenOnce, OUTGOING_CONTACTS_EXHAUSTED, "OUT-04"),
    partial(reporting.EventWrittenOnce, OUTGOING_ESTABLISHED, "OUT-06"),
    *(
        partial(KeptWhenTakenOut, *row)
        for row in (
            (
                "proxy-kept-when-taken-out",
                "a proxy that is taken out of the settings is used all the same",
                "CFG-03 CFG-21",
                "proxy",
            ),
            (
                "ca-kept-when-taken-out",
                "an uploaded CA that is taken out of the settings is trusted all the same",
                "TLS-03 TLS-04",
                "ca_certificate",
            ),
        )
    ),
    *(
        partial(SettingIgnored, *row)
        for row in (
            ("allow-list-ignored", "everybody may call", "INC-03", "permitted_callers", ()),
            (
                "incoming-off-ignored",
                "calls are taken although switched off",
                "INC-04 CFG-19",
                "allow_incoming",
                True,
            ),
            ("server-port-ignored", "the server's port is always 5060", "CFG-04", "server_port", 5060),
            ("extension-ignored", "the extension is always 3401", "CFG-12", "extension", "3401"),
            ("username-ignored", "the user name is always 3401", "CFG-09", "auth_username", "3401"),
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
            ("call-timeout-ignored", "the call timeout is always 3 s", "CFG-17 OUT-03", "call_timeout", 3),
        )
    ),
)
_VARIANT_FACTORIES: tuple[Callable[[], Fault], ...] = (
    protecting.BestEffort,
    ButtonIgnoredWhileDialling,
    ClockAhead,
)

FAULTS: dict[str, Callable[[], Fault]] = {make().name: make for make in _FACTORIES}
"""What makes each fault, by its name."""
EXPLORED: dict[str, Callable[[], Fault]] = {make.name: make for make in COMBINED}
"""What makes each fault that only an exploration finds, by its name."""
OF_PAGES: dict[str, Callable[[], Fault]] = {make().name: make for make in browsing.BROWSING}
"""What makes each fault of the portal's pages, by its name. No scenario has to find them."""
ALL_FAULTS = FAULTS | EXPLORED | OF_PAGES
"""All of them: whatever can be asked for by name."""
VARIANTS: dict[str, Callable[[], Fault]] = {make().name: make for make in _VARIANT_FACTORIES}
"""What makes each legal variant, by its name; these break nothing."""


def wrap(step: Step, variant: str | None, faults: Iterable[str]) -> Step:
    """Wrap a step in a variant, if any, and in faults, the last one outermost. Raises KeyError."""
    makers = ([VARIANTS[variant]] if variant else []) + [ALL_FAULTS[name] for name in faults]
    for make in makers:
        step = partial(make().step, inner=step)
    return step


def wrap_clock(clock: Callable[[], float], variant: str | None) -> Callable[[], float]:
    """Return the clock of a device of a variant, if any. Raises KeyError."""
    return VARIANTS[variant]().clock(clock) if variant else clock


def wrap_form(form: Form, faults: Iterable[str]) -> Form:
    """Wrap the configuration form in faults, the last one outermost. Raises KeyError."""
    for name in faults:
        form = ALL_FAULTS[name]().form(form)
    return form


def wrap_pages(faults: Iterable[str]) -> PageRules:
    """Return the rules of the portal's pages, wrapped in faults, the last one outermost. Raises KeyError."""
    rules = PageRules()
    for name in faults:
        rules = ALL_FAULTS[name]().pages(rules)
    return rules
