"""A headless Chromium that is used by its keyboard, over the Chrome DevTools Protocol.

Chromium is looked for and not installed: where there is none, tests that need it are skipped.
"""

import asyncio
import base64
import json
import os
import shutil
import signal
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless=new",
    "--no-sandbox",  # it may run as root, and opens nothing but the portal
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
    "--no-proxy-server",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
)
WITHIN = 60.0
"""Seconds after which what should be seen in the browser is not there. A busy machine takes its time."""
AXE_CORE = (os.environ.get("AXE_CORE", ""), "/usr/share/nodejs/axe-core/axe.min.js")
"""Where axe-core may be: named, or where Debian's relatives put it."""
KEYS = {
    "Tab": ("Tab", 9, ""),
    "Enter": ("Enter", 13, "\r"),
    "Space": (" ", 32, " "),
    "ArrowDown": ("ArrowDown", 40, ""),
    "Delete": ("Delete", 46, ""),
}
FOCUSED = """(() => {
  const e = document.activeElement;
  const name = e.getAttribute("aria-label") || e.labels?.[0]?.textContent || e.textContent || "";
  const legend = e.closest("fieldset")?.querySelector("legend")?.textContent || "";
  return [name.trim(), legend.trim()];
})()"""


class BrowserError(Exception):
    """Chromium says that something cannot be done."""


class Chromium:
    """One page of a running Chromium."""

    def __init__(self, process, socket):
        self._process, self._socket, self._session = process, socket, None
        self._answers, self._count = {}, 0
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, folder: Path):
        """Start it with a profile of its own in a folder; skip the test where there is none."""
        program = next(filter(None, map(shutil.which, NAMES)), None)
        if program is None:
            pytest.skip(f"no browser: none of {', '.join(NAMES)} is installed")
        home = {**os.environ, "HOME": str(folder)}
        command = [program, *FLAGS, f"--user-data-dir={folder}", "about:blank"]
        null = asyncio.subprocess.DEVNULL
        process = await asyncio.create_subprocess_exec(
            *command, env=home, stdin=null, stdout=null, stderr=null, start_new_session=True
        )
        try:
            async with asyncio.timeout(WITHIN):
                while not (lines := _lines(folder / "DevToolsActivePort"))[1:]:
                    assert process.returncode is None, "Chromium ended at once"
                    await asyncio.sleep(0.05)
            address = f"ws://127.0.0.1:{lines[0]}{lines[1]}"
            socket = await connect(address, max_size=None, proxy=None, open_timeout=WITHIN)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
            raise
        browser = cls(process, socket)
        target = (await browser.send("Target.createTarget", url="about:blank"))["targetId"]
        attached = await browser.send("Target.attachToTarget", targetId=target, flatten=True)
        browser._session = attached["sessionId"]
        return browser

    async def close(self):
        """End it and whatever it started."""
        self._reading.cancel()
        await self._socket.close()
        os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()

    async def send(self, method, **parameters):
        """Send a command and return its result."""
        self._count += 1
        message = {"id": self._count, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        answer = self._answers[self._count] = asyncio.get_running_loop().create_future()
        await self._socket.send(json.dumps(message))
        async with asyncio.timeout(WITHIN):
            return await answer

    async def _read(self):
        async for text in self._socket:
            message = json.loads(text)
            answer = self._answers.pop(message.get("id"), None)
            if answer is not None and not answer.done():
                if "error" in message:
                    answer.set_exception(BrowserError(message["error"]["message"]))
                else:
                    answer.set_result(message["result"])

    async def value(self, expression, wait=False):
        """Return the value of a JavaScript expression in the page."""
        sent = {"expression": expression, "returnByValue": True, "awaitPromise": wait}
        result = await self.send("Runtime.evaluate", **sent)
        if "exceptionDetails" in result:
            raise BrowserError(str(result["exceptionDetails"]))
        return result["result"].get("value")

    async def until(self, expression):
        """Wait until an expression is true of the page, whatever page that is by then."""
        async with asyncio.timeout(WITHIN):
            while True:
                try:
                    if await self.value(f"document.readyState === 'complete' && !!({expression})"):
                        return
                except BrowserError:  # the page it was asked of has just gone
                    pass
                await asyncio.sleep(0.02)

    async def open(self, url):
        await self.send("Page.navigate", url=url)
        await self.until(f"location.href.startsWith({json.dumps(url)})")

    async def press(self, key):
        """Press a key and let it go."""
        name, code, text = KEYS[key]
        given = {"key": name, "code": key, "windowsVirtualKeyCode": code}
        down = {"type": "keyDown", "text": text} if text else {"type": "rawKeyDown"}
        await self.send("Input.dispatchKeyEvent", **down, **given)
        await self.send("Input.dispatchKeyEvent", type="keyUp", **given)

    async def type(self, text):
        """Type a text over what stands in the field; a field that is reached by Tab has it selected."""
        for character in text:
            await self.send("Input.dispatchKeyEvent", type="keyDown", text=character, key=character)
            await self.send("Input.dispatchKeyEvent", type="keyUp", key=character)

    async def tab_to(self, name, group=""):
        """Press Tab until something of this name, in this group, has the focus."""
        passed = []
        for _ in range(80):
            await self.press("Tab")
            found, legend = await self.value(FOCUSED)
            if found == name and group in ("", legend):
                return
            passed.append(found)
        raise AssertionError(f"Tab does not lead to {name!r}, but to {passed}")

    async def size(self, width, height=900, dark=False):
        """Give the page a size, and light or dark colours."""
        await self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        colours = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.send("Emulation.setEmulatedMedia", features=[colours])

    async def screenshot(self):
        """Return a picture of the whole page, as PNG."""
        taken = await self.send("Page.captureScreenshot", captureBeyondViewport=True)
        return base64.b64decode(taken["data"])


def _lines(path):
    try:
        return path.read_text().splitlines()
    except FileNotFoundError:
        return []


def axe_core():
    """Return axe-core's script, which judges a page's accessibility; skip the test where there is none."""
    source = next((Path(name) for name in AXE_CORE if name and Path(name).is_file()), None)
    if source is None:
        pytest.skip("no axe-core here: AXE_CORE names its axe.min.js (npm install axe-core)")
    return source.read_text(encoding="utf-8")
