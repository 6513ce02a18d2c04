"""What a training leaves: tables of curves and measures, checkpoints, exact batch statistics, the best epoch.

Read first: tables.py.
"""
