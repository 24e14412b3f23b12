"""A headless Chromium that is spoken to over a pipe (Chrome DevTools Protocol): no port and no driver."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE = 120.0
"""Seconds until an answer that does not come is given up: it comes late on a busy machine."""
_START = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.dup2(int(sys.argv[2]), 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""Chromium reads its orders from descriptor 3 and answers on 4."""
_OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--remote-debugging-pipe",
)


def program() -> str | None:
    """Return the Chromium that is installed here, None without one."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


class Browser:
    """One Chromium. ``events`` are what it has reported of its pages."""

    def __init__(self, path: str, profile: Path) -> None:
        orders, answers = os.pipe(), os.pipe()
        start = [sys.executable, "-c", _START, str(orders[0]), str(answers[1])]
        self._process = subprocess.Popen(
            [*start, path, *_OPTIONS, f"--user-data-dir={profile}", "about:blank"],
            pass_fds=(orders[0], answers[1]),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": str(profile)},
            start_new_session=True,
        )
        os.close(orders[0])
        os.close(answers[1])
        self._orders, self._answers = orders[1], answers[0]
        self._read, self._number = b"", 0
        self.events: list[dict[str, Any]] = []

    def close(self) -> None:
        """End it and whatever it started."""
        for end in (self._orders, self._answers):
            os.close(end)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def call(self, method: str, session: str = "", **params: Any) -> dict[str, Any]:
        """Send an order and return its result."""
        self._number += 1
        order = {"id": self._number, "method": method, "params": params}
        data = json.dumps(order | ({"sessionId": session} if session else {})).encode() + b"\0"
        while data:
            data = data[os.write(self._orders, data) :]
        while True:
            message = self._next()
            if message.get("id") == self._number:
                assert "error" not in message, message["error"]
                return dict(message["result"])
            self.events.append(message)

    def wait_for(self, event: str, session: str) -> None:
        """Wait until a page has reported something."""
        while not self.of(event, session):
            self.events.append(self._next())

    def of(self, event: str, session: str) -> list[dict[str, Any]]:
        """Return what a page has reported under one name."""
        return [e["params"] for e in self.events if (e["method"], e.get("sessionId")) == (event, session)]

    def _next(self) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE
        while b"\0" not in self._read:
            ready, _, _ = select.select([self._answers], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, "the browser does not answer"
            data = os.read(self._answers, 1 << 16)
            assert data, "the browser has ended"
            self._read += data
        message, _, self._read = self._read.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found


class Tab:
    """A file of this machine, shown at a width, in light or dark, on a screen or on paper."""

    def __init__(self, browser: Browser, file: Path, width: int = 1440, *, dark: bool = False) -> None:
        self.browser = browser
        self.target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        attached = browser.call("Target.attachToTarget", targetId=self.target, flatten=True)
        self.session = str(attached["sessionId"])
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call("Page.navigate", url=file.as_uri())
        browser.wait_for("Page.loadEventFired", self.session)

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Send an order for this page."""
        return self.browser.call(method, self.session, **params)

    def value(self, expression: str) -> Any:
        """Return what an expression of JavaScript comes to, on this page."""
        done = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def open_all(self) -> None:
        """Open everything that is folded."""
        self.value("document.querySelectorAll('details').forEach(one => one.open = true)")

    def complaints(self) -> list[Any]:
        """Return what stands on its console, and every dialog that it has opened."""
        names = ("Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled")
        names += ("Page.javascriptDialogOpening",)
        return [found for name in names for found in self.browser.of(name, self.session)]

    def requested(self) -> set[str]:
        """Return the addresses that it has asked for."""
        return {
            found["request"]["url"]
            for found in self.browser.of("Network.requestWillBeSent", self.session)
            if not found["request"]["url"].startswith("data:")
        }

    def pdf(self) -> bytes:
        """Return the page as it would be printed."""
        return base64.b64decode(self.call("Page.printToPDF", preferCSSPageSize=True)["data"])

    def close(self) -> None:
        """Close it."""
        self.browser.call("Target.closeTarget", targetId=self.target)
