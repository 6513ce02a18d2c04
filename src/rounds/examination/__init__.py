"""Rules that read a whole population of trainings, and what they say: findings, and three answers.

`examine` takes a `Run` (run.py: of members just trained, of a run folder, or of another tool's curves) and gives an
`Examination`. A rule is one record with its function (rule.py); how grave a finding is follows from measured harm
(harm.py), what follows from what is checked (follow.py).
Read first: examine.py.
"""
