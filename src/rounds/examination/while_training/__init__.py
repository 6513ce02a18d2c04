"""The rules that look while networks train: at three and six tenths of the epochs, and each epoch for what is lost.

A population and its training come in; findings as they are seen, and members to stop, go out.
Read first: early.py.
"""
