"""The person at the bench as the bench file describes them: a table becomes a prompter with its ways."""

from __future__ import annotations

from intercom_hil.device.configurator_kinds import OperatorOptions
from intercom_hil.operator.answers import AnswersFile
from intercom_hil.operator.prompter import Prompter, Way
from intercom_hil.operator.terminal import Terminal
from intercom_hil.operator.web import WebPage
from intercom_hil.timeline import Append


def operator(
    table: OperatorOptions, *, append: Append, bench: str = "", live_page: Way | None = None
) -> Prompter:
    """Return what asks the person, not yet open; must be called inside a running event loop.

    Args:
        table: the bench file's.
        append: puts observations on the current scenario's timeline.
        bench: what the page calls the bench.
        live_page: the way over the run's page, where that has one; the bench has none of its own then.
    """
    ways: list[Way] = []
    if table.answers is not None:
        ways.append(AnswersFile(table.answers))
    if table.terminal:
        ways.append(Terminal())
    if live_page is not None:
        ways.append(live_page)
    elif table.web is not None:
        host, _, port = table.web.rpartition(":")
        ways.append(WebPage(host.strip("[]"), int(port), bench=bench))
    return Prompter(ways, append=append, within=table.within, name=table.name)


def pages(prompter: Prompter) -> list[str]:
    """Return the addresses of the pages on which a person can answer."""
    return [way.url for way in prompter.ways if isinstance(way, WebPage)]
