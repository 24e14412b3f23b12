"""How late the bench is: it watches itself, for a bench that is too slow must not blame the device.

What is late on the bench looks like a device that is late: a wait runs out while the event loop stands, an
answer lies in a buffer, the emulated intercom waits for its turn on a busy processor. So the bench measures
how long it was held up (``Gauge``), and its own bounds in time grow by that (``stretched``).
"""

from intercom_hil.lateness.bound import MOST_STRETCH, stretched
from intercom_hil.lateness.gauge import Gauge, Spell, gauge
from intercom_hil.lateness.run_delay import watch_process

__all__ = ["MOST_STRETCH", "Gauge", "Spell", "gauge", "stretched", "watch_process"]
