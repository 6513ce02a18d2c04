"""Treated and control members side by side, on patients who chose nothing.

A `TrialDesign` (design.py) says which rows choose and which confirm; `run_trial` gives a `Trial` with the effect and
its interval (effect.py).
Read first: trial.py.
"""
