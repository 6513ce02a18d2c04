"""A plan becomes a network: a record with every width fixed, and pure functions over lists of arrays.

`Network` (network.py) is enough to build, run and read a network in ten years; models of the user's own are in
user_model/.
Read first: network.py.
"""
