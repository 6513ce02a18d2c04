"""What a network has to beat on the same patients: a constant, a linear model, boosted trees, the score in use.

`fit_baselines` takes the rows of a fold and gives `Baseline`s, frozen records that predict in NumPy; `save_baselines`
and `load_baselines` keep them in a run folder without pickle.
Read first: fit.py.
"""
