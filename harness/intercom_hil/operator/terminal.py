"""The person at the terminal from which the bench was started.

A question is written to the controlling terminal itself, and the answer is read from there, whatever standard
input and output are at that moment: a test runner may have taken both. Where there is no terminal, or the
bench runs in the background, this way leads nowhere, and says so.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import termios
import textwrap
from contextlib import suppress
from pathlib import Path

from intercom_hil.operator.prompter import Asked
from intercom_hil.operator.question import (
    LARGEST_FILE,
    MOST_FILES,
    MOST_TEXT,
    Answer,
    Attachment,
    Question,
    SheetField,
)
from intercom_hil.operator.sheet import entered
from intercom_hil.timeline.operator_content import OperatorAnswered

CONTROLLING = Path("/dev/tty")
_LONGEST_LINE = 4096
_VALUE_WIDTH = 64
_WIDTH = 76


class Terminal:
    """Way over a terminal. Must be made and used inside a running event loop.

    Attributes:
        name: what the record calls it.
    """

    name = "terminal"

    def __init__(self, device: Path = CONTROLLING) -> None:
        """Use a terminal; the controlling one if none is named."""
        self._device = device
        self._input: int | None = None
        self._output: int | None = None
        self._lines: asyncio.Queue[str] = asyncio.Queue()
        self._begun = b""

    async def open(self) -> None:
        """Open the terminal, if there is one."""
        if self._input is not None:
            return
        with suppress(OSError):  # no terminal: nobody is there
            self._input = os.open(self._device, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
            self._output = os.open(self._device, os.O_WRONLY | os.O_NOCTTY)

    async def close(self) -> None:
        """Let go of the terminal; nothing happens when closed."""
        for descriptor in (self._input, self._output):
            if descriptor is not None:
                os.close(descriptor)
        self._input = self._output = None

    def can(self, question: Question) -> bool:
        """Return whether there is a terminal, and it is ours to read from."""
        if self._input is None or self._output is None or not os.isatty(self._input):
            return False
        try:
            return os.tcgetpgrp(self._input) == os.getpgrp()
        except OSError:
            return self._device != CONTROLLING  # a terminal that is nobody's cannot be in the background

    async def ask(self, asked: Asked) -> tuple[Answer, str]:
        """Show the question and read the answer; what is no answer is asked again."""
        assert self._input is not None
        loop = asyncio.get_running_loop()
        self._lines, self._begun = asyncio.Queue(), b""
        with suppress(termios.error):
            termios.tcflush(
                self._input, termios.TCIFLUSH
            )  # what was typed before it was asked answers nothing
        loop.add_reader(self._input, self._on_input)
        try:
            self._write(_written(asked))
            return await self._answer(asked.question), ""
        finally:
            loop.remove_reader(self._input)

    def ended(self, asked: Asked, outcome: OperatorAnswered) -> None:
        """Write how a question ended, where somebody else answered or something was expected."""
        if outcome.way != self.name:
            self._write(f"\n   {outcome}\n" if outcome.way else "\n   The question is withdrawn.\n")
        if outcome.expected and outcome.way:
            self._write(f"   Expected was: {outcome.expected}\n")

    async def _answer(self, question: Question) -> Answer:
        while True:
            self._write("Answer: ")
            line = await self._lines.get()
            if line.strip().lower() == "all":
                self._write(_all_fields(question))
                continue
            try:
                choice, text, attachments = _parsed(line, question)
            except ValueError as problem:
                self._write(f"   {problem}\n")
                continue
            fields = await self._fields(question) if choice == question.names_fields else ()
            numbers = await self._numbers(question) if choice in question.numbers_with else {}
            return Answer(
                choice=choice, text=text, numbers=numbers, fields=fields, attachments=tuple(attachments)
            )

    async def _fields(self, question: Question) -> tuple[str, ...]:
        if not question.fields:
            return ()
        listed = [f"   {index} {field.label}" for index, field in enumerate(question.fields, start=1)]
        self._write("\n".join(listed) + "\n")
        while True:
            self._write("Which of these does the refusal name? Numbers, or Enter for none: ")
            words = (await self._lines.get()).replace(",", " ").split()
            if all(word.isdecimal() and 1 <= int(word) <= len(question.fields) for word in words):
                return tuple(question.fields[int(word) - 1].name for word in words)

    async def _numbers(self, question: Question) -> dict[str, float]:
        numbers = {}
        for name, label in question.numbers.items():
            self._write(f"{label}, Enter if you cannot say: ")
            said = (await self._lines.get()).strip().replace(",", ".")
            with suppress(ValueError):
                numbers[name] = float(said)
        return numbers

    def _on_input(self) -> None:
        assert self._input is not None
        try:
            data = os.read(self._input, _LONGEST_LINE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:  # the terminal is gone, or the person has ended its input: no answer comes from here
            asyncio.get_running_loop().remove_reader(self._input)
            return
        *lines, self._begun = (self._begun + data).split(b"\n")
        self._begun = self._begun[-_LONGEST_LINE:]
        for line in lines:
            self._lines.put_nowait(line.decode("utf-8", "replace"))

    def _write(self, text: str) -> None:
        if self._output is not None:
            # What somebody wrote elsewhere must not work this terminal.
            shown = "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)
            with suppress(OSError):  # a terminal that is gone shows nothing
                os.write(self._output, shown.encode("utf-8", "replace"))


def _written(asked: Asked) -> str:
    question = asked.question
    lines = ["", "", f"── Question {asked.number} to the operator " + "─" * 40]
    lines += [f"   {question.progress}"] if question.progress else []
    where = ", ".join(part for part in (f"device {question.address}", question.portal) if part.strip())
    lines += [f"   {where}", "", *(f"   {line}" for line in textwrap.wrap(question.text, _WIDTH)), ""]
    changed = [field for field in question.fields if field.changed]
    for field in changed:
        lines += _row(field)
    if same := len(question.fields) - len(changed):
        lines.append(f"   ({same} fields stay as they are; the answer all shows them)")
    lines += [f"   file: {path}" for path in asked.files]
    lines += ["", *(f"   {n}  {choice.label}" for n, choice in enumerate(question.choices, start=1)), ""]
    if question.text_label:
        lines.append(f"   Write the number, and behind it: {question.text_label}")
    lines.append("   @FILE attaches a photo or a file.")
    return "\n".join(lines) + "\n"


def _row(field: SheetField) -> list[str]:
    first, *more = _shortened(entered(field)).split("\n")
    return [f"   {field.label + ':':32} {first}", *(f"   {'':32} {line}" for line in more)]


def _shortened(text: str) -> str:
    lines = [line if len(line) <= _VALUE_WIDTH else _cut(line) for line in text.split("\n")]
    return "\n".join([*lines[:20], f"… ({len(lines)} lines, see the file)"] if len(lines) > 20 else lines)


def _cut(line: str) -> str:
    return f"{line[:_VALUE_WIDTH]}… ({len(line)} characters)"


def _all_fields(question: Question) -> str:
    return "\n".join(line for field in question.fields for line in _row(field)) + "\n"


def _parsed(line: str, question: Question) -> tuple[str, str, list[Attachment]]:
    """Read ``NUMBER TEXT @FILE``. Raises ValueError that says what is wrong."""
    number, _, rest = line.strip().partition(" ")
    if not number.isdecimal() or not 1 <= int(number) <= len(question.choices):
        raise ValueError(f"begin with a number from 1 to {len(question.choices)}")
    text, _, named = rest.partition("@") if rest.startswith("@") else rest.partition(" @")
    if not named:
        return question.choices[int(number) - 1].name, text.strip()[:MOST_TEXT], []
    paths = [Path(word.removeprefix("@")).expanduser() for word in shlex.split(named)]
    if len(paths) > MOST_FILES:
        raise ValueError(f"at most {MOST_FILES} files")
    return (
        question.choices[int(number) - 1].name,
        text.strip()[:MOST_TEXT],
        [_attached(path) for path in paths],
    )


def _attached(path: Path) -> Attachment:
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise ValueError(f"{path} is larger than {LARGEST_FILE // 1024 // 1024} MB")
        return Attachment(name=path.name, content=path.read_bytes())
    except OSError as problem:
        raise ValueError(f"{path} cannot be read ({problem.strerror})") from None
