"""Good practice: what the RFCs demand of every message, transaction, dialog and flow, beside the page's rows.

A timeline goes in; findings on the rows of ``spec/good_practice.toml`` come out, which are counted apart.
"""
