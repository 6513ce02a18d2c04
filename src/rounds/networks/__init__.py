"""A plan becomes a network: a record with every width fixed, and pure functions over lists of arrays.

`Network` (network.py) is enough to build, run and read a network in ten years. Its forward pass is a list of operations
(operations.py), which is walked over a table: JAX's here (jax/), Keras's for export (keras/), NumPy's in `prediction`
and ONNX's in `export`. Models of the user's own are in user_model/.
Read first: network.py, then operations.py.
"""
