"""The issues of a report on one run: a number for each, what changed, and why (ISO/IEC 17025 §7.8.8).

A report that is rendered again from the same run is the same issue: it has the same bytes. When the run
itself changes (it is gone on with, an event log is imported, the laboratory's data are corrected), the next
issue says what changed and why, and what the last one was made of stays in ``issues/NUMBER/``.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

from intercom_hil.errors import BenchError
from intercom_hil.evidence.whole_file import write_whole
from intercom_hil.spec.laboratory import Particulars

ISSUES = "issues"
"""The folder, in that of a run, of earlier issues."""
_RUN = "run.json"
_MOST_NAMED = 20
_LONGEST = 80  # characters of a value that is shown


class Issue(BaseModel):
    """One issue of the report.

    Attributes:
        number: 1 for the first.
        issued: when (seconds since the epoch).
        harness: the version of the bench that made it.
        reason: why there is another one; empty for the first.
        changes: what is different from the issue before, in words.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    number: int
    issued: float
    harness: str = ""
    reason: str = ""
    changes: tuple[str, ...] = ()

    @classmethod
    def first(cls) -> Issue:
        """Return the first issue of a run that has just ended."""
        return cls(number=1, issued=time.time(), harness=version("intercom-hil"))


class Amendment:
    """A change to a finished run after which its report has a further issue. Make it with ``begin``."""

    def __init__(self, folder: Path, before: dict[str, Any]) -> None:
        self._folder, self._before = folder, before
        issues = [Issue.model_validate(one) for one in before.get("issues") or ()]
        self._issues = issues or [Issue(number=1, issued=float(before.get("ended", 0.0)))]
        self._draft = folder / f".{ISSUES}"

    @classmethod
    def begin(cls, folder: Path) -> Self:
        """Take note of how a run is, and keep a copy of its reports.

        Raises:
            BenchError: the run cannot be read, or not written to.
        """
        try:
            amendment = cls(folder, json.loads((folder / _RUN).read_text(encoding="utf-8")))
            shutil.rmtree(amendment._draft, ignore_errors=True)  # of one that was cut short
            amendment._draft.mkdir(mode=0o700)
            for file in sorted(folder.iterdir()):
                if file.is_file() and not file.is_symlink() and not file.name.startswith("."):
                    shutil.copyfile(file, amendment._draft / file.name)
        except (ValueError, TypeError, AttributeError) as problem:
            raise BenchError(f"the run cannot be read ({problem!r})", str(folder / _RUN)) from problem
        except OSError as problem:
            raise BenchError.of(problem, str(folder)) from problem
        return amendment

    def finish(self, reason: str, particulars: Particulars | None = None) -> Issue:
        """Store in ``run.json`` that there is a further issue, and return it.

        Args:
            reason: why.
            particulars: who tests, for whom, and under which number from now on; as before unless given.

        Raises:
            BenchError: the run cannot be read, or not written to.
        """
        last = self._issues[-1].number
        try:
            data = json.loads((self._folder / _RUN).read_text(encoding="utf-8"))
            if particulars is not None:
                data |= particulars.model_dump(mode="json")
            issue = Issue(
                number=last + 1,
                issued=time.time(),
                harness=version("intercom-hil"),
                reason=reason,
                changes=tuple(changes(self._before, data)),
            )
            data["issues"] = [one.model_dump(mode="json") for one in (*self._issues, issue)]
            kept = self._folder / ISSUES / str(last)
            kept.parent.mkdir(mode=0o700, exist_ok=True)
            shutil.rmtree(kept, ignore_errors=True)
            self._draft.rename(kept)
            write_whole(self._folder / _RUN, json.dumps(data, indent=1, ensure_ascii=False) + "\n")
        except (ValueError, TypeError) as problem:
            raise BenchError(f"the run cannot be read ({problem!r})", str(self._folder / _RUN)) from problem
        except OSError as problem:
            raise BenchError.of(problem, str(self._folder)) from problem
        return issue

    def drop(self) -> None:
        """Drop the copy of the reports, where nothing was changed after all."""
        shutil.rmtree(self._draft, ignore_errors=True)


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """Yield in words what is different between two states of a run, as ``run.json`` has them."""
    if before.get("verdict") != after.get("verdict"):
        yield f"verdict {before.get('verdict')}, now {after.get('verdict')}"
    kinds = [(state.get("mode") or {}).get("kind", "not recorded") for state in (before, after)]
    if kinds[0] != kinds[1]:
        yield f"mode {kinds[0]}, now {kinds[1]}"
    counts = [len(state.get("scenarios") or ()) for state in (before, after)]
    if counts[0] != counts[1]:
        yield f"{counts[0]} scenarios, now {counts[1]}"
    yield from _short(_of_verdicts(_verdicts(before), _verdicts(after)))
    tables = Particulars.model_fields
    old, new = (_flat({name: state.get(name) for name in tables}) for state in (before, after))
    yield from _short(
        [
            f"{name} {_shown(old.get(name))}, now {_shown(new.get(name))}"
            for name in dict.fromkeys([*old, *new])
            if old.get(name) != new.get(name)
        ]
    )


def _verdicts(state: Mapping[str, Any]) -> dict[str, str]:
    rows = state.get("requirements") or {}
    return {name: str(row.get("verdict")) for name, row in rows.items()}


def _of_verdicts(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    return [
        f"{name} {before.get(name, 'none')}, now {verdict}"
        for name, verdict in after.items()
        if before.get(name, "none") != verdict
    ]


def _short(found: list[str]) -> list[str]:
    more = [f"and {len(found) - _MOST_NAMED} more"] if len(found) > _MOST_NAMED else []
    return [*found[:_MOST_NAMED], *more]


def _flat(value: Any, name: str = "") -> dict[str, Any]:
    """Return nested tables as one, ``laboratory.equipment.0.name``; what is empty is left out."""
    if isinstance(value, Mapping):
        items = value.items()
    elif isinstance(value, list | tuple):
        items = {str(place): item for place, item in enumerate(value)}.items()
    else:
        return {name: value} if value not in (None, "") else {}
    return {
        key: found
        for inner, item in items
        for key, found in _flat(item, f"{name}.{inner}" if name else str(inner)).items()
    }


def _shown(value: Any) -> str:
    text = " ".join(str(value).split())
    return "nothing" if value is None else repr(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")
