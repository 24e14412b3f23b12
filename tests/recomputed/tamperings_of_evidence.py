"""Tamperings with a stored run, whichever it is: bytes, lines, times, values, verdicts, files, folders.

Each is done to a copy of the run. It has a text that must be named with it, and says whether it concerns what
is recomputed from the evidence: a seal covers every file, and only it covers reports, environment and the
like. What whoever forges knows of the bench is done as well: lines are numbered anew, digests made anew, and
verdicts altered wherever they stand.
"""

import json
import os
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from intercom_hil.evidence.digests import FILE as DIGESTS
from intercom_hil.evidence.digests import write_digests

OF_TEXT = (".jsonl", ".log", ".times", ".csv")
WORSE = {"pass": "fail", "fail": "pass", "inconclusive": "pass", "observed": "pass", "error": "pass"}
_NUMBERS = ("attempts", "dropped_packets", "kept_off", "started", "duration_s", "late_s")


@dataclass(frozen=True)
class Tampering:
    """One tampering: its name, what it does to a run, the text that names it, and whom it concerns."""

    name: str
    do: Callable[[Path], None]
    named: str
    recomputed: bool = True


def tamperings(run, other, seed=1, each=3):
    """Yield tamperings of a run, of each kind some.

    Args:
        run: the run, which stays as it is.
        other: another run of the same scenarios, if there is one.
        seed: of what is drawn.
        each: how many of each kind are drawn in a scenario.
    """
    drawn = random.Random(seed)
    folders = [path for path in sorted((run / "scenarios").iterdir()) if (path / "timeline.jsonl").exists()]
    for folder in folders:
        files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        for path in files:
            name = path.relative_to(run).as_posix()
            if path.name != "record.json":
                yield from _bytes(path, name, drawn, each)
            yield from _whole_file(path, name)
        yield from _lines(folder, run, drawn, each)
        yield from _records(folder, run)
        yield from _forged(folder, run, drawn, each)
    yield from _folders(run, folders, other)
    yield from _of_the_run(run, other)


def _bytes(path, name, drawn, each):
    size = path.stat().st_size
    last = path.name
    for _ in range(each if size else 0):
        place, bit = drawn.randrange(size), 1 << drawn.randrange(8)
        yield Tampering(f"bit {bit} of {name} at {place}", _flip(name, place, bit), last)
    if size > 1:
        for keep in sorted({0, drawn.randrange(size), size - 1}):
            yield Tampering(f"{name} cut to {keep} bytes", _cut(name, keep), last)


def _whole_file(path, name):
    last = path.name
    yield Tampering(f"{name} removed", lambda run: (run / name).unlink(), last)
    yield Tampering(f"{name} renamed", lambda run: (run / name).rename(run / f"{name}.old"), last)
    linked = last != "record.json"
    yield Tampering(f"{name} made a link", _linked(name), last, recomputed=linked)


def _flip(name, place, bit):
    def do(run):
        data = bytearray((run / name).read_bytes())
        data[place] ^= bit
        (run / name).write_bytes(data)

    return do


def _cut(name, size):
    return lambda run: os.truncate(run / name, size)


def _linked(name):
    def do(run):
        outside = run.parent / "outside"
        outside.unlink(missing_ok=True)
        (run / name).rename(outside)
        (run / name).symlink_to(outside)

    return do


def _lines(folder, run, drawn, each):
    for path in sorted(path for path in folder.rglob("*") if path.suffix in OF_TEXT):
        name = path.relative_to(run).as_posix()
        lines = path.read_bytes().splitlines(keepends=True)
        for _ in range(each if lines else 0):
            at = drawn.randrange(len(lines))
            other = drawn.randrange(len(lines))
            yield Tampering(f"line {at} of {name} taken out", _relined(name, _without(at)), path.name)
            yield Tampering(f"line {at} of {name} doubled", _relined(name, _doubled(at)), path.name)
            if lines[at] != lines[other]:
                yield Tampering(
                    f"lines of {name} exchanged", _relined(name, _exchanged(at, other)), path.name
                )


def _relined(name, change):
    def do(run):
        lines = (run / name).read_bytes().splitlines(keepends=True)
        (run / name).write_bytes(b"".join(change(lines)))

    return do


def _without(at):
    return lambda lines: lines[:at] + lines[at + 1 :]


def _doubled(at):
    return lambda lines: lines[: at + 1] + lines[at:]


def _exchanged(a, b):
    def change(lines):
        lines[a], lines[b] = lines[b], lines[a]
        return lines

    return change


def _records(folder, run):
    """Verdicts and counts, each in one place alone."""
    name = folder.relative_to(run).as_posix()
    record = json.loads((folder / "record.json").read_bytes()) if (folder / "record.json").exists() else None
    if record is None:
        return
    place = f"{name}/record.json"
    yield Tampering(f"verdict of {place}", _json(place, _worse("verdict")), folder.name)
    yield Tampering(f"ending of {place}", _json(place, _set("ending", "error")), folder.name)
    for row in record["requirements"]:
        yield Tampering(f"{row} in {place}", _json(place, _worse("requirements", row)), folder.name)
        yield Tampering(f"{row} out of {place}", _json(place, _out("requirements", row)), folder.name)
    for number, one in enumerate(record["judgements"]):
        yield Tampering(
            f"judgement {number} of {place}",
            _json(place, _worse("judgements", number, "verdict")),
            folder.name,
        )
        for key in one["rule"]:
            if isinstance(one["rule"][key], float):
                more = _more("judgements", number, "rule", key)
                yield Tampering(f"{key} of judgement {number} of {place}", _json(place, more), folder.name)
    for key in _NUMBERS:
        yield Tampering(f"{key} of {place}", _json(place, _more(key)), folder.name)


def _json(name, change):
    def do(run):
        data = json.loads((run / name).read_bytes())
        change(data)
        (run / name).write_text(json.dumps(data, indent=1))

    return do


def _at(data, path):
    for step in path[:-1]:
        data = data[step]
    return data, path[-1]


def _worse(*path):
    def change(data):
        holder, key = _at(data, path)
        holder[key] = WORSE.get(holder[key], "fail")

    return change


def _set(key, value):
    return lambda data: data.update({key: value})


def _out(*path):
    def change(data):
        holder, key = _at(data, path)
        del holder[key]

    return change


def _more(*path):
    def change(data):
        holder, key = _at(data, path)
        holder[key] += 1

    return change


def _forged(folder, run, drawn, each):
    """By somebody who knows the bench: what is altered is numbered and digested anew."""
    name = folder.relative_to(run).as_posix()
    lines = (folder / "timeline.jsonl").read_text().splitlines()
    seen = [json.loads(line) for line in lines]
    witnessed = [
        at
        for at, o in enumerate(seen)
        if o["witness"] in ("wire", "console", "syslog", "pbx", "station")
        and o["content"]["kind"]
        in ("sip", "event", "screen", "console_line", "syslog", "pbx_event", "station_said")
        and not (o["witness"] == "station" and o["content"].get("transport") == "TLS")
    ]
    for at in drawn.sample(witnessed, min(each * 2, len(witnessed))):
        what = f"{seen[at]['witness']} {seen[at]['content']['kind']} ({at}) of {name}"
        yield Tampering(f"{what} out, forged", _retold(name, _without(at)), folder.name)
        yield Tampering(f"{what} later, forged", _retold(name, _later(at)), folder.name)
        if text := next((k for k, v in seen[at]["content"].items() if k in _TEXTS and v), ""):
            yield Tampering(f"{text} of {what}, forged", _retold(name, _told(at, text)), folder.name)
    record = json.loads((folder / "record.json").read_bytes()) if (folder / "record.json").exists() else None
    for number, one in enumerate(record["judgements"] if record else ()):
        if one["rule"]["kind"] in ("occurs", "absent") and one["verdict"] in ("pass", "fail"):
            yield Tampering(
                f"judgement {number} of {name} everywhere", _forged_verdict(name, number), folder.name
            )


_TEXTS = ("name", "text", "details", "method", "reason", "call_id")


def _retold(folder, change):
    def do(run):
        path = run / folder / "timeline.jsonl"
        kept = change([json.loads(line) for line in path.read_text().splitlines()])
        path.write_text("".join(json.dumps(o | {"seq": seq}) + "\n" for seq, o in enumerate(kept)))
        _digested(run / folder)

    return do


def _digested(folder):
    if (folder / DIGESTS).exists():
        write_digests(folder)


def _later(at):
    def change(seen):
        seen[at]["time"] += 0.25
        return seen

    return change


def _told(at, key):
    def change(seen):
        seen[at]["content"][key] += "x"
        return seen

    return change


def _forged_verdict(folder, number):
    """A verdict turned round in the judgements, the record and run.json, each folded anew."""

    def do(run):
        place = run / folder
        record = json.loads((place / "record.json").read_bytes())
        judgement = record["judgements"][number]
        row, verdict = judgement["requirement"], WORSE[judgement["verdict"]]
        judgement["verdict"] = verdict
        lines = (place / "judgements.jsonl").read_text().splitlines()
        lines[number] = json.dumps(json.loads(lines[number]) | {"verdict": verdict})
        (place / "judgements.jsonl").write_text("\n".join(lines) + "\n")
        of_row = [j["verdict"] for j in record["judgements"] if j["requirement"] == row]
        record["requirements"][row] = "fail" if "fail" in of_row else verdict
        record["verdict"] = "fail" if "fail" in record["requirements"].values() else "pass"
        (place / "record.json").write_text(json.dumps(record))
        data = json.loads((run / "run.json").read_bytes())
        for entry in data["scenarios"]:
            if entry["evidence"]["folder"] == folder:
                entry["verdict"], entry["requirements"] = record["verdict"], record["requirements"]
                entry["judgements"][number]["verdict"] = verdict
        (run / "run.json").write_text(json.dumps(data))
        _digested(place)

    return do


def _folders(run, folders, other):
    names = [path.relative_to(run).as_posix() for path in folders]
    for number, name in enumerate(names):
        last = name.rpartition("/")[2]
        yield Tampering(f"{name} removed", lambda run, n=name: shutil.rmtree(run / n), last)
        yield Tampering(f"{name} renamed", lambda run, n=name: (run / n).rename(run / f"{n}x"), last)
        yield Tampering(
            f"{name} copied", lambda run, n=name: shutil.copytree(run / n, run / f"{n}.attempt-9"), last
        )
        yield Tampering(f"{name} a link", _linked_folder(name), last)
        two = names[(number + 1) % len(names)]
        if two != name:
            yield Tampering(f"{name} and {two} exchanged", _swapped(name, two), last)
            for file in (
                "capture.pcapng",
                "timeline.jsonl",
                "judgements.jsonl",
                "record.json",
                "console.log",
            ):
                if (run / name / file).exists() and (run / two / file).exists():
                    yield Tampering(
                        f"{file} of {name} and {two} exchanged",
                        _swapped(f"{name}/{file}", f"{two}/{file}"),
                        last,
                    )
        if other is not None and (other / name).exists():
            yield Tampering(f"{name} of another run", _taken(name, other), last)
            for file in ("capture.pcapng", "timeline.jsonl", "record.json", "pbx.log"):
                if (other / name / file).exists():
                    yield Tampering(f"{file} of {name} of another run", _taken(f"{name}/{file}", other), last)


def _linked_folder(name):
    def do(run):
        outside = run.parent / "outside-folder"
        shutil.rmtree(outside, ignore_errors=True)
        (run / name).rename(outside)
        (run / name).symlink_to(outside)

    return do


def _swapped(one, two):
    def do(run):
        (run / one).rename(run / "between")
        (run / two).rename(run / one)
        (run / "between").rename(run / two)

    return do


def _taken(name, other):
    def do(run):
        if (run / name).is_dir():
            shutil.rmtree(run / name)
            shutil.copytree(other / name, run / name)
        else:
            shutil.copyfile(other / name, run / name)

    return do


def _of_the_run(run, other):
    data = json.loads((run / "run.json").read_bytes())

    def edited(name, change):
        return Tampering(f"{name} of run.json", _json("run.json", change), "run.json")

    yield edited("verdict", _worse("verdict"))
    yield edited("started", lambda data: data.update(started=data["ended"] + 1e6))
    yield edited("unplayed", lambda data: data.update(unplayed=["test_x.test_y"], interrupted=False))
    for number, entry in enumerate(data["scenarios"]):
        one = ("scenarios", number)
        yield edited(f"verdict of {entry['id']}", _worse(*one, "verdict"))
        yield edited(f"{entry['id']} out", _out(*one))
        yield edited(
            f"{entry['id']} twice",
            lambda data, n=number: data["scenarios"].append(dict(data["scenarios"][n])),
        )
        for key in _NUMBERS:
            yield edited(f"{key} of {entry['id']}", _more(*one, key))
        for row in entry["requirements"]:
            yield edited(f"{row} of {entry['id']}", _worse(*one, "requirements", row))
        for place, _ in enumerate(entry["judgements"]):
            yield edited(f"judgement {place} of {entry['id']}", _worse(*one, "judgements", place, "verdict"))
        for place, _ in enumerate(entry["measurements"]):
            yield edited(f"measurement {place} of {entry['id']}", _more(*one, "measurements", place, "value"))
    judged = {row for entry in data["scenarios"] for row in entry["requirements"]}
    for row in sorted(judged):
        yield edited(f"row {row}", _worse("requirements", row, "verdict"))
        yield edited(f"row {row} out", _out("requirements", row))
        yield edited(
            f"scenarios of row {row}", lambda data, r=row: data["requirements"][r]["scenarios"].pop()
        )
    for path in sorted(path for path in run.iterdir() if path.is_file() and path.name != "run.json"):
        yield Tampering(f"{path.name} edited", _flip(path.name, 0, 1), path.name, recomputed=False)
        yield Tampering(
            f"{path.name} removed", lambda run, n=path.name: (run / n).unlink(), path.name, recomputed=False
        )
    yield Tampering("a file added", lambda run: (run / "more").write_text("x"), "more", recomputed=False)
    if other is not None:
        yield Tampering("run.json of another run", _taken("run.json", other), "run.json")
