"""Every requirement there is: those of the vendor's page, good practice, and those of others' catalogues.

A catalogue comes as an entry point (``intercom_hil.requirements``: a ``Catalogue``), or is added by who reads
a configuration. Others' are looked at only for an id that is not of the page.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

from intercom_hil import extensions
from intercom_hil.extensions import ExtensionError, Registry
from intercom_hil.spec.catalogue import CATALOGUE, Catalogue, Requirement
from intercom_hil.spec.good_practice import GOOD_PRACTICE

_added: list[Catalogue] = []


class UnknownRequirement(KeyError):  # noqa: N818  (it says what happened)
    """An id that no catalogue holds.

    Attributes:
        name: what was asked for.
        near: ids that look like it, the most alike first.
        broken: catalogues that might hold it and cannot be used.
    """

    def __init__(self, name: str, known: Iterable[str], broken: Iterable[ExtensionError]) -> None:
        self.name = name
        self.near = tuple(difflib.get_close_matches(name.strip().upper(), list(known), n=3, cutoff=0.6))
        self.broken = tuple(broken)
        super().__init__(name)

    def __str__(self) -> str:
        hint = f" Did you mean {' or '.join(self.near)}?" if self.near else ""
        torn = "".join(f" {problem}" for problem in self.broken)
        return f"no requirement is called {self.name!r}.{hint} docs/requirements.md lists them all.{torn}"


def _catalogue(loaded: object) -> Catalogue:
    if not isinstance(loaded, Catalogue):
        raise TypeError("it is no Catalogue")
    _check(loaded)
    return loaded


def _check(catalogue: Catalogue) -> None:
    taken = CATALOGUE.families.keys() & catalogue.families.keys()
    if catalogue is not CATALOGUE and taken:
        raise TypeError(f"families of the page are not others': {', '.join(sorted(taken))}")
    taken = GOOD_PRACTICE.families.keys() & catalogue.families.keys()
    if taken:
        raise TypeError(f"families of good practice are not others': {', '.join(sorted(taken))}")


CATALOGUES: Registry[Catalogue] = Registry(extensions.REQUIREMENTS, _catalogue)
"""The catalogues that are installed, the page's first."""


def add(catalogue: Catalogue) -> None:
    """Have the requirements of a catalogue known in this process; one of the same title is replaced.

    Raises:
        ValueError: a family of the page is among its families.
    """
    try:
        _check(catalogue)
    except TypeError as problem:
        raise ValueError(str(problem)) from None
    _added[:] = [*(one for one in _added if one.title != catalogue.title), catalogue]


def others() -> Iterator[Catalogue | ExtensionError]:
    """Yield the catalogues beside the page's, good practice first; of one that cannot be loaded, why."""
    yield GOOD_PRACTICE
    yield from _added
    yield from (one for _, one in CATALOGUES.usable() if one is not CATALOGUE)


def requirement(name: str) -> Requirement:
    """Return the requirement whose id is ``name``.

    Raises:
        UnknownRequirement: there is none; the message names ids that look alike, and broken catalogues.
    """
    found = catalogue_of(name)
    if found is not None and name in found:  # it may be a family's name
        return found[name]
    usable = [one for one in others() if isinstance(one, Catalogue)]
    broken = [one for one in others() if isinstance(one, ExtensionError)]
    raise UnknownRequirement(name, (i for one in (CATALOGUE, *usable) for i in one), broken)


def catalogue_of(name: str) -> Catalogue | None:
    """Return the catalogue that has a requirement, or a family, of that name; None if there is none."""
    family = name.partition("-")[0]
    if family in CATALOGUE.families:
        return CATALOGUE if name in CATALOGUE or name == family else None
    usable = (one for one in others() if isinstance(one, Catalogue))
    return next((one for one in usable if name in one or name in one.families), None)
