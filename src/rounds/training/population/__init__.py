"""Members of a population: which plans, folds and seeds, and the rows that each learns from.

Plans and rows come in, a `Population` of slabs goes out; networks that were trained before are not trained twice.
Read first: build.py.
"""
