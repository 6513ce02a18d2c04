"""In which order rows are read: permutations drawn on the host, and parts of tables that stay on disk.

Rows of a fold, a seed and an epoch come in, the rows of each minibatch go out.
Read first: orders.py.
"""
