"""Native programs: a container engine with its image, or this machine, and a supervisor that ends them.

Whoever runs a program needs no more than ``start``, ``signal`` and ``wait``; nothing outlives the bench.
"""
