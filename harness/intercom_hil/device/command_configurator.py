"""The device's settings through a command of the user's, which reads JSON and answers by its exit status.

The command is run once for each task, without a shell. On its standard input it gets one JSON object:
``task`` (``apply``, ``submit`` or ``upload``), ``by`` (the role) and ``form`` (every field), or ``filename``
and ``content`` (Base64, RFC 4648). Exit status 0 means that the device took it, 10 that it refused; what it
then prints is a JSON object with ``message`` and, of a refusal, ``fields``. Status 3 says that there is no
account of that role. Anything else is the bench's fault, 1 and 2 above all: with these a script ends that
has crashed or was called wrongly, and a device that was never asked has refused nothing.
"""

from __future__ import annotations

import base64
import json
import shutil
import ssl
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from intercom_hil.bounded_command import GivenUp, run_command
from intercom_hil.device.configurator import Role, Submission
from intercom_hil.errors import BenchError, Inconclusive
from intercom_hil.spec.settings import REDACTED, SipSettings

_ACCEPTED, _REFUSED, _NO_ACCOUNT = 0, 10, 3
_MOST_SHOWN = 300  # characters of what a failed command said
_SHORTEST_SECRET = 4  # characters; a shorter one is found in innocent words too


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    message: str = ""
    fields: tuple[str, ...] = ()


class CommandConfigurator:
    """Configurator over a command."""

    def __init__(self, run: Sequence[str], *, within: float = 60.0) -> None:
        """Describe the command.

        Args:
            run: program and arguments.
            within: seconds that one task may take.
        """
        self._run = tuple(run)
        self._within = within

    async def open(self) -> None:
        """See that the command is there. Raises BenchError when it is not."""
        if shutil.which(self._run[0]) is None:
            raise self._wrong("there is no such command")

    async def close(self) -> None:
        """Do nothing."""

    async def reach(self) -> None:
        """Do nothing: the command is not asked whether the device is still there."""

    async def apply(self, settings: SipSettings) -> Submission:
        """Have the command bring a whole configuration. Raises BenchError when it says neither yes nor no."""
        form = settings.model_dump(mode="json")
        return await self._ask({"task": "apply", "by": "administrator", "form": form}, settings.secrets())

    async def submit(self, form: Mapping[str, object], by: Role = "administrator") -> Submission:
        """Have the command bring a form as it is. Raises BenchError; Inconclusive without such an account."""
        return await self._ask({"task": "submit", "by": by, "form": dict(form)}, ())

    async def upload(self, filename: str, content: bytes) -> tuple[Submission, str]:
        """Have the command upload a CA certificate's file. Raises BenchError.

        Returns:
            The device's answer, and the certificate as PEM text if it was taken.
        """
        task = {"task": "upload", "by": "administrator", "filename": filename}
        answer = await self._ask({**task, "content": base64.b64encode(content).decode("ascii")}, ())
        if not answer.accepted:
            return answer, ""
        begun = content.lstrip().startswith(b"-----")
        return answer, content.decode("ascii", "replace") if begun else ssl.DER_cert_to_PEM_cert(content)

    async def _ask(self, task: dict[str, Any], secrets: Sequence[str]) -> Submission:
        status, said, errors = await self._ran(json.dumps(task).encode())
        if status == _NO_ACCOUNT and task["by"] != "administrator":
            raise Inconclusive(f"the configurator's command has no account of the role {task['by']}")
        if status not in (_ACCEPTED, _REFUSED):
            text = _redacted((errors or said).decode("utf-8", "replace"), secrets).strip()[-_MOST_SHOWN:]
            raise self._wrong(f"it ended with status {status}: {text}")
        try:
            answer = _Said.model_validate_json(said) if said.strip() else _Said()
        except ValidationError as problem:
            raise self._wrong(f"it printed no JSON object ({problem.errors()[0]['msg']})") from None
        message = _redacted(answer.message, secrets)
        warnings = (message,) if message and status == _ACCEPTED else ()
        return Submission(status == _ACCEPTED, message, warnings, answer.fields)

    async def _ran(self, stdin: bytes) -> tuple[int, bytes, bytes]:
        try:
            finished = await run_command(self._run, within=self._within, standard_input=stdin)
        except OSError as problem:
            raise self._wrong(f"it cannot be run ({problem.strerror})") from problem
        except GivenUp as problem:
            raise self._wrong(f"it {problem}") from None
        return finished.status, finished.output, finished.errors

    def _wrong(self, what: str) -> BenchError:
        remedy = "exit status 0 means taken, 10 refused; docs/bench/operator.md tells the rest"
        return BenchError(what, f"device.command {self._run[0]}", remedy)


def _redacted(text: str, secrets: Sequence[str]) -> str:
    for secret in secrets:
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, REDACTED)
    return text
