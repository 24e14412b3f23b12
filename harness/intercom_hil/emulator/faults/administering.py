"""Faults in the configuration form and in what becomes of settings (CFG)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from intercom_hil.emulator.addresses import is_address
from intercom_hil.emulator.faults.fault import Fault
from intercom_hil.emulator.form import Form
from intercom_hil.emulator.form_reading import Errors, RefusedError, read_settings
from intercom_hil.emulator.settings import SipSettings, Transport
from intercom_hil.emulator.vocabulary import Apply, Configured, Ended, Input, Output, Refresh, Step

_GOOD_PASSWORD = 8
"""Characters."""


class _FormFault(Form, Fault):
    """A fault that is the faulty form itself, over the good one."""

    def form(self, inner: Form) -> Form:
        """Put the faulty form in the good one's place."""
        return self


class ViewerMayConfigure(_FormFault):
    """Every role may change the configuration."""

    name = "viewer-may-configure"
    description = "an account that may only look can change the SIP configuration"
    breaks = frozenset({"CFG-02"})

    def may_submit(self, role: str) -> bool:
        """Let everybody."""
        return True


class StrangersMayConfigure(_FormFault):
    """Nobody has to log in."""

    name = "strangers-may-configure"
    description = "the SIP configuration can be changed without an account"
    breaks = frozenset({"CFG-02"})

    def may_enter(self, role: str | None) -> bool:
        """Let everybody."""
        return True

    def may_submit(self, role: str) -> bool:
        """Let those who have no role at all, besides those who may."""
        return not role or super().may_submit(role)


class RoleOfTheFirst(_FormFault):
    """Accounts are mixed up: one role is kept, and asked for ever after."""

    name = "role-of-the-first"
    description = "whoever submits a form first, his role is that of everybody who is logged in"
    breaks = frozenset({"CFG-02"})

    def __init__(self) -> None:
        super().__init__()
        self._role = ""

    def may_submit(self, role: str) -> bool:
        """Judge by the role that was kept."""
        self._role = self._role or role
        return super().may_submit(self._role)


class NoPollingWarning(_FormFault):
    """Nothing is said about a short polling interval."""

    name = "no-polling-warning"
    description = "a polling interval below the recommended minimum draws no warning"
    breaks = frozenset({"CFG-05"})

    def warnings(self, settings: SipSettings) -> list[str]:
        """Keep silent."""
        return []


class AnyFileIsACertificate(_FormFault):
    """The type of an uploaded file is not looked at."""

    name = "any-file-is-a-certificate"
    description = "a CA certificate is taken from a file of any name"
    breaks = frozenset({"CFG-07"})

    def certificate(self, filename: str, content: bytes) -> str:
        """Take every name for a good one."""
        return super().certificate("ca.pem", content)


class OddSuffixRefused(_FormFault):
    """One of the file types is forgotten."""

    name = "cer-file-refused"
    description = "a CA certificate in a .cer file is refused"
    breaks = frozenset({"CFG-07"})

    def certificate(self, filename: str, content: bytes) -> str:
        """Refuse it."""
        if filename.lower().endswith(".cer"):
            raise RefusedError([{"field": "ca_certificate", "message": "file type not supported"}])
        return super().certificate(filename, content)


class FullNumberRefused(_FormFault):
    """The call number must be short."""

    name = "full-call-number-refused"
    description = "a call number in the form sip:<extension>@<server> is refused"
    breaks = frozenset({"CFG-13"})

    def read(self, data: Mapping[str, Any], in_force: SipSettings | None) -> SipSettings:
        """Refuse it."""
        if str(data.get("call_number", "")).startswith("sip:"):
            raise RefusedError([{"field": "call_number", "message": "only letters and digits are allowed"}])
        return super().read(data, in_force)


class ShortNumberRefused(_FormFault):
    """The call number must be full."""

    name = "short-call-number-refused"
    description = "a call number in the form <extension> is refused"
    breaks = frozenset({"CFG-13"})

    def read(self, data: Mapping[str, Any], in_force: SipSettings | None) -> SipSettings:
        """Refuse it."""
        settings = super().read(data, in_force)
        if not settings.call_number.startswith("sip:"):
            raise RefusedError([{"field": "call_number", "message": "sip:<extension>@<server> is needed"}])
        return settings


class ShortCallerRefused(_FormFault):
    """Permitted callers must be full addresses."""

    name = "short-permitted-caller-refused"
    description = "a permitted caller in the form <extension> is refused"
    breaks = frozenset({"CFG-20"})

    def read(self, data: Mapping[str, Any], in_force: SipSettings | None) -> SipSettings:
        """Refuse it."""
        settings = super().read(data, in_force)
        if not all(caller.startswith("sip:") for caller in settings.permitted_callers):
            raise RefusedError(
                [{"field": "permitted_callers", "message": "sip:<extension>@<server> is needed"}]
            )
        return settings


class DummyPasswordRefused(_FormFault):
    """The form knows better which passwords are good."""

    name = "short-password-refused"
    description = "a password of fewer than 8 characters is refused"
    breaks = frozenset({"CFG-10"})

    def read(self, data: Mapping[str, Any], in_force: SipSettings | None) -> SipSettings:
        """Refuse it."""
        settings = super().read(data, in_force)
        if len(settings.auth_password) < _GOOD_PASSWORD:
            raise RefusedError(
                [{"field": "auth_password", "message": f"less than {_GOOD_PASSWORD} characters"}]
            )
        return settings


class SingleCallerOnly(_FormFault):
    """The list of permitted callers holds one entry."""

    name = "single-permitted-caller"
    description = "a list of more than one permitted caller is refused"
    breaks = frozenset({"CFG-20"})

    def read(self, data: Mapping[str, Any], in_force: SipSettings | None) -> SipSettings:
        """Refuse a second entry."""
        settings = super().read(data, in_force)
        if len(settings.permitted_callers) > 1:
            raise RefusedError([{"field": "permitted_callers", "message": "too many"}])
        return settings


class RefusalNamesNoField(_FormFault):
    """A refusal says nothing of what is wrong."""

    name = "refusal-names-no-field"
    description = "a refused form is answered with Invalid input, whatever field is wrong"
    breaks = frozenset({"CFG-22"})

    def read(self, data: Mapping[str, Any], in_force: SipSettings | None) -> SipSettings:
        """Refuse without a name."""
        try:
            return super().read(data, in_force)
        except RefusedError:
            raise RefusedError([{"field": "form", "message": "Invalid input"}]) from None


class RefusedSettingsInForce(_FormFault):
    """A refused form is put in force as far as it is valid."""

    name = "refused-settings-in-force"
    description = "of a refused form, the fields that are valid come into force all the same"
    breaks = frozenset({"CFG-22"})

    def left_over(
        self, data: Mapping[str, Any], refused: RefusedError, in_force: SipSettings | None
    ) -> SipSettings | None:
        """Leave the valid fields over."""
        return with_valid_fields(data, refused.errors, in_force)


_NEEDED = ("server_address", "extension", "call_number")
"""Fields that no form may leave empty (CFG-22)."""


class FieldNotChecked(_FormFault):
    """A wrong value in one field is taken, and comes to nothing; so is none in one that is needed."""

    def __init__(self, field: str, requirement: str) -> None:
        super().__init__()
        self.name = f"{field.replace('_', '-')}-not-checked"
        self.description = f"a wrong value in the field {field} is accepted, and has no effect"
        self.breaks = frozenset({requirement, "CFG-22"} if field in _NEEDED else {requirement})
        self._field = field

    def read(self, data: Mapping[str, Any], in_force: SipSettings | None) -> SipSettings:
        """Keep the old value in the place of a wrong one, and say nothing."""
        try:
            return super().read(data, in_force)
        except RefusedError as refused:
            settings = with_valid_fields(data, refused.errors, in_force)
            wrong = {error["field"].partition(".")[0] for error in refused.errors}
            if settings is None or wrong != {self._field}:
                raise
            return settings


class NameNotResolved(Fault):
    """A server that is given by name is never reached."""

    name = "server-name-not-resolved"
    description = "the device does not register at a server given by its domain name"
    breaks = frozenset({"CFG-03"})

    def change(self, output: Output) -> Output | None:
        """Bring SIP up without a registration."""
        if isinstance(output, Apply) and not is_address(output.settings.server_address):
            return replace(output, register=False)
        settings = self.situation.settings
        named = settings is not None and not is_address(settings.server_address)
        return None if isinstance(output, Refresh) and named else output


class _SettingsChanged(Fault):
    """A fault that works with other settings than those submitted."""

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Change the settings on their way in."""
        if isinstance(given, Configured):
            given = replace(given, settings=self.changed(given.settings))
        return inner(given)

    def changed(self, settings: SipSettings) -> SipSettings:
        """Return the settings that come into force."""
        return settings


class TcpIgnored(_SettingsChanged):
    """TCP is set, and UDP is used."""

    name = "tcp-ignored"
    description = "with the transport TCP the device goes on using UDP"
    breaks = frozenset({"CFG-06"})

    def changed(self, settings: SipSettings) -> SipSettings:
        """Choose UDP."""
        tcp = settings.transport is Transport.TCP
        return settings.with_changes({"transport": Transport.UDP}) if tcp else settings


class PasswordCutShort(_SettingsChanged):
    """Long passwords lose their end."""

    name = "password-cut-short"
    description = "only the first 16 characters of the password are used"
    breaks = frozenset({"CFG-10"})

    def changed(self, settings: SipSettings) -> SipSettings:
        """Cut it."""
        return settings.with_changes({"auth_password": settings.auth_password[:16]})


class ShortPasswordPadded(_SettingsChanged):
    """Short passwords are made longer."""

    name = "short-password-padded"
    description = "a password of fewer than 4 characters is filled up with zeros"
    breaks = frozenset({"CFG-10"})

    def changed(self, settings: SipSettings) -> SipSettings:
        """Fill it up."""
        return settings.with_changes({"auth_password": settings.auth_password.ljust(4, "0")})


class NumbersSorted(_SettingsChanged):
    """The order of further numbers is lost."""

    name = "further-numbers-sorted"
    description = "further numbers are called in the order of their digits"
    breaks = frozenset({"CFG-14", "OUT-02"})
    shown_by = frozenset({"CFG-14"})

    def changed(self, settings: SipSettings) -> SipSettings:
        """Sort them."""
        return settings.with_changes({"further_numbers": tuple(sorted(settings.further_numbers))})


def with_valid_fields(
    data: Mapping[str, Any], errors: Errors, in_force: SipSettings | None
) -> SipSettings | None:
    """Return the submitted settings with those in force in the place of wrong ones, if that can be."""
    wrong = {error["field"].partition(".")[0] for error in errors}
    if in_force is None or not wrong <= in_force.as_json().keys():
        return None
    kept = in_force.as_json()
    return read_settings({**data, **{name: kept[name] for name in wrong}})


class SipOffAfterTheCall(Fault):
    """SIP that is switched off while somebody talks stays on until he has done."""

    name = "sip-off-after-the-call"
    description = "SIP that is switched off during a call is switched off when the call is over"
    breaks = frozenset({"CFG-01"})

    def __init__(self) -> None:
        super().__init__()
        self._waiting: Configured | None = None

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Keep what was saved until the call has ended."""
        if isinstance(given, Configured):
            self._waiting = given if self.situation.up and not given.settings.enabled else None
            return inner(given) if self._waiting is None else []
        outputs = inner(given)
        over = isinstance(given, Ended) and given.call == self.situation.call
        if over and self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            outputs += inner(waiting)
        return outputs
