"""A headless Chromium of the bench's own, driven by Playwright.

Debian's Chromium is used as it is installed; nothing is downloaded. Playwright is talked to over a pipe: it
ends, and Chromium with it, when this process does.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from intercom_hil.errors import BenchError
from intercom_hil.lateness import stretched

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, Playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
"""What Chromium is called where it is installed, the first that is found counts."""
FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
)
"""It talks to the portal, and to nobody else."""
WITHOUT_PLAYWRIGHT = "pip install 'intercom-hil[browser]'"
WITHOUT_CHROMIUM = "as root: intercom-hil provision --browser"
PACKAGES = ("chromium", "fonts-dejavu-core")
"""The Debian packages of a browser that can write."""
START = 60.0
"""Seconds in which Chromium has to be there."""
END = 10.0
"""Seconds in which it has to be gone, before it is killed."""


def installed(program: str = "") -> str:
    """Return the path of Chromium.

    Args:
        program: its name or path, where it is none of the usual names.

    Raises:
        BenchError: there is none.
    """
    for name in (program,) if program else NAMES:
        if found := shutil.which(name):
            return found
    looked = program or ", ".join(NAMES)
    where = "device.browser.program" if program else "device.browser"
    raise BenchError(f"there is no Chromium (looked for {looked})", where, WITHOUT_CHROMIUM)


def playwright_there() -> bool:
    """Return whether Playwright can be imported."""
    try:
        import playwright.async_api  # noqa: F401
    except ImportError:
        return False
    return True


async def look(program: str = "") -> str:
    """Start a browser, end it, and return its version. Raises BenchError: there is none, or it fails."""
    chromium = Chromium(program)
    await chromium.open()
    version = chromium.version
    await chromium.close()
    return version


class Chromium:
    """A running Chromium.

    Attributes:
        version: as it gives it; empty until it runs.
        pid: of its main process; None until it runs.
    """

    def __init__(self, program: str = "", *, trusted_keys: Sequence[str] = ()) -> None:
        """Describe it.

        Args:
            program: its name or path, where it is none of the usual names.
            trusted_keys: SHA-256 of public keys (SPKI, in base64) whose certificates it takes although no
                authority vouches for them.
        """
        self._program, self._trusted = program, tuple(trusted_keys)
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None
        self.version = ""
        self.pid: int | None = None

    @property
    def running(self) -> bool:
        """Whether it can be used."""
        return self._browser is not None and self._browser.is_connected()

    async def open(self) -> None:
        """Start it; nothing happens when it runs. Raises BenchError: it is not there, or does not start."""
        if self.running:
            return
        await self.close()
        program = installed(self._program)
        try:
            from playwright.async_api import Error, async_playwright
        except ImportError as problem:
            raise BenchError(
                f"Playwright is not there ({problem})", "device.browser", WITHOUT_PLAYWRIGHT
            ) from None
        trust = f"--ignore-certificate-errors-spki-list={','.join(self._trusted)}"
        try:
            async with stretched(START):
                starting = asyncio.ensure_future(async_playwright().start())
                try:
                    self._playwright = await asyncio.shield(starting)
                except asyncio.CancelledError:  # half started, it could not be ended
                    with suppress(Error, TimeoutError):
                        self._playwright = await asyncio.wait_for(starting, END)
                    raise
                self._browser = await self._playwright.chromium.launch(
                    executable_path=program,
                    args=[*FLAGS, *([trust] if self._trusted else [])],
                    chromium_sandbox=os.geteuid() != 0,  # as root it starts without its sandbox only
                    handle_sigint=False,  # it is closed in its turn
                    handle_sigterm=False,
                    handle_sighup=False,
                    timeout=START * 4000,
                )
                self.version = self._browser.version
                self.pid = await self._main_process(self._browser)
        except (Error, TimeoutError, OSError) as problem:
            await self.close()
            why = str(problem).strip().splitlines()
            raise BenchError(
                f"Chromium does not start ({why[0] if why else f'not within {START:g} s'})",
                program,
                "see that it runs here by itself: chromium --headless --version",
            ) from problem
        except BaseException:
            await self.close()
            raise

    @staticmethod
    async def _main_process(browser: Browser) -> int | None:
        session = await browser.new_browser_cdp_session()
        found: dict[str, Any] = await session.send("SystemInfo.getProcessInfo")
        await session.detach()
        return next((int(one["id"]) for one in found["processInfo"] if one["type"] == "browser"), None)

    async def window(self, **options: Any) -> BrowserContext:
        """Open a window with cookies of its own; the options are Playwright's of a context.

        Raises:
            BenchError: Chromium does not run.
        """
        if self._browser is None:
            raise BenchError("Chromium is not open", "device.browser", "open it first")
        from playwright.async_api import Error

        try:
            return await self._browser.new_context(**options)
        except Error as problem:
            raise gone(problem) from problem

    async def close(self) -> None:
        """End it: by itself, else by a signal to its own process. Nothing happens when it does not run."""
        browser, self._browser = self._browser, None
        playwright, self._playwright = self._playwright, None
        pid, self.pid = self.pid, None
        try:
            if browser is not None:
                await _ended(browser.close())
        finally:
            try:
                if playwright is not None:
                    await _ended(playwright.stop())
            finally:
                if pid is not None and _is_chromium(pid):
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)


def gone(problem: Exception) -> BenchError:
    """Return that Chromium went away, by what Playwright said of it."""
    first = next(iter(str(problem).strip().splitlines()), type(problem).__name__)
    return BenchError(
        f"Chromium went away ({first})", "device.browser", "see what ended it: the machine may lack memory"
    )


async def _ended(closing: Any) -> None:
    """Await an end that may not come, or that may be there already."""
    from playwright.async_api import Error

    with suppress(Error, TimeoutError, OSError):
        async with asyncio.timeout(END):
            await closing


def _is_chromium(pid: int) -> bool:
    """Return whether a process is a Chromium that has not ended: the number may be another's by now."""
    try:
        name = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return False
    return state != "Z" and name.startswith(("chrom", "google-chrome"))
