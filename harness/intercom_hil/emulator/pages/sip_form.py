"""The form *SIP Configuration* as HTML: groups, labels, hints, and errors beside their fields."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field

from intercom_hil.emulator.form_reading import Errors
from intercom_hil.emulator.page_rules import PageRules
from intercom_hil.emulator.pages.filled import Filled
from intercom_hil.emulator.pages.markup import attributes, hidden, safe
from intercom_hil.emulator.pages.sip_fields import BY_NAME, GROUPS, SWITCH, Field, Group, Kind
from intercom_hil.emulator.settings import SipSettings

_DEFAULT_BUTTON = (
    """<input class="unseen" type="submit" name="action" value="submit" tabindex="-1" aria-hidden="true">"""
)
"""The first button is what Enter in a text box presses."""


@dataclass
class SipForm:
    """The form, and all that is known when it is shown.

    Attributes:
        errors: by field; those of no field at all are shown at the top.
        focus: the id of the field that the cursor is put into.
        expanded: whether *SIP Configuration* is open from the start.
    """

    filled: Filled
    in_force: SipSettings | None
    rules: PageRules
    errors: Errors = field(default_factory=list)
    warnings: Sequence[str] = ()
    focus: str = ""
    expanded: bool = False

    def html(self, action: str, token: str, draft: str) -> str:
        """Return the whole form."""
        if self.errors and not self.focus:
            self.focus = next((_id(error["field"]) for error in self.errors if _known(error["field"])), "")
        groups = "".join(self._group(group) for group in GROUPS)
        return f"""{self._summary()}
<form class="settings" method="post" action="{safe(action)}" enctype="multipart/form-data">
{_DEFAULT_BUTTON}<input type="hidden" name="token" value="{safe(token)}">
<input type="hidden" name="draft" value="{safe(draft)}">
<details class="section"{attributes({"open": self.expanded or bool(self.errors)})}>
<summary>SIP Configuration</summary>
<div class="toggle">{self._field(SWITCH)}</div>
{groups}
<p class="submit"><button class="main" name="action" value="submit">Submit</button>
<a href="/devices/door">Cancel</a></p>
</details>
</form>"""

    def _summary(self) -> str:
        if not self.errors:
            return ""
        rows = []
        for error in self.errors:
            known = _known(error["field"])
            if known is None:
                rows.append(f"<li>{safe(_sentence(error['message']))}</li>")
                continue
            legend, one = known
            label = self.rules.label(one.name, one.label)
            where = label if legend == label else f"{legend}, {label}"
            message = safe(_sentence(error["message"]))
            rows.append(f'<li><a href="#{_id(error["field"])}">{safe(where)}</a>: {message}</li>')
        return f"""<div class="notice problem" role="alert"><h2>Nothing was changed</h2>
<p>The settings in force before are still in force. Mend this and submit again:</p>
<ul>{"".join(rows)}</ul></div>"""

    def _group(self, group: Group) -> str:
        ident = f"group-{_slug(group.legend)}"
        hint = f'<p class="hint" id="{ident}">{safe(group.hint)}</p>' if group.hint else ""
        described = attributes({"aria-describedby": ident}) if hint else ""
        fields = "".join(self._field(one) for one in group.fields)
        return f"""<fieldset{described}><legend>{safe(group.legend)}</legend>{hint}
<div class="fields">{fields}</div></fieldset>"""

    def _field(self, one: Field) -> str:
        match one.kind:
            case Kind.LIST:
                return self._list(one)
            case Kind.SWITCH:
                return self._switch(one)
        error, described, notes = self._notes(one)
        given = {"id": one.id, "name": one.name, "aria-describedby": described or False}
        given |= {"aria-invalid": "true" if error else False, "autofocus": one.id == self.focus}
        checks = self._checks(one)
        if one.kind is Kind.CHOICE:
            control = f"<select{attributes(given | checks)}>{self._options(one)}</select>"
        else:
            control = f"<input{attributes(given | self._input(one) | checks)}>"
        classes = "field tls" if one.name == "ca_certificate" else "field"
        after = self._certificate() if one.kind is Kind.FILE else ""
        return f'<div class="{classes}">{self._label(one)}{notes}{control}{after}</div>'

    def _label(self, one: Field) -> str:
        return f'<label for="{one.id}">{safe(self.rules.label(one.name, one.label))}</label>'

    def _checks(self, one: Field) -> dict[str, str | bool]:
        checks = dict(self.rules.checks(one.name, one.checks))
        if one.kind is Kind.PASSWORD and self.filled.has_password(one.name, self.in_force):
            checks.pop("required", None)
        return {name: True if name == "required" else value for name, value in checks.items()}

    def _notes(self, one: Field, name: str = "") -> tuple[str, str, str]:
        """Return the error of a field, the ids of what describes it, and the HTML of that."""
        name = name or one.name
        ident, notes = _id(name), ""
        ids: list[str] = []
        hint = one.hint if name == one.name else ""
        wrong = " ".join(_sentence(error["message"]) for error in self.errors if error["field"] == name)
        if one.kind is Kind.PASSWORD and self.filled.has_password(one.name, self.in_force):
            hint = "A password is set. Leave the field empty to keep it."
        for kind, text in (
            ("hint", hint),
            ("warning", " ".join(_sentence(text) for at, text in self._warned() if at == name)),
            ("error", wrong),
        ):
            if text:
                ids.append(f"{ident}-{kind}")
                prefix = hidden(f"{kind.capitalize()}: ") if kind != "hint" else ""
                notes += f'<p class="{kind}" id="{ids[-1]}">{prefix}{safe(text)}</p>'
        return wrong, " ".join(ids), notes

    def _warned(self) -> list[tuple[str, str]]:
        return [(name, text) for name, _, text in (warning.partition(": ") for warning in self.warnings)]

    def _input(self, one: Field) -> dict[str, str | bool]:
        """Return the attributes of an input element: its type, and what stands in it."""
        if one.kind is Kind.PASSWORD and not self.rules.masks():
            old = self.in_force.as_json() if self.in_force else {}
            return {"type": "text", "value": str(old.get(one.name, "")), "autocomplete": "off"}
        match one.kind:
            case Kind.PASSWORD:
                return {"type": "password", "autocomplete": "new-password"}
            case Kind.FILE:
                return {"type": "file"}
        kind = "number" if one.kind is Kind.NUMBER else "text"
        spelling: dict[str, str | bool] = {
            "spellcheck": "false",
            "autocapitalize": "off",
            "autocomplete": "off",
        }
        return {"type": kind, "value": self.filled.texts.get(one.name, ""), **spelling}

    def _options(self, one: Field) -> str:
        chosen = self.filled.texts.get(one.name, "")
        return "".join(
            f"<option{attributes({'value': value, 'selected': value == chosen})}>{safe(wording)}</option>"
            for value, wording in one.choices
        )

    def _switch(self, one: Field) -> str:
        error, described, notes = self._notes(one)
        given: dict[str, str | bool] = {
            "type": "checkbox",
            "role": "switch",
            "id": one.id,
            "name": one.name,
            "checked": self.filled.texts.get(one.name) == "on",
            "aria-describedby": described or False,
            "aria-invalid": "true" if error else False,
            "autofocus": one.id == self.focus,
        }
        return f'<div class="field switch"><input{attributes(given)}>{self._label(one)}{notes}</div>'

    def _list(self, one: Field) -> str:
        """Return the text boxes of a list, each with a button that takes it out, and the plus icon."""
        label = self.rules.label(one.name, one.label)
        error, described, notes = self._notes(one)
        boxes = []
        for place, entry in enumerate(self.filled.lists[one.name]):
            name = f"{one.name}.{place}"
            wrong, its, its_notes = self._notes(one, name)
            given: dict[str, str | bool] = {
                "type": "text",
                "id": _id(name),
                "name": one.name,
                "value": entry,
                "aria-describedby": " ".join(filter(None, (described, its))) or False,
                "aria-invalid": "true" if wrong or error else False,
                "autofocus": _id(name) == self.focus,
                "spellcheck": "false",
                "autocapitalize": "off",
                "autocomplete": "off",
            }
            removes = attributes({"name": "action", "value": f"remove {one.name} {place}"})
            boxes.append(
                f'<li class="field"><label for="{_id(name)}">{safe(label)}</label>{its_notes}'
                f'<span class="box"><input{attributes(given | self._checks(one))}>'
                f'<button class="icon"{removes} formnovalidate><span aria-hidden="true">−</span>'
                f"{hidden(f'Remove {label} {place + 1}')}</button></span></li>"
            )
        listed = f'<ol class="boxes">{"".join(boxes)}</ol>' if boxes else ""
        adds = attributes({"name": "action", "value": f"add {one.name}", "id": f"add-{one.id}"})
        return (
            f'<div class="list" id="{one.id}">{notes}{listed}<p class="add"><button class="icon"{adds} '
            f'aria-label="Add {safe(label)}" formnovalidate><span aria-hidden="true">+</span></button>'
            f'<span aria-hidden="true">{safe(label)}</span></p></div>'
        )

    def _certificate(self) -> str:
        """Return what is said of the CA certificate that there is, and how it is taken out."""
        if self.filled.draft.certificate is not None:
            filename, uploaded = self.filled.draft.certificate
            subject = safe(certificate_name(uploaded))
            return f'<p class="file">Ready to be submitted: {safe(filename)} ({subject})</p>'
        text = self.in_force.ca_certificate if self.in_force else None
        if text is None:
            return ""
        name = "take_out_certificate"
        box = attributes({"id": name, "name": name, "checked": self.filled.takes_out_certificate})
        return (
            f'<p class="file">Uploaded: {safe(certificate_name(text))}</p>'
            f'<p class="file"><input type="checkbox"{box}>'
            f'<label for="{name}">Take the certificate out</label></p>'
        )


def certificate_name(text: str) -> str:
    """Return what the subject of a CA certificate is called."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cadata=text)
        subject = context.get_ca_certs()[0]["subject"]
    except (ssl.SSLError, ValueError, IndexError, KeyError):
        return "a certificate"
    parts = [str(pair[1]) for names in subject for pair in names if isinstance(pair, tuple)]
    return ", ".join(parts) or "a certificate without a name"


def warning_texts(warnings: Sequence[str], rules: PageRules) -> list[str]:
    """Return warnings with the label of a field in the place of its name."""
    texts = []
    for warning in warnings:
        name, _, text = warning.partition(": ")
        known = _known(name)
        texts.append(f"{rules.label(name, known[1].label)}: {text}" if known else warning)
    return texts


def _known(name: str) -> tuple[str, Field] | None:
    """Return legend and field of an error's field, which may be one entry of a list."""
    return BY_NAME.get(name) or BY_NAME.get(name.rpartition(".")[0])


def _id(name: str) -> str:
    return name.replace(".", "-")


def _slug(legend: str) -> str:
    return "-".join(legend.lower().split())


def _sentence(message: str) -> str:
    text = message.strip().rstrip(".")
    return f"{text[:1].upper()}{text[1:]}."
