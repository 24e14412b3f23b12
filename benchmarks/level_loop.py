"""How well a level is measured, on a loop: tones of known levels, companded, sent as RTP and heard again.

The tones have levels from full scale down to -45 dBov and phases drawn at random. Half of them have one of
the frequencies that benches play (440, 1000 and 1200 Hz), whose samples repeat, so that rounding does not
average out; the others any from 300 to 3400 Hz. Each goes in packets of 20 ms over the loopback interface, is
decoded and measured in the windows in which the bench measures sound, and held against the level that it was
made with. The same is done with 16-bit samples, as the speaker of a device has them.
Usage: ``python -m benchmarks.level_loop [COUNT]``
"""

from __future__ import annotations

import random
import socket
import sys
from collections.abc import Callable

import numpy as np

from intercom_hil.capture.sound import Sound, SoundWindow
from intercom_hil.media.g711 import DECODERS, Samples, encode_alaw, encode_ulaw
from intercom_hil.media.rtp import build_rtp, parse_rtp
from intercom_hil.media.sound import PCMA_NAME, PCMU_NAME, RATE
from intercom_hil.media.tone import OVERLOAD, level_dbov

LOUDEST, QUIETEST = -3.2, -45.0
"""dBov: just below a sine of full scale, and what is still told from coding noise."""
PLAYED = (440.0, 1000.0, 1200.0)
BANDS = (-20.0, -30.0, QUIETEST)
_PACKET = 160
_SECONDS = 1.0
_SPEAKER_WINDOW = 1600
_ENCODERS: dict[str, Callable[[Samples], bytes]] = {PCMA_NAME: encode_alaw, PCMU_NAME: encode_ulaw}


def tone(level: float, hz: float, phase: float) -> Samples:
    """Return a second of a sine of so many dBov as 16-bit samples."""
    peak = OVERLOAD * 10 ** (level / 20) * np.sqrt(2)
    at = np.arange(int(_SECONDS * RATE)) / RATE
    return np.round(peak * np.sin(2 * np.pi * hz * at + phase)).astype(np.int16)


def heard_as_rtp(
    samples: Samples, encoding: str, sockets: tuple[socket.socket, socket.socket]
) -> list[float]:
    """Send sound over the loop, and return the levels (dBov) of the windows that were heard of it."""
    sender, receiver = sockets
    windows: list[Sound] = []
    window = SoundWindow(DECODERS[encoding], windows.append)
    payload_type = 8 if encoding == PCMA_NAME else 0
    for number in range(samples.size // _PACKET):
        payload = _ENCODERS[encoding](samples[number * _PACKET : (number + 1) * _PACKET])
        packet = build_rtp(
            payload, payload_type=payload_type, sequence=number, timestamp=number * _PACKET, ssrc=1
        )
        sender.sendto(packet, receiver.getsockname())
        came = parse_rtp(receiver.recv(2048))
        window.add(came.payload, came.timestamp, number / 50)
    return [found.level_dbov for found in windows]


def heard_at_speaker(samples: Samples) -> list[float]:
    """Return the levels (dBov) of the windows in which sound at a speaker is measured."""
    return [level_dbov(samples[at : at + _SPEAKER_WINDOW]) for at in range(0, samples.size, _SPEAKER_WINDOW)]


def said(name: str, errors: list[tuple[float, float]]) -> str:
    """Return in words how wrong levels were measured (level, error), from the loudest to each bound."""
    parts = []
    for lowest in BANDS:
        ordered = sorted(error for level, error in errors if level >= lowest)
        shares = [f"{words} {ordered[int(at * (len(ordered) - 1))]:.2f} dB" for words, at in _SHARES]
        parts.append(f"down to {lowest:.0f} dBov {', '.join(shares)}, most {ordered[-1]:.2f} dB")
    return f"{name}: {'; '.join(parts)}"


_SHARES = (("median", 0.5), ("95 %", 0.95))


def main(count: int) -> None:
    """Measure, and print how far off the levels were."""
    drawn = random.Random(1)
    errors: dict[str, list[tuple[float, float]]] = {}
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
    ):
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(5.0)
        for _ in range(count):
            level = drawn.uniform(QUIETEST, LOUDEST)
            hz = drawn.choice((drawn.choice(PLAYED), drawn.uniform(300.0, 3400.0)))
            samples = tone(level, hz, drawn.uniform(0.0, 2 * np.pi))
            heard = {encoding: heard_as_rtp(samples, encoding, (sender, receiver)) for encoding in _ENCODERS}
            for name, levels in {**heard, "16 bits at a speaker": heard_at_speaker(samples)}.items():
                errors.setdefault(name, []).extend((level, abs(found - level)) for found in levels)
    for name, found in errors.items():
        print(said(name, found))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
