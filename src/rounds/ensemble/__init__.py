"""Which trained networks predict together, with what weights, and how they are judged.

`choose_ensemble` takes a trained population and gives the predictor; `judge` scores it once beside the baselines;
importance and the measurement pattern say what predictions rest on.
Read first: choose.py.
"""
