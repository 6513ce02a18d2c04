"""JAX's table of operations, which training compiles.

Operations that libraries compute slowly or not at all have a file each: convolutions inside compiled loops, sine and
cosine, recurrent cells, dropout.
Read first: table.py.
"""
