"""HTML: texts made safe, and the page round what each page has of its own."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence

from intercom_hil.emulator.http_server import Answer
from intercom_hil.emulator.pages.sessions import Session

HEADERS = (
    (
        "Content-Security-Policy",
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "same-origin"),
    ("Cache-Control", "no-store"),
)
"""Of every answer. There is no script on any page, and no browser would run one."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_BIDIRECTIONAL = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_MENU = (
    ("Device Management", (("Devices", "/devices"),)),
    ("Monitoring", (("Security Events", "/events"),)),
)


def safe(text: str) -> str:
    """Return a text for an element or a quoted attribute; what a page cannot show is replaced."""
    return html.escape(_BIDIRECTIONAL.sub("\ufffd", _CONTROL.sub("\ufffd", text)))


def attributes(values: Mapping[str, str | bool]) -> str:
    """Return attributes, each with a space before it; those that are off are left out."""
    written = (
        f" {name}" if value is True else f' {name}="{safe(str(value))}"'
        for name, value in values.items()
        if value is not False
    )
    return "".join(written)


def hidden(text: str) -> str:
    """Return a text that only a screen reader reads."""
    return f'<span class="unseen">{safe(text)}</span>'


def facts(rows: Mapping[str, str]) -> str:
    """Return a list of facts: what it is, and the HTML of how it is."""
    inside = "".join(f"<div><dt>{safe(name)}</dt><dd>{value}</dd></div>" for name, value in rows.items())
    return f'<dl class="facts">{inside}</dl>'


def table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table of cells that are HTML. It stays one for screen readers where it is narrow."""
    head = "".join(f'<th role="columnheader" scope="col">{safe(name)}</th>' for name in heads)
    body = ""
    for row in rows:
        cells = zip(heads, row, strict=True)
        inside = "".join(f'<td role="cell" data-head="{safe(name)}">{cell}</td>' for name, cell in cells)
        body += f'<tr role="row">{inside}</tr>'
    return f"""<table role="table"><caption class="unseen">{safe(caption)}</caption>
<thead role="rowgroup"><tr role="row">{head}</tr></thead><tbody role="rowgroup">{body}</tbody></table>"""


def notice(kind: str, text: str) -> str:
    """Return a notice: ``done``, ``warning`` or ``problem``."""
    role = "alert" if kind == "problem" else "status"
    return f'<p class="notice {kind}" role="{role}">{safe(text)}</p>'


def page(title: str, main: str, session: Session | None, *, current: str = "", status: int = 200) -> Answer:
    """Return a whole page; who is logged in sees menu and log-out, and what there is to be said to him."""
    said = ""
    if session is not None:
        said = "".join(notice(kind, text) for kind, text in session.notices)
        session.notices.clear()
    document = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{safe(title)} – Admin Portal</title>
<link rel="icon" href="/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/style.css">
</head>
<body class="{"inside" if session else "outside"}">
<a class="skip" href="#main">Skip to the content</a>
<header class="top"><span class="brand"><img src="/icon.svg" alt="" width="24" height="24">Admin Portal</span>
{_who(session) if session else ""}</header>
{_menu(current) if session else ""}
<main id="main" tabindex="-1">
{said}{main}
</main>
</body>
</html>
"""
    return html_answer(document, status)


def html_answer(document: str, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """Return a document with the headers of every page."""
    return Answer(
        status, document.encode("utf-8", "replace"), "text/html; charset=utf-8", (*HEADERS, *headers)
    )


def sent_to(place: str, *headers: tuple[str, str]) -> Answer:
    """Return the answer that leads to another page, there to be asked for by GET."""
    return Answer(303, b"", "text/plain", (*HEADERS, ("Location", place), *headers))


def _who(session: Session) -> str:
    return f"""<form class="who" method="post" action="/logout">
<input type="hidden" name="token" value="{safe(session.token)}">
<span><b>{safe(session.account)}</b> <span class="role">{safe(session.role)}</span></span>
<button class="quiet">Log out</button></form>"""


def _menu(current: str) -> str:
    groups = []
    for heading, entries in _MENU:
        links = "".join(
            f"<li><a{attributes({'href': path, 'aria-current': 'page' if path == current else False})}>"
            f"{safe(name)}</a></li>"
            for name, path in entries
        )
        groups.append(f"<li><span>{safe(heading)}</span><ul>{links}</ul></li>")
    return f'<nav class="menu" aria-label="Main"><ul>{"".join(groups)}</ul></nav>'
