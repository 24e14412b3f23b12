"""An interrupted run that goes on: what was judged stands, what was not is played, in the same folder.

A scenario that is played again is filed as a further attempt; nothing of the earlier ones is lost.
"""

from __future__ import annotations

from pathlib import Path

from intercom_hil.errors import BenchError
from intercom_hil.evidence.records import Attempt, ScenarioRecord
from intercom_hil.evidence.run import RECORD, RunFolder
from intercom_hil.spec.verdict import Verdict

SUPERSEDED = "record.superseded.json"


class ResumedRun(RunFolder):
    """A run that is gone on with. Make it with ``resume``."""

    _attempts: dict[str, list[Attempt]]

    @classmethod
    def resume(cls, path: Path) -> ResumedRun:
        """Open a run folder to go on with it.

        Raises:
            BenchError: it is no run folder, or its records cannot be read.
        """
        run, _ = cls.reopen(path)
        assert isinstance(run, cls)
        run._ended = None
        run._attempts = {}
        return run

    def judged(self, identity: str) -> bool:
        """Return whether a scenario has a verdict that stands: neither inconclusive nor an error."""
        return any(s.id == identity and not s.verdict.worth_repeating for s in self.scenarios)

    def folder_of(self, identity: str, attempt: int = 1) -> Path:
        """Return the folder of one attempt, behind those from before the interruption."""
        return super().folder_of(identity, len(self._before(identity)) + attempt)

    def add(self, record: ScenarioRecord) -> ScenarioRecord:
        """Take a finished scenario in; what was on record of it becomes its earlier attempts."""
        before = self._before(record.id)
        old = [scenario for scenario in self.scenarios if scenario.id == record.id]
        self.scenarios = [scenario for scenario in self.scenarios if scenario.id != record.id]
        merged = {"attempts": len(before) + record.attempts, "earlier": [*before, *record.earlier]}
        filed = super().add(record.model_copy(update=merged))
        try:
            for scenario in old:
                folder = self.path / scenario.evidence.folder
                (folder / RECORD).rename(folder / SUPERSEDED)
        except OSError as problem:
            raise BenchError(
                f"an earlier record cannot be put aside ({problem.strerror})", str(folder)
            ) from problem
        return filed

    def _before(self, identity: str) -> list[Attempt]:
        """Return the attempts from before; one that was cut short left a folder without a record."""
        if identity not in self._attempts:
            found: list[Attempt] = []
            for scenario in self.scenarios:
                if scenario.id == identity:
                    last = Attempt(
                        verdict=scenario.verdict, problems=scenario.problems, evidence=scenario.evidence
                    )
                    found = [*scenario.earlier, last]
            while (folder := super().folder_of(identity, len(found) + 1)).is_dir():
                problems = ["the run was interrupted"]
                evidence = self.evidence(folder)
                found.append(Attempt(verdict=Verdict.ERROR, problems=problems, evidence=evidence))
            self._attempts[identity] = found
        return self._attempts[identity]
