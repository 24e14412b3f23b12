"""Tamperings with a sealed run by kind, drawn by a seed: what others would try besides.

``KINDS`` has for each kind a function that yields tamperings without end, or as many as there are. Those who
know the bench renew digests, seals and lists of seals too.
"""

import base64
import hashlib
import itertools
import json
import os
import random
import shutil
import struct
from pathlib import Path

from tamperings_of_evidence import Tampering, _digested, _flip, _json, _relined, _worse

from intercom_hil.seal import Change
from intercom_hil.seal.envelope import PAYLOAD_TYPE, pae
from intercom_hil.seal.sealing import JUDGED

LOOKALIKES = str.maketrans("aceopxyi", "асеорхуі")
BESIDE = ("summary.md", "results.csv", "junit.xml", "report.html", "basis.json")
EVIDENCE = (".jsonl", ".pcapng", ".log", ".times")


def drawn(run, other, key, seed, each):
    """Yield some tamperings of every kind, with the name of the kind."""
    for number, (kind, made) in enumerate(KINDS.items()):
        found = made(_Run(run, other, key), random.Random(1000 * seed + number))
        for tampering in itertools.islice(found, each):
            yield kind, tampering


class _Run:
    """What there is to tamper with in a run."""

    def __init__(self, path, other, key):
        self.path, self.other, self.key = path, other, key
        self.files = sorted(
            p for p in path.rglob("*") if p.is_file() and p.relative_to(path).parts[0] != "seals"
        )
        self.folders = sorted(p for p in (path / "scenarios").iterdir() if (p / "timeline.jsonl").exists())
        self.seals = sorted((path / "seals").glob("*.intoto.json"))

    def name(self, path):
        return path.relative_to(self.path).as_posix()

    def of_evidence(self, *endings):
        """Files in folders of scenarios that the recomputation covers: by digest or by content."""
        return [
            p
            for folder in self.folders
            for p in sorted(folder.rglob("*"))
            if p.is_file()
            and (p.suffix in endings if endings else p.name != "files.sha256")
            and p.stat().st_size
        ]


def _within(run, path):
    return path.is_relative_to(run.path / "scenarios") and path.name != "record.json"


def a_byte_of_each_sort_of_file(run, rng):
    by_sort = {}
    for path in run.files:
        if path.stat().st_size:
            by_sort.setdefault((path.suffix, path.name if path.suffix == ".json" else ""), []).append(path)
    while True:
        for paths in by_sort.values():
            path = rng.choice(paths)
            at = rng.randrange(path.stat().st_size)
            yield Tampering(
                f"a bit of {run.name(path)} at {at}",
                _flip(run.name(path), at, 1 << rng.randrange(8)),
                path.name,
                recomputed=_within(run, path),
            )


def headers_of_a_capture(run, rng):
    """Within the first blocks of the file: section, interface, their options."""
    while True:
        path = rng.choice(run.of_evidence(".pcapng"))
        at = rng.randrange(120)
        yield Tampering(
            f"byte {at} of {run.name(path)}", _flip(run.name(path), at, 1 << rng.randrange(8)), path.name
        )


def times_in_a_capture(run, rng):
    """The time of one packet that carries SIP, and nothing else; digests and seal are made anew."""
    while True:
        path = rng.choice(run.of_evidence(".pcapng"))
        places = _sip_packets(path.read_bytes())
        if not places:
            continue
        at, by = rng.choice(places), rng.choice((-200_000, 1000, 40_000))

        name = run.name(path)

        def do(copy, name=name, at=at, by=by):
            data = bytearray((copy / name).read_bytes())
            high, low = struct.unpack_from("<II", data, at + 12)
            time = (high << 32 | low) + by
            struct.pack_into("<II", data, at + 12, time >> 32, time & 0xFFFFFFFF)
            (copy / name).write_bytes(data)
            _digested((copy / name).parent)

        yield Tampering(f"the time of the packet at {at} of {run.name(path)}", do, path.name)


def _sip_packets(data):
    places, at = [], 0
    while at + 12 <= len(data):
        kind, size = struct.unpack_from("<II", data, at)
        if kind == 6 and b"SIP/2.0\r\n" in data[at : at + size] and b"Call-ID" in data[at : at + size]:
            places.append(at)
        at += size
    return places


def bytes_behind_the_end(run, rng):
    while True:
        path = rng.choice(run.files)
        data = rng.choice((b"\n", b" ", b"\0", b"\r\n", b"<!-- -->", b"{}\n"))
        name = run.name(path)
        yield Tampering(
            f"{data!r} behind {name}", _append(name, data), path.name, recomputed=_within(run, path)
        )


def _append(name, data):
    return lambda copy: (copy / name).write_bytes((copy / name).read_bytes() + data)


def json_written_otherwise(run, rng):
    """Another order of keys, other spaces, escapes: the same to a parser, and not to a seal."""
    files = [p for p in run.files if p.suffix == ".json" and p.stat().st_size > 10 and _is_json(p)]
    ways = (
        lambda value: json.dumps(value, sort_keys=True, indent=1),
        lambda value: json.dumps(value, indent=3),
        lambda value: json.dumps(value, separators=(",", ":")) + "\n",
        lambda value: json.dumps(value, ensure_ascii=True, indent=1) + "\n\n",
    )
    while True:
        path, way = rng.choice(files), rng.choice(ways)

        name = run.name(path)

        def do(copy, name=name, way=way):
            (copy / name).write_text(way(json.loads((copy / name).read_bytes())))

        yield Tampering(f"{run.name(path)} written otherwise", do, path.name, recomputed=False)


def _is_json(path):
    try:
        return isinstance(json.loads(path.read_bytes()), dict)
    except ValueError:
        return False


def fields_that_stand_twice(run, rng):
    """``"verdict": "pass"`` before the true one: some readers take the first, ours takes the last."""
    files = [run.path / "run.json", *(f / n for f in run.folders for n in ("record.json", "timeline.jsonl"))]
    while True:
        path = rng.choice(files)
        lines = path.suffix == ".jsonl"

        name = run.name(path)

        def do(copy, name=name, lines=lines):
            text = (copy / name).read_text()
            key = '"seq":' if lines else '"verdict":'
            first = '"seq": 7, ' if lines else '"verdict": "fail", '
            (copy / name).write_text(text.replace(key, first + key, 1))
            _digested((copy / name).parent)

        yield Tampering(f"a field twice in {run.name(path)}", do, path.name)


def letters_that_look_alike(run, rng):
    """A letter of another script in the place of one that looks the same, in a file or in a name."""
    texts = [
        p for p in run.files if p.suffix in (".json", ".jsonl", ".html", ".md", ".csv") and p.stat().st_size
    ]
    while True:
        path = rng.choice(texts)
        name = run.name(path)
        if rng.random() < 0.3:
            other = path.with_name(path.name.translate(LOOKALIKES))
            yield Tampering(
                f"{name} renamed to look alike",
                _moved(name, run.name(other)),
                path.name,
                recomputed=False,
            )
            continue
        text = path.read_text(errors="surrogateescape")
        places = [at for at, char in enumerate(text[:200_000]) if char in "aceopxyi"]
        if not places:
            continue
        at = rng.choice(places)

        def do(copy, n=name, at=at):
            text = (copy / n).read_text(errors="surrogateescape")
            altered = text[:at] + text[at].translate(LOOKALIKES) + text[at + 1 :]
            (copy / n).write_text(altered, errors="surrogateescape")

        yield Tampering(f"letter {at} of {name}", do, path.name, recomputed=_within(run, path))


def _moved(old, new):
    return lambda copy: (copy / old).rename(copy / new)


def links(run, rng):
    """A link where a file or a folder was, to the very content; and one to another file of the run."""
    while True:
        path = rng.choice(run.files)
        target = rng.choice(run.files)

        name = run.name(path)
        target = run.name(target)
        outside = rng.random() < 0.5

        def do(copy, name=name, target=target, outside=outside):
            if outside:
                kept = copy.parent / "outside"
                kept.unlink(missing_ok=True)
                (copy / name).rename(kept)
                (copy / name).symlink_to(kept)
            else:
                (copy / name).unlink()
                (copy / name).symlink_to(os.path.relpath(copy / target, (copy / name).parent))

        yield Tampering(f"{run.name(path)} made a link", do, path.name, recomputed=False)


def a_hard_link_that_is_written_through(run, rng):
    """A second name outside for a file of the run, by which it is altered."""
    while True:
        path = rng.choice(run.of_evidence(*EVIDENCE))

        name = run.name(path)

        def do(copy, name=name):
            outside = copy.parent / "second-name"
            outside.unlink(missing_ok=True)
            outside.hardlink_to(copy / name)
            with outside.open("r+b") as file:
                first = file.read(1)
                file.seek(0)
                file.write(bytes([first[0] ^ 1]))
            outside.unlink()

        yield Tampering(f"{run.name(path)} written through another name", do, path.name)


def manifests(run, rng):
    """The seals: as JSON that means the same, their signatures, their lists."""
    ways = {
        "spaces": lambda data: json.dumps(data, indent=2) + "\n",
        "another order": lambda data: json.dumps(dict(sorted(data.items(), reverse=True)), indent=1) + "\n",
        "no end of line": lambda data: json.dumps(data, indent=1),
        "a field more": lambda data: json.dumps({**data, "note": ""}, indent=1) + "\n",
        "a signature more": lambda data: (
            json.dumps({**data, "signatures": [*data["signatures"], {"keyid": "", "sig": "AAAA"}]}, indent=1)
            + "\n"
        ),
        "no signature": lambda data: json.dumps({**data, "signatures": []}, indent=1) + "\n",
        "another key id": lambda data: json.dumps(_keyed(data), indent=1) + "\n",
        "payload in other words": lambda data: json.dumps(_reworded(data), indent=1) + "\n",
        "base64 with a line end": lambda data: (
            json.dumps({**data, "payload": data["payload"] + "\n"}, indent=1) + "\n"
        ),
    }
    while True:
        seal, (how, way) = rng.choice(run.seals), rng.choice(list(ways.items()))

        name = run.name(seal)
        listed = rng.random() < 0.5

        def do(copy, name=name, way=way, listed=listed):
            data = json.loads((copy / name).read_bytes())
            (copy / name).write_text(way(data))
            if listed:
                _listed(copy)

        yield Tampering(f"{run.name(seal)}: {how}", do, "seals/", recomputed=False)


def _keyed(data):
    return {**data, "signatures": [{**one, "keyid": "00" * 32} for one in data["signatures"]]}


def _reworded(data):
    payload = json.dumps(json.loads(base64.b64decode(data["payload"])), indent=1)
    return {**data, "payload": base64.b64encode(payload.encode()).decode()}


def _listed(copy):
    """Make the list of the digests of the seals anew."""
    lines = [
        f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.name}\n"
        for p in sorted((copy / "seals").iterdir())
        if p.name != "SHA256SUMS"
    ]
    (copy / "seals/SHA256SUMS").write_text("".join(lines))


def lists_of_seals(run, rng):
    """The list of digests: line ends, order, doubled lines, a line more or less, another digest."""
    ways = (
        lambda lines: [*lines, lines[-1]],
        lambda lines: lines[1:],
        lambda lines: [line.replace("\n", "\r\n") for line in lines],
        lambda lines: [line.replace("  ", " *") for line in lines],
        lambda lines: [*lines, "\n"],
        lambda lines: [*lines, f"{'ab' * 32}  0009-report.intoto.json\n"],
        lambda lines: [line.upper() for line in lines],
        lambda lines: ["".join(lines)[:-1]],
        lambda lines: [lines[0].replace(lines[0][0], "0" if lines[0][0] != "0" else "1", 1), *lines[1:]],
    )
    for way in rng.sample(ways, len(ways)):
        yield Tampering(
            "seals/SHA256SUMS written otherwise",
            lambda copy, way=way: _rewritten(copy / "seals/SHA256SUMS", way),
            "seals/",
            recomputed=False,
        )


def _rewritten(path, way):
    path.write_text("".join(way(path.read_text().splitlines(keepends=True))), newline="")


def made_with_another_key(run, rng):
    """An edit, and the last seal made anew of what there is then, with another key or without."""
    while True:
        folder = rng.choice(run.folders)
        how = rng.choice(("another key", "no key", "the old signature"))

        name = run.name(folder)

        def do(copy, name=name, how=how):
            record = copy / name / "record.json"
            _json(f"{name}/record.json", _worse("verdict"))(copy)
            last = sorted((copy / "seals").glob("*.intoto.json"))[-1]
            data = json.loads(last.read_bytes())
            statement = json.loads(base64.b64decode(data["payload"]))
            for subject in statement["subject"]:
                if subject["name"] == record.relative_to(copy).as_posix():
                    subject["digest"]["sha256"] = hashlib.sha256(record.read_bytes()).hexdigest()
            payload = json.dumps(statement, separators=(",", ":")).encode()
            data["payload"] = base64.b64encode(payload).decode()
            if how == "no key":
                data["signatures"] = []
            elif how == "another key":
                signature = run.key.sign(pae(PAYLOAD_TYPE, payload))
                data["signatures"][0]["sig"] = base64.b64encode(signature).decode()
            last.write_text(json.dumps(data, indent=1) + "\n")
            _listed(copy)

        yield Tampering(
            f"record.json of {folder.name} and its seal: {how}", do, f"not signed with this key|{folder.name}"
        )


def sealed_again(run, rng):
    """Folders swapped, a verdict turned, a line taken out, and all sealed from new without the key."""
    while True:
        folder, partner = rng.choice(run.folders), rng.choice(run.folders)
        name, two = run.name(folder), run.name(partner)
        how = rng.choice(("swapped", "verdict", "line", "record"))
        if how == "swapped" and name == two:
            continue

        at = rng.randrange(1 << 30)

        def do(copy, name=name, two=two, how=how, at=at):
            if how == "swapped":
                (copy / name).rename(copy / "between")
                (copy / two).rename(copy / name)
                (copy / "between").rename(copy / two)
            elif how == "verdict":
                _json("run.json", _worse("scenarios", 0, "verdict"))(copy)
            elif how == "record":
                _json(f"{name}/record.json", _worse("verdict"))(copy)
            else:
                file = f"{name}/timeline.jsonl"
                count = (copy / file).read_bytes().count(b"\n")
                _relined(file, lambda lines: lines[: at % count] + lines[at % count + 1 :])(copy)
                _digested(copy / name)
            shutil.rmtree(copy / "seals")
            with Change.begin(copy, "run", JUDGED) as change:
                change.finish(None)

        named = "run.json" if how == "verdict" else folder.name
        yield Tampering(f"{how} {folder.name}, and sealed again", do, f"not signed with this key|{named}")


def folders_renamed(run, rng):
    ways = (
        lambda folder: folder.with_name(f"{folder.name}.attempt-2"),
        lambda folder: folder.with_name(folder.name.upper()),
        lambda folder: folder.with_name(folder.name + " "),
        lambda folder: folder.with_name(folder.name.translate(LOOKALIKES)),
        lambda folder: folder.parents[1] / folder.name,
    )
    while True:
        folder, way = rng.choice(run.folders), rng.choice(ways)

        old = run.name(folder)
        new = run.name(way(folder))

        def do(copy, old=old, new=new):
            (copy / old).rename(copy / new)

        yield Tampering(f"{folder.name} renamed", do, folder.name)


def attempts_and_scenarios_taken_out(run, rng):
    """A scenario without a trace: folder, entry of run.json, and what its rows say of it."""
    while True:
        folder = rng.choice(run.folders)

        name = run.name(folder)
        whole = rng.random() < 0.7

        def do(copy, name=name, whole=whole):
            shutil.rmtree(copy / name)
            data = json.loads((copy / "run.json").read_bytes())
            gone = [one["id"] for one in data["scenarios"] if one["evidence"]["folder"] == name]
            data["scenarios"] = [one for one in data["scenarios"] if one["evidence"]["folder"] != name]
            for row in data["requirements"].values() if whole else ():
                row["scenarios"] = [one for one in row["scenarios"] if one not in gone]
            (copy / "run.json").write_text(json.dumps(data, indent=1))

        yield Tampering(f"{folder.name} taken out everywhere", do, folder.name, recomputed=False)


def numbers_of_the_run(run, rng):
    """Each number of run.json, wherever it stands, by a little."""
    data = json.loads((run.path / "run.json").read_bytes())
    places = list(_numbers(data))
    while True:
        place = rng.choice(places)

        def change(data, place=place):
            holder = data
            for step in place[:-1]:
                holder = holder[step]
            holder[place[-1]] += 1

        yield Tampering(
            f"{'.'.join(map(str, place))} of run.json",
            _json("run.json", change),
            "run.json",
            recomputed=False,
        )


def _numbers(value, place=()):
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        if isinstance(item, int | float) and not isinstance(item, bool):
            yield (*place, key)
        yield from _numbers(item, (*place, key))


def reports_altered(run, rng):
    """A word of a report, its ending, or one of another run."""
    reports = [p for p in (run.path / name for name in BESIDE) if p.exists()]
    while True:
        path = rng.choice(reports)
        theirs = run.other / path.name
        way = rng.choice(("word", "end", "other"))
        if way == "other" and (not theirs.exists() or theirs.read_bytes() == path.read_bytes()):
            continue

        def do(copy, name=path.name, way=way, theirs=theirs):
            data = (copy / name).read_bytes()
            if way == "other":
                shutil.copyfile(theirs, copy / name)
            elif way == "end":
                (copy / name).write_bytes(data[:-1])
            else:
                (copy / name).write_bytes(data.replace(b"a", b"A", 1))

        yield Tampering(f"{path.name}: {way}", do, path.name, recomputed=False)


def of_another_run(run, rng):
    """Files and folders of another run of the same scenarios."""
    shared = [p for p in run.files if (run.other / p.relative_to(run.path)).is_file()]
    shared = [p for p in shared if (run.other / p.relative_to(run.path)).read_bytes() != p.read_bytes()]
    while True:
        path = rng.choice(shared)
        name = run.name(path)
        yield Tampering(
            f"{name} of another run",
            lambda copy, name=name: shutil.copyfile(run.other / name, copy / name),
            path.name,
            recomputed=path.name in ("capture.pcapng", "timeline.jsonl", "console.log", "record.json"),
        )


def added(run, rng):
    """A file, an empty folder or a hidden one more."""
    places = [run.path, *run.folders, run.path / "seals", run.path / "scenarios"]
    while True:
        name = rng.choice(
            (".hidden", "record.json.bak", "nachtrag.txt", "\u202egnp.exe", "media.keys", "x" * 200)
        )
        place, folder = rng.choice(places), rng.random() < 0.3
        path = place / name
        if path.exists():
            continue

        name = run.name(path)

        def do(copy, name=name, folder=folder):
            if folder:
                (copy / name).mkdir()
            else:
                (copy / name).write_text(name)

        yield Tampering(f"{run.name(path)} added", do, path.name, recomputed=False)


def taken_away(run, rng):
    while True:
        path = rng.choice([*run.files, *run.folders])

        name = run.name(path)

        def do(copy, name=name):
            shutil.rmtree(copy / name) if (copy / name).is_dir() else (copy / name).unlink()

        recomputed = path.is_dir() or (_within(run, path) and path.suffix in EVIDENCE)
        yield Tampering(f"{run.name(path)} removed", do, path.name, recomputed=recomputed)


def cut_short(run, rng):
    while True:
        path = rng.choice([p for p in run.files if p.stat().st_size > 1])
        keep = rng.choice((0, 1, path.stat().st_size // 2, path.stat().st_size - 1))
        name = run.name(path)
        yield Tampering(
            f"{name} cut to {keep} bytes",
            lambda copy, name=name, keep=keep: os.truncate(copy / name, keep),
            path.name,
            recomputed=_within(run, path),
        )


def lines(run, rng):
    """A line taken out, doubled or moved, numbered and digested anew where that is of use."""
    while True:
        path = rng.choice(run.of_evidence(".jsonl", ".log", ".times", ".csv"))
        count = path.read_bytes().count(b"\n")
        if count < 2:
            continue
        at = rng.randrange(count)
        how = rng.choice(("out", "twice", "up"))

        def change(lines, at=at, how=how):
            if how == "out":
                return lines[:at] + lines[at + 1 :]
            if how == "twice":
                return lines[: at + 1] + lines[at:]
            return [lines[at], *lines[:at], *lines[at + 1 :]]

        yield Tampering(f"line {at} of {run.name(path)} {how}", _relined(run.name(path), change), path.name)


def pictures_sounds_and_keys(run, rng):
    """What of a run is neither text nor packets."""
    found = [p for p in run.files if p.suffix in (".png", ".jpg", ".wav", ".keys", ".pcapng", ".raw", ".pdf")]
    while True:
        path = rng.choice(found)
        at = rng.randrange(path.stat().st_size)
        name = run.name(path)
        yield Tampering(
            f"bit of {name} at {at}", _flip(name, at, 1), path.name, recomputed=_within(run, path)
        )


KINDS = {
    made.__name__: made
    for made in (
        a_byte_of_each_sort_of_file,
        headers_of_a_capture,
        times_in_a_capture,
        bytes_behind_the_end,
        json_written_otherwise,
        fields_that_stand_twice,
        letters_that_look_alike,
        links,
        a_hard_link_that_is_written_through,
        manifests,
        lists_of_seals,
        made_with_another_key,
        sealed_again,
        folders_renamed,
        attempts_and_scenarios_taken_out,
        numbers_of_the_run,
        reports_altered,
        of_another_run,
        added,
        taken_away,
        cut_short,
        lines,
        pictures_sounds_and_keys,
    )
}


def untouched(run: Path, parent: Path):
    """Yield ways to have a run that nobody altered: copies of it, with what each was made by."""
    parent.mkdir(exist_ok=True)
    for name, do in _LAWFUL.items():
        copy = parent / name.replace(" ", "-")
        shutil.copytree(run, copy, copy_function=shutil.copy2)
        yield name, do(copy) or copy


def _touched(copy):
    for number, path in enumerate(sorted(copy.rglob("*"))):
        os.utime(path, (number, 2_000_000_000 - number))


def _moded(mode):
    def do(copy):
        for path in [copy, *copy.rglob("*")]:
            path.chmod(mode | 0o100 if path.is_dir() else mode)

    return do


def _renamed(copy):
    return copy.rename(copy.with_name("Gerät 7, 2. Lauf: ünïcode & 'quotes'"))


def _linked(copy):
    link = copy.with_name("latest")
    link.symlink_to(copy.name)
    return link


def _hard_linked(copy):
    for number, path in enumerate(sorted(path for path in copy.rglob("*") if path.is_file())):
        second = copy.parent / f"second-{number}"
        second.hardlink_to(path)


_LAWFUL = {
    "copied": lambda copy: None,
    "touched": _touched,
    "readable by all": _moded(0o644),
    "read-only": _moded(0o400),
    "renamed": _renamed,
    "named by a link": _linked,
    "with hard links": _hard_linked,
}
