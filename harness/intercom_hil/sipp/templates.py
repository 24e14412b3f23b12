"""Scenario templates: jinja2 with the one filter that SIPp's XML needs, ``|sip``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from intercom_hil.sipp.error import SippError

if TYPE_CHECKING:
    import jinja2


def escaped(text: object) -> str:
    r"""Write a text so that SIPp and XML take every character of it for itself.

    SIPp reads ``\xHH`` in messages and values as one byte; what could mean anything to it or to its XML
    reader, and whatever is not ASCII, is written so.
    """
    plain = str(text)
    return "".join(
        c
        if c.isascii() and c.isprintable() and c not in "\\[]\"'&<>"
        else "".join(f"\\x{b:02X}" for b in c.encode())
        for c in plain
    )


def scenario_templates(*folders: Path) -> jinja2.Environment:
    """Return the environment for scenario templates that lie in some folders.

    A name that a template uses and nobody gives is an error. ``{{ value|sip }}`` writes a value `escaped`.
    """
    import jinja2  # in functions here: it takes a while, and a bench that starts can do without

    # Autoescape is for HTML; here the filter escapes, as SIPp wants it.
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folders),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["sip"] = escaped
    return environment


def render(environment: jinja2.Environment, name: str, path: Path, **values: object) -> Path:
    """Render a template into a scenario file and return the file.

    Args:
        environment: from `scenario_templates`.
        name: the template's name.
        path: the file to write.
        values: what the template asks for.

    Raises:
        SippError: the template is wrong, or asks for something that was not given.
    """
    import jinja2

    try:
        text = environment.get_template(name).render(**values)
    except jinja2.TemplateError as problem:
        raise SippError(f"scenario template: {problem}", name, "mend the template") from problem
    path.write_text(text, encoding="utf-8")
    return path
