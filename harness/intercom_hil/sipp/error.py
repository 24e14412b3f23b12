"""What goes wrong with SIPp itself, as one error with what, where and remedy."""

from __future__ import annotations

from intercom_hil.errors import BenchError


class SippError(BenchError):
    """SIPp, or what it was given, is at fault; never the peer."""
