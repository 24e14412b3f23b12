"""The remote stations: SIPp processes that call the intercom or are called by it.

What enters is a behaviour ("answers after 0.1 s with a 1 kHz tone"); what leaves is a running `Station` at an
address of its own, and on the timeline what it logs, how it ended and the messages it exchanged.
"""

from intercom_hil.stations.behaviours import (
    Behaviour,
    answers,
    busy,
    calls,
    declines,
    misanswers,
    not_found,
    refuses_srtp,
    rejects,
    rings_forever,
    silent,
    unavailable,
)
from intercom_hil.stations.station import Station
from intercom_hil.stations.station_log import LogEvent
from intercom_hil.stations.stations import Stations

__all__ = [
    "Behaviour",
    "LogEvent",
    "Station",
    "Stations",
    "answers",
    "busy",
    "calls",
    "declines",
    "misanswers",
    "not_found",
    "refuses_srtp",
    "rejects",
    "rings_forever",
    "silent",
    "unavailable",
]
