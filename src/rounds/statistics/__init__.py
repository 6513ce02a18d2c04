"""What a number is worth: intervals over patients, calibration, coverage, decisions, subgroups, drift.

Arrays of observed and predicted values with the patient of each row come in; records of plain numbers go out.
Read first: intervals.py.
"""
