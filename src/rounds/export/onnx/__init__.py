"""A run folder's model as an ONNX graph.

Read first: model.py.
"""
