"""Built-in networks as Keras models, and a Keras model as pure functions over lists of arrays.

Read first: builder.py.
"""
