"""The contract of supplies, over kinds of outputs that come along."""

from intercom_hil.contracts import PowerContract


class TestSupplies(PowerContract):
    """Rigs come from the configuration of these tests."""
