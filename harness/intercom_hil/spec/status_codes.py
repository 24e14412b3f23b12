"""What the final SIP statuses other than 2xx say about a call (RFC 3261 §21): the one table of this bench.

The groups are disjoint. A status that is in none of them (400, 405, 500 ...) says that a request was not
understood or a server is at fault, and nothing about the called party.
"""

from __future__ import annotations

CHALLENGES = (401, 407)
"""Credentials are asked for; the call goes on with the next INVITE (§22)."""
NOT_FOUND = (404, 410, 484, 485, 604)
"""Nobody has that address: unknown, gone, incomplete, ambiguous, or known nowhere (§21.4.5, §21.6.3)."""
UNAVAILABLE = (480,)
"""The called party is known and is not there now (§21.4.18)."""
BUSY = (486, 600)
"""The called party has another call (§21.4.24, §21.6.1)."""
SERVICE_UNAVAILABLE = 503
OVERLOADED = (500, SERVICE_UNAVAILABLE)
"""The server cannot take the call now (§21.5.1, §21.5.4); devices answer so when their lines are in use."""
DECLINED = (403, 603)
"""The call is not wanted: by whoever set the device up, or by whoever was called (§21.4.4, §21.6.2)."""
MEDIA_NOT_ACCEPTABLE = (406, 415, 488, 606)
"""The call could be taken, the offered media cannot (§21.4.7, §21.4.13, §21.4.26, §21.6.4)."""
LOOP_DETECTED = 482
"""A request has come round, or by two ways: the called party has it already (§8.2.2.2, §16.3)."""
CANCELLED = (487,)
"""The caller gave up (§21.4.25)."""

NO_REFUSALS = tuple(sorted((*CHALLENGES, *CANCELLED)))
"""Final, and yet no word about the call: credentials are asked for, or the caller gave up."""
NOT_THERE = tuple(sorted((*NOT_FOUND, *UNAVAILABLE)))
"""The called party was not reached."""
OCCUPIED = tuple(sorted((*BUSY, *UNAVAILABLE, *OVERLOADED)))
"""The called party cannot take a call now, as one in another call says it."""
REJECTIONS = tuple(sorted((*OCCUPIED, *DECLINED, *MEDIA_NOT_ACCEPTABLE)))
"""The called party turned the call away. Which of them says so is its own choice."""
STATUSES_OF: dict[str, tuple[int, ...]] = {
    "busy": BUSY,
    "declined": DECLINED,
    "not found": NOT_FOUND,
    "no answer": CANCELLED,
}
"""Kinds of failure in the details of events, each with the statuses that stand for it and for no other."""
CAUSES_OF: dict[str, tuple[int, ...]] = {
    "busy": (17,),
    "declined": (21,),
    "not found": (1, 2, 3, 22, 26, 28),
    "no answer": (18, 19, 20),
}
"""The same by the causes of ITU-T Q.850, which a Reason may have (RFC 3326 §2, RFC 6432)."""
