"""Observations in, verdicts out: expectations a scenario states, and monitors that watch every scenario.

A judgement keeps the rule it came from as data, so that a stored timeline can be judged again offline.
"""
