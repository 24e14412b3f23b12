"""Text for a terminal: what a device has sent is shown, and not obeyed.

A device's bytes (its console, its portal, its SIP) get into messages. Control characters among them would
drive the reader's terminal, bidirectional ones would have a line read otherwise than it is written.
"""

from __future__ import annotations

import re

_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)
"""Control characters but for tab and newline (C0, C1), and the invisible ones of Unicode that move text."""


def visible(text: str) -> str:
    r"""Return a text with everything that would drive a terminal spelled out, as ``\x1b`` or ``\u202e``."""
    return _UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)
