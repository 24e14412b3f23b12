"""Ground floor, pure data: the requirements, the events, the device settings, the verdict algebra.

Nothing here does I/O beyond reading its own data file, and nothing here knows any other room.
"""
