"""How the device stands with its SIP server, as its Admin Portal shows it: log entries in, one line out."""

from __future__ import annotations

from intercom_hil.emulator.speech import Entry
from intercom_hil.emulator.vocabulary import WriteLine

_TEXTS = {
    "boot": "Starting",
    "config applied": "Registering",
    "sip registered": "Registered",
    "sip unregistered": "Not registered",
}


class RegistrationState:
    """The newest news of the registration.

    Attributes:
        text: one of a few words, with the reason where there is one.
    """

    def __init__(self) -> None:
        self.text = "Starting"

    def write(self, entry: Entry, _at: float) -> None:
        """Take note of what the device writes to its log."""
        if not isinstance(entry, WriteLine):
            return
        words = next((words for words in _TEXTS if entry.words.startswith(words)), None)
        if words is not None:
            reason = dict(entry.fields).get("reason", "") if words == "sip unregistered" else ""
            self.text = f"{_TEXTS[words]}: {reason}" if reason else _TEXTS[words]
