"""Faults in protecting media (ENC), and the legal variant of how a fallback is offered."""

from __future__ import annotations

from dataclasses import replace

from intercom_hil.emulator.events import INCOMING_REJECTED
from intercom_hil.emulator.failures import MEDIA_STATUSES
from intercom_hil.emulator.faults.fault import Fault
from intercom_hil.emulator.settings import Encryption
from intercom_hil.emulator.vocabulary import (
    Answer,
    Apply,
    ButtonPressed,
    Configured,
    Dial,
    Ended,
    Established,
    Incoming,
    Input,
    Media,
    Offer,
    Output,
    Reject,
    StartTimer,
    Step,
    WriteEvent,
)


class _DialsWith(Fault):
    """A fault or variant that offers other media than the logic asked for."""

    setting: Encryption
    asked: Media
    offered: Media

    def change(self, output: Output) -> Output | None:
        """Offer other media under one setting."""
        applies = isinstance(output, Dial) and self.situation.encryption is self.setting
        if applies and isinstance(output, Dial) and output.media is self.asked:
            return replace(output, media=self.offered)
        return output


class OffersCryptoWhenUnset(_DialsWith):
    """Keys are offered although encryption is unset."""

    name = "offers-crypto-when-unset"
    description = "with encryption unset, a placed call offers a=crypto"
    breaks = frozenset({"ENC-01"})
    setting, asked, offered = Encryption.UNSET, Media.PLAIN, Media.OPTIONAL


class NeverSecure(_DialsWith):
    """Fallback mode never tries SRTP."""

    name = "never-secure"
    description = "in fallback mode a placed call is plain from the start"
    breaks = frozenset({"ENC-03"})
    setting, asked, offered = Encryption.FALLBACK, Media.SECURE, Media.PLAIN


class BestEffort(_DialsWith):
    """Fallback by optional keys in a plain offer, as PJSIP and many phones do it."""

    name = "best-effort"
    description = "in fallback mode a placed call offers RTP/AVP with a=crypto in one attempt"
    setting, asked, offered = Encryption.FALLBACK, Media.SECURE, Media.OPTIONAL


class _RefusesOffer(Fault):
    """A fault that refuses calls that the logic would take, for what they offer."""

    setting: Encryption
    offers: tuple[Offer, ...]

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Refuse what the logic would answer, and let the logic know that the call is over."""
        outputs = inner(given)
        applies = self.situation.encryption is self.setting
        if not (applies and isinstance(given, Incoming) and given.offer in self.offers):
            return outputs
        if Answer(given.call) not in outputs:
            return outputs
        inner(Ended(given.call, 488, "Not Acceptable Here"))
        details = f"media security: {given.caller} offers the wrong thing"
        event = WriteEvent(INCOMING_REJECTED.name, INCOMING_REJECTED.screen_name, details)
        return [Reject(given.call, 488, "Not Acceptable Here"), event]


class RefusesPlainWhenUnset(_RefusesOffer):
    """A plain call is refused although encryption is unset."""

    name = "refuses-plain-when-unset"
    description = "with encryption unset, a plain incoming call is refused with 488"
    breaks = frozenset({"ENC-02"})
    setting, offers = Encryption.UNSET, (Offer.PLAIN, Offer.OPTIONAL)


class RefusesSecureInFallback(_RefusesOffer):
    """A secure call is refused in fallback mode."""

    name = "refuses-secure-in-fallback"
    description = "in fallback mode an incoming call that offers SRTP is refused with 488"
    breaks = frozenset({"ENC-05"})
    setting, offers = Encryption.FALLBACK, (Offer.SECURE,)


class RefusesPlainInFallback(_RefusesOffer):
    """A plain call is refused in fallback mode."""

    name = "refuses-plain-in-fallback"
    description = "in fallback mode a plain incoming call is refused with 488"
    breaks = frozenset({"ENC-06"})
    setting, offers = Encryption.FALLBACK, (Offer.PLAIN, Offer.OPTIONAL)


class RefusesSecureUnderSrtpOnly(_RefusesOffer):
    """Every call is refused under SRTP-only."""

    name = "refuses-secure-under-srtp-only"
    description = "under SRTP-only even a call that offers SRTP is refused with 488"
    breaks = frozenset({"ENC-10"})
    setting, offers = Encryption.SRTP_ONLY, (Offer.SECURE,)


class SrtpOnlyOffersPlain(_DialsWith):
    """SRTP-only does not hold for placed calls."""

    name = "srtp-only-offers-plain"
    description = "under SRTP-only a placed call is plain from the start"
    breaks = frozenset({"ENC-07", "ENC-08"})
    setting, asked, offered = Encryption.SRTP_ONLY, Media.SECURE, Media.PLAIN


class HangsUpSecuredCalls(Fault):
    """SRTP-only prevents every call, the secured ones as well."""

    name = "hangs-up-secured-calls"
    description = "under SRTP-only a placed call that has come up over SRTP is hung up at once"
    breaks = frozenset({"ENC-08"})

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Press the button, so to speak, as soon as the call is up."""
        ours = isinstance(given, Established) and given.call == self.situation.call
        strict = self.situation.encryption is Encryption.SRTP_ONLY
        outputs = inner(given)
        return outputs + inner(ButtonPressed()) if ours and strict and self.situation.placed else outputs


class NoFallback(Fault):
    """Fallback mode does not fall back."""

    name = "no-fallback"
    description = "in fallback mode a contact that cannot do SRTP is not called again in clear"
    breaks = frozenset({"ENC-04"})

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Fail the second try in place of making it."""
        outputs = inner(given)
        second = next((o for o in outputs if isinstance(o, Dial) and o.media is Media.PLAIN), None)
        failed = isinstance(given, Ended) and given.status in MEDIA_STATUSES
        if second is None or not failed or self.situation.encryption is not Encryption.FALLBACK:
            return outputs
        kept = [o for o in outputs if o is not second and not isinstance(o, StartTimer)]
        return kept + inner(Ended(second.call, 488, "Not Acceptable Here"))


class FallbackSticks(Fault):
    """Who cannot do SRTP speaks for all."""

    name = "fallback-sticks"
    description = "in fallback mode, after one contact that cannot do SRTP every other is called in clear"
    breaks = frozenset({"ENC-03"})

    def __init__(self) -> None:
        super().__init__()
        self._stuck = False

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Remember the first fallback until reconfigured."""
        self._stuck &= not isinstance(given, Configured)
        return super().react(given, inner)

    def change(self, output: Output) -> Output | None:
        """Dial in clear once a fallback was needed."""
        if not isinstance(output, Dial) or self.situation.encryption is not Encryption.FALLBACK:
            return output
        self._stuck |= output.media is Media.PLAIN
        return replace(output, media=Media.PLAIN) if self._stuck else output


class FallbackForFirstContactOnly(Fault):
    """Only the first contact may be an old telephone."""

    name = "no-fallback-for-further-contacts"
    description = "in fallback mode a further contact that cannot do SRTP is not called again in clear"
    breaks = frozenset({"ENC-04"})

    def __init__(self) -> None:
        super().__init__()
        self._called: set[str] = set()

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Take the refusal of a further contact for another one."""
        if isinstance(given, ButtonPressed):
            self._called.clear()
        media = isinstance(given, Ended) and given.status in MEDIA_STATUSES and not self.situation.up
        if isinstance(given, Ended) and media and len(self._called) > 1:
            given = replace(given, status=480, reason="Temporarily Unavailable")
        outputs = inner(given)
        self._called |= {output.uri for output in outputs if isinstance(output, Dial)}
        return outputs


class SrtpOnlyForFirstContactOnly(Fault):
    """SRTP-only does not hold for further contacts."""

    name = "srtp-only-offers-plain-to-further-contacts"
    description = "under SRTP-only further contacts are called in clear"
    breaks = frozenset({"ENC-07"})

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Dial in clear but after a press."""
        strict = self.situation.encryption is Encryption.SRTP_ONLY
        outputs = inner(given)
        if isinstance(given, ButtonPressed) or not strict:
            return outputs
        return [replace(o, media=Media.PLAIN) if isinstance(o, Dial) else o for o in outputs]


class FallsBackUnderSrtpOnly(Fault):
    """SRTP-only gives way when the remote side cannot do SRTP."""

    name = "falls-back-under-srtp-only"
    description = "under SRTP-only a contact that cannot do SRTP is called again in clear"
    breaks = frozenset({"ENC-07"})

    def __init__(self) -> None:
        super().__init__()
        self._dialled: Dial | None = None

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Dial the same call again in clear, unknown to the logic."""
        dialled = self._dialled
        refused = (
            isinstance(given, Ended) and given.status in MEDIA_STATUSES and given.call == self.situation.call
        )
        if refused and dialled is not None and self.situation.encryption is Encryption.SRTP_ONLY:
            self._dialled = None
            return [replace(dialled, media=Media.PLAIN)]
        outputs = inner(given)
        for output in outputs:
            if isinstance(output, Dial):
                self._dialled = output
        return outputs


class SrtpOnlyTakesPlain(Fault):
    """SRTP-only does not hold for calls taken."""

    name = "srtp-only-takes-plain"
    description = "under SRTP-only a plain incoming call is answered"
    breaks = frozenset({"ENC-09"})

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Take a plain offer for a secure one."""
        clear = isinstance(given, Incoming) and given.offer in (Offer.PLAIN, Offer.OPTIONAL)
        strict = self.situation.encryption is Encryption.SRTP_ONLY
        if isinstance(given, Incoming) and clear and strict:
            given = replace(given, offer=Offer.SECURE)
        return inner(given)


class TakesUnusableKeys(Fault):
    """Any offer of SRTP will do."""

    name = "srtp-only-takes-unusable-keys"
    description = "under SRTP-only a call with keys that the device cannot use is answered in clear"
    breaks = frozenset({"ENC-09", "SIP-12"})
    shown_by = frozenset({"ENC-09"})

    def change(self, output: Output) -> Output | None:
        """Have them answered."""
        strict = isinstance(output, Apply) and output.settings.encryption is Encryption.SRTP_ONLY
        return replace(output, any_keys=True) if isinstance(output, Apply) and strict else output


class TurnedClearWithinCall(Fault):
    """SRTP-only holds for the beginning of a call alone."""

    name = "srtp-only-turned-off-within-call"
    description = "under SRTP-only a re-INVITE or UPDATE without SRTP is taken, and the call goes on in clear"
    breaks = frozenset({"ENC-09"})

    def change(self, output: Output) -> Output | None:
        """Have it taken."""
        return replace(output, any_offers=True) if isinstance(output, Apply) else output


def _takes_up_keys(given: Input, encryption: Encryption) -> bool:
    """Return whether a call, if it is answered, is protected."""
    optional = encryption is Encryption.FALLBACK
    return isinstance(given, Incoming) and (
        given.offer is Offer.SECURE or (given.offer is Offer.OPTIONAL and optional)
    )


class PlainUnderSrtp(Fault):
    """Some media of a protected call goes out in clear."""

    name = "plain-under-srtp"
    description = "where SRTP was negotiated, clear packets go out between the protected ones"
    breaks = frozenset({"ENC-11"})

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Ask for clear packets in every protected call."""
        taken = _takes_up_keys(given, self.situation.encryption)
        return [
            replace(output, clear_packets=True)
            if (isinstance(output, Answer) and taken)
            or (isinstance(output, Dial) and output.media is Media.SECURE)
            else output
            for output in inner(given)
        ]


class PlaysClearMedia(Fault):
    """Whoever sends to the device's media port is heard."""

    name = "plays-clear-media"
    description = "in a call taken over SRTP, clear packets are played at the speaker instead of discarded"
    breaks = frozenset({"ENC-11"})

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Have an ear for clear packets in every protected call that is taken."""
        taken = _takes_up_keys(given, self.situation.encryption)
        return [
            replace(output, hears_clear=True) if isinstance(output, Answer) and taken else output
            for output in inner(given)
        ]
