"""Where a `Run` comes from: members just trained, a run folder, a log of another tool.

`examine_source` takes a path and chooses; `run_of` takes a trained population.
Read first: source.py.
"""
