"""The contract of inputs, on every kind that comes along."""

from intercom_hil.contracts import InputContract


class TestInputs(InputContract):
    """Rigs come from the configuration of these tests."""
