"""NumPy's table of operations, which prediction computes.

Read first: table.py.
"""
