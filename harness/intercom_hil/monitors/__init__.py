"""Rules that hold in every scenario: a scenario's timeline comes in, judgements on what they find go out.

Nobody asks for them. Those here are on the page's rows; those on good practice (the RFCs' rows) are in the
room `practice`, and join them. `replay` judges a stored scenario again.
"""
