"""Media on the ladder: RTP flows become bars beside the parties, speaker sound becomes marks at the device.

A flow's bar runs from its first packet to its last; inside it are the stretches in which it carried sound
above the threshold of silence, or a picture that could be decoded. Clear media where SRTP was negotiated is
a mark of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from intercom_hil.ladder.shapes import MEDIA, PANEL, Mark, Span
from intercom_hil.run_folder.fields import relative
from intercom_hil.run_folder.observations import Seen

SILENCE_DBOV = -55.0
"""Below this level a window counts as silent: comfort noise and codec idle noise lie under it."""

_GAP = 0.3
"""Windows of sound less than this many seconds apart are one stretch."""

PROTECTIONS = {"srtp": "media-srtp", "plain": "media-plain"}
"""The style of a flow by how it is protected."""
PROTOCOLS = {"srtp": "SRTP", "plain": "RTP"}


@dataclass(slots=True)
class _Flow:
    first: Seen
    heard: list[Seen] = field(default_factory=list)
    watched: list[Seen] = field(default_factory=list)
    ended: Seen | None = None


def flows(observations: Iterable[Seen], start: float, end: float) -> tuple[list[Span], list[Mark]]:
    """Return the bars of all RTP flows and the marks for broken ones.

    Args:
        observations: a scenario's observations by time.
        start: what hover texts count from.
        end: where a flow ends that nobody saw ending.
    """
    found: dict[str, _Flow] = {}
    for seen in observations:
        if seen.kind not in ("media_started", "media_heard", "video", "media_ended"):
            continue
        flow = found.setdefault(seen.text("flow"), _Flow(seen))
        if seen.kind == "media_heard":
            flow.heard.append(seen)
        elif seen.kind == "video":
            flow.watched.append(seen)
        elif seen.kind == "media_ended":
            flow.ended = seen
    spans = [_span(flow, start, end) for flow in found.values()]
    marks = [_breach(flow.ended, start) for flow in found.values() if flow.ended and _is_breach(flow.ended)]
    return spans, marks


def speaker(observations: Iterable[Seen], start: float) -> list[Mark]:
    """Return one mark per stretch of sound at the device's speaker."""
    windows = [seen for seen in observations if seen.kind == "speaker"]
    marks = []
    for stretch in _stretches(windows):
        begin, last = stretch[0], stretch[-1]
        length = last.time - begin_of(begin)
        sound = f"speaker {_character(stretch)}"
        title = f"{relative(begin.time, start)} s  sound at the device's speaker for {length:.1f} s: {sound}"
        seqs = tuple(seen.seq for seen in stretch)
        marks.append(Mark(begin.time, seqs, PANEL, f"♪ {sound}", "mark-speaker", title))
    return marks


def _stretches(windows: list[Seen]) -> list[list[Seen]]:
    """Join windows that carry sound and follow each other into stretches.

    A window is dated by its end.
    """
    joined: list[list[Seen]] = []
    end = float("-inf")
    for seen in windows:
        level = seen.number("level_dbov")
        if level is None or level < SILENCE_DBOV:
            continue
        if begin_of(seen) - end <= _GAP and joined:
            joined[-1].append(seen)
        else:
            joined.append([seen])
        end = seen.time
    return joined


def begin_of(window: Seen) -> float:
    """Return when a window began (s since the epoch); it is dated by its end."""
    return window.time - max(0.0, window.number("duration") or 0.0)


def _character(windows: list[Seen]) -> str:
    """Return the tone or tones and the loudest level of some windows."""
    levels = [level for seen in windows if (level := seen.number("level_dbov")) is not None]
    names = [f"{tone} Hz" for tone in tones_of(windows)]
    return " ".join([*names, f"{max(levels):.0f} dB"] if levels else names).replace("-", "−")


def tones_of(windows: Iterable[Seen]) -> list[int]:
    """Return the tones (Hz) that most of some windows held, two at most."""
    tones = Counter(round(tone) for seen in windows if (tone := seen.number("tone_hz")))
    return [tone for tone, _ in tones.most_common(2)]


def _shown(pictures: list[Seen]) -> str:
    """Return what the decoded windows of a flow of video show, in words."""
    if not pictures:
        return "video, no picture"
    size = f"{pictures[-1].whole('width')}x{pictures[-1].whole('height')}"
    moves = any(seen.flag("moving") for seen in pictures)
    return f"video {size}, {'moving' if moves else 'nothing moves'}"


def _span(flow: _Flow, start: float, end: float) -> Span:
    ended, first = flow.ended, flow.first
    begin = (ended.number("first") if ended else None) or first.time
    last = (ended.number("last") if ended else None) or max(end, begin)
    about = ended or first
    protection = about.text("protection") or "unknown"
    media = about.text("media")
    pictures = [seen for seen in flow.watched if seen.whole("frames") > 0]
    stretches = _stretches(flow.heard) + [[seen] for seen in pictures]
    loud = [seen for stretch in _stretches(flow.heard) for seen in stretch]
    protocol = PROTOCOLS.get(protection, protection)
    label = f"{about.text('sender')} → {about.text('receiver')}"
    tone = _character(loud).rpartition(" dB")[0].rpartition(" ")[0] if loud else ""
    remark = media if media not in ("", "audio") else tone
    if flow.watched:
        sound = remark = _shown(pictures)
    else:
        sound = _character(loud) if loud else "no sound measured"
    facts = [
        f"{relative(begin, start)} s to {relative(last, start)} s  {protocol} {media} {label}",
        f"{about.text('source')} → {about.text('destination')}",
        f"payload type {about.whole('payload_type')}, SSRC {about.whole('ssrc'):#010x}, {sound}",
    ]
    if ended:
        facts.append(_account(ended))
    seqs = [first.seq, *(seen.seq for seen in (*flow.heard, *flow.watched)), *([ended.seq] if ended else [])]
    return Span(
        seqs=tuple(dict.fromkeys(seqs)),
        start=begin,
        end=max(begin, last),
        open_ended=ended is None,
        text=f"{label} {protocol}{' ' + remark if remark else ''}",
        style=PROTECTIONS.get(protection, "media-unknown"),
        title="\n".join(facts),
        heard=tuple((begin_of(stretch[0]), stretch[-1].time) for stretch in stretches),
    )


def _account(ended: Seen) -> str:
    return (
        f"{ended.whole('packets')} packets, {ended.whole('lost')} lost, "
        f"jitter {ended.number('jitter_ms') or 0:.1f} ms, "
        f"{ended.whole('authenticated')} authenticated, {ended.whole('rejected')} rejected, "
        f"{ended.whole('plain')} plain"
    )


def _is_breach(ended: Seen) -> bool:
    return ended.text("protection") == "srtp" and bool(ended.whole("rejected") or ended.whole("plain"))


def _breach(ended: Seen, start: float) -> Mark:
    plain, rejected = ended.whole("plain"), ended.whole("rejected")
    text = f"{plain} packets in clear" if plain else f"{rejected} not authentic"
    title = f"{relative(ended.time, start)} s  where SRTP was negotiated: {_account(ended)}"
    when = ended.number("last") or ended.time
    return Mark(when, (ended.seq,), MEDIA, text, "mark-breach", title)
