"""Asks the person at the bench over every way there is; the first answer counts, the others are withdrawn.

One question at a time; where nobody answers it raises ``Inconclusive``. Each question, its answer, who gave
it and when are kept in the scenario's folder and on the timeline.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from intercom_hil.errors import BenchError, Inconclusive, joined
from intercom_hil.operator.question import Answer, Question
from intercom_hil.timeline.observation import Witness
from intercom_hil.timeline.operator_content import OperatorAnswered, OperatorAsked
from intercom_hil.timeline.timeline import Append, now

_NOBODY_THERE = 15.0
"""Seconds for which a question stands after one that nobody answered, until somebody answers again."""


@dataclass(frozen=True)
class Asked:
    """A question as it stands.

    Attributes:
        number: its number in this run.
        question: what is asked.
        until: when it ends, in seconds since the epoch.
        files: where the files that the person needs are, in their order; none where no scenario keeps them.
    """

    number: int
    question: Question
    until: float
    files: tuple[Path, ...] = ()


class Way(Protocol):
    """A way to reach a person, or what stands in for one."""

    name: str

    def can(self, question: Question) -> bool:
        """Return whether this way can have an answer to the question."""

    async def open(self) -> None:
        """Make ready. Raises BenchError."""

    async def close(self) -> None:
        """End. Idempotent."""

    async def ask(self, asked: Asked) -> tuple[Answer, str]:
        """Return the answer, and who gave it where this way knows. Cancelled when the question is over."""

    def ended(self, asked: Asked, outcome: OperatorAnswered) -> None:
        """Take note that a question is over, and how it ended; what was expected may be shown now."""


class Prompter:
    """Puts questions to the person at the bench.

    Attributes:
        name: who the bench file says is there.
        progress: what is shown of the run's progress with each question.
        questions: how many have been asked.
        ways: where a person is asked.
    """

    def __init__(self, ways: Sequence[Way], *, append: Append, within: float, name: str = "") -> None:
        """Make it; must be made inside a running event loop.

        Args:
            ways: where to ask.
            append: puts observations on the current scenario's timeline.
            within: seconds for which a question stands.
            name: who is there.
        """
        self.name = name
        self.progress = ""
        self.questions = 0
        self.ways = tuple(ways)
        self._append = append
        self._within = within
        self._absent = False
        self._folder: Path | None = None
        self._one_at_a_time = asyncio.Lock()
        self._given_up: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def open(self) -> None:
        """Open every way. Raises BenchError; then none is open."""
        try:
            for way in self.ways:
                await way.open()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Close every way. Idempotent."""
        self.give_up(Inconclusive("the bench has ended"))
        problems: list[BaseException] = []
        for way in self.ways:
            try:
                await way.close()
            except BaseException as problem:
                problems.append(problem)
        if problems:
            raise joined(problems)

    def begin(self, folder: Path) -> None:
        """Keep what is asked from now on below a folder: a scenario begins."""
        self._folder = folder
        if self._given_up.done():
            self._given_up = asyncio.get_running_loop().create_future()

    def give_up(self, problem: Exception) -> None:
        """End the question that stands with a problem: bench or device are gone."""
        if not self._given_up.done():
            self._given_up.set_exception(problem)
            self._given_up.exception()  # whether or not anybody waits for it

    async def ask(self, question: Question, *, secrets: Sequence[str] = ()) -> Answer:
        """Ask, and return the first answer.

        Args:
            question: what.
            secrets: what must not be kept, should an answer repeat it.

        Raises:
            Inconclusive: there is nobody who could be asked, or nobody answered in time.
            BenchError: what stands in for a person failed.
        """
        question = question.model_copy(update={"progress": question.progress or self.progress})
        async with self._one_at_a_time:
            self.questions += 1
            return await self._ask(self.questions, question, secrets)

    async def _ask(self, number: int, question: Question, secrets: Sequence[str]) -> Answer:
        ways = [way for way in self.ways if way.can(question)]
        if not ways:
            raise Inconclusive(f"nobody is there who could be asked: {question.title}")
        within = min(self._within, _NOBODY_THERE) if self._absent else self._within
        begun = now()
        content = OperatorAsked(
            number=number, about=question.about, text=question.title, ways=tuple(way.name for way in ways)
        )
        self._append(Witness.OPERATOR, content, begun)
        asked = Asked(number, question, begun + within, self._given(number, question))
        outcome = OperatorAnswered(
            number=number, about=question.about, expected=question.expected, waited=0.0
        )
        try:
            answer, way, by = await self._race(asked, ways, within)
            self._absent = False
            kept = _without(answer, secrets)
            outcome = outcome.model_copy(
                update={
                    "way": way.name,
                    "by": by or self.name,
                    "choice": kept.choice,
                    "text": _in_words(kept),
                    "attachments": self._keep(number, question, kept, by or self.name, way.name),
                }
            )
            return answer
        except TimeoutError:
            self._absent = True
            raise Inconclusive(f"nobody answered within {within:g} s: {question.title}") from None
        finally:
            outcome = outcome.model_copy(update={"waited": round(now() - begun, 3)})
            self._append(Witness.OPERATOR, outcome, None)
            for way in ways:
                way.ended(asked, outcome)

    async def _race(self, asked: Asked, ways: Sequence[Way], within: float) -> tuple[Answer, Way, str]:
        tasks = {asyncio.create_task(way.ask(asked)): way for way in ways}
        watched: set[asyncio.Future[object]] = {*tasks, self._given_up}  # type: ignore[arg-type]
        try:
            async with asyncio.timeout(within):
                await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
            for task, way in tasks.items():
                if task.done():
                    answer, by = task.result()
                    return answer, way, by
            self._given_up.result()
            raise AssertionError("a race ends with an answer or with a reason")
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _given(self, number: int, question: Question) -> tuple[Path, ...]:
        """Put the files that a person needs where they can be taken from. Raises BenchError."""
        if self._folder is None or not question.files:
            return ()
        folder = self._folder / f"{number:04}-files"
        paths = tuple(
            folder / f"{index}" / _harmless(file.name) for index, file in enumerate(question.files, start=1)
        )
        try:
            for path, file in zip(paths, question.files, strict=True):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(file.content)
        except OSError as problem:
            raise self._cannot_be_kept(problem) from problem
        return paths

    def _keep(self, number: int, question: Question, answer: Answer, by: str, way: str) -> tuple[str, ...]:
        """Store an answer with its photos and files; return their names. Raises BenchError."""
        if self._folder is None:
            return ()
        names = []
        record = {
            "question": number,
            "about": question.about,
            "title": question.title,
            "progress": question.progress,
            "fields": [field.name for field in question.fields if field.changed],
            "answer": answer.model_dump(mode="json", exclude={"attachments"}),
            "expected": question.expected,
            "by": by,
            "way": way,
            "at": now(),
        }
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for index, attachment in enumerate(answer.attachments, start=1):
                name = f"{number:04}-{index}-{_harmless(attachment.name)}"
                (self._folder / name).write_bytes(attachment.content)
                names.append(name)
            text = json.dumps({**record, "attachments": names}, indent=1, ensure_ascii=False)
            (self._folder / f"{number:04}.json").write_text(text + "\n", encoding="utf-8")
        except OSError as problem:
            raise self._cannot_be_kept(problem) from problem
        return tuple(names)

    def _cannot_be_kept(self, problem: OSError) -> BenchError:
        return BenchError(
            f"what the operator is asked and answers cannot be kept ({problem.strerror})",
            str(self._folder),
            "check the run folder",
        )


def _in_words(answer: Answer) -> str:
    parts = [answer.text, *(f"{name} {number:g}" for name, number in answer.numbers.items())]
    return ", ".join(part for part in parts if part)


def _without(answer: Answer, secrets: Sequence[str]) -> Answer:
    text = answer.text
    for secret in secrets:
        if secret:
            text = text.replace(secret, "(redacted)")
    return answer.model_copy(update={"text": text})


def _harmless(name: str) -> str:
    """Make a file name of a name that somebody chose: letters, digits and ``._-``, and no folder in it."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in name[-80:])
    return kept.lstrip(".") or "file"
