"""``bench check``: everything a run needs, looked at line by line, with the remedy for what is missing."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from harness.bench.addresses import taken_addresses
from harness.bench.engine import Engine
from harness.bench.image import Recipe
from harness.bench.model import BenchFile, load
from harness.bench.trial import trial
from harness.device.portal import Account, Portal
from harness.instruments.catalogue import Catalogue, named
from harness.timeline.errors import BenchError, DeviceCrashed

Tell = Callable[[str], None]
_OPEN_WITHIN = 5.0
"""Seconds an instrument may take to open."""


def check(path: Path, tell: Tell, *, templates: Path | None = None) -> bool:
    """Look at all that the bench file at ``path`` calls for, tell each, and return whether all is well.

    Args:
        path: the bench file.
        tell: takes each line.
        templates: where the stations' scenarios are, for a trial call when all parts are there; else none.
    """
    well = True

    def line(what: str, problem: BenchError | None = None, found: str = "") -> None:
        nonlocal well
        if problem is None:
            tell(f"  ok       {what}{': ' if found else ''}{found}")
            return
        well = False
        tell(f"  MISSING  {what}: {problem.what}")
        if problem.remedy:
            tell(f"           remedy: {problem.remedy}")

    tell(f"bench check {path}")
    try:
        file = load(path)
    except BenchError as problem:
        line("bench file", problem)
        return False
    line("bench file", found=f"bench {file.bench.name}, device {file.device.kind}")
    _engine(line)
    taken = list(taken_addresses(file))
    for address in taken:
        line(address.where, address)
    if not taken:
        line("addresses", found="all free")
    emulated = file.device.kind == "emulated"
    for name, found in _emulator() if emulated else asyncio.run(_instruments(file)):
        line(name, found)
    if well and templates is not None:
        tell("a trial: the bench is started, the device configured, its button pressed")
        asyncio.run(trial(file, templates, line, lambda text: tell(f"           {text}")))
    return well


def _engine(line: Callable[..., None]) -> None:
    try:
        engine = Engine.find()
    except BenchError as problem:
        line("container engine", problem)
        return
    line("container engine", found=str(engine))
    tag = Recipe.load().tag
    if engine.has_image(tag):
        line("image", found=tag)
    else:
        line("image", BenchError(f"{tag} is not there", remedy="intercom-hil provision (a minute or two)"))


def _emulator() -> Iterator[tuple[str, BenchError | None]]:
    found = importlib.util.find_spec("pjsua2") is not None
    remedy = "pip install 'intercom-hil[emulator]' with CPython 3.11 or 3.12 on x86-64"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    problem = BenchError(f"no pjsua2 for Python {version}", remedy=remedy)
    yield "emulated intercom's SIP stack", None if found else problem


class _Opened(Protocol):
    async def open(self) -> None: ...
    async def close(self) -> None: ...


async def _instruments(file: BenchFile) -> list[tuple[str, BenchError | None]]:
    device = file.device
    assert device.console is not None
    assert device.button is not None
    assert device.portal is not None
    account = Account(device.portal.account, device.portal.password)
    catalogue = Catalogue()
    parts: dict[str, _Opened] = {
        f"button {named(device.button)}": catalogue.output(device.button, name="button"),
        f"console {device.console.port}": catalogue.console(
            device.console.port, baudrate=device.console.baud_rate
        ),
        f"portal {device.portal.url}": Portal(device.portal.url, account, device=device.portal.device_id),
    }
    found: list[tuple[str, BenchError | None]] = []
    for name, part in parts.items():
        try:
            async with asyncio.timeout(_OPEN_WITHIN):
                await part.open()
        except TimeoutError:
            found.append((name, BenchError(f"no answer within {_OPEN_WITHIN:g} s", remedy="check its cable")))
        except DeviceCrashed as problem:
            found.append((name, BenchError(str(problem), remedy="check the device's supply and network")))
        except BenchError as problem:
            found.append((name, problem))
        else:
            found.append((name, None))
            await part.close()
    return found
