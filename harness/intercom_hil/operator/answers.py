"""An answers file: what stands in for a person on a bench that runs unattended.

Its entries are tried in order; the first that matches a question answers it, with a fixed answer or with what
a command prints. The command gets the question as JSON on its standard input and prints the answer as JSON:
``{"choice": "accepted", "text": "..."}``.
"""

from __future__ import annotations

import base64
import json
import re
import sys
import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    ValidationError,
    model_validator,
)

from intercom_hil.bounded_command import GivenUp, run_command
from intercom_hil.errors import BenchError
from intercom_hil.operator.prompter import Asked
from intercom_hil.operator.question import About, Answer, Question
from intercom_hil.timeline.operator_content import OperatorAnswered

PYTHON = "{python}"
"""Stands, in a command, for the Python that the bench runs on."""
_MOST_SAID = 256 * 1024
_LONGEST_ERROR = 300


def _compilable(value: str) -> str:
    try:
        re.compile(value)
    except re.error as problem:
        raise ValueError(f"{value!r} is no regular expression: {problem}") from None
    return value


class Entry(BaseModel):
    """One entry: which questions it answers, and how.

    Attributes:
        about: the kinds of question; every kind if none is named.
        title: regular expression that is found in the question's title.
        run: the command to ask; or:
        choice: the choice, with ``text``, ``numbers`` and ``fields``.
        by: who answered, for the record.
        within: seconds that the command may take.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    about: tuple[About, ...] = ()
    title: Annotated[str, AfterValidator(_compilable)] = ""
    run: tuple[str, ...] = ()
    choice: str = ""
    text: str = ""
    numbers: dict[str, FiniteFloat] = {}
    fields: tuple[str, ...] = ()
    by: str = "answers file"
    within: Annotated[float, Field(gt=0, le=600)] = 30.0

    @model_validator(mode="after")
    def _answers(self) -> Entry:
        if bool(self.run) == bool(self.choice):
            raise ValueError("an entry has either run or choice")
        return self

    def matches(self, question: Question) -> bool:
        """Return whether this entry answers the question."""
        return (not self.about or question.about in self.about) and bool(
            re.search(self.title, question.title)
        )


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    answer: tuple[Entry, ...] = Field(min_length=1)


class AnswersFile:
    """Way over an answers file. Its commands are run in the file's folder.

    Attributes:
        name: what the record calls it.
        path: the file.
    """

    name = "answers file"

    def __init__(self, path: Path) -> None:
        self.path = path
        self._entries: tuple[Entry, ...] = ()

    async def open(self) -> None:
        """Read the file. Raises BenchError that names what is wrong in it."""
        try:
            document = tomllib.loads(self.path.read_text(encoding="utf-8"))
            self._entries = _File.model_validate(document).answer
        except (OSError, UnicodeDecodeError) as problem:
            reason = problem.strerror if isinstance(problem, OSError) else "it is not UTF-8 text"
            raise self._wrong(f"the answers file cannot be read ({reason})") from None
        except tomllib.TOMLDecodeError as problem:
            raise self._wrong(f"not a TOML file: {problem}") from None
        except ValidationError as problem:
            first = problem.errors()[0]
            field = ".".join(str(part) for part in first["loc"])
            raise self._wrong(f"{field}: {first['msg'].removeprefix('Value error, ')}") from None

    async def close(self) -> None:
        """Do nothing: commands end with their question."""

    def can(self, question: Question) -> bool:
        """Return whether an entry matches."""
        return self._entry(question) is not None

    def ended(self, asked: Asked, outcome: OperatorAnswered) -> None:
        """Do nothing: nobody looks."""

    async def ask(self, asked: Asked) -> tuple[Answer, str]:
        """Return what the first matching entry says. Raises BenchError when that is no answer."""
        question = asked.question
        entry = self._entry(question)
        assert entry is not None
        if entry.run:
            answer = self._read(await self._run(entry, question), entry)
        else:
            answer = Answer(choice=entry.choice, text=entry.text, numbers=entry.numbers, fields=entry.fields)
        if not answer.fits(question):
            known = ", ".join(choice.name for choice in question.choices)
            raise self._wrong(
                f"{answer.choice!r} with the fields {list(answer.fields)} is no answer to {question.title!r}",
                f"answer with one of: {known}",
            )
        return answer, entry.by

    def _entry(self, question: Question) -> Entry | None:
        return next((entry for entry in self._entries if entry.matches(question)), None)

    async def _run(self, entry: Entry, question: Question) -> bytes:
        words = [sys.executable if word == PYTHON else word for word in entry.run]
        try:
            finished = await run_command(
                words, within=entry.within, standard_input=_as_json(question), folder=self.path.parent
            )
        except OSError as problem:
            raise self._wrong(f"{words[0]} cannot be run ({problem.strerror})") from problem
        except GivenUp as problem:
            raise self._wrong(f"{words[0]} {problem}") from None
        if finished.status:
            message = finished.errors.decode("utf-8", "replace").strip()[-_LONGEST_ERROR:]
            raise self._wrong(f"{words[0]} ended with status {finished.status}: {message}")
        return finished.output[:_MOST_SAID]

    def _read(self, printed: bytes, entry: Entry) -> Answer:
        try:
            return Answer.model_validate_json(printed)
        except ValidationError as problem:
            reason = problem.errors()[0]["msg"]
            raise self._wrong(
                f"{entry.run[0]} printed no answer ({reason})", 'print {"choice": ...} and nothing else'
            ) from None

    def _wrong(
        self, what: str, remedy: str = "correct it; docs/bench/operator.md shows its form"
    ) -> BenchError:
        return BenchError(what, str(self.path), remedy)


def _as_json(question: Question) -> bytes:
    files = {file.name: base64.b64encode(file.content).decode("ascii") for file in question.files}
    return json.dumps({**question.shown(), "files": files}).encode()
