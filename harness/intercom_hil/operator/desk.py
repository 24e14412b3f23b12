"""The questions that stand, as a page shows them, and the answers that come in for them.

Several lanes of a run may ask at once: the question that has stood longest is shown, the others wait.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote

from pydantic import ValidationError

from intercom_hil.operator.prompter import Asked
from intercom_hil.operator.question import LARGEST_FILE, MOST_FILES, Answer, Attachment, Question
from intercom_hil.operator.sheet import CERTIFICATE, entered
from intercom_hil.serving.http import Request, Response

Answered = tuple[Answer, str]
"""An answer, and who gave it."""
Key = int | str
"""What a page knows a question by: its number, with its lane's name where there are several."""
_MOST_REMEMBERED = 20
_LONGEST_NAME = 80


@dataclass(frozen=True)
class _Standing:
    asked: Asked
    lane: str
    answer: asyncio.Future[Answered]


class Desk:
    """Takes questions in, and the answers to them. Must be used inside one running event loop."""

    def __init__(self, changed: Callable[[], None]) -> None:
        """Begin with no question; ``changed`` is called when what is to be shown has changed."""
        self._changed = changed
        self._standing: dict[Key, _Standing] = {}
        self._ended: deque[dict[str, Any]] = deque(maxlen=_MOST_REMEMBERED)

    async def ask(self, asked: Asked, lane: str = "") -> Answered:
        """Show a question until somebody answers it.

        Args:
            asked: the question.
            lane: who asks, where there are several.
        """
        key: Key = f"{lane}-{asked.number}" if lane else asked.number
        answer: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        self._standing[key] = _Standing(asked, lane, answer)
        self._changed()
        try:
            return await answer
        finally:
            del self._standing[key]
            self._changed()

    def end(self, title: str, outcome: Mapping[str, Any]) -> None:
        """Show how a question ended, and now what was expected.

        Args:
            title: the question's.
            outcome: ``number``, ``way``, ``by``, ``choice`` and ``expected``, as the timeline has them.
        """
        self._ended.appendleft({**outcome, "title": title})
        self._changed()

    @property
    def title(self) -> str:
        """The title of the question that is shown, which holds no secret; empty without one."""
        return next((one.asked.question.title for one in self._standing.values()), "")

    @property
    def ended(self) -> list[dict[str, Any]]:
        """How the last questions ended, the latest first."""
        return list(self._ended)

    def shown(self) -> dict[str, Any] | None:
        """Return the question that is shown, as JSON data; None without one."""
        if not self._standing:
            return None
        key, one = next(iter(self._standing.items()))
        question = one.asked.question
        shown = question.shown()
        for field, data in zip(question.fields, shown["fields"], strict=True):
            data["words"] = entered(field)
            copied = isinstance(field.value, str) and field.name != CERTIFICATE
            data["copy"] = field.value if copied else ""
            del data["value"]
        waiting = len(self._standing) - 1
        place = {"key": key, "number": one.asked.number, "lane": one.lane, "waiting": waiting}
        return {**shown, **place, "until": one.asked.until}

    def file(self, request: Request) -> Response:
        """Return a file that comes with a question that stands."""
        query = parse_qs(request.query)
        try:
            question = self._question(query.get("question", [""])[0])
            file = question.files[int(query.get("place", [""])[0])]
        except (LookupError, ValueError):
            return Response(404, b"This file belongs to a question that is over.\n")
        disposition = f"attachment; filename*=UTF-8''{quote(file.name, safe='')}"
        headers = {"Content-Disposition": disposition}
        return Response(200, file.content, "application/octet-stream", headers)

    def take(self, request: Request) -> Response:
        """Take an answer."""
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            return as_json(415, {"problem": "an answer is JSON"})
        try:
            said = json.loads(request.body)
            if not isinstance(said, dict):
                raise ValueError("an answer is a JSON object")
            key = said.pop("question", None)
            one = self._standing.get(key) if isinstance(key, int | str) else None
            if one is None or one.answer.done():
                return as_json(
                    409, {"problem": "this question is over: somebody has answered it, or time was up"}
                )
            by = str(said.pop("by", ""))[:_LONGEST_NAME]
            answer = Answer.model_validate({**said, "attachments": _attachments(said.pop("attachments", []))})
        except ValidationError as problem:
            first = problem.errors()[0]
            field = ".".join(str(part) for part in first["loc"])
            return as_json(422, {"problem": f"{field}: {first['msg']}"})
        except (ValueError, RecursionError) as problem:
            return as_json(422, {"problem": str(problem)[:200]})
        if not answer.fits(one.asked.question):
            return as_json(422, {"problem": "this is no answer to this question"})
        one.answer.set_result((answer, _in_one_line(by)))
        return as_json(200, {"problem": ""})

    def _question(self, key: str) -> Question:
        """Return a question by its key as a link has it. Raises LookupError."""
        found = [one.asked.question for name, one in self._standing.items() if str(name) == key]
        return found[0]


def _attachments(given: object) -> list[Attachment]:
    """Read photos and files. Raises ValueError that says what is wrong."""
    if not isinstance(given, list) or len(given) > MOST_FILES:
        raise ValueError(f"at most {MOST_FILES} photos and files")
    attached = []
    for one in given:
        if not isinstance(one, dict):
            raise ValueError("a photo or file is an object with name and content")
        try:
            content = base64.b64decode(str(one.get("content", "")), validate=True)
        except binascii.Error as problem:
            raise ValueError("a photo's or file's content is Base64") from problem
        if len(content) > LARGEST_FILE:
            raise ValueError(f"a photo or file is at most {LARGEST_FILE // 1024 // 1024} MB")
        attached.append(Attachment(name=str(one.get("name", ""))[-200:], content=content))
    return attached


def _in_one_line(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text).strip()


def as_json(status: int, data: object) -> Response:
    """Return data as a response in JSON."""
    return Response(status, json.dumps(data).encode("ascii"), "application/json")
