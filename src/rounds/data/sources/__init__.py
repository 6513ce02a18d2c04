"""Patients that come with Rounds: built-in sets, and a simulated hospital whose truth is known.

`load_builtin` gives a `Source`: a table, and what is declared of it.
Read first: builtin.py.
"""
