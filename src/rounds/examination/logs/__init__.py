"""Learning curves that other tools left behind.

A file or folder comes in, logged runs with their settings go out (logged_run.py); which reader serves is decided by
content (read.py).

Read first: read.py.
"""
