"""Rules for one training that another tool logged: losses and scores by epoch or step, and nothing else.

A `LoggedRun` comes in, findings go out. Levels, noise and trends are defined in loss_curve.py.

Read first: loss_curve.py.
"""
