"""What a device's own words mean: a line or a JSON value, read by a layout, becomes typed contents.

A layout is data: expressions or fields, from a bench file, from this package or from another distribution.
"""

from intercom_hil.layouts.event_fields import EventFields
from intercom_hil.layouts.known import KEYED, LAYOUTS
from intercom_hil.layouts.layout import Layout

__all__ = ["KEYED", "LAYOUTS", "EventFields", "Layout"]
