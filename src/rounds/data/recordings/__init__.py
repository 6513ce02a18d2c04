"""Measurements over time, signals and WFDB records become one array [N, steps, channels] beside the table.

Tables of measurements (whose, when, what, how much) are laid on a common time line; engineered features of each
variable become columns for baselines.
Read first: join.py.
"""
