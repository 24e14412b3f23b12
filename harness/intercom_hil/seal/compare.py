"""What was done to the files of a sealed run, in words: each difference once, by what explains it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from intercom_hil.seal.pieces import Pieces, difference
from intercom_hil.seal.statement import Statement, facts_of, is_scenario
from intercom_hil.seal.tree import LINK, UNREADABLE, Tree

_MOST_VERDICTS = 20
"""Edited verdicts that are named."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it was sealed.

    Attributes:
        kind: what was done, in a word or two: ``edited``, ``truncated``, ``removed``, ``swapped``.
        place: the file, folder or seal.
        text: the rest, in words.
    """

    kind: str
    place: str
    text: str = ""

    def __str__(self) -> str:
        return f"{self.place}: {self.kind}{f', {self.text}' if self.text else ''}"


def changes(sealed: Statement, tree: Tree) -> list[Finding]:
    """Return how the files of a run differ from what a seal states."""
    was, now = sealed.files, tree.evidence
    missing = {name for name in was if name not in now and name not in tree.odd}
    extra = {name for name in now if name not in was}
    changed = {name for name in was if name in now and was[name].sha256 != now[name].sha256}
    found = _of_odd(sealed, tree, missing)
    missing = {name for name in missing if not any(folder in tree.odd for folder in _folders(name))}
    if foreign := _foreign(sealed, tree, len(changed) + len(missing)):
        found.append(foreign)
    swaps = _swaps(was, now, changed)
    changed -= {name for pair in swaps for name in pair}
    moved = _moves(was, now, missing, extra)
    missing -= moved.keys()
    extra -= set(moved.values())
    found += _of_swaps(swaps, moved)
    found += _of_moves(moved, was, now)
    places = defaultdict(list)
    for name, one in was.items():
        if one.size:
            places[one.sha256].append(name)
    for name in sorted(changed):
        elsewhere = places.get(now[name].sha256)
        if elsewhere:
            found.append(Finding("replaced", name, f"it has the content that was sealed as {elsewhere[0]}"))
        else:
            how = difference(was[name], now[name])
            found.append(Finding(how.kind, name, how.where))
    found += _whole_folders("removed", missing, now)
    found += _whole_folders("added", extra, was)
    gone, new = sealed.empty - tree.empty - tree.odd.keys(), tree.empty - sealed.empty
    found += [Finding("removed", f"{name}/", "a folder") for name in sorted(gone) if not _filled(name, now)]
    found += [
        Finding("added", f"{name}/", "an empty folder") for name in sorted(new) if not _filled(name, was)
    ]
    if "run.json" in changed:
        found += _verdicts(sealed, tree)
    return found


def unreadable(sealed: Statement, tree: Tree) -> list[str]:
    """Return the files that a seal states and that may not be read: of those nothing can be said."""
    return sorted(name for name, what in tree.odd.items() if what == UNREADABLE and name in sealed.files)


def _of_odd(sealed: Statement, tree: Tree, missing: set[str]) -> list[Finding]:
    """Name what is no regular file, and where it stands in the place of a whole folder."""
    found = []
    inside = Counter(folder for name in missing for folder in _folders(name) if folder in tree.odd)
    for name, what in sorted(tree.odd.items()):
        if sealed.odd.get(name) == what or name in unreadable(sealed, tree):
            continue
        kind = "link" if what == LINK else "added" if what == UNREADABLE else "no file"
        folder = f", and was a folder of {_files(inside[name])}" if name in inside else ""
        before = ", and was a file" if name in sealed.files else folder
        found.append(Finding(kind, name, f"it is {what}{before}"))
    for name in sorted(sealed.odd):
        if name not in tree.odd:
            found.append(
                Finding("edited" if name in tree.files else "removed", name, f"it was {sealed.odd[name]}")
            )
    return found


def _foreign(sealed: Statement, tree: Tree, differing: int) -> Finding | None:
    """Return that a seal is another run's, where nearly nothing fits it."""
    run = facts_of(tree)[0]
    names = {key: run.get(key) for key in ("name", "started")}
    if differing * 2 <= len(sealed.files) or all(
        sealed.run.get(key) == value for key, value in names.items()
    ):
        return None
    return Finding(
        "of another run", f"seal {sealed.number}", f"it was made for the run {sealed.run.get('folder')}"
    )


def _swaps(was: Mapping[str, Pieces], now: Mapping[str, Pieces], changed: set[str]) -> list[tuple[str, str]]:
    """Return pairs of files of which each has what the other had."""
    by_digest: dict[str, list[str]] = defaultdict(list)
    for name in sorted(changed):
        by_digest[was[name].sha256].append(name)
    pairs, taken = [], set()
    for name in sorted(changed):
        partners = [
            other
            for other in by_digest.get(now[name].sha256, ())
            if other not in taken and other != name and now[other].sha256 == was[name].sha256
        ]
        if name in taken or not partners:
            continue
        alike = [other for other in partners if _last(other) == _last(name)]
        other = (alike or partners)[0]
        taken |= {name, other}
        pairs.append((name, other))
    return pairs


def _of_swaps(pairs: list[tuple[str, str]], moved: dict[str, str]) -> list[Finding]:
    """Name the folders that were swapped where several files were, else the files.

    What only one of two such folders had has moved with the others, and is taken out of ``moved``.
    """
    folders: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for one, other in pairs:
        folders[_apart(one, other)].append((one, other))
    alone: dict[tuple[str, str], list[str]] = defaultdict(list)
    for old, new in moved.items():
        one, other = _apart(old, new)
        alone[min(one, other), max(one, other)].append(old)
    found = []
    for (one, other), inside in sorted(folders.items()):
        if one and len(inside) > 1:
            along = alone.get((min(one, other), max(one, other)), ())
            for name in along:
                del moved[name]
            text = f"it has {len(inside) + len(along)} files of {other}/, and that has its own"
            found.append(Finding("swapped", f"{one}/", text))
        else:
            found += [
                Finding("swapped", a, f"it has the content of {b}, and that has its own") for a, b in inside
            ]
    return found


def _of_moves(
    moved: Mapping[str, str], was: Mapping[str, Pieces], now: Mapping[str, Pieces]
) -> list[Finding]:
    """Name files that moved; where a whole folder of several did, only the folder."""
    folders: dict[tuple[str, str], list[str]] = defaultdict(list)
    for old, new in moved.items():
        folders[_apart(old, new)].append(old)
    found = []
    for (one, other), inside in sorted(folders.items()):
        whole = one and len(inside) > 1 and not _filled(one, now) and not _filled(other, was)
        if whole and len(inside) == sum(name.startswith(f"{one}/") for name in was):
            text = f"it is {other}/ now, with its {_files(len(inside))}"
            found.append(Finding("renamed", f"{one}/", text))
        else:
            found += [Finding("renamed", old, f"it is {moved[old]} now") for old in sorted(inside)]
    return found


def _apart(one: str, other: str) -> tuple[str, str]:
    """Return the folders in which two paths part and that have them alike; else two empty ones."""
    top = _parting(one, other)
    return top if top and one[len(top[0]) :] == other[len(top[1]) :] else ("", "")


def _files(count: int) -> str:
    return f"{count} file{'s' * (count != 1)}"


def _parting(one: str, other: str) -> tuple[str, str] | None:
    """Return the folders in which two paths part; None where they part in the name of the file."""
    a, b = one.split("/"), other.split("/")
    for depth, (x, y) in enumerate(zip(a[:-1], b[:-1], strict=False), 1):
        if x != y:
            return "/".join(a[:depth]), "/".join(b[:depth])
    return None


def _moves(
    was: Mapping[str, Pieces], now: Mapping[str, Pieces], missing: set[str], extra: set[str]
) -> dict[str, str]:
    """Return where files went that have another name now; of several alike, that with the same last name.

    Of an empty file that can only be said where its folder moved with others in it.
    """
    where: dict[str, list[str]] = defaultdict(list)
    for name in sorted(extra):
        if now[name].size:
            where[now[name].sha256].append(name)
    found = {}
    for name in sorted(missing):
        places = where.get(was[name].sha256, [])
        alike = [place for place in places if _last(place) == _last(name)]
        if places:
            found[name] = (alike or places)[0]
            places.remove(found[name])
    folders = dict(top for old, new in found.items() if (top := _apart(old, new))[0])
    for name in sorted(name for name in missing if not was[name].size):
        for one in (folder for folder in _folders(name) if folder in folders):
            place = folders[one] + name[len(one) :]
            if place in extra and not now[place].size:
                found[name] = place
    return found


def _whole_folders(kind: str, names: set[str], others: Mapping[str, Pieces]) -> list[Finding]:
    """Name files; where a whole folder of several goes or comes, only the folder."""
    known = {folder for name in others for folder in _folders(name)}
    whole: Counter[str] = Counter()
    single = []
    for name in sorted(names):
        top = next((folder for folder in _folders(name) if folder not in known), "")
        if top:
            whole[top] += 1
        else:
            single.append(Finding(kind, name))
    files = {folder: f"a folder of {_files(count)}" for folder, count in whole.items()}
    return [*single, *(Finding(kind, f"{folder}/", text) for folder, text in files.items())]


def _folders(name: str) -> list[str]:
    parts = name.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts))]


def _filled(folder: str, files: Mapping[str, Pieces]) -> bool:
    return any(name.startswith(f"{folder}/") for name in files)


def _last(name: str) -> str:
    return name.rpartition("/")[2]


def _verdicts(sealed: Statement, tree: Tree) -> list[Finding]:
    """Name each verdict of run.json that is another one than when it was sealed."""
    now = facts_of(tree)[2]
    found = []
    for name in [*sealed.verdicts, *(name for name in now if name not in sealed.verdicts)]:
        before, after = sealed.verdicts.get(name, "none"), now.get(name, "none")
        if before != after:
            of = "the run" if not name else f"scenario {name}" if is_scenario(name) else f"requirement {name}"
            found.append(
                Finding("verdict edited", "run.json", f"that of {of}: {before} when sealed, {after} now")
            )
    if len(found) > _MOST_VERDICTS:
        rest = Finding("verdict edited", "run.json", f"and {len(found) - _MOST_VERDICTS} more")
        found = [*found[:_MOST_VERDICTS], rest]
    return found
