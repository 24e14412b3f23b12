"""A run's folder, read: run.json and records by their JSON Schemas, timelines, measurements, stills.

Neither this room nor ``ladder`` and ``reports`` above it know others: what is shown is what the folder holds.
"""
