"""A traced function as nodes with values, and the backward pass over them by the chain rule.

`graph_of` takes a function and inputs and gives a `Graph` with the value, local gradients and gradient of each node.
Read first: backward.py.
"""
