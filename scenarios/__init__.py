"""The compliance scenarios: one module per requirement family, each scenario a sentence about an intercom.

A scenario drives the bench, states expectations, each with the requirement it stands for, and holds no
SIP parsing, no process handling and no sleeps.
"""
