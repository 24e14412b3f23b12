"""What an adapter, a configurator or a layout owes, as pytest classes to derive from.

Whoever writes one of his own derives a class whose name begins with ``Test``, gives it one fixture, and runs
pytest; the tests come along. They need no plugin for asynchronous tests, and no bench:

| derive from | and give it the fixture | which returns |
|---|---|---|
| ``OutputContract`` | ``rig`` | a ``Rig``: the table of an output, and its far end |
| ``PowerContract`` | ``rig`` | the same, of an output that switches a supply |
| ``InputContract`` | ``rig`` | a ``Rig``: the table of an input, and its far end |
| ``ConfiguratorContract`` | ``rig`` | a ``ConfiguratorRig``: a configurator and its device |
| ``LayoutContract`` | ``layout`` and ``samples`` | a ``Layout``, and lines with the events that they report |
"""

import pytest

for _room in ("configurators", "inputs", "layouts", "outputs", "supplies"):
    pytest.register_assert_rewrite(f"{__name__}.{_room}")

from intercom_hil.contracts.configurators import ConfiguratorContract, ConfiguratorRig  # noqa: E402
from intercom_hil.contracts.inputs import InputContract  # noqa: E402
from intercom_hil.contracts.layouts import LayoutContract, Sample  # noqa: E402
from intercom_hil.contracts.outputs import OutputContract  # noqa: E402
from intercom_hil.contracts.rig import Rig  # noqa: E402
from intercom_hil.contracts.supplies import PowerContract  # noqa: E402

__all__ = [
    "ConfiguratorContract",
    "ConfiguratorRig",
    "InputContract",
    "LayoutContract",
    "OutputContract",
    "PowerContract",
    "Rig",
    "Sample",
]
