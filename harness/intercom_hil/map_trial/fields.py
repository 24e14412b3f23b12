"""A field of a form looked at: whether it is there, its kind fits, and what it has can be read."""

from __future__ import annotations

from dataclasses import dataclass

from intercom_hil.browser.form import PortalForm
from intercom_hil.browser.portal_map import PortalMap, Setting
from intercom_hil.browser.session import PortalSession
from intercom_hil.browser.wanted import Value
from intercom_hil.errors import BenchError
from intercom_hil.map_trial.place import SWITCHED
from intercom_hil.spec.settings import Encryption, Transport, VideoCalls

WITHIN = 3.0
"""Seconds in which a field of a page that has come has to be there."""
CHOICES: dict[str, tuple[str, ...]] = {
    "transport": tuple(Transport),
    "encryption": tuple(Encryption),
    "video_calls": tuple(VideoCalls),
    "enabled": SWITCHED,
    "allow_incoming": SWITCHED,
}
"""The values of settings that have few."""
_WHAT = """els => els.map(el => [el.tagName.toLowerCase(), el.tagName === 'INPUT' ? el.type : '',
  el.getAttribute('role') ?? '', el.options ? [...el.options].map(one => one.label.trim()) : []])"""
_KINDS = {
    "select": ("a list to choose from", "choice"),
    "textarea": ("a text box of several lines", "lines"),
    "checkbox": ("a box to tick", "switch"),
    "switch": ("a switch", "switch"),
    "radio": ("a radio button", "radio"),
    "radiogroup": ("a group of buttons", "radio"),
    "fieldset": ("a group of fields", "radio"),
    "file": ("an upload", "file"),
    "password": ("a password box", "password"),
    "combobox": ("a list to choose from", "choice"),
    "listbox": ("a list to choose from", "choice"),
    "range": ("a slider", "text"),
    "input": ("a text box", "text"),
}
"""What an element is by its type, role or tag, and the kind of setting that it is."""
_ALIKE = {
    ("text", "lines"),
    ("lines", "text"),
    ("password", "text"),
    ("text", "password"),
    ("choice", "text"),
}
"""Kinds in the map and in the form that work together all the same."""


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of a field.

    Attributes:
        told: what it is and what it has, for a person.
        value: what stands in it, as the bench spells it; None where that cannot be read.
        note: what may be wrong with it.
    """

    told: str
    value: str | bool | list[str] | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class _Element:
    tag: str
    type: str
    role: str
    options: list[str]

    @property
    def kind(self) -> tuple[str, str]:
        """What it is, in words, and the kind of setting; of what is none, an empty kind."""
        known = (_KINDS[name] for name in (self.type, self.role, self.tag) if name in _KINDS)
        return next(known, (f"<{self.tag}>", ""))


async def look_at(name: str, known: PortalMap, session: PortalSession, form: PortalForm) -> Look:
    """Look at the field of a setting on the page that is shown; nothing is changed.

    Raises:
        BenchError: it is not there, is of another kind, or has a value that the map does not explain.
        DeviceCrashed: nobody answers.
        SessionEnded: the portal wants a log-in.
    """
    setting = known.settings[name]
    elements = await _elements(name, setting, known, session)
    for element in elements:
        _check_kind(setting, element)
    value = await form.standing(name)
    what = (
        f"{len(elements)} boxes" if setting.kind == "list" else elements[0].kind[0] if elements else "nothing"
    )
    told = f"{setting}: {what}"
    if value is None:
        return Look(f"{told}; what it has cannot be read", None)
    options = elements[0].options if elements else []
    note = _check_value(name, setting, options, value)
    return Look(f"{told}, {session.without_secrets(_shown(value))}", value, note)


async def _elements(name: str, setting: Setting, known: PortalMap, session: PortalSession) -> list[_Element]:
    from playwright.async_api import Error

    target = known.placed(setting)
    if setting.kind == "list" and setting.add is not None:
        await session.find(known.placed(setting.add), f"what adds a box to {name}", within=WITHIN)
        found = session.locate(target)
    elif setting.kind == "list":
        found = session.locate(target)
        await session.first({name: (target,)}, f"the boxes of {name}", within=WITHIN)
    else:
        found = await session.find(
            target, f"the field of {name}", within=WITHIN, hidden=setting.kind == "file"
        )
    try:
        return [_Element(*one) for one in await found.evaluate_all(_WHAT)]
    except Error as problem:
        why = str(problem).strip().partition("\n")[0]
        raise BenchError(f"{target} cannot be looked for ({why})", remedy="correct the selector") from problem


def _check_kind(setting: Setting, element: _Element) -> None:
    what, kind = element.kind
    wanted = "text" if setting.kind == "list" else setting.kind
    if kind not in ("", wanted) and (wanted, kind) not in _ALIKE:
        raise BenchError(
            f"{setting} is {what}, and the map has it as {setting.kind}", remedy=f'use kind = "{kind}"'
        )


def _check_value(name: str, setting: Setting, options: list[str], value: Value) -> str:
    """Return what is doubtful about a value. Raises BenchError: the map does not explain it."""
    known = CHOICES.get(name)
    if known is None or not isinstance(value, str):
        return ""
    spelt = [setting.spelt(one) for one in known]
    lacking = [one for one in spelt if options and one not in options]
    entries = f"the form has {', '.join(map(repr, options))}" if options else ""
    if value not in known:
        raise BenchError(
            f"{setting} has {value!r}, which the map does not explain" + (f"; {entries}" if entries else ""),
            remedy=f"say with values how the form spells {', '.join(map(repr, known))}",
        )
    return f"nothing is spelt {', '.join(map(repr, lacking))}; {entries}" if lacking else ""


def _shown(value: str | bool | list[str]) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list):
        return f"with {', '.join(value)}" if value else "with nothing in it"
    return f"with {value!r}"
