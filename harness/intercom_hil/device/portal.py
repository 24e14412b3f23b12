"""The device's settings through its Admin Portal, by JSON over HTTP.

``POST /api/login`` gives a bearer token for an account, ``GET /api/devices`` lists the devices, and
``PUT /api/devices/<id>/sip`` takes a whole SIP configuration: 200 when it is in force, 422 with the fields
at fault when nothing was changed, 403 when the account may not (CFG-02), 401 when the token is stale.
"""

from __future__ import annotations

import json
import ssl
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from intercom_hil.device.configurator import Role, Submission
from intercom_hil.errors import BenchError, DeviceCrashed, Inconclusive
from intercom_hil.event_sources.text_bytes import text_of
from intercom_hil.lateness import MOST_STRETCH, stretched
from intercom_hil.layouts.control_bytes import lines_without_control_bytes
from intercom_hil.spec.settings import REDACTED, SipSettings

LARGEST_ANSWER = 4 << 20
"""Bytes of an answer; a form and what is wrong with it take some thousand."""
LARGEST_DOWNLOAD = 64 << 20
"""Bytes of a file that the portal gives."""
DOWNLOAD_WITHIN = 120.0
"""Seconds that a file may take."""
_LONGEST_TOKEN = 8192  # characters
_MOST_IDS = 1_000
_MOST_LISTED = 200  # warnings or faults of one answer
_LONGEST_SHOWN = 500  # characters of what the portal says that are shown
_SHORTEST_SECRET = 4  # characters; a shorter one is found in innocent words too


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the portal."""

    name: str
    password: str = field(repr=False)


ANONYMOUS = Account("", "")
"""Nobody: requests without any token."""


class Portal:
    """Configurator over the Admin Portal. One connection per request: a restarted portal is met afresh.

    Attributes:
        url: the portal's base address, for instance ``http://127.0.0.30:8080``.
        account: the Account Administrator that ``apply`` uses.
        device: the device's id in the portal; the first of its list when not given.
    """

    def __init__(
        self,
        url: str,
        account: Account,
        *,
        viewer: Account | None = None,
        device: str = "",
        ca: Path | None = None,
        timeout: float = 10.0,
        learn: Callable[[str], None] = lambda secret: None,
    ) -> None:
        """Describe a portal.

        Args:
            url: its base address.
            account: an account that may change SIP settings.
            viewer: one that may only look.
            device: the device's id.
            ca: a PEM file with the CA of an ``https://`` portal, in place of the public authorities.
            timeout: seconds that one request with its answer may take.
            learn: is called with every token that the portal gives.
        """
        self._learn = learn
        self._viewer = viewer
        self.url = url.rstrip("/")
        self.account = account
        self.device = device
        self._ca = ca
        self._timeout = timeout
        self._client: httpx.AsyncClient | None = None
        self._tokens: dict[str, str] = {}

    async def open(self) -> None:
        """Log in and find the device.

        Raises:
            BenchError: the account or the device is not known there, or the portal is none.
            DeviceCrashed: nothing listens.
        """
        if self._client is not None:
            return
        self._check_url()
        self._client = httpx.AsyncClient(
            verify=self._trust(),
            timeout=self._timeout * MOST_STRETCH,  # that of a whole exchange is less
            trust_env=False,
            limits=httpx.Limits(max_keepalive_connections=0),
        )
        try:
            ids = await self._device_ids()
            if not self.device:
                self.device = ids[0] if ids else ""
            if self.device not in ids:
                raise BenchError(
                    f"it knows no device {self.device!r}",
                    self.url,
                    f"name one of its devices: {', '.join(ids)}",
                )
        except BaseException:
            await self.close()
            raise

    def _trust(self) -> ssl.SSLContext | bool:
        if self._ca is None:
            return urlsplit(self.url).scheme != "http"  # else no trust store need be loaded
        try:
            context = ssl.create_default_context(cafile=self._ca)
            # From Python 3.13 on it would refuse certificates of private CAs for what older ones let pass.
            context.verify_flags &= ~ssl.VERIFY_X509_STRICT
            return context
        except OSError as problem:
            broken = isinstance(problem, ssl.SSLError)
            reason = "it is no PEM certificate" if broken else problem.strerror
            raise BenchError(
                f"the portal's CA cannot be read ({reason})", str(self._ca), "name a PEM file as portal.ca"
            ) from problem

    def _check_url(self) -> None:
        try:
            parts = urlsplit(self.url)
            usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError as problem:
            raise self._cannot_be_asked(problem) from problem
        if not usable:
            raise self._cannot_be_asked(ValueError("it is not http://<host>[:<port>]"))

    async def close(self) -> None:
        """Forget the tokens; nothing happens when closed."""
        client, self._client = self._client, None
        self._tokens.clear()
        if client is not None:
            await client.aclose()

    async def apply(self, settings: SipSettings) -> Submission:
        """Submit a configuration as the administrator.

        Returns:
            What the portal answered; refused means that the old configuration stays in force (CFG-22).

        Raises:
            BenchError: the portal could not be asked, or gave an answer that is neither.
            DeviceCrashed: the device went away.
        """
        status, body = await self.submit_raw(settings.model_dump(mode="json"))
        if status == 200 and isinstance(body, dict) and body.get("applied") is True:
            warnings = tuple(_redacted(_shown(warning), settings) for warning in _list(body.get("warnings")))
            return Submission(True, "; ".join(warnings), warnings)
        if status == 422 and isinstance(body, dict):
            faults = [error for error in _list(body.get("errors")) if isinstance(error, dict)]
            message = "; ".join(
                f"{fault.get('field', '?')}: {_shown(fault.get('message', ''))}" for fault in faults
            )
            return Submission(False, _redacted(message, settings))
        if status in (401, 403):
            raise BenchError(
                f"the account {self.account.name!r} may not change the SIP configuration (status {status})",
                self.url,
                "give the account of an Account Administrator (CFG-02)",
            )
        raise BenchError(
            f"the configuration was answered with status {status}: {_shown(body)}",
            self.url,
            "read the device's own log",
        )

    async def submit(self, form: Mapping[str, object], by: Role = "administrator") -> Submission:
        """Submit a form as it is, right or wrong, as somebody who may or may not (CFG-02, CFG-22).

        Raises:
            Inconclusive: the bench has no such account.
            BenchError: the portal could not be asked, or answered in an unknown way.
            DeviceCrashed: the device went away.
        """
        accounts = {"administrator": self.account, "viewer": self._viewer, "nobody": ANONYMOUS}
        account = accounts[by]
        if account is None:
            raise Inconclusive(f"the bench file names no account of the role {by}")
        return self._read(*await self.submit_raw(form, account))

    async def upload(self, filename: str, content: bytes) -> tuple[Submission, str]:
        """Upload a CA certificate's file as the administrator (CFG-07).

        Returns:
            The portal's answer, and the PEM text that the form's ``ca_certificate`` takes; empty if refused.

        Raises:
            BenchError: the portal could not be asked, or answered in an unknown way.
            DeviceCrashed: the device went away.
        """
        path = f"/api/devices/{self.device}/sip/ca-certificate?filename={quote(filename)}"
        status, body = await self._request("PUT", path, self.account, content)
        text = body.get("ca_certificate") if status == 200 and isinstance(body, dict) else None
        if isinstance(text, str):
            return Submission(True), text
        return self._read(status, body), ""

    def _read(self, status: int, body: Any) -> Submission:
        """Read the answer to a form that may be anything. Raises BenchError when it is neither yes nor no."""
        reply = body if isinstance(body, dict) else {}
        if status == 200 and reply.get("applied") is True:
            warnings = tuple(_shown(warning) for warning in _list(reply.get("warnings")))
            return Submission(True, "; ".join(warnings), warnings)
        if status in (400, 401, 403, 413, 415, 422):
            faults = [error for error in _list(reply.get("errors")) if isinstance(error, dict)]
            fields = tuple(dict.fromkeys(str(fault.get("field", "?")).partition(".")[0] for fault in faults))
            texts = [f"{fault.get('field', '?')}: {_shown(fault.get('message', ''))}" for fault in faults]
            message = "; ".join(texts) or _shown(reply.get("error", body))
            return Submission(False, f"{status} {message}", (), fields)
        raise BenchError(
            f"the form was answered with status {status}: {_shown(body)}",
            self.url,
            "read the device's own log",
        )

    async def submit_raw(
        self, data: Mapping[str, object] | bytes, account: Account | None = None
    ) -> tuple[int, Any]:
        """Submit anything at all, as anybody: what negative scenarios need (CFG-02, CFG-22).

        Args:
            data: the JSON object, or the very bytes of the request body.
            account: who submits; the administrator when not given, nobody when ANONYMOUS.

        Returns:
            The status, and the body: JSON if it is, else text.

        Raises:
            BenchError: the account cannot log in, or no answer came in time.
            DeviceCrashed: the device went away.
        """
        body = data if isinstance(data, bytes) else json.dumps(data).encode()
        return await self._request("PUT", f"/api/devices/{self.device}/sip", account or self.account, body)

    async def download(self, path: str) -> bytes:
        """Return a file that the portal gives to the administrator, such as an export of the event log.

        Raises:
            BenchError: the portal could not be asked, or gave something else.
            DeviceCrashed: the device went away.
        """
        for _ in range(2):
            status, content = await self._exchange(
                "GET",
                path,
                b"",
                await self._token(self.account),
                within=DOWNLOAD_WITHIN,
                largest=LARGEST_DOWNLOAD,
            )
            if status != 401:
                break
            self._tokens.pop(self.account.name, None)
        if status != 200:
            raise BenchError(
                f"{path} was answered with status {status}",
                self.url,
                "correct the path, or the account's role",
            )
        return content

    async def reach(self) -> None:
        """Return when the portal answers. Raises BenchError or DeviceCrashed."""
        await self._device_ids()

    async def _device_ids(self) -> list[str]:
        status, body = await self._request("GET", "/api/devices", self.account)
        if status != 200 or not isinstance(body, list):
            raise BenchError(
                f"the list of devices was answered with status {status}",
                self.url,
                "check the portal's address",
            )
        devices = [device for device in body[:_MOST_IDS] if isinstance(device, dict) and "id" in device]
        return [str(device["id"])[:200] for device in devices]

    async def _request(self, method: str, path: str, account: Account, body: bytes = b"") -> tuple[int, Any]:
        fresh = account.name not in self._tokens
        status, answer = await self._send(method, path, body, await self._token(account))
        if status == 401 and not fresh:  # the token has expired, or the device has restarted
            self._tokens.pop(account.name, None)
            status, answer = await self._send(method, path, body, await self._token(account))
        return status, answer

    async def _token(self, account: Account) -> str:
        if account == ANONYMOUS:
            return ""
        if account.name not in self._tokens:
            login = json.dumps({"account": account.name, "password": account.password}).encode()
            status, body = await self._send("POST", "/api/login", login, "")
            if status != 200 or not isinstance(body, dict) or not isinstance(body.get("token"), str):
                raise BenchError(
                    f"the account {account.name!r} cannot log in (status {status})",
                    self.url,
                    "check the account and its password in the bench file",
                )
            token = body["token"]
            if not (token.isascii() and token.isprintable() and len(token) <= _LONGEST_TOKEN):
                raise BenchError(
                    "its token is none that a header can have (RFC 6750 §2.1)",
                    self.url,
                    "check that this address is the Admin Portal's",
                )
            self._learn(token)
            self._tokens[account.name] = token
        return self._tokens[account.name]

    async def _send(self, method: str, path: str, body: bytes, token: str) -> tuple[int, Any]:
        status, content = await self._exchange(method, path, body, token)
        text = text_of(content)
        try:
            return status, _without_half_characters(text, json.loads(text))
        except RecursionError:
            raise self._no_answer(
                f"{method} {path} was answered with JSON that is nested too deeply"
            ) from None
        except ValueError:
            return status, text

    async def _exchange(
        self,
        method: str,
        path: str,
        body: bytes,
        token: str,
        *,
        within: float | None = None,
        largest: int = LARGEST_ANSWER,
    ) -> tuple[int, bytes]:
        """Return the status and the whole body of an answer, bounded in time and size."""
        if self._client is None:
            raise BenchError("the portal is not open", self.url, "open it first")
        headers = {"Accept-Encoding": "identity"} | ({"Content-Type": "application/json"} if body else {})
        if token:
            headers["Authorization"] = f"Bearer {token}"
        within = self._timeout if within is None else within
        try:
            async with (
                stretched(within),
                self._client.stream(method, self.url + path, content=body, headers=headers) as response,
            ):
                content = bytearray()
                async for part in response.aiter_raw():
                    content += part
                    if len(content) > largest:
                        raise self._no_answer(f"{method} {path} was answered with more than {largest} bytes")
                coding = response.headers.get("Content-Encoding", "identity")
                return response.status_code, self._decoded(bytes(content), coding, largest)
        except (TimeoutError, httpx.TimeoutException) as problem:
            raise BenchError(
                f"no answer within {within:g} s to {method} {path}",
                self.url,
                "check the network between bench and device",
            ) from problem
        except httpx.ConnectError as problem:
            if not _was_refused(problem):
                raise self._cannot_be_asked(problem) from problem
            raise self._gone("nothing listens there") from problem
        except (httpx.NetworkError, httpx.RemoteProtocolError) as problem:
            raise self._gone(f"it broke off: {problem}") from problem
        except (httpx.HTTPError, httpx.InvalidURL) as problem:
            raise self._cannot_be_asked(problem) from problem

    def _decoded(self, content: bytes, coding: str, largest: int) -> bytes:
        """Return a body without its content coding (RFC 9110 §8.4.1), which it was asked to do without."""
        if coding.strip().lower() in ("", "identity"):
            return content
        if coding.strip().lower() not in ("gzip", "x-gzip", "deflate"):
            raise self._no_answer(f"its answer is encoded as {lines_without_control_bytes(coding)[:40]!r}")
        try:
            decoder = zlib.decompressobj(zlib.MAX_WBITS | 32)
            decoded = decoder.decompress(content, largest + 1)
        except zlib.error as problem:
            raise self._no_answer(f"its answer cannot be decompressed ({problem})") from problem
        if len(decoded) > largest:
            raise self._no_answer(f"its answer has more than {largest} bytes when decompressed")
        if not decoder.eof:
            raise self._no_answer("its answer cannot be decompressed (it is cut)")
        return decoded

    def _no_answer(self, what: str) -> BenchError:
        return BenchError(what, self.url, "check that this address is the Admin Portal's; restart the device")

    def _gone(self, how: str) -> DeviceCrashed:
        return DeviceCrashed(
            f"the device's Admin Portal at {self.url} is gone ({how}). Remedy: check that the device is up; "
            "if it is, correct the portal's address in the bench file."
        )

    def _cannot_be_asked(self, problem: Exception) -> BenchError:
        return BenchError(
            f"the portal cannot be asked ({problem})", self.url, "correct its address in the bench file"
        )


def _was_refused(problem: BaseException | None) -> bool:
    """Whether a device answered that nothing listens: not so when its name or the way to it is unknown."""
    while problem is not None:
        if isinstance(problem, ConnectionRefusedError):
            return True
        if isinstance(problem, BaseExceptionGroup):  # a name with several addresses
            return any(_was_refused(one) for one in problem.exceptions)
        problem = problem.__cause__ or problem.__context__
    return False


def _without_half_characters(text: str, value: Any) -> Any:
    """Return what JSON said with ``?`` for surrogates without their other half: these are no text."""
    if "\\ud" not in text.lower():
        return value
    return json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))


def _list(value: object) -> list[object]:
    return value[:_MOST_LISTED] if isinstance(value, list) else []


def _shown(value: object) -> str:
    """Return what a portal says for a message, without what a terminal would obey."""
    try:
        return lines_without_control_bytes(str(value)[:_LONGEST_SHOWN])
    except RecursionError:
        return "(nested too deeply)"


def _redacted(message: str, settings: SipSettings) -> str:
    """Take the configuration's own secrets out of a message: a form may quote what it refuses."""
    secrets = [settings.auth_password, settings.proxy.password if settings.proxy else ""]
    for secret in secrets:
        if len(secret) >= _SHORTEST_SECRET:
            message = message.replace(secret, REDACTED)
    return message
