"""What is known of sound before any is looked at, without numpy, which takes a tenth of a second to load."""

RATE = 8000
"""Samples per second of G.711."""

PCMU_NAME, PCMA_NAME = "PCMU/8000", "PCMA/8000"
"""RTP encoding name and clock rate, as an rtpmap attribute spells them."""
ENCODINGS = frozenset({PCMU_NAME, PCMA_NAME})
"""The encodings that can be listened to."""
MICROPHONE_TONE = 440.0
"""Hz: what the bench plays at a device's microphone."""
