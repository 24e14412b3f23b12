"""What a seal states: an in-toto Statement v1 about the files of a run (github.com/in-toto/attestation).

The files are its subjects. Its predicate is a test-result v0.1, with an extension field of ours.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from intercom_hil.seal.pieces import Pieces
from intercom_hil.seal.tree import SUPERSEDED, Tree

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://in-toto.io/attestation/test-result/v0.1"
SEAL = "intercom-hil:seal/v1"
"""The extension field of the predicate."""
FILE = "intercom-hil:file/v1"
"""The annotation of a subject."""
_FAILED = ("fail", "error")
_WARNED = ("inconclusive", "observed")
_PASSED = ("pass",)
_HEX = re.compile("[0-9a-f]{64}")
_ACTION = re.compile("[a-z][a-z-]{0,39}")


class StatementError(ValueError):
    """A payload is no statement as the bench writes one."""


@dataclass(frozen=True)
class Replaced:
    """A file that an earlier seal names and that has been replaced or removed since.

    Attributes:
        name: the file.
        sha256: what it was.
        kept: where that version lies now; empty if it was not kept.
    """

    name: str
    sha256: str
    kept: str


@dataclass(frozen=True)
class Statement:
    """One seal's statement.

    Attributes:
        number: 1 for the first seal of a run.
        previous: the SHA-256 of the file of the seal before; empty for the first.
        action: what made the run as it is: ``run``, ``resume``, ``report``, ``import-events``, ``seal``.
        created: when (RFC 3339, UTC), by the clock of the machine that sealed.
        run: which run it is: its folder, its bench, when it started.
        interrupted: whether the run has not come to its end.
        files: every file but the seals.
        odd: what was no regular file, or could not be read.
        empty: directories without anything in them.
        verdicts: of the run (empty name), each scenario and each requirement, as run.json had them.
        replaced: versions of files that gave way since the seal before.
        unsealed: what had been changed since the seal before when this action began, in words.
        configuration: what the run rests on, as resource descriptors.
    """

    number: int
    previous: str
    action: str
    created: str
    run: dict[str, Any]
    interrupted: bool
    files: dict[str, Pieces]
    odd: dict[str, str]
    empty: frozenset[str]
    verdicts: dict[str, str]
    replaced: tuple[Replaced, ...]
    unsealed: tuple[str, ...]
    configuration: tuple[dict[str, Any], ...]

    def __bytes__(self) -> bytes:
        """Return the payload: there is one way to write it."""
        scenarios = {name: verdict for name, verdict in self.verdicts.items() if is_scenario(name)}

        def named(wanted: tuple[str, ...]) -> list[str]:
            return [name for name, verdict in scenarios.items() if verdict in wanted]

        whole = self.verdicts.get("", "none")
        fine = whole in _PASSED and not self.interrupted
        statement = {
            "_type": STATEMENT,
            "subject": [_subject(name, self.files[name]) for name in sorted(self.files)],
            "predicateType": PREDICATE,
            "predicate": {
                "result": "FAILED" if whole in _FAILED else "PASSED" if fine else "WARNED",
                "configuration": list(self.configuration),
                "passedTests": named(_PASSED),
                "warnedTests": named(_WARNED),
                "failedTests": named(_FAILED),
                SEAL: {
                    "number": self.number,
                    "previous": self.previous,
                    "action": self.action,
                    "created": self.created,
                    "run": self.run,
                    "interrupted": self.interrupted,
                    "verdicts": self.verdicts,
                    "odd": self.odd,
                    "empty": sorted(self.empty),
                    "replaced": [vars(one) for one in self.replaced],
                    "unsealed": list(self.unsealed),
                },
            },
        }
        return json.dumps(statement, separators=(",", ":")).encode()

    @classmethod
    def parse(cls, payload: bytes) -> Statement:
        """Read a payload. Raises StatementError when the bytes are not the ones that would be written."""
        try:
            stored = json.loads(payload)
            predicate = stored["predicate"]
            ours = predicate[SEAL]
            subjects = [_read_subject(one) for one in stored["subject"]]
            found = cls(
                number=int(ours["number"]),
                previous=_digest(ours["previous"]) if ours["previous"] else "",
                action=str(ours["action"]),
                created=str(ours["created"]),
                run=dict(ours["run"]),
                interrupted=bool(ours["interrupted"]),
                files=dict(subjects),
                odd=dict(ours["odd"]),
                empty=frozenset(map(str, ours["empty"])),
                verdicts={str(name): str(verdict) for name, verdict in ours["verdicts"].items()},
                replaced=tuple(
                    Replaced(str(one["name"]), _digest(one["sha256"]), str(one["kept"]))
                    for one in ours["replaced"]
                ),
                unsealed=tuple(map(str, ours["unsealed"])),
                configuration=tuple(predicate["configuration"]),
            )
            same = bytes(found) == payload
        except StatementError:
            raise
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
            raise StatementError("its payload is no statement of a sealed run") from problem
        if not same or not _ACTION.fullmatch(found.action):
            raise StatementError("its statement is not written as the bench writes it")
        return found


def _subject(name: str, pieces: Pieces) -> dict[str, Any]:
    parts = {"lines": pieces.lines} if pieces.lines else {"blocks": pieces.blocks}
    return {
        "name": name,
        "digest": {"sha256": pieces.sha256},
        "annotations": {FILE: {"size": pieces.size, **parts}},
    }


def _read_subject(subject: Mapping[str, Any]) -> tuple[str, Pieces]:
    name, ours = str(subject["name"]), subject["annotations"][FILE]
    if name.startswith("/") or ".." in name.split("/") or not name:
        raise StatementError("it names a file outside the run")
    return name, Pieces(
        int(ours["size"]),
        _digest(subject["digest"]["sha256"]),
        str(ours.get("lines", "")),
        str(ours.get("blocks", "")),
    )


def _digest(value: object) -> str:
    if not isinstance(value, str) or not _HEX.fullmatch(value):
        raise StatementError("it has a digest that is none")
    return value


def is_scenario(name: str) -> bool:
    """Return whether a name among the verdicts is a scenario's: those have a dot, requirements have not."""
    return "." in name


def facts_of(tree: Tree) -> tuple[dict[str, Any], bool, dict[str, str]]:
    """Return what run.json says: which run it is, whether it was interrupted, and its verdicts.

    A run.json that cannot be read says nothing.
    """
    data = _json(tree, "run.json")
    run: dict[str, Any] = {"folder": tree.name}
    for name, kind in (("name", str), ("started", (int, float))):
        if isinstance(data.get(name), kind):
            run[name] = data[name]
    verdicts = {"": str(data.get("verdict", "none"))} if data else {}
    scenarios = data.get("scenarios")
    for one in scenarios if isinstance(scenarios, list) else ():
        if isinstance(one, dict) and "id" in one:
            verdicts[str(one["id"])] = str(one.get("verdict"))
    rows = data.get("requirements")
    for name, row in rows.items() if isinstance(rows, dict) else ():
        if isinstance(row, dict) and row.get("verdict") != "none":
            verdicts[str(name)] = str(row.get("verdict"))
    return run, data.get("interrupted") is not False, verdicts


def configuration_of(tree: Tree) -> tuple[dict[str, Any], ...]:
    """Return what a run rests on: its bench file and the basis that names it, by their digests."""
    found: list[dict[str, Any]] = []
    basis = _json(tree, "basis.json")
    if isinstance(basis.get("bench"), str) and _HEX.fullmatch(basis["bench"]):
        found.append({"name": str(basis.get("bench_file")), "digest": {"sha256": basis["bench"]}})
    if "basis.json" in tree.files:
        found.append({"name": "basis.json", "digest": {"sha256": tree.files["basis.json"].sha256}})
    return tuple(found)


def _json(tree: Tree, name: str) -> dict[str, Any]:
    try:
        data = json.loads(tree.held.get(name, b"{}"))
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def kept_at(number: int, name: str) -> str:
    """Return where the version of a file lies that gave way to that of a seal."""
    return f"{SUPERSEDED}/{number:04}/{name}"
