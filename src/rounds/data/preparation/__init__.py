"""How a table becomes the arrays that networks read, learned from training rows alone.

`Preparation.fit` takes columns and rows; `apply` turns any table with these columns into `Inputs`. One record a column
(encoding.py), one for images and recordings (array_scale.py), one for the outcome (target_scale.py).
Read first: preparation.py.
"""
