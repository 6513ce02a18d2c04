"""Rules for one training that another tool logged: losses and scores by epoch or step, and nothing else.

A `LoggedRun` comes in, findings go out. Read `loss_curve.py` first: levels, noise and trends are defined there.

Read first: loss_curve.py.
"""
