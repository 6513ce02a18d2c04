"""A run folder's model for other programs, checked against the predictor before it is written.

`export_run` takes a run folder and a format (keras, onnx) and writes one file that predicts the same.
Read first: export.py.
"""
