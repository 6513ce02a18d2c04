"""The files of a run folder, read back; how often test rows were used before.

A folder and a file's name come in, the record goes out, or one error that says what is damaged.
Read first: read.py.
"""
