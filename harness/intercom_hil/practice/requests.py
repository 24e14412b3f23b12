"""The device's requests, each known again: what is sent once more is no further one."""

from __future__ import annotations

from intercom_hil.timeline.observation import SipMessageSeen

_Request = tuple[str, str, str, str, int]


class Requests:
    """Takes down requests as they were sent."""

    def __init__(self) -> None:
        self._branches: set[tuple[_Request, str]] = set()
        self._places: dict[_Request, set[tuple[str, str]]] = {}

    def again(self, message: SipMessageSeen) -> bool:
        """Take a request down; return whether it was sent before.

        It was by its branch. It also was where another server, or another transport, is tried with it, for
        want of an answer: such a request has another branch, and is the same otherwise (RFC 3263 §4.3).
        """
        request = message.method, message.call_id, message.from_tag, message.to_tag, message.cseq
        place = message.transport, message.destination
        known = self._places.get(request, set())
        again = (request, message.branch) in self._branches or (bool(known) and place not in known)
        self._branches.add((request, message.branch))
        self._places.setdefault(request, set()).add(place)
        return again
