"""The bench as a scenario meets it, and how a scenario runs: heal, begin, drive, settle, judge, record."""

from intercom_hil.scenario.declaration import scenario

__all__ = ["scenario"]
