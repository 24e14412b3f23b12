"""A page made of a template and the style sheet of the reports: it runs no script and loads nothing."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from intercom_hil import reports
from intercom_hil.run_folder import fields

TEMPLATES = Path(reports.__file__).parent / "templates"
"""Where the reports have their style sheet and macros."""


def page(template: Path, **values: Any) -> bytes:
    """Return the page that a template makes of some values.

    Args:
        template: its file; it extends ``_page.html.j2`` and may use the macros of the reports.
        values: what it shows. All texts are escaped.
    """
    environment = Environment(
        loader=FileSystemLoader([template.parent, TEMPLATES], encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(clock=fields.clock, seconds=fields.seconds, shorten=fields.shorten)
    style = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    return (
        environment.get_template(template.name)
        .render(
            style=Markup(style),  # our own style sheet, no run's text in it
            style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
            **values,
        )
        .encode()
    )
