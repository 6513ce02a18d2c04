"""The whole in plain order: examine the data, train, examine, prescribe, judge, write.

`stages` takes a `Dataset` and a `Request` and yields events that end in a `Result`; run_folder.py writes what it
leaves.
Read first: stages.py.
"""
