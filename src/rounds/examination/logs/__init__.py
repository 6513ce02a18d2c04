"""Learning curves that other tools left behind.

A file or folder comes in, curves and configurations go out (log.py); which reader serves is told by content
(detect.py).
Read first: read.py.
"""
