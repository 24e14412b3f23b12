"""The running bench: PBX, stations, capture, proxy, device and operator, started, watched, healed, stopped.

It is built from a checked bench file. Scenarios meet it through ``scenario``.
"""
