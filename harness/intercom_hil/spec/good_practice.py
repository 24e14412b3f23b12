"""Good practice: what the RFCs ask of a device where the page has no row, counted apart from it.

What breaks it is shown in reports, under a heading of its own, and fails no scenario and no run.
"""

from __future__ import annotations

from importlib import resources

from intercom_hil.spec.catalogue import Catalogue

GOOD_PRACTICE = Catalogue.parse(
    resources.files("intercom_hil.spec").joinpath("good_practice.toml").read_text(encoding="utf-8")
)
"""The rows of good practice."""


def is_good_practice(requirement: str) -> bool:
    """Return whether a row is of good practice, and so counts for no scenario's and no run's verdict."""
    return requirement in GOOD_PRACTICE
