"""Runs held against each other, two in full or many over time: run directories in, text and pages out."""
