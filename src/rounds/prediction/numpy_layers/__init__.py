"""The operations of a network's forward pass in NumPy.

Read first: network.py.
"""
