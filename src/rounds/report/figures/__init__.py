"""The figures of the report, each a function of a run's files that gives an Altair chart.

`draw_figures` (table.py) draws those that a run has something to show in.
Read first: table.py.
"""
