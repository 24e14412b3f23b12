"""The table of broken intercoms: the rows that each breaks, and the scenarios that show it."""

from intercom_hil.emulator.faults import FAULTS

BROKEN = {name: make().breaks for name, make in FAULTS.items()}
"""The rows that each fault breaks."""
SHOWN_BY = {name: make().shown_by or BROKEN[name] for name, make in FAULTS.items()}
"""The rows whose scenarios show each fault: what it breaks, or others where no scenario asks for that."""
FEARED = frozenset(
    {
        "allow-list-compares-display-name",
        "allow-list-ignored",
        "button-does-not-hang-up",
        "falls-back-under-srtp-only",
        "missing-event-outgoing_call_established",
        "next-contact-not-tried-after-busy",
        "next-tried-after-answer",
        "no-announcement",
        "no-cancel-at-timeout",
        "no-fallback",
        "plain-under-srtp",
        "sip-off-after-the-call",
        "wrong-event-name",
    }
)
"""Faults that are tried every time; the others every night."""
CRASHES = frozenset({"crashes-on-call"})
"""Cuts every call short, and so breaks whatever a scenario wanted to find out; see test_broken_bench.py."""
