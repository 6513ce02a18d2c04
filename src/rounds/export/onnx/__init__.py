"""A run folder's model as an ONNX graph.

Read first: table.py, then model.py.
"""
