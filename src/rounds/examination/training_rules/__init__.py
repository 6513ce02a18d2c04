"""Rules about training, by what they look at: convergence, fit, step size, start, layers, worth.

Each file holds rules as records; `rules.py` one floor above puts them in the order of causes.
Read first: convergence.py.
"""
