"""Play the proof: every fault, every lawful variant and every bench fault, each by itself; then sum it up.

    python -m tests.proof [--sample | --quick] [--part K/N] [--only KIND] [-k TEXT] [--minutes M]
                          [--lanes N] [--name NAME] [--any-commit] [--again]

Each entry is a line of ``reports/proof/NAME/entries.jsonl`` as soon as it has been played. Started again at
the same commit (with ``--any-commit``, at any) it goes on with what is missing (with ``--again``, also with
what did not come out right). Ctrl-C ends what runs and
sums up what there is. The evidence of whatever did not come out right is kept beside it.
``reports/proof/latest`` leads to the newest.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from tests.faults.lane import ROOT
from tests.proof import entries
from tests.proof.entries import BENCH_FAULT, KINDS, VARIANT, Entry
from tests.proof.playing import ERROR, INCONCLUSIVE, RIGHT, play
from tests.proof.summary import write
from tests.proof.variants import VARIANTS

LANES = range(61, 71)
"""Third octets of the addresses of what is played side by side: as many as may be."""
SIDE_BY_SIDE = 2
"""How many of them are used where nobody says how many: what two processors play without being late."""
SAMPLE_MINUTES = 40.0
ENDS_WITHIN = 90.0
"""Seconds that a run gets to take its bench down once it is interrupted."""
REPORTS = ROOT / "reports" / "proof"


def commit() -> str:
    """Return the commit that is played, with ``+`` behind it where the files differ from it.

    Outside of version control it is ``unknown``.
    """

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    try:
        return git("rev-parse", "HEAD").strip() + ("+" if git("status", "--porcelain").strip() else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def chosen(size: str, only: list[str], text: str, part: str) -> list[Entry]:
    """Return the entries that were asked for, in their order.

    Args:
        size: ``complete``, ``quick`` or ``sample``.
        only: the kinds, if not all.
        text: what their lines have in them.
        part: ``K/N``: every Nth, from the Kth on.
    """
    tables = {"complete": entries.complete, "quick": entries.quick, "sample": entries.sample}
    found = [one for one in tables[size]() if one.kind in (only or KINDS) and text in one.id]
    first, _, step = part.partition("/")
    return found[int(first) - 1 :: int(step)]


class Proof:
    """One proof as it is played: an entry on each lane, each in a process group of its own."""

    def __init__(self, folder: Path, at: str, waiting: list[Entry], minutes: float, lanes: int) -> None:
        self._folder, self._at, self._lanes = folder, at, LANES[:lanes]
        self._waiting, self._total, self._done = waiting, len(waiting), 0
        self._begun = time.monotonic()
        self._until = self._begun + 60 * minutes
        self._held: set[str] = set()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._free = threading.Condition()
        self.ending = False

    def run(self) -> None:
        """Play until nothing is left, time is up, or it is interrupted."""
        workers = [threading.Thread(target=self._work, args=(lane,)) for lane in self._lanes]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    def end(self) -> None:
        """Begin nothing more, and interrupt what runs: each run takes its bench down itself."""
        with self._free:
            self.ending = True
            for running in self._running:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(running.pid, signal.SIGINT)
            self._free.notify_all()

    def _work(self, lane: int) -> None:
        while (entry := self._next()) is not None:
            try:
                self._play(entry, lane)
            finally:
                with self._free:
                    self._held.discard(_alone(entry))
                    self._free.notify_all()

    def _next(self) -> Entry | None:
        """Return the first entry whose addresses are free, and hold them; None where there is no more."""
        with self._free:
            while self._waiting and not self.ending and time.monotonic() < self._until:
                for entry in self._waiting:
                    if not _alone(entry) or _alone(entry) not in self._held:
                        self._waiting.remove(entry)
                        self._held.add(_alone(entry))
                        return entry
                self._free.wait()
        return None

    def _play(self, entry: Entry, lane: int) -> None:
        own = self._folder / "evidence" / entry.id.replace(" ", "_").replace("[", "_").replace("]", "")
        shutil.rmtree(own, ignore_errors=True)
        own.mkdir(parents=True)
        words = ["--play", json.dumps(vars(entry)), "--lane", str(lane), "--folder", str(own)]
        begun, at = time.monotonic(), time.time()
        with self._free:
            if self.ending:
                return
            player = subprocess.Popen(
                [sys.executable, "-m", "tests.proof", *words], cwd=ROOT, start_new_session=True
            )
            self._running.add(player)
        player.wait()
        with self._free:
            self._running.discard(player)
            if self.ending:
                return
            came = own / "entry.json"
            result = json.loads(came.read_text()) if came.exists() else {"verdict": "error"}
            line = {
                "id": entry.id,
                **vars(entry),
                **result,
                "took_s": round(time.monotonic() - begun, 1),
                "at": at,
                "commit": self._at,
            }
            with (self._folder / "entries.jsonl").open("a") as file:
                file.write(json.dumps(line) + "\n")
            self._report(line)
        if line["verdict"] == RIGHT:
            shutil.rmtree(own, ignore_errors=True)

    def _report(self, line: dict[str, Any]) -> None:
        self._done += 1
        left = (time.monotonic() - self._begun) / self._done * (self._total - self._done) / 60
        failed = " ".join(line.get("failed", ())) or line.get("message", "")[:200]
        print(
            f"[{self._done}/{self._total}] {line['verdict']}: {line['id']}: {failed or 'nothing failed'}; "
            f"{line['took_s']:.0f} s, about {left:.0f} min remain",
            flush=True,
        )


def _alone(entry: Entry) -> str:
    """Return what an entry has that is there only once; empty where its lane is all that it needs."""
    if entry.kind == VARIANT:
        variant = next(variant for variant in VARIANTS if variant.name == entry.name)
        return "slow or limited" if variant.emulated.startswith("emulated-") else ""
    return BENCH_FAULT if entry.kind == BENCH_FAULT else ""


def _part(text: str) -> str:
    if not re.fullmatch(r"[1-9]\d*/[1-9]\d*", text):
        raise argparse.ArgumentTypeError(f"{text} is not K/N, as in 2/3")
    return text


def _lanes(text: str) -> int:
    if not text.isdecimal() or int(text) not in range(1, len(LANES) + 1):
        raise argparse.ArgumentTypeError(f"{text} is not a number from 1 to {len(LANES)}")
    return int(text)


def read(folder: Path) -> list[dict[str, Any]]:
    """Return what was played, the latest of each entry."""
    path = folder / "entries.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return list({line["id"]: line for line in lines}.values())


def played_before(folder: Path, at: str, *, any_commit: bool, again: bool) -> set[str]:
    """Return what needs no playing again: what came to a verdict at this commit, or at any.

    What did not come out right may be wanted again.
    """
    lines = [line for line in read(folder) if any_commit or line["commit"] == at]
    if again:
        return {line["id"] for line in lines if line["verdict"] == RIGHT}
    return {line["id"] for line in lines if line["verdict"] not in (ERROR, INCONCLUSIVE)}


def main() -> int:
    """Play what was asked for; return 0 where everything came out right."""
    parser = argparse.ArgumentParser(prog="python -m tests.proof", description=__doc__.partition("\n")[0])
    size = parser.add_mutually_exclusive_group()
    size.add_argument(
        "--sample",
        dest="size",
        action="store_const",
        const="sample",
        default="complete",
        help="a sample that covers every row, at most 40 min",
    )
    size.add_argument(
        "--quick",
        dest="size",
        action="store_const",
        const="quick",
        help="everything once, against as little as shows it",
    )
    parser.add_argument(
        "--part", default="1/1", type=_part, metavar="K/N", help="every Nth entry, from the Kth on"
    )
    parser.add_argument(
        "--only", action="append", default=[], choices=KINDS, help="only this kind (repeatable)"
    )
    parser.add_argument("-k", default="", metavar="TEXT", help="only entries with this in their line")
    parser.add_argument("--minutes", type=float, metavar="M", help="begin nothing after so many minutes")
    parser.add_argument(
        "--lanes",
        default=SIDE_BY_SIDE,
        type=_lanes,
        metavar="N",
        help=f"how many are played side by side ({SIDE_BY_SIDE}; each takes a quarter of a processor)",
    )
    parser.add_argument("--name", help="of the folder; the commit by default")
    parser.add_argument(
        "--any-commit",
        action="store_true",
        help="play nothing that was played under this name at another commit",
    )
    parser.add_argument("--again", action="store_true", help="play again what did not come out right")
    parser.add_argument("--list", action="store_true", help="print what would be played, and end")
    parser.add_argument("--play", help=argparse.SUPPRESS)
    parser.add_argument("--lane", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.play:
        # The run obeys Ctrl-C, and this waits for it. What is ignored here would be ignored in the run too.
        signal.signal(signal.SIGINT, lambda *_: None)
        entry = Entry(
            **{key: tuple(v) if isinstance(v, list) else v for key, v in json.loads(options.play).items()}
        )
        result = play(entry, options.folder, options.lane)
        (options.folder / "entry.json").write_text(json.dumps(result))
        return 0
    asked = chosen(options.size, options.only, options.k, options.part)
    if options.list:
        print("\n".join(entry.id for entry in asked))
        return 0
    at = commit()
    folder = REPORTS / (options.name or at[:12])
    folder.mkdir(parents=True, exist_ok=True)
    latest = REPORTS / "latest"
    latest.unlink(missing_ok=True)
    latest.symlink_to(folder.name)
    done = played_before(folder, at, any_commit=options.any_commit, again=options.again)
    waiting = [entry for entry in asked if entry.id not in done]
    print(f"{len(asked)} entries, {len(asked) - len(waiting)} of them played before; {folder}", flush=True)
    default = SAMPLE_MINUTES if options.size == "sample" else 1e6
    minutes = default if options.minutes is None else options.minutes
    proof = Proof(folder, at, waiting, minutes, options.lanes)
    signal.signal(signal.SIGINT, lambda *_: ending.put(True))
    signal.signal(signal.SIGTERM, lambda *_: ending.put(True))
    ending: queue.SimpleQueue[bool] = queue.SimpleQueue()
    runner = threading.Thread(target=lambda: (proof.run(), ending.put(False)))
    runner.start()
    if ending.get():
        print("interrupted: what runs takes its benches down", flush=True)
        proof.end()
        runner.join(ENDS_WITHIN)
    summary = write(folder, read(folder), entries.complete())
    print(f"{folder / 'proof.html'}", flush=True)
    print(json.dumps(summary, indent=1), flush=True)
    if proof.ending:
        return 2
    return int(any(line["verdict"] != RIGHT for line in read(folder)))


if __name__ == "__main__":
    sys.exit(main())
