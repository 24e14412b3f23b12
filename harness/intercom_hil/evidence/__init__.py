"""The run directory: what is left of a run for others to check. Records in, files out; nothing is judged."""
