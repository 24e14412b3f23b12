"""A portal map: what a bench does in an Admin Portal, and how it knows what came of it, as TOML.

Each thing in a page is named by what a person sees (its label; its role and name), or by a CSS selector. The
map of the portal that the specification describes comes along; another portal needs another map, and no code.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from intercom_hil.errors import BenchError
from intercom_hil.spec.settings import ProxySettings, SipSettings

GUIDE = "docs/portal-maps.md"
LARGEST_MAP = 1 << 20
"""Bytes of a map's file."""
SHIPPED = "admin-portal.toml"
"""The map of the portal that the specification describes, in ``maps/``."""
FORM = "form"
"""The way that ends where the form's first page can be seen."""
EVENTS = "events"
"""The way that ends at the list of events, which is read anew whenever it is taken."""
PROXY = "proxy"
NAMES = (
    *(name for name in SipSettings.model_fields if name != PROXY),
    PROXY,
    *(f"{PROXY}.{name}" for name in ProxySettings.model_fields),
)
"""What settings are called in a map; ``proxy`` itself is a switch, where a form has one."""
_PLACES = ("label", "role", "text", "placeholder", "selector")
_ACTIONS = ("open", "click", "fill", "choose", "check", "uncheck", "press", "wait")

_WRITTEN = r"^[^{}]*(\{value\}|\{minutes\}[^{}]+\{seconds\})[^{}]*$"
_SECONDS = re.compile("[0-9]{1,9}")

Seconds = Annotated[float, Field(gt=0, le=600)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _as_group(value: Any) -> Any:
    return {"role": "group", "name": value} if isinstance(value, str) else value


class Target(_Part):
    """Something in a page. Exactly one of label, role, text, placeholder and selector is given.

    Attributes:
        label: the text of its label, or its ``aria-label``.
        role: its ARIA role (button, link, heading, ...), with its accessible ``name``.
        text: the text that it consists of.
        placeholder: what an empty text box shows.
        selector: a CSS selector, or an XPath that begins with ``//``.
        having: a text that is somewhere in it.
        exact: whether label, name, text and placeholder are the whole text, letter by letter.
        within: what it is in; a text stands for the group (fieldset) of that name.
        frame: CSS selector of the iframe that it is in.
        nth: which one, from 0, where there are several; -1 is the last.
    """

    label: str | None = None
    role: str | None = None
    name: str | None = None
    text: str | None = None
    placeholder: str | None = None
    selector: str | None = None
    having: str | None = None
    exact: bool = True
    within: Annotated[Target | None, BeforeValidator(_as_group)] = None
    frame: str | None = None
    nth: int | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Target:
        given = [name for name in _PLACES if getattr(self, name) is not None]
        if len(given) != 1:
            has = f"it has {' and '.join(given)}" if given else "it has none of them"
            raise ValueError(f"give one of {', '.join(_PLACES)}; {has}")
        if not getattr(self, given[0]):
            raise ValueError(f"{given[0]} is empty")
        if self.name is not None and self.role is None:
            raise ValueError("name goes with role; for a label use label")
        return self

    @property
    def place(self) -> str:
        """By which of its attributes it is found."""
        return next(name for name in _PLACES if getattr(self, name) is not None)

    def filled(self, words: Mapping[str, str]) -> Target:
        """Return it with words in the place of their names in braces, such as ``{device}``."""
        changed = {
            name: _filled(value, words)
            for name in (*_PLACES, "name", "having")
            if (value := getattr(self, name)) is not None and "{" in value
        }
        inner = self.within.filled(words) if self.within is not None else None
        return self.model_copy(update={**changed, "within": inner}) if changed or inner else self

    def __str__(self) -> str:
        found = {
            "label": f"a field labelled {self.label!r}",
            "role": f"a {self.role}" + (f" {self.name!r}" if self.name is not None else ""),
            "text": f"the text {self.text!r}",
            "placeholder": f"a text box that shows {self.placeholder!r}",
            "selector": f"the selector {self.selector!r}",
        }[self.place]
        found += f" with {self.having!r} in it" if self.having is not None else ""
        found += f", number {self.nth}" if self.nth is not None else ""
        found += f", within {self.within}" if self.within is not None else ""
        return found + (f", in the frame {self.frame!r}" if self.frame is not None else "")


def _filled(text: str, words: Mapping[str, str]) -> str:
    for name, word in words.items():
        text = text.replace(f"{{{name}}}", word)
    return text


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, dict | BaseModel) else value


Targets = Annotated[tuple[Target, ...], BeforeValidator(_listed)]
"""One thing, or several of which any will do."""


class Step(_Part):
    """One thing that is done in the portal. Exactly one action is given.

    Attributes:
        name: what reports call it, in a person's words.
        open: an address to go to, relative to the portal's.
        click, check, uncheck: what is clicked, or switched on or off.
        fill: the text box into which ``with`` is typed.
        choose: the list from which the entry ``with`` is chosen.
        press: what has the focus while the key ``with`` is pressed.
        wait: what is waited for.
        text: (``with``) text, entry or key; ``{account}``, ``{password}`` and ``{device}`` stand for these.
        unless: what can be seen where the step has been done already; then nothing is done.
        optional: whether it is left out where what it needs cannot be seen when its turn comes.
        within: seconds that it may take; those of the map where not given.
    """

    name: Annotated[str, Field(min_length=1, max_length=80)]
    open: str | None = None
    click: Target | None = None
    fill: Target | None = None
    choose: Target | None = None
    check: Target | None = None
    uncheck: Target | None = None
    press: Target | None = None
    wait: Target | None = None
    text: Annotated[str, Field(alias="with")] = ""
    unless: Target | None = None
    optional: bool = False
    within: Seconds | None = None

    @model_validator(mode="after")
    def _one_action(self) -> Step:
        given = [name for name in _ACTIONS if getattr(self, name) is not None]
        if len(given) != 1:
            has = f"it has {' and '.join(given)}" if given else "it has none of them"
            raise ValueError(f"give one of {', '.join(_ACTIONS)}; {has}")
        if bool(self.text) != (given[0] in ("fill", "choose", "press")):
            raise ValueError('"with" goes with fill, choose and press, and these need it')
        return self

    @property
    def action(self) -> str:
        """What is done."""
        return next(name for name in _ACTIONS if getattr(self, name) is not None)

    @property
    def target(self) -> Target | None:
        """What it is done with; None for an address."""
        found = getattr(self, self.action)
        return found if isinstance(found, Target) else None


Steps = tuple[Step, ...]


class Times(_Part):
    """How long things may take, in seconds on a quiet machine."""

    step: Seconds = Field(default=10.0, description="until what a step needs can be seen")
    page: Seconds = Field(default=30.0, description="until a page has come")
    answer: Seconds = Field(default=30.0, description="until the portal says what it makes of a form")


class LogIn(_Part):
    """How somebody logs in: by the steps of a page, or where the browser itself asks (RFC 7617)."""

    basic: bool = Field(default=False, description="whether the browser asks, and no page: no steps then")
    address: str = Field(default="/", description="of the page, relative to the portal's")
    steps: Steps = ()
    done: Targets = Field(description="what can be seen when it has worked", min_length=1)
    refused: Targets = Field(default=(), description="what says that account or password is wrong")
    needed: Targets = Field(default=(), description="what can be seen where one has to log in")

    @model_validator(mode="after")
    def _has_a_way_in(self) -> LogIn:
        missing = [name for name in ("steps", "needed") if not getattr(self, name)]
        if missing and not self.basic:
            raise ValueError(
                f"give {' and '.join(missing)}; or basic = true, where the browser asks by itself"
            )
        return self


class FormPage(_Part):
    """A page of a form of several pages.

    Attributes:
        name: what settings call it as their ``page``.
        ready: what can be seen when it has come.
        next: what leads on to the following page; the last page has none.
    """

    name: str
    ready: Target | None = None
    next: Target | None = None


class FormTable(_Part):
    """The form as a whole.

    Attributes:
        submit: what submits it.
        within: what all of it is in, such as a dialogue.
        frame: CSS selector of the iframe that all of it is in.
        pages: in their order, where there are several.
    """

    submit: Target
    within: Annotated[Target | None, BeforeValidator(_as_group)] = None
    frame: str | None = None
    pages: tuple[FormPage, ...] = ()


class AtFault(_Part):
    """How the form says which fields are at fault. What is given is looked at; any of it will do.

    Attributes:
        itself: a CSS selector that the field matches then.
        around: a CSS selector that something round the field matches then.
        listed: the texts, each of which begins with the label (or ``called``) of a field.
    """

    itself: str = "[aria-invalid=true]"
    around: str = ""
    listed: Target | None = None


class AnswerTable(_Part):
    """How the portal says what it makes of a form that was submitted."""

    taken: Targets = Field(min_length=1)
    refused: Targets = Field(min_length=1)
    denied: Targets = Field(default=(), description="what says that the account may not do this")
    message: Target | None = Field(default=None, description="why it was refused, if not all of refused")
    warnings: Target | None = Field(default=None, description="each warning about what was taken")
    at_fault: AtFault = AtFault()


Kind = Literal["text", "password", "choice", "radio", "switch", "list", "lines", "file"]


class Setting(Target):
    """A field of the form, by the name of its setting.

    Attributes:
        kind: how it is filled in: ``text``, ``password`` (cannot be read), ``choice`` (a list to choose
            from), ``radio`` (one button each; this is what the buttons are in), ``switch`` (a box to tick, a
            toggle), ``list`` (a text box for each entry; this finds all of them), ``lines`` (one text box
            with all entries), ``file`` (an upload).
        page: the form's page that it is on; the first where not given.
        values: how values are spelt in the form, where otherwise than in the bench: ``{ "" = "Not set" }``.
        written: what is round every other value: ``{value} %``; of seconds ``{minutes}:{seconds}``.
        reads: whether what stands in it can be believed; passwords and files never are read.
        called: how messages call it, where otherwise than its label.
        add: what adds a text box to a list.
        remove: what takes a text box out of a list: all such things, one for each box, in the same order.
        blanks: whether boxes that are left empty count for nothing, so that none has to be taken out.
        separator: what stands between the entries of ``lines``.
        option: an entry of a choice that is no ``<select>``; ``{value}`` stands for how it is spelt.
        take_out: what takes an uploaded file out: ticked or clicked, where it can be seen.
        only_with: other settings, and the values that they must have for this field to be there.
    """

    kind: Kind = "text"
    page: str | None = None
    values: dict[str, str] = {}
    written: Annotated[str, Field(pattern=_WRITTEN)] = "{value}"
    reads: bool = True
    called: str | None = None
    add: Target | None = None
    remove: Target | None = None
    blanks: bool = False
    separator: str = "\n"
    option: Target = Target(role="option", name="{value}")
    take_out: Target | None = None
    only_with: dict[str, str] = {}

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Setting:
        for name, kind in (("add", "list"), ("remove", "list"), ("take_out", "file")):
            if getattr(self, name) is not None and self.kind != kind:
                raise ValueError(f"{name} is for the kind {kind}, and this is {self.kind}")
        return self

    @property
    def calls(self) -> str:
        """How the portal's messages call it."""
        return self.called or self.label or self.name or ""

    def spelt(self, value: str) -> str:
        """Return how a value is spelt in the form."""
        if value in self.values or not value:
            return self.values.get(value, value)
        if "{value}" in self.written:
            return self.written.replace("{value}", value)
        if not _SECONDS.fullmatch(value):
            return value
        minutes, seconds = divmod(int(value), 60)
        return self.written.replace("{minutes}", str(minutes)).replace("{seconds}", f"{seconds:02}")

    def meant(self, text: str) -> str:
        """Return the value that is spelt so in the form; the text itself where it spells none."""
        for value, spelt in self.values.items():
            if spelt == text:
                return value
        pattern = re.escape(self.written)
        for word, digits in (("value", ".*"), ("minutes", r"\d{1,9}"), ("seconds", "[0-5]?[0-9]")):
            pattern = pattern.replace(re.escape(f"{{{word}}}"), f"(?P<{word}>{digits})")
        if (found := re.fullmatch(pattern, text, re.DOTALL)) is None:
            return text
        parts = found.groupdict()
        return parts["value"] if "value" in parts else str(int(parts["minutes"]) * 60 + int(parts["seconds"]))


def _known_settings(value: dict[str, Setting]) -> dict[str, Setting]:
    for name in value:
        if name not in NAMES:
            raise ValueError(f"{name!r} is no setting; there are {', '.join(NAMES)}")
    return value


class Column(_Part):
    """A cell of a row of a list. Exactly one is given.

    Attributes:
        heading: of its column, as the table shows it.
        selector: a CSS selector of it within the row.
    """

    heading: str = ""
    selector: str = ""

    @model_validator(mode="after")
    def _one_place(self) -> Column:
        if bool(self.heading) == bool(self.selector):
            raise ValueError("give heading or selector")
        return self


def _as_heading(value: Any) -> Any:
    return {"heading": value} if isinstance(value, str) else value


class EventsTable(_Part):
    """The list of events, to which the way ``events`` leads: whenever that is taken, it is read anew.

    Attributes:
        row: every row of the list.
        columns: the cells of a row by names of the bench's; a text is the heading of the column. A layout
            says what they mean: ``event``, ``screen``, ``details``, ``time`` with the one that comes along.
        empty: what can be seen where there are no rows.
        only: regular expressions for cells, which have to match a whole one: rows that differ are of no
            interest, such as those of events that have nothing to do with SIP.
        newest: where the newest row is.
        next: what leads on to the following page of the list, where it has several.
    """

    row: Target
    columns: Annotated[dict[str, Annotated[Column, BeforeValidator(_as_heading)]], Field(min_length=1)]
    empty: Targets = Field(min_length=1)
    only: dict[str, str] = {}
    newest: Literal["first", "last"] = "first"
    next: Target | None = None

    @model_validator(mode="after")
    def _only_of_columns(self) -> EventsTable:
        for name, expression in self.only.items():
            if name not in self.columns:
                raise ValueError(f"only: columns has no {name!r}")
            try:
                re.compile(expression)
            except re.error as problem:
                raise ValueError(f"only.{name} is no regular expression: {problem}") from None
        return self


class PortalMap(_Part):
    """A whole map.

    Attributes:
        title: whose portal it is.
        device: what the portal calls the device, put for ``{device}``; a bench file may say otherwise.
        language: of the browser, by which a portal may choose its words (BCP 47).
        viewport: width and height of the browser's window.
        ways: steps by the name of where they lead, from anywhere in the portal: ``form``, ``events``.
        settings: the fields of the form, in the order in which they are filled in.
        events: the list of events, where there is one; the way ``events`` leads there.
    """

    title: Annotated[str, Field(min_length=1, max_length=120)]
    device: str = ""
    language: str = "en"
    viewport: tuple[Annotated[int, Field(ge=320, le=4000)], Annotated[int, Field(ge=240, le=4000)]] = (
        1280,
        900,
    )
    times: Times = Times()
    log_in: LogIn
    ways: dict[str, Annotated[Steps, Field(min_length=1)]]
    form: FormTable
    settings: Annotated[dict[str, Setting], Field(min_length=1), AfterValidator(_known_settings)]
    answer: AnswerTable
    events: EventsTable | None = None

    @model_validator(mode="after")
    def _hangs_together(self) -> PortalMap:
        if FORM not in self.ways:
            raise ValueError(f"ways.{FORM} is missing: the steps to the form")
        if self.events is not None and EVENTS not in self.ways:
            raise ValueError(f"ways.{EVENTS} is missing: the steps to the list of events")
        pages = [page.name for page in self.form.pages]
        if any(page.next is None for page in self.form.pages[:-1]):
            raise ValueError("form.pages: each page but the last needs next")
        for name, setting in self.settings.items():
            if setting.page is not None and setting.page not in pages:
                raise ValueError(f"settings.{name}.page: form.pages has no {setting.page!r}")
            if unknown := next((other for other in setting.only_with if other not in self.settings), None):
                raise ValueError(f"settings.{name}.only_with: settings has no {unknown!r}")
        return self

    def placed(self, target: Target) -> Target:
        """Return something of the form with what all of the form is in."""
        frame = target.frame if target.frame is not None else self.form.frame
        outer = self.form.within
        if outer is None:
            return target.model_copy(update={"frame": frame})
        chain = target.model_copy(update={"frame": None})
        return chain.model_copy(update={"frame": frame, "within": _innermost(chain.within, outer)})

    def on_page(self, page: FormPage | None) -> Iterator[tuple[str, Setting]]:
        """Yield the settings of a page of the form, or of the only one, by name."""
        first = self.form.pages[0].name if self.form.pages else None
        for name, setting in self.settings.items():
            if page is None or (setting.page or first) == page.name:
                yield name, setting


def _innermost(within: Target | None, outer: Target) -> Target:
    if within is None:
        return outer
    return within.model_copy(update={"within": _innermost(within.within, outer)})


def shipped_map() -> Path:
    """Return the file of the map that comes along."""
    return Path(str(files(__package__) / "maps" / SHIPPED))


def read_map(path: Path | None = None) -> PortalMap:
    """Read a map; the one that comes along where no file is named.

    Raises:
        BenchError: it cannot be read, or is no map; the file and every wrong field are named.
    """
    path = path or shipped_map()
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST_MAP + 1)
        if len(raw) > LARGEST_MAP:
            raise BenchError(
                f"the portal map has more than {LARGEST_MAP} bytes", str(path), "name a portal map"
            )
        return PortalMap.model_validate(tomllib.loads(raw.decode("utf-8")))
    except (OSError, UnicodeDecodeError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else "it is not UTF-8 text"
        raise BenchError(
            f"the portal map cannot be read ({reason})",
            str(path),
            "name an existing one as device.browser.map",
        ) from None
    except tomllib.TOMLDecodeError as problem:
        raise BenchError(f"not a TOML file: {problem}", str(path), "correct the line it names") from None
    except ValidationError as problem:
        wrong = "; ".join(_wrong(error["loc"], error["msg"]) for error in problem.errors()[:10])
        raise BenchError(wrong, str(path), f"correct the fields; {GUIDE} explains each") from None


def _wrong(location: tuple[int | str, ...], message: str) -> str:
    field = ""
    for part in location:
        field += f"[{part}]" if isinstance(part, int) else f".{part}" if field else part
    return f"{field or 'the whole map'}: {message.removeprefix('Value error, ')}"
