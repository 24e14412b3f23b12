"""The person at the bench as the bench file describes them: a table in, an asker with its ways out."""

from __future__ import annotations

from harness.bench.tables import OperatorTable
from harness.operator.answers import AnswersFile
from harness.operator.asker import Asker, Way
from harness.operator.terminal import Terminal
from harness.operator.web import WebPage
from harness.timeline import Append


def operator(table: OperatorTable, *, append: Append, bench: str = "") -> Asker:
    """Return what asks the person, not yet open; must be called inside a running event loop.

    Args:
        table: the bench file's.
        append: puts observations on the current scenario's timeline.
        bench: what the page calls the bench.
    """
    ways: list[Way] = []
    if table.answers is not None:
        ways.append(AnswersFile(table.answers))
    if table.terminal:
        ways.append(Terminal())
    if table.web is not None:
        host, _, port = table.web.rpartition(":")
        ways.append(WebPage(host.strip("[]"), int(port), bench=bench))
    return Asker(ways, append=append, within=table.within, name=table.name)


def pages(asker: Asker) -> list[str]:
    """Return the addresses of the pages on which a person can answer."""
    return [way.url for way in asker.ways if isinstance(way, WebPage)]
