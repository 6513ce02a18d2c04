"""A run folder's model applied to new patients, in NumPy, without Keras or JAX.

`load_predictor` reads the folder and gives a `Predictor`; `predict_table` reads a table as training did and adds
columns.
Read first: predictor.py.
"""
