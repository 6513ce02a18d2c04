"""A `keras.Model` of the user's own as a network: described, made functional, saved and read again.

The model and the columns of a table come in; a `Network` record and pure functions go out.
Read first: model.py.
"""
