"""Changes of plan, by finding: one record a remedy.

`prescribe` takes an examination and a plan and gives `Prescription`s, the most promising first.
Read first: prescribe.py.
"""
