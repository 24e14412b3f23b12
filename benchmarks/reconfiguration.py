"""How long one reconfiguration through the portal's pages lasts, beside the portal's JSON interface.

An emulated intercom whose SIP is off is configured by turns through both ways, each time with another
extension, list of further numbers and polling interval. Each submission in the browser takes the steps from
the menu to the form, and leaves its two pictures, as on a bench.
Usage: ``python -m benchmarks.reconfiguration [COUNT]``
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from intercom_hil.admin_portal.options import BrowserOptions
from intercom_hil.device.configurator import Configurator
from intercom_hil.device.configurator_kinds import ConfiguratorContext
from intercom_hil.device.portal import Account, Portal
from intercom_hil.spec.settings import SipSettings
from intercom_hil.timeline import Timeline

ADDRESS, PORT = "127.0.90.30", 8080
WANTED = 1.5
"""Seconds that one reconfiguration in the browser may take."""
_URL = f"http://{ADDRESS}:{PORT}"


def settings(number: int) -> SipSettings:
    """Return a configuration that differs from the one before in four fields."""
    return SipSettings(
        enabled=False,  # what its SIP makes of new settings takes its own time
        server_address="127.0.90.10",
        auth_username="3401",
        auth_password=f"password-{number}",
        extension=str(3401 + number),
        call_number="3400",
        further_numbers=("3405", "3406")[: number % 3],
        polling_interval=60 + number,
    )


async def lasted(way: Configurator, wanted: SipSettings) -> float:
    """Return how long a configuration took to be in force (s)."""
    begun = time.perf_counter()
    answer = await way.apply(wanted)
    assert answer.accepted, answer.message
    return time.perf_counter() - begun


async def measure(count: int, folder: Path) -> None:
    """Configure by turns, and print both times and their ratio."""
    options = BrowserOptions(url=_URL, account="admin", password="admin-secret")
    browser = options.make(ConfiguratorContext(ADDRESS, Timeline().append))
    portal = Portal(_URL, Account("admin", "admin-secret"))
    begin = getattr(browser, "begin")  # noqa: B009  (a configurator need not have it)
    begin(folder)
    times: dict[str, list[float]] = {"browser": [], "JSON": []}
    try:
        await browser.open()
        await portal.open()
        for number in range(count + 1):
            found = (
                await lasted(browser, settings(2 * number)),
                await lasted(portal, settings(2 * number + 1)),
            )
            if number:  # the first one has everything to fill in
                times["browser"].append(found[0])
                times["JSON"].append(found[1])
    finally:
        await portal.close()
        await browser.close()
    ordered = sorted(times["browser"])
    slow, fast = median(ordered), median(times["JSON"])
    spread = f"90 % {ordered[int(0.9 * (count - 1))]:.2f} s, most {ordered[-1]:.2f} s"
    print(f"browser {slow:.2f} s in the median of {count}, {spread} ({WANTED:g} s are wanted)")
    print(f"JSON interface {fast:.3f} s; {slow / fast:.0f} times")


def main(count: int) -> None:
    """Start an emulated intercom and measure."""
    with tempfile.TemporaryDirectory() as name:
        command = [sys.executable, "-m", "intercom_hil", "emulate", "--state", f"{name}/door"]
        command += ["--address", ADDRESS, "--portal-port", str(PORT)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as device:
            try:
                assert device.stdout is not None
                assert any(line.startswith("portal") for line in device.stdout)
                (Path(name) / "evidence").mkdir()
                asyncio.run(measure(count, Path(name) / "evidence"))
            finally:
                device.terminate()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
