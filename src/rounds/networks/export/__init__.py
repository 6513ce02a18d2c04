"""A trained ensemble as one Keras model of plain layers.

Read first: model.py.
"""
