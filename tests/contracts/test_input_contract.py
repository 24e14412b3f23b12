"""The contract of inputs, on every kind that comes along."""

import os

from intercom_hil.contracts import InputContract
from tests.contracts.rigs import GUEST


class TestInputs(InputContract):
    """Rigs come from the configuration of these tests."""

    late = 0.5 if os.environ.get(GUEST) else InputContract.late  # the guest's processors are emulated
