"""The report on paper: a PDF that can be signed, filed and printed, and an annex with every scenario."""
