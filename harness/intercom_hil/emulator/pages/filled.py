"""The form *SIP Configuration* filled in: from settings or what was posted, to the settings submitted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any

from intercom_hil.emulator.form import Form
from intercom_hil.emulator.form_reading import RefusedError
from intercom_hil.emulator.pages.posted import Posted
from intercom_hil.emulator.pages.sessions import Draft
from intercom_hil.emulator.pages.sip_fields import Field, Kind, all_fields
from intercom_hil.emulator.settings import SipSettings

_DEFAULTS = {one.name: one.default for one in fields(SipSettings) if one.default is not MISSING}
_ON = "on"


@dataclass
class Filled:
    """What stands in the form's fields.

    Attributes:
        texts: of all fields with one value; a switch that is off has none.
        lists: of those with several.
        draft: passwords and certificate that were entered, and are not shown again.
        takes_out_certificate: whether the uploaded CA is to go.
    """

    texts: dict[str, str]
    lists: dict[str, list[str]]
    draft: Draft = field(default_factory=Draft)
    takes_out_certificate: bool = False

    @classmethod
    def of_settings(cls, settings: SipSettings | None) -> Filled:
        """Return the form as it is opened. Before the first settings SIP is off."""
        flat = _flat(settings.as_json() if settings else {**_DEFAULTS, "enabled": False})
        filled = cls({}, {})
        for _, one in all_fields():
            value = flat.get(one.name)
            if one.kind is Kind.LIST:
                filled.lists[one.name] = list(value or ())
            elif one.kind is Kind.SWITCH and value:
                filled.texts[one.name] = _ON
            elif one.kind not in (Kind.SWITCH, Kind.PASSWORD, Kind.FILE):
                filled.texts[one.name] = "" if value is None else str(value)
        return filled

    @classmethod
    def of_posted(cls, posted: Posted, draft: Draft) -> Filled:
        """Return the form as it was sent; its passwords go into the draft."""
        filled = cls({}, {}, draft, takes_out_certificate=posted.text("take_out_certificate") == _ON)
        for _, one in all_fields():
            if one.kind is Kind.LIST:
                filled.lists[one.name] = posted.texts(one.name)
            elif one.kind is Kind.PASSWORD:
                typed = posted.text(one.name)
                if typed:
                    draft.passwords[one.name] = typed
            elif one.kind is not Kind.FILE:
                text = posted.text(one.name)
                if text is not None:
                    filled.texts[one.name] = text
        return filled

    def take_upload(self, posted: Posted, form: Form) -> list[dict[str, str]]:
        """Keep the certificate that was uploaded, if any; return what is wrong with it (CFG-07)."""
        upload = posted.file("ca_certificate")
        if upload is None:
            return []
        try:
            self.draft.certificate = upload[0], form.certificate(*upload)
        except RefusedError as refused:
            return refused.errors
        self.takes_out_certificate = False
        return []

    def without_blanks(self) -> None:
        """Take out text boxes of lists in which nothing was entered."""
        for name, entries in self.lists.items():
            self.lists[name] = [entry for entry in entries if entry]

    def submitted(self, in_force: SipSettings | None) -> dict[str, Any]:
        """Return the settings as the configuration form takes them; what was not sent is missing."""
        old = _flat(in_force.as_json()) if in_force else {}
        flat: dict[str, Any] = {}
        for _, one in all_fields():
            value = self._value(one, old)
            if value is not None:
                flat[one.name] = value
        proxy = {name.removeprefix("proxy."): flat.pop(name) for name in [*flat] if name.startswith("proxy.")}
        entered = any(proxy.get(name) for name in ("username", "address", "port"))
        flat["proxy"] = proxy if entered or "proxy.password" in self.draft.passwords else None
        return flat

    def has_password(self, name: str, in_force: SipSettings | None) -> bool:
        """Return whether there is a password that an empty field leaves as it is."""
        return name in self.draft.passwords or bool(_flat(in_force.as_json()).get(name) if in_force else None)

    def _value(self, one: Field, old: Mapping[str, Any]) -> Any:
        if one.kind is Kind.LIST:
            return self.lists[one.name]
        if one.kind is Kind.PASSWORD:
            return self.draft.passwords.get(one.name, old.get(one.name))
        if one.kind is Kind.FILE:
            if self.takes_out_certificate:
                return None
            return self.draft.certificate[1] if self.draft.certificate else old.get(one.name)
        text = self.texts.get(one.name)
        if one.kind is Kind.SWITCH:
            return {None: False, _ON: True}.get(text, text)
        return text


def _flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings by the names of fields: the proxy's have its name before theirs."""
    proxy = settings.get("proxy") or {}
    return {**settings, **{f"proxy.{name}": value for name, value in proxy.items()}}
