"""Tamperings with a sealed run, many of each kind, each with the words that name it.

A tampering is done to a copy of the run. It has the kinds of which `verify` must name one, and the file or
folder that must be named with it.
"""

import base64
import hashlib
import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from small_run import folder_of, seal

KEPT_APART = "seals"


class Pristine:
    """A run as it was, and a copy of it that is made so again: quicker than a new copy each time."""

    def __init__(self, run, copy):
        self.copy = copy
        shutil.copytree(run, copy)
        self._files = {
            path.relative_to(copy): path.read_bytes() for path in copy.rglob("*") if path.is_file()
        }
        self._folders = {path.relative_to(copy) for path in copy.rglob("*") if path.is_dir()}

    def restore(self):
        """Make the copy as it was."""
        found = {}
        for path in sorted(self.copy.rglob("*"), reverse=True):
            name = path.relative_to(self.copy)
            if path.is_symlink() or not (path.is_dir() or path.is_file()):
                path.unlink()
            elif path.is_dir():
                if name not in self._folders:
                    path.rmdir()
            elif name in self._files:
                found[name] = path.read_bytes()
            else:
                path.unlink()
        for name in sorted(self._folders):
            (self.copy / name).mkdir(exist_ok=True)
        for name, content in self._files.items():
            if found.get(name) != content:
                (self.copy / name).write_bytes(content)


@dataclass(frozen=True)
class Tampering:
    """One tampering: its name, what it does, and which kinds and place it must be named by."""

    name: str
    do: Callable[[Path], None]
    kinds: tuple[str, ...]
    place: str


def files(run):
    """Every file but the seals, by name."""
    found = (path for path in sorted(run.rglob("*")) if path.is_file())
    return [p.relative_to(run).as_posix() for p in found if p.relative_to(run).parts[0] != KEPT_APART]


def every(run, other, forged_key) -> Iterator[Tampering]:
    """Yield the tamperings of a run.

    Args:
        run: the sealed run, which stays as it is.
        other: another one, sealed too.
        forged_key: a key that is not the one it was signed with.
    """
    yield from _bytes(run)
    yield from _lines(run)
    yield from _files(run, other)
    yield from _folders(run, other)
    yield from _verdicts(run)
    yield from _seals(run, other, forged_key)


def _bytes(run):
    drawn = random.Random(7)
    for name in files(run):
        size = (run / name).stat().st_size
        for place in sorted({0, drawn.randrange(size)} if size else ()):
            yield Tampering(f"a bit of {name} at {place}", _flip(name, place), CHANGED, name)
        if size > 1 and "superseded" not in name:
            yield Tampering(f"{name} emptied", _cut(name, 0), ("emptied",), name)
            yield Tampering(f"half of {name} cut off", _cut(name, size // 2), ("truncated",), name)
            yield Tampering(f"the last byte of {name} cut off", _cut(name, size - 1), CUT, name)
        grown = ("filled",) if not size else ("lengthened", "lines added", "edited")
        yield Tampering(f"a line put behind {name}", _append(name, b"one more\n"), grown, name)


CHANGED = ("edited",)
CUT = ("truncated", "edited")


def _flip(name, place):
    def do(run):
        data = bytearray((run / name).read_bytes())
        data[place] ^= 0x01
        (run / name).write_bytes(data)

    return do


def _cut(name, size):
    return lambda run: os.truncate(run / name, size)


def _append(name, data):
    return lambda run: (run / name).write_bytes((run / name).read_bytes() + data)


def _lines(run):
    for number in range(2):
        name = (folder_of(run, number) / "timeline.jsonl").relative_to(run).as_posix()
        for place in (0, 17, 39):
            yield Tampering(
                f"line {place + 1} of {name} taken out",
                _relined(name, lambda lines, at=place: lines[:at] + lines[at + 1 :]),
                ("lines removed", "truncated"),
                name,
            )
            yield Tampering(
                f"line {place + 1} of {name} doubled",
                _relined(name, lambda lines, at=place: lines[: at + 1] + lines[at:]),
                ("lines added", "lengthened"),
                name,
            )
        for one, two in ((0, 1), (3, 30)):
            yield Tampering(
                f"lines {one + 1} and {two + 1} of {name} exchanged",
                _relined(name, lambda lines, a=one, b=two: _exchanged(lines, a, b)),
                ("reordered",),
                name,
            )
        yield Tampering(f"{name} backwards", _relined(name, lambda lines: lines[::-1]), ("reordered",), name)


def _relined(name, change):
    def do(run):
        lines = (run / name).read_bytes().splitlines(keepends=True)
        (run / name).write_bytes(b"".join(change(lines)))

    return do


def _exchanged(items, a, b):
    items = list(items)
    items[a], items[b] = items[b], items[a]
    return items


def _files(run, other):
    for name in files(run):
        place = "superseded/" if name.startswith("superseded/") else name  # where it is alone in its folder
        yield Tampering(f"{name} removed", lambda run, n=name: (run / n).unlink(), ("removed",), place)
        if (run / name).stat().st_size:
            yield Tampering(
                f"{name} renamed",
                lambda run, n=name: (run / n).rename(run / f"{n}.old"),
                ("renamed",),
                name,
            )
            yield Tampering(f"{name} from another run", _taken(name, other), CHANGED, name)
        yield Tampering(f"{name} made a link to its copy", _linked(name), ("link",), name)
    odd = {
        "a file with a line end in its name": "evil\nUNTOUCHED",
        "a file that looks like a path": "..%2fescape",
        "a hidden file": ".hidden",
        "a name that moves text": "a\u202etxt.exe",
        "a file in a folder of its own": "scenarios/one more/record.json",
        "a name that is not UTF-8": os.fsdecode(b"bad\xff\xfename"),
        "a file among the seals": "seals/note.txt",
        "a second list of digests": "seals/SHA256SUMS.old",
    }
    for name, path in odd.items():
        place = path.split("/")[0] if path.startswith("seals") else ""
        yield Tampering(f"{name} added", _added(path), ("added",), place)
    yield Tampering("an empty file added", _added("nothing", b""), ("added",), "nothing")
    yield Tampering("an empty folder added", lambda run: (run / "void").mkdir(), ("added",), "void/")
    yield Tampering("a link added", lambda run: (run / "way").symlink_to("/etc/passwd"), ("link",), "way")
    yield Tampering("a link to nowhere", lambda run: (run / "way").symlink_to("nowhere"), ("link",), "way")
    yield Tampering("a link to itself", lambda run: (run / "loop").symlink_to("."), ("link",), "loop")
    yield Tampering("a pipe added", lambda run: os.mkfifo(run / "pipe"), ("no file",), "pipe")
    one, two = (f"{folder_of(run, n).relative_to(run).as_posix()}/timeline.jsonl" for n in (0, 1))
    yield Tampering(
        "a file over another", lambda run: shutil.copyfile(run / one, run / two), ("replaced",), two
    )
    yield Tampering("two files exchanged", _swapped(one, two), ("swapped",), one)


def _taken(name, other):
    return lambda run: shutil.copyfile(other / name, run / name)


def _linked(name):
    def do(run):
        (run / name).rename(run.parent / "outside")
        (run / name).symlink_to(run.parent / "outside")

    return do


def _added(path, data=b"more\n"):
    def do(run):
        (run / path).parent.mkdir(exist_ok=True)
        (run / path).write_bytes(data)

    return do


def _swapped(one, two):
    def do(run):
        (run / one).rename(run / "between")
        (run / two).rename(run / one)
        (run / "between").rename(run / two)

    return do


def _folders(run, other):
    names = [folder_of(run, number).relative_to(run).as_posix() for number in range(4)]
    for one in names:
        yield Tampering(f"{one} removed", lambda run, n=one: shutil.rmtree(run / n), ("removed",), f"{one}/")
        yield Tampering(
            f"{one} renamed", lambda run, n=one: (run / n).rename(run / f"{n}x"), ("renamed",), f"{one}/"
        )
        yield Tampering(f"{one} from another run", _folder_taken(one, other), CHANGED, f"{one}/")
        yield Tampering(f"{one} copied", _folder_copied(one), ("added",), f"{one}.attempt-2/")
        for two in names:
            if one < two:
                yield Tampering(f"{one} and {two} exchanged", _swapped(one, two), ("swapped",), f"{one}/")


def _folder_taken(name, other):
    def do(run):
        shutil.rmtree(run / name)
        shutil.copytree(other / name, run / name)

    return do


def _folder_copied(name):
    return lambda run: shutil.copytree(run / name, run / f"{name}.attempt-2")


def _verdicts(run):
    data = json.loads((run / "run.json").read_text())
    for place, scenario in enumerate(data["scenarios"]):
        for verdict in ("pass", "fail", "error", "not applicable"):
            if verdict != scenario["verdict"]:
                yield Tampering(
                    f"{scenario['id']} made {verdict}",
                    _judged(place, verdict),
                    ("verdict edited",),
                    "run.json",
                )
    yield Tampering("the run made a pass", _judged(None, "pass"), ("verdict edited",), "run.json")
    yield Tampering("a requirement made a pass", _row("OUT-02", "pass"), ("verdict edited",), "run.json")
    yield Tampering("a scenario taken out", _unjudged, ("verdict edited",), "run.json")
    record = f"{folder_of(run, 0).relative_to(run).as_posix()}/record.json"
    yield Tampering(
        "a record made a pass", _replaced(record, b'"verdict": "fail"', b'"verdict": "pass"'), CHANGED, record
    )


def _edited(change):
    def do(run):
        data = json.loads((run / "run.json").read_text())
        change(data)
        (run / "run.json").write_text(json.dumps(data, indent=1))

    return do


def _judged(place, verdict):
    return _edited(lambda data: (data if place is None else data["scenarios"][place]).update(verdict=verdict))


def _row(name, verdict):
    return _edited(lambda data: data["requirements"][name].update(verdict=verdict))


def _unjudged(run):
    _edited(lambda data: data["scenarios"].pop())(run)


def _replaced(name, old, new):
    def do(run):
        data = (run / name).read_bytes()
        assert old in data
        (run / name).write_bytes(data.replace(old, new))

    return do


def seals(run):
    """The seals of a run, in their order."""
    return sorted((run / "seals").glob("*.intoto.json"))


def _seals(run, other, forged_key):
    count = len(seals(run))
    for place, file in enumerate(seals(run)):
        name = f"seals/{file.name}"
        size = file.stat().st_size
        drawn = random.Random(place)
        for at in [0, size - 1, *(drawn.randrange(size) for _ in range(6))]:
            yield Tampering(f"a bit of {name} at {at}", _flip(name, at), SEAL, "seals/")
        yield Tampering(
            f"{name} removed", lambda run, n=name: (run / n).unlink(), ("seal removed",), "seals/"
        )
        yield Tampering(f"{name} emptied", _cut(name, 0), ("seal edited",), name)
        yield Tampering(f"{name} cut", _cut(name, size // 2), ("seal edited",), name)
        yield Tampering(f"{name} of another run", _taken(name, other), SEAL, "seals/")
        yield Tampering(f"{name} without its signature", _unsigned(name), SEAL, "seals/")
        yield Tampering(f"{name} signed by another", _signed(name, forged_key), SEAL, "seals/")
        yield Tampering(f"{name} with another time", _restated(name, b"20", b"19"), SEAL, "seals/")
        yield Tampering(f"{name} written otherwise", _replaced(name, b"\n", b"\n "), ("seal edited",), name)
        yield Tampering(
            f"{name} with more in it",
            _replaced(name, b'"payloadType"', b'"x": 1,\n "payloadType"'),
            ("seal edited",),
            name,
        )
    yield Tampering(
        "every seal removed", lambda run: shutil.rmtree(run / "seals"), ("seal removed",), "seals/"
    )
    yield Tampering(
        "the list of digests removed", lambda run: (run / "seals/SHA256SUMS").unlink(), ("removed",), "seals/"
    )
    yield Tampering(
        "the last seal and its digest removed",
        _rolled_back,
        ("removed", "added", "edited", "another digest"),
        "",
    )
    yield Tampering(
        "all seals of another run",
        _seals_taken(other),
        ("of another run", "not signed with this key"),
        "seal",
    )
    yield Tampering("seals in another order", _reordered, ("renamed", "edited"), "seals/")
    yield Tampering(f"a seal doubled as {count + 1}", _doubled, ("renamed", "added"), "seals/")
    yield Tampering("edited and sealed again", _laundered(None), ("altered without a seal",), "seals/")
    yield Tampering("edited and signed again", _laundered(forged_key), ("altered without a seal",), "seals/")
    yield Tampering("edited and sealed from new", _forged(None), ("not signed with this key",), "seals/")
    yield Tampering(
        "edited and signed from new", _forged(forged_key), ("not signed with this key",), "seals/"
    )


SEAL = ("seal edited", "edited", "chain broken", "of another run", "not signed with this key", "renamed")


def _envelope(change):
    def do(file):
        data = json.loads(file.read_text())
        change(data)
        file.write_text(json.dumps(data, indent=1) + "\n")

    return do


def _unsigned(name):
    return lambda run: _envelope(lambda data: data.update(signatures=[]))(run / name)


def _signed(name, key):
    def change(data):
        payload = base64.b64decode(data["payload"])
        kind = data["payloadType"]
        message = b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(payload), payload)
        data["signatures"][0]["sig"] = base64.b64encode(key.sign(message)).decode()

    return lambda run: _envelope(change)(run / name)


def _restated(name, old, new):
    def change(data):
        payload = base64.b64decode(data["payload"])
        start = payload.index(b'"created":"') + 11
        payload = payload[:start] + payload[start:].replace(old, new, 1)
        data["payload"] = base64.b64encode(payload).decode()

    return lambda run: _envelope(change)(run / name)


def _rolled_back(run):
    last = seals(run)[-1]
    last.unlink()
    sums = run / "seals/SHA256SUMS"
    sums.write_text("".join(line for line in sums.read_text().splitlines(True) if last.name not in line))


def _seals_taken(other):
    def do(run):
        shutil.rmtree(run / "seals")
        shutil.copytree(other / "seals", run / "seals")

    return do


def _reordered(run):
    first, *_, last = seals(run)
    _swapped(first.relative_to(run), last.relative_to(run))(run)


def _doubled(run):
    last = seals(run)[-1]
    shutil.copyfile(last, last.with_name("0009-report.intoto.json"))


def _altered(run):
    _replaced("run.json", b'"fail"', b'"pass"')(run)


def forgeries(run, key):
    """Yield what only a digest or a key shows: a run sealed from new, or brought back to an earlier seal."""
    yield Tampering("edited and sealed from new", _forged(key), ("another digest",), "seals/")
    yield Tampering("the last seal rolled back", _rolled_back_whole, ("another digest",), "seals/")


def rewritten(run, other):
    """Yield tamperings with the seals of a run that nobody signed."""
    for tampering in _seals(run, other, None):
        if "sign" not in tampering.name:
            kinds = (*tampering.kinds, "another digest")
            yield Tampering(tampering.name, tampering.do, kinds, "")


def _rolled_back_whole(run):
    """The run as it was before the last seal, with all that this one kept."""
    _rolled_back(run)
    kept = run / "superseded"
    number = sorted(kept.iterdir())[-1]
    for path in number.iterdir():
        path.rename(run / path.name)
    shutil.rmtree(kept)


def _laundered(key):
    """The bench's own commands do not cover an edit up."""

    def do(run):
        _altered(run)
        seal(run, "report", key)

    return do


def _forged(key):
    """Whoever seals an edited run from new has neither the key nor the digest."""

    def do(run):
        _altered(run)
        shutil.rmtree(run / "seals")
        seal(run, "run", key)

    return do


def digest_of(file):
    """The SHA-256 of a file, in hex."""
    return hashlib.sha256(file.read_bytes()).hexdigest()
