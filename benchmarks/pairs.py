"""Two ways to do a thing, timed in turn (A B A B ...), so that a machine that drifts is fair to both."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table


def show(
    title: str, unit: str, ours: Sequence[float], baseline: Sequence[float], names: tuple[str, str]
) -> None:
    """Print minimum, median and maximum of both, and of the ratio pair by pair."""
    table = Table(title=title)
    for heading in ("", "min", "median", "max"):
        table.add_column(heading, justify="right" if heading else "left")
    ratios = [a / b for a, b in zip(ours, baseline, strict=True)]
    for name, values in (
        (f"{names[0]}, {unit}", ours),
        (f"{names[1]}, {unit}", baseline),
        ("ratio", ratios),
    ):
        row = (min(values), statistics.median(values), max(values))
        table.add_row(name, *(f"{value:.3f}" for value in row))
    Console().print(table)
