"""The device's settings through a person: a settings sheet out, what the device's form said back in.

For a device whose settings no program can reach. The person gets what changes, types it in, and reports
whether the form took it, which fields it refused and what it said.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any

from intercom_hil.device.configurator import Role, Submission
from intercom_hil.errors import DeviceCrashed, Inconclusive
from intercom_hil.operator.prompter import Prompter
from intercom_hil.operator.question import Answer, Choice, GivenFile, Question, SheetField
from intercom_hil.operator.sheet import CERTIFICATE, CERTIFICATE_FILE, sheet, titled
from intercom_hil.spec.settings import SipSettings

ACCEPTED = Choice(name="accepted", label="The device took it")
REFUSED = Choice(name="refused", label="The device refused it")
IMPOSSIBLE = Choice(name="impossible", label="The form has no way to enter it")
NO_ACCOUNT = Choice(name="no account", label="There is no such account")
GONE = Choice(name="gone", label="The portal does not answer")

_TYPED = 100  # characters that a person may be asked to type
_ROLES = {
    "administrator": "the Account Administrator",
    "viewer": "an account that may look, and not change SIP settings",
    "nobody": "nobody: without logging in",
}


class OperatorConfigurator:
    """Configurator over a person. It remembers what stands in the device's form, as far as it was told."""

    def __init__(
        self,
        prompter: Prompter,
        *,
        address: str = "",
        portal: str = "",
        labels: Mapping[str, str] | None = None,
    ) -> None:
        """Make the configurator of a device whose settings are not known yet.

        Args:
            prompter: asks the person.
            address: the device's.
            portal: where its settings are changed, if that is known.
            labels: what the device calls the fields of ``SipSettings``.
        """
        self._prompter = prompter
        self._address, self._portal = address, portal
        self._labels = dict(labels or {})
        self._standing: dict[str, Any] | None = None

    async def open(self) -> None:
        """Do nothing: the person is asked when there is something to do."""

    async def close(self) -> None:
        """Do nothing."""

    async def reach(self) -> None:
        """Do nothing: a person is not asked whether the device is still there."""

    async def apply(self, settings: SipSettings) -> Submission:
        """Have a whole configuration typed in.

        Raises:
            Inconclusive: nobody did it.
            DeviceCrashed: the person found the portal gone.
        """
        form = settings.model_dump(mode="json")
        return await self._typed_in(form, "settings", "administrator", settings.secrets())

    async def submit(self, form: Mapping[str, object], by: Role = "administrator") -> Submission:
        """Have a form typed in as it is, right or wrong. Raises as ``apply`` does."""
        proxy = form.get("proxy")
        passwords = [form.get("auth_password"), proxy.get("password") if isinstance(proxy, dict) else None]
        secrets = tuple(word for word in passwords if isinstance(word, str))
        return await self._typed_in(dict(form), "form", by, secrets)

    async def upload(self, filename: str, content: bytes) -> tuple[Submission, str]:
        """Have a CA certificate's file uploaded. Raises as ``apply`` does.

        Returns:
            What the device said, and the certificate as PEM text if it was taken.
        """
        question = self._question(
            about="certificate",
            title=f"upload the CA certificate {_visible(filename)}",
            text="Upload this file as the CA certificate, under this very name, and save nothing else.",
            files=(GivenFile(name=filename, content=content),),
            choices=(ACCEPTED, REFUSED, IMPOSSIBLE, GONE),
        )
        answer = await self._prompter.ask(question)
        submission = _submission(answer, (CERTIFICATE,))
        if not submission.accepted:
            return submission, ""
        begun = content.lstrip().startswith(b"-----")
        return submission, content.decode("ascii", "replace") if begun else ssl.DER_cert_to_PEM_cert(content)

    async def _typed_in(
        self, form: dict[str, Any], about: str, by: Role, secrets: tuple[str, ...]
    ) -> Submission:
        fields = sheet(form, self._standing, self._labels)
        changed = tuple(field.name for field in fields if field.changed)
        certificate = form.get(CERTIFICATE)
        files = [
            GivenFile(name=f"{field.name}.txt", content=_bytes(field.value))
            for field in fields
            if _unwieldy(field)
        ]
        if CERTIFICATE in changed and isinstance(certificate, str):
            files.append(GivenFile(name=CERTIFICATE_FILE, content=_bytes(certificate)))
        role = f" as {_ROLES[by]}" if by != "administrator" else ""
        question = self._question(
            about=about,
            title=f"settings{role}: {titled(fields)}",
            text=_task(by, len(changed), known=self._standing is not None),
            role=by,
            fields=fields,
            files=tuple(files),
            choices=(ACCEPTED, REFUSED, IMPOSSIBLE, *((NO_ACCOUNT,) if by != "administrator" else ()), GONE),
        )
        answer = await self._prompter.ask(question, secrets=secrets)
        if answer.choice == NO_ACCOUNT.name:
            raise Inconclusive(f"the operator has no account of the role {by}")
        submission = _submission(answer, changed)
        if submission.accepted:
            self._standing = form
        return submission

    def _question(self, **fields: Any) -> Question:
        return Question(
            address=self._address,
            portal=self._portal,
            names_fields=REFUSED.name,
            text_label="What does the form say?",
            **fields,
        )


def _task(by: Role, changes: int, *, known: bool) -> str:
    login = {
        "administrator": "Open the device's SIP settings as the Account Administrator.",
        "viewer": "Open the device's SIP settings with an account that may look and not change them.",
        "nobody": "Try it without logging in.",
    }[by]
    if not changes:
        return f"{login} Change nothing, and save the form again."
    which = "the fields that change" if known else "every field"
    return f"{login} Reload the form, enter {which}, and save it once. Then tell what the form says."


def _submission(answer: Answer, changed: tuple[str, ...]) -> Submission:
    if answer.choice == GONE.name:
        raise DeviceCrashed(f"the operator found the device's portal gone: {answer.text or 'no answer'}")
    if answer.choice == ACCEPTED.name:
        return Submission(True, answer.text, (answer.text,) if answer.text else ())
    if answer.choice == IMPOSSIBLE.name:
        return Submission(False, f"the form has no way to enter it. {answer.text}".strip(), (), changed)
    return Submission(False, answer.text, (), answer.fields)


def _unwieldy(field: SheetField) -> bool:
    """Whether a value is better copied from a file than typed."""
    text = field.value
    if not field.changed or field.name == CERTIFICATE or not isinstance(text, str):
        return False
    return len(text) > _TYPED or not text.isprintable()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _visible(filename: str) -> str:
    return filename if filename.isprintable() else ascii(filename)
