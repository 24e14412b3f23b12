"""Media bytes to meaning, as pure functions: RTP and RTCP, SRTP, G.711, H.264, tones and their levels.

As in ``wire``, parsers return a value or raise ``WireError`` with the offending bytes, and never hang.
"""
