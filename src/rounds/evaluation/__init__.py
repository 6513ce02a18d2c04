"""Whether a finished model holds: the evidence pack of its own training, later patients, other hospitals.

`write_evidence` gathers calibration, decisions, intervals and subgroups of a training; `evaluate` scores a run folder
on new patients and says what has changed.
Read first: evaluate.py.
"""
