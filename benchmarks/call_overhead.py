"""What the harness costs a call: the same answered call through it and as bare SIPp, against the same PBX.

    python -m benchmarks.call_overhead [--calls 50]

A station calls another through the PBX, is answered and hangs up 0.1 s later. Through the harness each call
is started as scenarios start it, with capture, PBX testimony, live log and timeline on, and is followed by
expectations on the wire. Bare is the same SIPp scenario started the same way with nobody watching. Timed
from the order to start until SIPp has ended, and, through the harness, until every expectation is judged.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

from benchmarks.pairs import show
from intercom_hil.bench.assembly import Assembly
from intercom_hil.bench_file.model import load
from intercom_hil.judge.judge import Judge
from intercom_hil.pbx.endpoint import Endpoint
from intercom_hil.stations.behaviours import Behaviour, answers, calls
from intercom_hil.stations.stations import Stations
from intercom_hil.timeline import Timeline
from intercom_hil.timeline.vocabulary import answer, invite, request

ROOT = Path(__file__).resolve().parent.parent
CALLER, CALLED = "3410", "3411"
TALK = 0.1
"""Seconds from answer to hang-up."""


def _call(pbx: str) -> Behaviour:
    return calls(f"sip:{CALLED}@{pbx}", (pbx, 5060), f"sip:{CALLER}@{pbx}", hang_up_after=TALK)


async def through_the_harness(bench: Assembly) -> float:
    """Return the seconds one call takes with every witness watching and every expectation judged."""
    judge = Judge(bench.timeline)
    caller, called, pbx = CALLER, CALLED, bench.file.pbx.address
    begun = time.time()
    station = await bench.stations.start(caller, _call(pbx), bench.file.stations.addresses[0])
    await judge.expect("OUT-01", invite(sender=caller, receiver="pbx"), within=5, after=begun)
    await judge.expect("OUT-01", invite(sender="pbx", receiver=called), within=5, after=begun)
    await judge.expect("OUT-01", answer(sender="pbx", receiver=caller), within=5, after=begun)
    await judge.expect("OUT-01", request("BYE", sender="pbx", receiver=called), within=5, after=begun)
    await station.finished(within=10)
    return time.time() - begun


async def bare(stations: Stations, bench: Assembly) -> float:
    """Return the seconds one call takes with nobody watching."""
    begun = time.time()
    address = bench.file.stations.addresses[0]
    station = await stations.start(CALLER, _call(bench.file.pbx.address), address)
    await station.finished(within=10)
    return time.time() - begun


async def measure(count: int) -> None:
    """Time both in turn and print the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bench = Assembly(load(ROOT / "fixtures/benches/emulated.toml"), run_folder=folder)
        await bench.start()
        try:
            silent = Timeline()
            place = bench.places["peers"].supervised
            unwatched = Stations(
                host=place,
                addresses=bench.file.stations.addresses,
                folder=folder,
                append=silent.append,
            )
            unwatched.begin(folder / "bare")
            addresses = bench.file.stations.addresses
            for index, number in enumerate((CALLER, CALLED)):
                bench.name_station(addresses[index], number)
            (folder / "watched").mkdir()
            bench.begin(folder / "watched")
            await bench.pbx.set_endpoint(Endpoint(name=CALLER, password=""))
            called = await bench.stations.start(CALLED, answers(ring=0), addresses[1])
            await bench.pbx.set_endpoint(Endpoint(name=CALLED, password="", contact=called.uri))
            await bench.capture.end()
            pairs = []
            for index in range(count + 1):
                (folder / f"watched-{index}").mkdir()
                bench.begin(folder / f"watched-{index}")
                watched = await through_the_harness(bench)
                await bench.capture.end()
                bench.pbx.end()
                pairs.append((watched, await bare(unwatched, bench)))
        finally:
            await bench.stop()
    counted = pairs[1:]
    names = ("through the harness", "bare SIPp")
    show("one answered call", "s", [p[0] for p in counted], [p[1] for p in counted], names)


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=50, help="pairs, after one that is not counted")
    asyncio.run(measure(parser.parse_args().calls))


if __name__ == "__main__":
    main()
