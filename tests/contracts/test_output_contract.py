"""The contract of outputs, on every kind that comes along."""

from intercom_hil.contracts import OutputContract


class TestOutputs(OutputContract):
    """Rigs come from the configuration of these tests."""
