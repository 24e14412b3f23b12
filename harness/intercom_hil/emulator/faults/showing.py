"""Faults in showing video (VID), in obeying its setting (CFG-18) and in protecting it (ENC-11)."""

from __future__ import annotations

from dataclasses import replace

from intercom_hil.emulator.events import INCOMING_REJECTED
from intercom_hil.emulator.faults.fault import Fault
from intercom_hil.emulator.settings import VideoCalls
from intercom_hil.emulator.vocabulary import (
    Answer,
    Configured,
    Dial,
    Ended,
    Incoming,
    Input,
    Output,
    Picture,
    Reject,
    Step,
    WriteEvent,
)


class _UnderOneSetting(Fault):
    """A fault that shows something else, under one setting of the video calls."""

    mode: VideoCalls
    placed: Picture | None = None
    accepted: Picture | None = None

    def change(self, output: Output) -> Output | None:
        """Show what the setting does not ask for; None leaves a direction as it is."""
        settings = self.situation.settings
        if settings is None or settings.video_calls is not self.mode:
            return output
        if isinstance(output, Dial) and self.placed is not None:
            return replace(output, picture=self.placed)
        if isinstance(output, Answer) and self.accepted is not None:
            return replace(output, picture=self.accepted)
        return output


class NoVideoOffered(_UnderOneSetting):
    """Outgoing has no effect."""

    name = "no-video-offered"
    description = "with video calls set to Outgoing, a placed call offers no video"
    breaks = frozenset({"VID-01"})
    mode, placed = VideoCalls.OUTGOING, Picture.NONE


class TakesVideoWhenOutgoingOnly(_UnderOneSetting):
    """Outgoing holds for calls taken too."""

    name = "takes-video-when-outgoing-only"
    description = "with video calls set to Outgoing, an accepted call has video if it is offered"
    breaks = frozenset({"VID-01"})
    mode, accepted = VideoCalls.OUTGOING, Picture.LIVE


class OffersVideoWhenIncomingOnly(_UnderOneSetting):
    """Incoming holds for calls placed too."""

    name = "offers-video-when-incoming-only"
    description = "with video calls set to Incoming, a placed call offers video"
    breaks = frozenset({"VID-02"})
    mode, placed = VideoCalls.INCOMING, Picture.LIVE


class DeclinesVideoWhenIncomingOnly(_UnderOneSetting):
    """Incoming has no effect."""

    name = "declines-video-when-incoming-only"
    description = "with video calls set to Incoming, an accepted call has audio only"
    breaks = frozenset({"VID-02"})
    mode, accepted = VideoCalls.INCOMING, Picture.NONE


class BothMeansOutgoing(_UnderOneSetting):
    """Both leaves calls taken out."""

    name = "both-means-outgoing"
    description = "with video calls set to Both, an accepted call has audio only"
    breaks = frozenset({"VID-03"})
    mode, accepted = VideoCalls.BOTH, Picture.NONE


class BothMeansIncoming(_UnderOneSetting):
    """Both leaves calls placed out."""

    name = "both-means-incoming"
    description = "with video calls set to Both, a placed call offers no video"
    breaks = frozenset({"VID-03"})
    mode, placed = VideoCalls.BOTH, Picture.NONE


class VideoDespiteOff(_UnderOneSetting):
    """Off is not off."""

    name = "video-despite-off"
    description = "with video calls off, placed calls offer video and accepted calls take it"
    breaks = frozenset({"VID-04"})
    mode, placed, accepted = VideoCalls.OFF, Picture.LIVE, Picture.LIVE


class RefusesVideoCallsWhenOff(Fault):
    """A call that could be talked in is refused for its video."""

    name = "refuses-video-calls-when-off"
    description = "with video calls off, an incoming call that offers video is refused with 488"
    breaks = frozenset({"VID-04"})

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Refuse what the logic would answer, and let the logic know that the call is over."""
        outputs = inner(given)
        settings = self.situation.settings
        if not isinstance(given, Incoming) or not given.video or settings is None:
            return outputs
        answered = any(isinstance(output, Answer) for output in outputs)
        if not answered or settings.video_calls is not VideoCalls.OFF:
            return outputs
        inner(Ended(given.call, 488, "Not Acceptable Here"))
        details = f"media security: {given.caller} offers video"
        event = WriteEvent(INCOMING_REJECTED.name, INCOMING_REJECTED.screen_name, details)
        return [Reject(given.call, 488, "Not Acceptable Here"), event]


class _InsteadOfLive(Fault):
    """A fault in the picture itself, wherever there is to be one."""

    shown: Picture

    def change(self, output: Output) -> Output | None:
        """Show something else."""
        if isinstance(output, Dial | Answer) and output.picture is Picture.LIVE:
            return replace(output, picture=self.shown)
        return output


class FrozenVideo(_InsteadOfLive):
    """The camera's first picture is sent for ever."""

    name = "frozen-video"
    description = "the picture never changes"
    breaks = frozenset({"VID-01", "VID-02", "VID-03"})
    shown = Picture.FROZEN


class VideoNeverSent(_InsteadOfLive):
    """Video is agreed on and never comes."""

    name = "video-never-sent"
    description = "video is offered and taken, but not one packet of it is sent"
    breaks = frozenset({"VID-01", "VID-02", "VID-03"})
    shown = Picture.DARK


class NoKeyPicture(_InsteadOfLive):
    """The encoder never begins: whoever joins cannot make out the picture, unless his decoder guesses."""

    name = "no-key-picture"
    description = "no picture of the video stands by itself: each refers to one that was never sent"
    breaks = frozenset({"VID-01", "VID-02", "VID-03"})
    shown = Picture.KEYLESS


class ClearVideoUnderSrtp(_InsteadOfLive):
    """The audio is protected, the video is not."""

    name = "clear-video-under-srtp"
    description = "where SRTP was negotiated, the video and its reports go out in clear"
    breaks = frozenset({"ENC-11", "KEY-03"})
    shown = Picture.CLEAR


class VideoSettingIgnored(Fault):
    """The setting has no effect."""

    name = "video-setting-ignored"
    description = "video calls are always off"
    breaks = frozenset({"CFG-18", "VID-01", "VID-02", "VID-03"})

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Change the setting on its way in."""
        if isinstance(given, Configured):
            settings = given.settings.with_changes({"video_calls": VideoCalls.OFF})
            given = replace(given, settings=settings)
        return inner(given)
