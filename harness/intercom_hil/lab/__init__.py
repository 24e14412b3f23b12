"""A lab of many benches: who has an instrument, on this machine and on others.

What enters are the names of instruments and of labgrid places; what leaves are locks and leases on them, or a
``BenchError`` that names who has the first one that is taken.
"""
