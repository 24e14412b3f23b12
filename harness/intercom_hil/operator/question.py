"""What a person is asked and what a person answers: the models that every way of asking has in common.

What is expected is never part of what is shown: a person who knows what should be there sees it.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

About = Literal["settings", "form", "certificate", "screen", "sound"]
"""The kinds of question: the whole settings sheet, a changed form whose answer matters, a certificate's file
to upload, what the screen shows, what the speaker plays."""

MOST_TEXT = 4000
"""Characters of an answer's text."""
MOST_FILES = 6
"""Photos and files that may come with one answer."""
LARGEST_FILE = 12 * 1024 * 1024
"""Bytes of one of them."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class SheetField(_Model):
    """One field of a settings sheet.

    Attributes:
        name: as the settings model names it.
        label: as the person finds it.
        value: what is to be entered, as JSON has it.
        changed: whether it is to be changed now; the others should stand there already.
    """

    name: str
    label: str
    value: Any = Field(default=None, repr=False)
    changed: bool = True


class Choice(_Model):
    """One answer that can be chosen: the word that is recorded, and what the person reads."""

    name: str
    label: str


class GivenFile(_Model):
    """A file that the person needs for the task."""

    name: str
    content: bytes = Field(repr=False)


class Question(_Model):
    """One question. ``expected`` and nothing else is for the record only.

    Attributes:
        about: its kind.
        title: one line, without secrets: it stands on the timeline.
        text: what to do or look at.
        address: the device's address.
        portal: where its settings are changed, if the bench file says so.
        role: as whom the settings are to be submitted.
        fields: the settings sheet.
        choices: the answers to choose from.
        names_fields: the choice with which fields can be named that were refused; empty for none.
        text_label: what free text is asked for; empty for none.
        numbers: what numbers are asked for, by name, with what the person reads.
        numbers_with: the choices with which they are asked for.
        files: what the person needs.
        expected: what would be right; shown to nobody before the answer is there.
        progress: how far the run is.
    """

    about: About
    title: str
    text: str
    address: str = ""
    portal: str = ""
    role: str = ""
    fields: tuple[SheetField, ...] = ()
    choices: tuple[Choice, ...]
    names_fields: str = ""
    text_label: str = ""
    numbers: dict[str, str] = {}
    numbers_with: tuple[str, ...] = ()
    files: tuple[GivenFile, ...] = ()
    expected: str = ""
    progress: str = ""

    def shown(self) -> dict[str, Any]:
        """Return what may be shown, as JSON data; files by name only."""
        data = self.model_dump(mode="json", exclude={"expected", "files"})
        return {**data, "files": [file.name for file in self.files]}


class Attachment(_Model):
    """A photo or a file that comes with an answer."""

    name: str = Field(max_length=200)
    content: bytes = Field(repr=False, max_length=LARGEST_FILE)


class Answer(_Model):
    """What was said.

    Attributes:
        choice: the name of the chosen answer.
        text: free text.
        numbers: those of the numbers asked for that the person could give.
        fields: the fields that a refusal named.
        attachments: photos and files.
    """

    choice: str
    text: str = Field(default="", max_length=MOST_TEXT)
    numbers: dict[str, FiniteFloat] = Field(default={}, max_length=10)
    fields: tuple[str, ...] = Field(default=(), max_length=100)
    attachments: tuple[Attachment, ...] = Field(default=(), max_length=MOST_FILES)

    def fits(self, question: Question) -> bool:
        """Return whether it answers this question: choice, fields and numbers are among those it asks for."""
        chosen = self.choice in {choice.name for choice in question.choices}
        named = set(self.fields) <= {*(field.name for field in question.fields), "form"}
        return chosen and named and self.numbers.keys() <= question.numbers.keys()
