"""The run directory: what remains of a run for others to check.

What enters are records and the files of each scenario; what leaves is a folder that can be reported on,
judged again and gone on with. Nothing is judged here.
"""
