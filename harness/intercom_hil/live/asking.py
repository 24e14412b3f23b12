"""The person who is asked on the run's live page: a connection to its process for each question."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from intercom_hil.live.feed import Feed
from intercom_hil.operator.page import LARGEST_ANSWER
from intercom_hil.operator.prompter import Asked
from intercom_hil.operator.question import Answer, Attachment, GivenFile, Question
from intercom_hil.operator.web import ENDED, NAME
from intercom_hil.timeline.operator_content import OperatorAnswered

LONGEST_ANSWER = 2 * LARGEST_ANSWER
"""Bytes of an answer as JSON, its photos in Base64."""


class LivePageWay:
    """Way over the run's live page. Must be used inside a running event loop.

    Attributes:
        name: what the record calls it.
    """

    name = NAME

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._gone = False

    async def open(self) -> None:
        """Do nothing: the page is there."""

    async def close(self) -> None:
        """Do nothing: the page stays as long as the run."""

    def can(self, question: Question) -> bool:
        """Return whether the page is there."""
        return not self._gone

    async def ask(self, asked: Asked) -> tuple[Answer, str]:
        """Show the question until somebody answers it; of a page that has gone no answer comes."""
        writer = None
        try:
            reader, writer = await asyncio.open_unix_connection(self._feed.path, limit=LONGEST_ANSWER)
            writer.write(as_line({"what": "ask", "lane": self._feed.lane, **_written(asked)}))
            await writer.drain()
            return read_answer(json.loads(await reader.readline()))
        except (OSError, ValueError):
            self._gone = True
            elsewhere: asyncio.Future[tuple[Answer, str]] = asyncio.get_running_loop().create_future()
            return await elsewhere  # until its time is up
        finally:
            if writer is not None:
                writer.close()

    def ended(self, asked: Asked, outcome: OperatorAnswered) -> None:
        """Show how a question ended, and now what was expected."""
        self._feed.send("answered", title=asked.question.title, outcome=outcome.model_dump(include=ENDED))


def as_line(data: Mapping[str, Any]) -> bytes:
    """Return data as one line of JSON."""
    return json.dumps(data).encode() + b"\n"


def read_question(data: Mapping[str, Any]) -> tuple[Asked, str]:
    """Return a question as a lane has sent it, and the lane. Raises ValueError."""
    try:
        files = tuple(
            GivenFile(name=name, content=base64.b64decode(content)) for name, content in data["files"]
        )
        question = Question.model_validate(data["question"]).model_copy(update={"files": files})
        return Asked(int(data["number"]), question, float(data["until"])), str(data["lane"])
    except (KeyError, TypeError) as problem:
        raise ValueError(f"that is no question: {problem!r}") from problem


def written_answer(answer: Answer, by: str) -> bytes:
    """Return an answer as a lane reads it."""
    said = answer.model_dump(mode="json", exclude={"attachments"})
    files = [(one.name, base64.b64encode(one.content).decode("ascii")) for one in answer.attachments]
    return as_line({"answer": said, "attachments": files, "by": by})


def read_answer(data: Any) -> tuple[Answer, str]:
    """Return an answer as the page has sent it, and who gave it. Raises ValueError."""
    try:
        files = tuple(
            Attachment(name=name, content=base64.b64decode(content)) for name, content in data["attachments"]
        )
        return Answer.model_validate(data["answer"]).model_copy(update={"attachments": files}), data["by"]
    except (KeyError, TypeError, ValidationError) as problem:
        raise ValueError(f"that is no answer: {problem!r}") from problem


def _written(asked: Asked) -> dict[str, Any]:
    """Return a question as JSON data; what is expected stays with the bench until it is over."""
    question = asked.question
    files = [(file.name, base64.b64encode(file.content).decode("ascii")) for file in question.files]
    shown = question.model_dump(mode="json", exclude={"files", "expected"})
    return {"question": shown, "files": files, "number": asked.number, "until": asked.until}
