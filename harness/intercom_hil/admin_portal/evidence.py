"""What stays of a form that was submitted: a picture of it, one of the answer, the steps with times."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from intercom_hil.browser.session import Taken
from intercom_hil.errors import BenchError

FOLDER = "portal"
"""The folder of a scenario's evidence that all of it is in."""
STEPS = "steps.jsonl"
"""One line for each form that was submitted, or tried to be."""
MOST_PICTURES = 500
"""Of one scenario; what comes after it has its steps only."""


class PortalEvidence:
    """Keeps pictures and steps in the folder of the scenario that plays; nothing between scenarios."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._pictures = self._forms = 0

    def begin(self, folder: Path) -> None:
        """Keep what comes in a scenario's folder."""
        self._folder = folder / FOLDER
        self._pictures = self._forms = 0

    def picture(self, name: str, taken: bytes) -> Path | None:
        """Keep a picture under a number and a name; return its file.

        Raises:
            BenchError: it cannot be written.
        """
        if self._folder is None or self._pictures >= MOST_PICTURES:
            return None
        self._pictures += 1
        slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60]
        kind = ".png" if taken.startswith(b"\x89PNG") else ".jpg"
        file = self._folder / f"{self._pictures:03d}-{slug}{kind}"
        try:
            self._folder.mkdir(exist_ok=True)
            file.write_bytes(taken)
        except OSError as problem:
            raise BenchError.of(problem, str(file)) from problem
        return file

    def form(self, steps: Sequence[Taken], **facts: Any) -> str:
        """Keep what was done for one form; return where, relative to the scenario's folder; empty if nowhere.

        Raises:
            BenchError: it cannot be written.
        """
        if self._folder is None:
            return ""
        self._forms += 1
        record = {"form": self._forms, **facts, "steps": [_rounded(asdict(step)) for step in steps]}
        file = self._folder / STEPS
        try:
            self._folder.mkdir(exist_ok=True)
            with file.open("a", encoding="utf-8") as log:
                log.write(json.dumps(record, ensure_ascii=False) + "\n")
        except OSError as problem:
            raise BenchError.of(problem, str(file)) from problem
        return f"{FOLDER}/{STEPS}, form {self._forms}"


def _rounded(step: dict[str, Any]) -> dict[str, Any]:
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in step.items()}
