"""The remote stations: SIPp processes that call the intercom or are called by it, and what they say of it.

A behaviour comes in ("answers after 0.1 s with a 1 kHz tone"), a `Station` goes out, listening at an
address of its own. What it says while it runs, how it ended and the messages it exchanged go to the
timeline. SIPp's exit status is nobody's verdict: it can be 0 after a failed call.
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
