"""A small run as the bench stores one, sealed; what is random in it hangs on a seed."""

import json
import random
from pathlib import Path

from intercom_hil.evidence.records import Evidence, ScenarioRecord
from intercom_hil.evidence.run import RunFolder
from intercom_hil.seal import Change
from intercom_hil.seal.sealing import TOP

SCENARIOS = {
    "test_calls.test_a_press_calls[short]": "pass",
    "test_calls.test_a_press_calls[full]": "fail",
    "test_media.test_both_are_heard": "inconclusive",
    "test_media.test_it_is_encrypted": "pass",
}
ROWS = ("OUT-01", "OUT-02", "AUD-01", "ENC-01")


def folder_of(run, number):
    """The folder of one of its scenarios."""
    return sorted((run / "scenarios").iterdir())[number]


def make_run(parent, seed=1, name="desk"):
    """Store a run of four scenarios, without a seal."""
    drawn = random.Random(seed)
    run = RunFolder.create(parent, name)
    started = 1_795_380_000.0 + 1000 * seed
    for place, (identity, verdict) in enumerate(SCENARIOS.items()):
        folder = run.scenario_folder(identity)
        (folder / "stations").mkdir()
        (folder / "capture.pcapng").write_bytes(b"\x0a\x0d\x0d\x0a" + drawn.randbytes(40_000))
        lines = [
            json.dumps(
                {"seq": n, "time": started + place * 60 + n + drawn.random(), "content": {"kind": "note"}}
            )
            for n in range(40)
        ]
        (folder / "timeline.jsonl").write_text("".join(f"{line}\n" for line in lines))
        console = [f"[{n:05}] event={drawn.randint(0, 10**9)}" for n in range(12)]
        (folder / "console.log").write_text("\r\n".join(console))
        (folder / "stations" / f"3410-{place}.messages.log").write_text(
            f"UDP message sent {drawn.random()}\n"
        )
        (folder / "stations" / f"3410-{place}.short.csv").write_bytes(b"")
        run.add(
            ScenarioRecord(
                id=identity,
                title=identity,
                verdict=verdict,
                requirements={ROWS[place]: verdict},
                started=started + place * 60,
                duration_s=40 + drawn.random(),
                protocol_wait_s=0.0,
                asked=(ROWS[place],),
                evidence=Evidence(folder=str(folder.relative_to(run.path))),
            )
        )
    run._started, run._ended = started, started + 240
    run.write(interrupted=False)
    return run.path


def seal(run, action="run", key=None, may_replace=TOP):
    """Seal a run as it is."""
    with Change.begin(run, action, may_replace) as change:
        return change.finish(key)


def report(run, text, key=None):
    """Write a report into a sealed run, as the bench does."""
    with Change.begin(run, "report") as change:
        Path(run, "report.html").write_text(text)
        return change.finish(key)
