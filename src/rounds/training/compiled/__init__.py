"""What runs inside the compiled program, for one member: step, objective, optimizer, schedule, validation, measures.

`train_epoch` (epoch.py) takes a member's state (state.py) through one epoch.
Read first: epoch.py.
"""
