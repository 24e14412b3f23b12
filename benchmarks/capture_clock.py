"""How well a captured packet is dated: sent on a loop, its kernel time is held against when it was sent.

A packet leaves and arrives between two readings of the clock; what lies outside is an error of its date. The
same is done with a line through a pseudo-terminal, which the bench dates itself when it reads it. Needs the
right to capture (root, or CAP_NET_RAW). Usage: ``python -m benchmarks.capture_clock [COUNT]``
"""

from __future__ import annotations

import asyncio
import os
import pty
import socket
import struct
import sys
import threading
import time
import tty

PORT = 40_123
_STAMP = 35  # SO_TIMESTAMPNS
_EVERY = 0.005  # s between two packets or lines


def of_packets(count: int) -> list[float]:
    """Return for each of some UDP packets on the loopback interface by how much (s) its date is wrong."""
    errors = []
    with (
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0003)) as tap,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
    ):
        receiver.bind(("127.0.0.1", PORT))
        tap.bind(("lo", 0))
        tap.setsockopt(socket.SOL_SOCKET, _STAMP, 1)
        tap.settimeout(2.0)
        for number in range(count):
            mark = struct.pack("!16sI", b"capture-clock...", number)
            before = time.time_ns()
            sender.sendto(mark, ("127.0.0.1", PORT))
            after = time.time_ns()
            while True:
                data, stamps, _, _ = tap.recvmsg(2048, 64)
                if data.endswith(mark):
                    break
            seconds, nanoseconds = struct.unpack("ll", stamps[0][2][:16])
            errors.append(max(before - (dated := seconds * 10**9 + nanoseconds), dated - after, 0) / 1e9)
            receiver.recv(2048)
            time.sleep(_EVERY)
    return errors


async def of_lines(count: int) -> list[float]:
    """Return for each of some lines through a pseudo-terminal by how much (s) the bench dates it late."""
    leader, follower = pty.openpty()
    tty.setraw(follower)
    sent: list[int] = []
    errors: list[float] = []
    done = asyncio.Event()

    def read() -> None:
        arrived = time.time_ns()
        for _ in range(os.read(leader, 4096).count(b"\n")):
            errors.append(max(0, arrived - sent[len(errors)]) / 1e9)
        if len(errors) >= count:
            done.set()

    def write() -> None:
        for _ in range(count):
            sent.append(time.time_ns())
            os.write(follower, b"a line of a console\n")
            time.sleep(_EVERY)

    asyncio.get_running_loop().add_reader(leader, read)
    writer = threading.Thread(target=write)
    writer.start()
    await done.wait()
    writer.join()
    return errors


def said(name: str, errors: list[float]) -> str:
    """Return in words how the errors are spread."""
    ordered = sorted(errors)
    places = {"median": 0.5, "95 %": 0.95, "99.9 %": 0.999}
    shares = [f"{words} {1e6 * ordered[int(at * (len(ordered) - 1))]:.0f} µs" for words, at in places.items()]
    return f"{name}: {', '.join(shares)}, most {1e6 * ordered[-1]:.0f} µs, of {len(ordered)}"


if __name__ == "__main__":
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
    print(said("packets, dated by the kernel", of_packets(wanted)))
    print(said("lines, dated when read", asyncio.run(of_lines(wanted))))
