"""The run's live page: bench and device, what plays now with its ladder, the tally, what remains, questions.

It is served by a process of its own, so that nobody who visits it, or attacks it, takes time from the bench.
The processes that play (one, or a lane each) report to it over a Unix socket; what they report is one JSON
object a line. They never wait for it, and go on without it.
"""
