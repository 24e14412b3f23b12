"""Observations in, verdicts out: what a scenario states that it expects, and the rules that decide it.

A judgement keeps the rule it came from as data, so that a stored timeline can be judged again offline.
"""
