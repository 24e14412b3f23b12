"""Where a portal map is tried and as whom, what the map has, and what is to be changed there for a trial."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from intercom_hil.admin_portal.options import BrowserOptions
from intercom_hil.bench_file.model import load
from intercom_hil.browser.portal_map import NAMES, PROXY, PortalMap, read_map, shipped_map
from intercom_hil.browser.session import Person
from intercom_hil.browser.wanted import Value
from intercom_hil.errors import BenchError

Report = Callable[[str], None]
PASSWORD = "INTERCOM_HIL_PORTAL_PASSWORD"
"""The environment variable that has the password where no terminal could be asked."""
SWITCHED = ("true", "false")
"""How a switch is given on a command line."""


@dataclass(frozen=True, slots=True)
class Place:
    """A portal where a map is tried, and who logs in there.

    Attributes:
        map: the map's file.
        url: the portal's base address.
        person: an account that may change the settings.
        device: what the portal calls the device, if otherwise than the map says.
        program: Chromium, where it has another name than usual.
        ca: PEM file of the authority of an ``https://`` portal.
    """

    map: Path
    url: str
    person: Person
    device: str = ""
    program: str = ""
    ca: Path | None = None


def place_of(file: Path, *, url: str, account: str, ca: Path | None) -> Place:
    """Return where a map is tried, by a bench file with a table ``[device.browser]``, or by the map itself.

    Args:
        file: the bench file or the map.
        url: the portal's address; of a bench file in place of its own.
        account: who logs in; of a bench file in place of its own.
        ca: PEM file of the authority of an ``https://`` portal.

    Raises:
        BenchError: the file cannot be read, or is a bench file that uses no portal in a browser.
    """
    if not _describes_a_bench(file):
        return Place(file, url, Person(account, ""), ca=ca)
    device = load(file).device
    table = device.browser
    if table is None and device.configurator != "browser":
        remedy = "add the table [device.browser], or name the map itself, with --url and --account"
        raise BenchError("its device has no portal that is used in a browser", str(file), remedy)
    table = table or BrowserOptions()
    own = not account or account == table.account
    return Place(
        table.map or shipped_map(),
        url or table.url,
        Person(account or table.account, table.password if own else ""),
        table.device,
        table.program,
        ca or table.ca,
    )


def _describes_a_bench(file: Path) -> bool:
    try:
        return isinstance(tomllib.loads(file.read_text(encoding="utf-8")).get("device"), dict)
    except (OSError, ValueError):
        return False  # read as a map, it is said what is wrong


def with_password(place: Place, password: str) -> Place:
    """Return a place where somebody can log in. Raises BenchError: something of it is missing."""
    if not re.fullmatch(r"https?://\S+", place.url):
        remedy = "add --url http://ADDRESS; an emulated intercom prints its own when it starts"
        raise BenchError("a map is tried at a portal", "--url", remedy)
    if not place.person.account:
        raise BenchError("somebody has to log in", "--account", "add --account NAME")
    if not (password or place.person.password):
        raise BenchError(
            f"there is no password for {place.person.account!r}",
            PASSWORD,
            "run it at a terminal, which asks for it, or put it into this environment variable",
        )
    person = Person(place.person.account, password or place.person.password)
    return replace(place, person=person)


class Pictures:
    """Keeps pictures in a folder, numbered in their order."""

    def __init__(self, folder: Path) -> None:
        """Name the folder; it is made for the first picture."""
        self.folder, self._count = folder, 0

    def picture(self, name: str, taken: bytes) -> Path | None:
        """Keep a picture; return its file. Raises BenchError: it cannot be written."""
        self._count += 1
        slug = re.sub(r"\W+", "-", name.lower()).strip("-")[:60]
        file = self.folder / f"{self._count:02d}-{slug}.png"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            file.write_bytes(taken)
        except OSError as problem:
            raise BenchError.of(problem, str(file)) from problem
        return file


def describe(path: Path, report: Report) -> None:
    """Report what a map has: its ways and settings, and which settings it leaves out. Raises BenchError."""
    known = read_map(path)
    report(f"portal map {path}: {known.title}")
    for name, steps in known.ways.items():
        report(f"  way to the {name}: {', '.join(step.name for step in steps)}")
    pages = f", on {len(known.form.pages)} pages" if known.form.pages else ""
    report(f"  {len(known.settings)} settings{pages}")
    if left_out := [name for name in NAMES if name not in known.settings and name != PROXY]:
        report(f"  left out, as the form does not have them: {', '.join(left_out)}")


def changes_of(words: Sequence[str], known: PortalMap) -> dict[str, Value]:
    """Return what ``--set NAME=VALUE`` says, as it goes into the form; entries of a list have commas between.

    Raises:
        BenchError: it is no such setting, or one that could not be put back because it cannot be read.
    """
    found: dict[str, Value] = {}
    for word in words:
        name, equals, text = word.partition("=")
        setting = known.settings.get(name)
        if not equals or setting is None:
            there = ", ".join(known.settings)
            raise BenchError("it is no setting of the map, with a value", f"--set {name}", f"use {there}")
        if setting.kind in ("password", "file") or not setting.reads:
            raise BenchError(
                "what stands there cannot be read, and so not be put back",
                f"--set {name}",
                "set another one, or none",
            )
        if setting.kind == "switch":
            if text not in SWITCHED:
                raise BenchError("it is a switch", f"--set {name}", f"use {name}=true or {name}=false")
            found[name] = text == "true"
        elif setting.kind in ("list", "lines"):
            found[name] = [entry.strip() for entry in text.split(",") if entry.strip()]
        else:
            found[name] = text
    return found
