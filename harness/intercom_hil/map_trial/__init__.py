"""A portal map tried: walked through step by step at its portal, each step and each field a line.

``place`` is the portal and who logs in there, ``fields`` looks at the form's fields, ``trial`` is the walk.
"""
