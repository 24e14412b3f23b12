"""What a ladder shows beside SIP and sound: button, panel, logs of PBX and stations, losses, judgements."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby

from intercom_hil.ladder.shapes import BUTTON, JUDGED, PANEL, PBX, Band, Dot, Mark
from intercom_hil.run_folder.fields import mapping, relative, shorten
from intercom_hil.run_folder.observations import Seen
from intercom_hil.run_folder.records import Judgement

_TITLE_LENGTH = 600


def marks(observations: Iterable[Seen], start: float) -> list[Mark]:
    """Return what the button, the front panel and the bench's own remarks add beside the parties."""
    return [mark_of(seen, start) for seen in observations if (mark_of := _MARKS.get(seen.kind))]


def dots(observations: Iterable[Seen], start: float) -> list[Dot]:
    """Return what the PBX and the stations logged."""
    found = []
    for seen in observations:
        if seen.kind == "pbx_event":
            remark = f"PBX {seen.text('interface')}: {seen.text('name')} {seen.text('channel')}"
            found.append(Dot(seen.time, (seen.seq,), PBX, _title(seen, start, remark)))
        elif seen.kind == "station_said":
            remark = f"station {seen.text('station')}: {seen.text('text')}"
            found.append(Dot(seen.time, (seen.seq,), seen.text("station"), _title(seen, start, remark)))
        elif seen.kind == "station_ended":
            found.append(Dot(seen.time, (seen.seq,), seen.text("station"), _title(seen, start, _ended(seen))))
    return found


def bands(observations: Iterable[Seen], start: float) -> list[Band]:
    """Return the losses that end a scenario, whoever is to blame."""
    return [
        Band(
            seen.time,
            (seen.seq,),
            f"{seen.text('instrument')} lost: {seen.text('problem')} ({seen.text('blame')})",
            _title(seen, start, f"{seen.text('instrument')} lost: {seen.text('problem')}"),
        )
        for seen in observations
        if seen.kind == "lost"
    ]


def judged(judgements: Sequence[Judgement], start: float) -> list[Mark]:
    """Return a mark for each dated judgement; those of one moment and one outcome share theirs."""
    dated = sorted(
        ((item.time, item.verdict.rank, item.expected, item) for item in judgements if item.time is not None),
        key=lambda row: row[:3],
    )
    found = []
    for (time, _, expected), group in groupby(dated, key=lambda row: row[:3]):
        items = [row[3] for row in group]
        names = " ".join(dict.fromkeys(item.requirement for item in items))
        verdict = items[0].verdict
        title = "\n".join(
            [
                f"{relative(time, start)} s  {names}: {verdict.word}",
                f"expected: {shorten(expected, _TITLE_LENGTH)}",
                *(f"seen: {shorten(item.seen, _TITLE_LENGTH)}" for item in items),
            ]
        )
        remark = f"{verdict.sign} {names}  {expected}"
        found.append(
            Mark(time, (), JUDGED, remark, verdict.slug, title, verdict.needs_attention, tuple(items))
        )
    return found


def _title(seen: Seen, start: float, remark: str) -> str:
    return f"{relative(seen.time, start)} s  {shorten(remark, _TITLE_LENGTH)}  [{seen.witness}]"


def _ended(seen: Seen) -> str:
    how = (
        f"signal {seen.whole('signal')}"
        if seen.whole("signal")
        else f"status {seen.text('exit_status') or '?'}"
    )
    counts = f"{seen.whole('calls_ok')} calls in order, {seen.whole('calls_failed')} failed"
    return f"station {seen.text('station')} ended with {how}: {counts} {seen.text('problem')}".rstrip()


def _event(seen: Seen, start: float) -> Mark:
    name, failure = seen.text("name"), seen.text("failure")
    remark = f"event {name} ({seen.text('screen_name')}) {seen.text('details')}"
    text = f"{name} · {failure}" if failure else name
    return Mark(seen.time, (seen.seq,), PANEL, text, "mark-event", _title(seen, start, remark))


def _screen(seen: Seen, start: float) -> Mark:
    shown = f"“{seen.text('text')}”"
    return Mark(
        seen.time, (seen.seq,), PANEL, shown, "mark-screen", _title(seen, start, f"screen shows {shown}")
    )


def _output(seen: Seen, start: float) -> Mark:
    active = seen.flag("active")
    remark = f"{seen.text('name')} {'pressed' if active else 'released'}"
    checked = "read back" if seen.flag("confirmed") else "not read back"
    held = seen.content.get("held")
    if isinstance(held, list) and len(held) == 2 and all(isinstance(bound, int | float) for bound in held):
        checked += f", held for {held[0]:.3f} to {held[1]:.3f} s"
    style = "mark-press" if active else "mark-release"
    text = f"{'●' if active else '○'} {'press' if active else 'release'}"
    return Mark(seen.time, (seen.seq,), BUTTON, text, style, _title(seen, start, f"{remark} ({checked})"))


def _input(seen: Seen, start: float) -> Mark:
    active = seen.flag("active")
    remark = f"{seen.text('name')} {'active' if active else 'inactive'}"
    text = f"{'●' if active else '○'} {seen.text('name')}"
    return Mark(seen.time, (seen.seq,), PANEL, text, "mark-note", _title(seen, start, remark))


def _configured(seen: Seen, start: float) -> Mark:
    accepted = seen.flag("accepted")
    values = mapping(seen.content.get("settings"))
    changed = [name for name in _names(seen) if name in values]
    remark = "\n".join(
        [
            f"configuration {'accepted' if accepted else 'refused'} {seen.text('message')}".rstrip(),
            *(f"{name} = {values[name]}" for name in changed),
        ]
    )
    text = f"⚙ {'configured' if accepted else 'configuration refused'}"
    return Mark(seen.time, (seen.seq,), PANEL, text, "mark-note", _title(seen, start, remark))


def _names(seen: Seen) -> list[str]:
    changed = seen.content.get("changed")
    return [name for name in changed if isinstance(name, str)] if isinstance(changed, list) else []


def _note(seen: Seen, start: float) -> Mark:
    remark = seen.text("text")
    return Mark(seen.time, (seen.seq,), PANEL, remark, "mark-note", _title(seen, start, remark))


def _asked(seen: Seen, start: float) -> Mark:
    remark = f"operator asked: {seen.text('text')}"
    text = f"? {seen.text('text')}"
    return Mark(seen.time, (seen.seq,), PANEL, text, "mark-note", _title(seen, start, remark))


def _answered(seen: Seen, start: float) -> Mark:
    if not seen.text("way"):
        remark = text = f"question {seen.whole('number')} not answered"
    else:
        text = f"! {seen.text('choice')}"
        who = f"{seen.text('by') or 'operator'} ({seen.text('way')})"
        remark = f"{who}: {seen.text('choice')} {seen.text('text')}"
        remark += f"; expected: {seen.text('expected')}" if seen.text("expected") else ""
    return Mark(seen.time, (seen.seq,), PANEL, text, "mark-note", _title(seen, start, remark))


_MARKS: dict[str, Callable[[Seen, float], Mark]] = {
    "event": _event,
    "screen": _screen,
    "output": _output,
    "input": _input,
    "configured": _configured,
    "note": _note,
    "asked": _asked,
    "answered": _answered,
}
