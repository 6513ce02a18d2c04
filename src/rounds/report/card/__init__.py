"""The model card: every item that a reader of a clinical model asks for, filled or named as missing.

The records of a run folder come in, a Markdown page goes out.
Read first: card.py.
"""
