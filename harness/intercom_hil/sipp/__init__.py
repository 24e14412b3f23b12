"""SIPp from Python: options with types, scenario templates, a process that is watched, results that are read.

What enters are `Options` and a folder; what leaves is a running `Sipp` with its log lines and, at its end, a
`Result`: statistics, counts, response times and messages, as SIPp's own files have them. SIPp's exit status
is kept and never used: it can be 0 after a failed call, and 255 after a good one.

The room knows nothing of benches and is of use without one; docs/sipp.md shows how.
"""

from intercom_hil.sipp.error import SippError
from intercom_hil.sipp.hosts import Ended, LocalHost, RunningProcess, SippHost
from intercom_hil.sipp.options import (
    BuiltIn,
    Credentials,
    Media,
    OptionError,
    Options,
    Tls,
    Traces,
    Transport,
)
from intercom_hil.sipp.process import Sipp
from intercom_hil.sipp.results import ResponseTime, Result, Statistics, StepCounts
from intercom_hil.sipp.templates import escaped, render, scenario_templates
from intercom_hil.sipp.traces import TracedMessage, read_messages

__all__ = [
    "BuiltIn",
    "Credentials",
    "Ended",
    "LocalHost",
    "Media",
    "OptionError",
    "Options",
    "ResponseTime",
    "Result",
    "RunningProcess",
    "Sipp",
    "SippError",
    "SippHost",
    "Statistics",
    "StepCounts",
    "Tls",
    "TracedMessage",
    "Traces",
    "Transport",
    "escaped",
    "read_messages",
    "render",
    "scenario_templates",
]
