"""The bench file: TOML in; a checked description of a bench out, or an error with line, field and remedy.

In the words of ISO/IEC 9646 it is the device's ICS (what it has: capabilities) and IXIT (what a tester must
know besides: addresses, ports, cables, accounts).
"""
