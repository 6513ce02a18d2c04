"""The tables of the report, each a function of a run's files that gives rows to print.

`scores` is the first to read; a section's template prints what its table gives.
Read first: scores.py.
"""
