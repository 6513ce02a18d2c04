"""Models and predictions made elsewhere, examined by the same rules.

A file of predictions or a `.keras` file comes in; a record of findings and scores goes out.
Read first: predictions.py.
"""
