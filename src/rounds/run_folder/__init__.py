"""The files of a run folder as typed records, written and read by one class each; how often test rows were used before.

A record of plain values comes in and a checked file goes out (stored.py); `rounds schema NAME` prints its layout.

Read first: stored.py.
"""
