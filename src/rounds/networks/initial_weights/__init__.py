"""First weights of a network, drawn on the host by Keras's formulas, one random stream a member and array.

An initializer's name, a shape and a key come in, a NumPy array goes out.
Read first: draw.py.
"""
