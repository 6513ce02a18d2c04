"""What each column of a table is taken for, why, and what the user said instead.

A table and the user's choices come in, one `Column` a column goes out; `roles.toml` is written and read here.
Read first: decide.py.
"""
