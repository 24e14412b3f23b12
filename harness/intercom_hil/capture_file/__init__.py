"""Capture files judged after the fact, without a bench: read, who is who, what can be judged, a report."""
