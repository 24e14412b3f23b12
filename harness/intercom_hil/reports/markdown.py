"""The Markdown renderer: one screen for GitHub's job summary, a merge request or a chat.

``cat summary.md >> "$GITHUB_STEP_SUMMARY"`` shows it; that takes at most 1 MiB. Every text of a run is
written with character references for all that means something in Markdown or HTML, and for ``@``, so that
nothing a device says becomes a link, an image, a mention or a row of a table.
"""

from __future__ import annotations

import re
from pathlib import Path

from intercom_hil.reports.causes import Cause, causes
from intercom_hil.reports.conformity import conformity
from intercom_hil.reports.headline import headline
from intercom_hil.reports.output import put
from intercom_hil.reports.views import device_line
from intercom_hil.run_folder.fields import clock, line, seconds, shorten
from intercom_hil.run_folder.records import Run
from intercom_hil.run_folder.verdicts import Share, Verdict, tally

FILE_NAME = "summary.md"
MOST_CAUSES = 40
"""Causes that are listed; the HTML report has all."""
MOST = 240
"""Characters of one text."""
_SPECIAL = re.compile(r"[^\w ,.;/()'%=+-]|_|(?<=www)\.", re.IGNORECASE)
_NO_MENTION = "&#64;&#8203;"


def render(run: Run) -> bytes:
    """Return the summary in UTF-8."""
    title = headline(run)
    parts = [
        f"## {_badge(run.verdict)}: {safe(title.words)}",
        "",
        f"**{safe(run.mode.words)}** ({safe(run.number)}). {safe(conformity(run), 900)}",
        "",
        *(f"> {safe(text, 600)}\n" for text in title.remarks),
        f"Device: {safe(device_line(run.environment) or 'not named')}, on the bench {safe(run.name)}, "
        f"{clock(run.started)}, {seconds(run.duration)}",
        "",
        "| | " + " | ".join(_badge(share.verdict) for share in _all(run)) + " |",
        "|---|" + "---:|" * len(_all(run)),
        _counts("Scenarios", [scenario.verdict for scenario in run.scenarios], run),
        _counts("Requirements", [row.verdict for row in run.requirements], run),
        "",
    ]
    found = causes(run)
    if found:
        parts += ["### What needs attention", "", "| Verdict | Requirement | Expected | Seen | Scenarios |"]
        parts += ["|---|---|---|---|---:|", *map(_row, found[:MOST_CAUSES])]
        if len(found) > MOST_CAUSES:
            parts.append(f"\n{len(found) - MOST_CAUSES} more causes are in report.html.")
    return ("\n".join(parts) + "\n").encode()


def write(run: Run) -> Path:
    """Write the summary into the run directory and return its path."""
    return put(run.folder, FILE_NAME, render(run))


def safe(text: str, limit: int = MOST) -> str:
    """Return a text of one line in which nothing means anything to Markdown or HTML."""

    def reference(match: re.Match[str]) -> str:
        return _NO_MENTION if match[0] == "@" else f"&#{ord(match[0])};"

    return _SPECIAL.sub(reference, shorten(line(text), limit))


def _badge(verdict: Verdict) -> str:
    return f"{verdict.sign} {verdict.word}"


def _all(run: Run) -> list[Share]:
    return tally(
        [*(scenario.verdict for scenario in run.scenarios), *(row.verdict for row in run.requirements)]
    )


def _counts(what: str, verdicts: list[Verdict], run: Run) -> str:
    return f"| {what} | " + " | ".join(str(verdicts.count(share.verdict)) for share in _all(run)) + " |"


def _row(cause: Cause) -> str:
    cells = (safe(cause.requirement), safe(cause.expected), safe(cause.seen) or "nothing")
    return f"| {_badge(cause.verdict)} | {' | '.join(cells)} | {len(cause.scenarios)} |"
