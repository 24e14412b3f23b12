"""Good practice, over a whole timeline: the device's messages, dialogs, media and secrets against the RFCs.

A rule of ``good_practice.toml`` passes where there was something to look at, and fails with one finding for
each way in which it is broken. What an RFC leaves a device free to do is no finding, nor is what cannot be
known: nobody answers a request that was not seen.
"""

from __future__ import annotations

from collections.abc import Iterator

from intercom_hil.judge.finding import Finding
from intercom_hil.judge.messages import messages
from intercom_hil.practice.book import Book
from intercom_hil.practice.dialogs import dialogs
from intercom_hil.practice.extensions import replaced, required
from intercom_hil.practice.flows import flows
from intercom_hil.practice.media import media
from intercom_hil.practice.messages import answers, cancels, forms, grammar, identities, versions
from intercom_hil.practice.registration import credentials, registrations, renewed
from intercom_hil.practice.retransmissions import answered_again, asked_again, said_again, sent_again
from intercom_hil.practice.secrets import keys, secrets
from intercom_hil.practice.sound import sound
from intercom_hil.practice.transactions import acknowledged, answered, over, refused, strangers
from intercom_hil.timeline import Timeline


def practice(timeline: Timeline, settled: float) -> Iterator[Finding]:
    """Judge every row of good practice.

    Args:
        timeline: what was seen.
        settled: until when the device had time for what it owed (epoch seconds).
    """
    book = Book()
    seen = sorted(messages(timeline), key=lambda o: (o.time, o.seq))
    grammar(timeline, seen, book)
    forms(seen, book)
    identities(seen, book)
    dialogs(seen, book)
    cancels(seen, book)
    acknowledged(seen, settled, book)
    answered_again(timeline, seen, book)
    refused(seen, book)
    answered(timeline, seen, settled, book)
    required(seen, book)
    over(seen, book)
    strangers(seen, book)
    replaced(seen, book)
    asked_again(timeline, seen, book)
    sent_again(timeline, seen, book)
    said_again(timeline, seen, book)
    registrations(seen, book)
    renewed(timeline, seen, settled, book)
    credentials(seen, book)
    answers(seen, book)
    versions(seen, book)
    media(timeline, seen, book)
    flows(timeline, seen, book)
    sound(timeline, settled, book)
    keys(timeline, seen, book)
    secrets(timeline, seen, book)
    yield from book.findings()
