"""The SIP ladder of one scenario: what was observed and judged, drawn on one clock.

Lanes from left to right: button, panel and log, device, PBX, stations, media, judgements. The template
``ladder.svg.j2`` writes the drawing down as SVG.
"""

from __future__ import annotations

from collections.abc import Sequence

from intercom_hil.ladder import marks, signalling, sound
from intercom_hil.ladder.drawing import Ladder
from intercom_hil.ladder.layout import lay_out
from intercom_hil.ladder.shapes import Story
from intercom_hil.run_folder.observations import Seen
from intercom_hil.run_folder.records import Judgement

__all__ = ["Ladder", "draw"]


def draw(observations: Sequence[Seen], judgements: Sequence[Judgement], start: float, prefix: str) -> Ladder:
    """Draw a scenario.

    Args:
        observations: what was seen, by time.
        judgements: what was made of it; those with a time are drawn.
        start: the scenario's start, seconds since the epoch; the axis counts from it.
        prefix: what element ids begin with, unique in the document.
    """
    end = max((seen.time for seen in observations), default=start)
    spans, breaches = sound.flows(observations, start, end)
    story = Story(
        arrows=signalling.arrows(observations, start),
        marks=[
            *marks.marks(observations, start),
            *sound.speaker(observations, start),
            *breaches,
            *marks.judged(judgements, start),
        ],
        spans=spans,
        dots=marks.dots(observations, start),
        bands=marks.bands(observations, start),
    )
    for arrow in story.arrows:
        story.meet(*(party for party in (arrow.source, arrow.target) if party))
    return lay_out(story, start, prefix)
