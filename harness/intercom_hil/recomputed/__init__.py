"""Stored runs recomputed from their raw evidence: made anew, and compared with what is stored."""
