"""Who is logged in at the pages: sessions, and what shows that a form comes from a page of theirs.

The cookie of a session cannot be read by scripts, and no other site's request carries it (``SameSite``). A
form has a token besides, so that neither alone is enough to change anything.
"""

from __future__ import annotations

import hmac
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

SESSION_COOKIE = "portal-session"
LOGIN_COOKIE = "portal-login"
_MOST_SESSIONS = 100
_MOST_DRAFTS = 8
IDLE_TIME = 1800.0
LONGEST_SESSION = 12 * 3600.0
"""Seconds after which a session ends: without a request, and at the latest."""
_COOKIE = re.compile(r"(?:^|;)\s*([\w-]+)=([\w-]*)")


@dataclass
class Draft:
    """What a page of the form does not show again while it is filled in: secrets, and an uploaded file."""

    passwords: dict[str, str] = field(default_factory=dict)
    certificate: tuple[str, str] | None = None
    """The file's name, and the PEM text."""


@dataclass
class Session:
    """One account that is logged in.

    Attributes:
        notices: what the next page says, once.
    """

    account: str
    role: str
    token: str
    began: float
    used: float
    notices: list[tuple[str, str]] = field(default_factory=list)
    drafts: OrderedDict[str, Draft] = field(default_factory=OrderedDict)

    def draft(self, name: str | None) -> tuple[str, Draft]:
        """Return a draft and its name; a new one where there is none of that name."""
        if name is not None and name in self.drafts:
            return name, self.drafts[name]
        while len(self.drafts) >= _MOST_DRAFTS:
            self.drafts.popitem(last=False)
        name = secrets.token_urlsafe(9)
        self.drafts[name] = Draft()
        return name, self.drafts[name]


class Sessions:
    """All sessions of the portal, as many as it remembers."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._key = secrets.token_bytes(32)

    def open(self, account: str, role: str) -> str:
        """Begin a session and return what its cookie holds; the one that was not used for longest may end."""
        while len(self._sessions) >= _MOST_SESSIONS:
            self._sessions.popitem(last=False)
        name, now = secrets.token_urlsafe(24), self._clock()
        self._sessions[name] = Session(account, role, secrets.token_urlsafe(24), now, now)
        return name

    def find(self, headers: Mapping[str, str]) -> Session | None:
        """Return the session of a request, None where it has none or its time is over."""
        name = cookies(headers).get(SESSION_COOKIE, "")
        session = self._sessions.get(name)
        if session is None:
            return None
        now = self._clock()
        if now - session.used > IDLE_TIME or now - session.began > LONGEST_SESSION:
            del self._sessions[name]
            return None
        session.used = now
        self._sessions.move_to_end(name)
        return session

    def close(self, headers: Mapping[str, str]) -> None:
        """End the session of a request."""
        self._sessions.pop(cookies(headers).get(SESSION_COOKIE, ""), None)

    def login_ticket(self, headers: Mapping[str, str]) -> tuple[str, str]:
        """Return what cookie and form of a log-in hold: no other site's form can log anybody in."""
        cookie = cookies(headers).get(LOGIN_COOKIE) or secrets.token_urlsafe(18)
        return cookie, hmac.new(self._key, cookie.encode(), "sha256").hexdigest()

    def may_log_in(self, headers: Mapping[str, str], token: str | None) -> bool:
        """Return whether a log-in comes from the portal's own page."""
        if not cookies(headers).get(LOGIN_COOKIE):
            return False
        return same(token, self.login_ticket(headers)[1])


def same(given: str | None, right: str) -> bool:
    """Return whether a token is the right one, in a time that does not tell how much of it is right."""
    return hmac.compare_digest((given or "").encode("utf-8", "replace"), right.encode())


def cookies(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the cookies of a request, as far as they could be the portal's."""
    return dict(_COOKIE.findall(headers.get("cookie", "")))


def from_elsewhere(headers: Mapping[str, str]) -> bool:
    """Return whether a browser says that another site's page sent the request."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site not in (None, "same-origin", "none"):
        return True
    return origin is not None and origin.partition("://")[2] != headers.get("host", "")
