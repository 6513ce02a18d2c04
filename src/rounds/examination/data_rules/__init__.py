"""Rules about the data: leaks, repeated rows, unlike parts of a split, stays that end by death or transfer.

Each takes a `DataEvidence` (evidence.py) before anything is trained.
Read first: leaks.py.
"""
