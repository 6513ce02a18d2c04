"""Which rows count: those that meet `--where`, have an outcome and fall on one side of a given test set.

A table and the user's choices come in; the rows kept, their outcomes as a `Task` and numbers, and the columns that may
be features go out.
Read first: rows.py.
"""
