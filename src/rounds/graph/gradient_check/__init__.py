"""Is a gradient that was written by hand right, and if not, which line is wrong.

A function and its gradient come in, a `GradientCheck` (verdict.py) goes out.
Read first: check.py.
"""
