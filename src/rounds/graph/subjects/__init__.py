"""What a graph can be drawn of: a network of Rounds, a `keras.Model`, a function in a Python file.

Each file turns its subject into a loss function of named arrays.
Read first: network_loss.py.
"""
