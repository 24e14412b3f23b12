"""What the other side hears of itself and of the device: RTP-05 (no echo), RTP-06 (not overdriven)."""

from __future__ import annotations

from statistics import median

from intercom_hil.hearing.conversations import Conversation, conversations, is_near, microphone_tone
from intercom_hil.practice.book import Book
from intercom_hil.timeline import Observation, Timeline

ECHO_LOSS = 20.0
"""dB by which what comes back is weaker than what was sent, at the least."""
FLATTENED_DBOV = -1.8
"""A tone that is louder is no sine any more: one of full scale has -3.0 dBov, a square wave 0."""
_WINDOWS = 3
_HARMONICS = range(1, 9)


def sound(timeline: Timeline, settled: float, book: Book) -> None:
    """Judge each conversation of which enough can be heard; ``settled`` is when to stop (epoch seconds)."""
    tone = microphone_tone(timeline)
    for one in conversations(timeline, settled) if tone is not None else ():
        _echo(timeline, one, tone or 0.0, book)
        _overdriven(timeline, one, tone or 0.0, book)


def _echo(timeline: Timeline, one: Conversation, tone: float, book: Book) -> None:
    sent = [content for _, content in one.heard(timeline, of_device=False) if content.tone_hz is not None]
    heard = one.heard(timeline, of_device=True)
    if len(sent) < _WINDOWS or len(heard) < _WINDOWS:
        return
    other = median(content.tone_hz or 0.0 for content in sent)
    level = median(content.level_dbov for content in sent)
    if any(is_near(other, harmonic * tone) for harmonic in _HARMONICS):
        return
    book.look("RTP-05", heard[0][0])
    echoes: list[Observation] = []
    for observation, content in heard:
        if is_near(content.tone_hz, other):
            back = content.level_dbov
        elif is_near(content.also_hz, other) and content.also_dbov is not None:
            back = content.also_dbov
        else:
            continue
        if back > level - ECHO_LOSS:
            echoes.append(observation)
    if len(echoes) >= _WINDOWS:
        book.broken("RTP-05", f"the {other:.0f} Hz of the other side come back", *echoes)


def _overdriven(timeline: Timeline, one: Conversation, tone: float, book: Book) -> None:
    heard = [
        (observation, content)
        for observation, content in one.heard(timeline, of_device=True)
        if is_near(content.tone_hz, tone)
    ]
    if len(heard) < _WINDOWS:
        return
    book.look("RTP-06", heard[0][0])
    flattened = [observation for observation, content in heard if content.level_dbov > FLATTENED_DBOV]
    if len(flattened) >= _WINDOWS:
        book.broken("RTP-06", "the tone is cut off at full scale", *flattened)
