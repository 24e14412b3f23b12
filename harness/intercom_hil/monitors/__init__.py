"""Rules that hold in every scenario: a scenario's timeline comes in, judgements on what they find go out.

Nobody asks for them. Those on the page's rows are in `monitors`, `placed_calls`, `within_calls` and
`credentials`, those on good practice (the RFCs' rows) in `practice` and beside it; `replay` judges a stored
scenario again.
"""
