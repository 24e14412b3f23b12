"""A form submitted by somebody who may not: by the page, if that lets him in, and behind it (CFG-02).

The page may show no way in, and the server take what it is sent all the same. So the address of the form is
asked for directly; where no form comes, the administrator's form, filled in, is sent as this person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from intercom_hil.browser.form import FormAnswer, PortalForm
from intercom_hil.browser.portal_map import FORM, Step
from intercom_hil.browser.session import PortalSession, SessionEnded
from intercom_hil.errors import BenchError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from intercom_hil.browser.wanted import Value

LOOK = 3.0
"""Seconds in which a way in shows, that others have: its lack is only noted, and nothing rests on it."""
_ENTRIES = """els => {
  const form = els[0]?.form;
  if (!form) return null;
  const own = name => Object.getOwnPropertyDescriptor(HTMLFormElement.prototype, name).get.call(form);
  const hidden = [...form.querySelectorAll('input[type=hidden]')].map(one => one.name);
  const entries = [...new FormData(form)].filter(one => typeof one[1] === 'string');
  const button = els[0];
  if (button.name) entries.push([button.name, button.value]);
  return {action: own('action'), method: own('method'), enctype: own('enctype'), entries, hidden};
}"""
"""A field may be called as what a form has itself, such as ``action``: so the form's own are asked for."""
_SEND = """sent => {
  const own = name => document.querySelector(`input[type=hidden][name="${CSS.escape(name)}"]`)?.value;
  const form = document.createElement('form');
  form.action = sent.action; form.method = sent.method; form.enctype = sent.enctype;
  for (const [name, value] of sent.entries) {
    const field = document.createElement('input');
    field.type = 'hidden'; field.name = name;
    field.value = sent.hidden.includes(name) ? (own(name) ?? value) : value;
    form.append(field);
  }
  document.body.append(form);
  HTMLFormElement.prototype.submit.call(form);
}"""


async def knock(
    person: PortalSession,
    administrator: PortalSession,
    values: Mapping[str, Value],
) -> FormAnswer:
    """Have somebody who may not submit a form in every way that there is.

    Args:
        person: who tries.
        administrator: who may, and fills in the form that is sent.
        values: what is to stand in the form.

    Returns:
        Taken, if any of the ways had it taken; else denied, with what each of them met.

    Raises:
        BenchError: the bench's own log-in fails, or the administrator's form is not found.
        DeviceCrashed: nobody answers.
    """
    form = PortalForm(administrator)
    await form.open()
    await form.fill(values)
    address = administrator.page.url
    button = administrator.locate(administrator.map.placed(administrator.map.form.submit))
    sent: dict[str, Any] | None = await button.evaluate_all(_ENTRIES)

    await person.log_in()
    met = []
    if person.person is not None:
        met.append(f"in the page: {await _way_in(person)}")
    await person.take(Step(name="ask for the form directly", open=address), logging_in=True)
    if await _form_is_there(person):
        answer = await PortalForm(person).submit(values, round_the_browser=True)
        if answer.outcome == "taken":
            return answer
        met.append(f"in the form: {answer.status} {answer.message}")
    else:
        met.append(f"asked for directly: {person.status}")
    if sent is not None:
        outcome = await _sent(person, sent)
        met.append(f"sent directly: {outcome.status} {outcome.message}".strip())
        if outcome.outcome == "taken":
            return outcome
    return FormAnswer("denied", "; ".join(met), status=person.status)


async def _way_in(person: PortalSession) -> str:
    """Return how far the way of others leads somebody, in words."""
    for step in person.map.ways[FORM]:
        try:
            await person.take(step.model_copy(update={"within": LOOK}))
        except SessionEnded:
            return f"step {step.name!r} leads to the log-in"
        except BenchError:
            return f"step {step.name!r} finds nothing"
    return "all the way to the form" if await _form_is_there(person) else "all steps, and no form"


async def _form_is_there(person: PortalSession) -> bool:
    """Return whether the form can be seen, or is there behind a section that is not expanded."""
    await person.loaded()
    portal_map = person.map
    first = next(portal_map.on_page(portal_map.form.pages[0] if portal_map.form.pages else None))[1]
    if not await person.locate(portal_map.placed(first)).count():
        return False
    for step in portal_map.ways[FORM]:
        if step.unless is not None and not await person.sees(step.unless):
            await person.take(step, logging_in=True)
    return True


async def _sent(person: PortalSession, sent: dict[str, Any]) -> FormAnswer:
    table, before = person.map.answer, person.documents
    await person.page.evaluate(_SEND, sent)
    await person.until_document(before)
    if await person.sees(table.taken):
        return FormAnswer("taken", await person.text_of(table.taken), status=person.status)
    for targets in (table.denied, table.refused, person.map.log_in.needed):
        if await person.sees(targets):
            return FormAnswer("denied", await person.text_of(targets), status=person.status)
    return FormAnswer("denied", "it is not said that it was taken", status=person.status)
