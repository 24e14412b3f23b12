"""The bench: from a bench file to a running bench, and the places its native programs run in."""
