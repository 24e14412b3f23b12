"""Which words of each requirement were reviewed last, as digests: words that changed since are marked.

A verdict is on words. Where they are changed after somebody has held them against their source, readers have
to know.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable
from datetime import date
from importlib import resources

from intercom_hil.spec.catalogue import Requirement

_LENGTH = 16
"""Hexadecimal digits of a digest: enough to notice a change, no protection against one on purpose."""


def digest(row: Requirement) -> str:
    """Return the digest of a requirement's words: title, text and source, whatever their spacing."""
    words = "\n".join(" ".join(part.split()) for part in (row.title, row.text, row.source))
    return hashlib.sha256(words.encode()).hexdigest()[:_LENGTH]


_DATA = tomllib.loads(
    resources.files("intercom_hil.spec").joinpath("reviewed.toml").read_text(encoding="utf-8")
)
REVIEWED: dict[str, str] = _DATA["words"]
"""The digests of the words that were reviewed, by requirement."""
REVIEWED_ON: date = _DATA["on"]
"""When."""


def standing(row: Requirement) -> str:
    """Return how the words of a requirement stand to their last review; empty where they are the same."""
    known = REVIEWED.get(row.id)
    if known is None:
        return "not reviewed yet"
    return "" if known == digest(row) else f"changed since the review of {REVIEWED_ON}"


def reviewed_toml(rows: Iterable[Requirement], on: date) -> str:
    """Return the data file (``reviewed.toml``) that says that these words were reviewed on a day."""
    lines = [
        "# Digests of the words of each requirement, as they were held against their sources last.",
        "# Written by `intercom-hil requirements --reviewed`, by whoever has read them all.",
        "",
        f"on = {on}",
        "",
        "[words]",
        *(f'{row.id} = "{digest(row)}"' for row in rows),
    ]
    return "\n".join(lines) + "\n"
