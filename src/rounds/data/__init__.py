"""A file becomes a `Dataset`: columns with roles, outcomes, patients; then a `Split` by patient and prepared arrays.

`load` (loading.py) takes a path, a frame or a built-in name and the user's `Choices`; `split_dataset` divides patients;
`Preparation` (preparation/) learns from training rows how a table becomes arrays.
Read first: loading.py.
"""
