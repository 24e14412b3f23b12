"""A way that answers when it is told to, and questions to put to it."""

import asyncio

from intercom_hil.operator.question import Answer, Choice, Question, SheetField

CHOICES = (Choice(name="accepted", label="It was taken"), Choice(name="refused", label="It was refused"))


def question(**fields):
    return Question(
        **{"about": "form", "title": "settings: Call number", "text": "Do it.", "choices": CHOICES, **fields}
    )


async def until(condition):
    """Wait for something to become true."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


SHEET = question(
    fields=(
        SheetField(name="call_number", label="Call number", value="3411"),
        SheetField(name="auth_password", label="Password", value="s3cret-0815", changed=False),
    ),
    names_fields="refused",
    text_label="What does the form say?",
)


class Somebody:
    """A way. ``answer`` is what it is to say; without one it thinks for a while."""

    def __init__(self, name="somebody", answer=None, *, able=True):
        self.name, self.answer, self.able = name, answer, able
        self.asked, self.withdrawn, self.outcomes = [], 0, []
        self.is_open = False

    def can(self, question):
        return self.able

    async def open(self):
        self.is_open = True

    async def close(self):
        self.is_open = False

    async def ask(self, asked):
        self.asked.append(asked)
        try:
            await until(lambda: self.answer is not None)
        except asyncio.CancelledError:
            self.withdrawn += 1
            raise
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer, f"{self.name} herself"

    def ended(self, asked, outcome):
        self.outcomes.append(outcome)


ACCEPTED = Answer(choice="accepted")
