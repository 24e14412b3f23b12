"""What the live page costs the process that plays: every scenario of a stored run, reported to a real page.

    python -m benchmarks.live_page [RUN] [--looked-at]

RUN is a run folder (default: the latest). Only what the process that plays spends itself is counted, by the
clock and of its processor; the page is another process. With ``--looked-at`` a browser's requests go on all
the while, so that the page has to be drawn.
"""

from __future__ import annotations

import argparse
import statistics
import threading
import time
import urllib.request
from pathlib import Path

from rich.console import Console
from rich.table import Table

from intercom_hil.evidence.records import ScenarioRecord
from intercom_hil.live.feed import Feed
from intercom_hil.live.process import DEFAULT, LiveProcess, Place
from intercom_hil.plugin.live_page import summary
from intercom_hil.timeline import Timeline

ROOT = Path(__file__).resolve().parent.parent


def report(feed: Feed, timeline: Timeline, record: ScenarioRecord) -> tuple[float, float]:
    """Report a scenario as a run does; return the seconds that it took, by the clock and of the processor."""
    clock, cpu = time.perf_counter(), time.process_time()
    feed.send("begins", title=record.title, requirements=list(record.requirements))
    for observation in timeline:
        feed.seen(observation)
    feed.send("judged", **summary(record))
    feed.send("over")
    return time.perf_counter() - clock, time.process_time() - cpu


def look(url: str, over: threading.Event) -> None:
    """Ask for the state as a browser does."""
    while not over.wait(0.25):
        with urllib.request.urlopen(url + "state", timeout=60) as answer:
            answer.read()


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", nargs="?", type=Path, default=ROOT / "reports" / "runs" / "latest")
    parser.add_argument("--looked-at", action="store_true")
    options = parser.parse_args()
    scenarios = [
        (Timeline.load(path.parent / "timeline.jsonl"), ScenarioRecord.model_validate_json(path.read_bytes()))
        for path in sorted(options.run.glob("scenarios/*/record.json"))
        if (path.parent / "timeline.jsonl").exists()
    ]
    page, over = LiveProcess([Place.parse(DEFAULT, "--live")], bench="measured"), threading.Event()
    viewer = threading.Thread(target=look, args=(page.pages[0][0], over))
    try:
        if options.looked_at:
            viewer.start()
        feed = Feed(page.path)
        feed.send("lane", bench="measured", device="a device")
        spent = []
        for timeline, record in scenarios:
            spent.append(report(feed, timeline, record))
            time.sleep(0.1)  # the page has that time in a run, and more
        feed.close()
    finally:
        over.set()
        if options.looked_at:
            viewer.join()
        page.close()
    table = Table("what", "median", "90 %", "most")
    for name, place in (("by the clock", 0), ("processor", 1)):
        values = sorted(one[place] * 1000 for one in spent)
        ninety = values[int(len(values) * 0.9)]
        table.add_row(name, *(f"{value:.2f} ms" for value in (statistics.median(values), ninety, values[-1])))
    Console().print(table)
    seen = statistics.median(len(timeline) for timeline, _ in scenarios)
    print(f"{len(scenarios)} scenarios, {seen:.0f} observations in the median one")


if __name__ == "__main__":
    main()
