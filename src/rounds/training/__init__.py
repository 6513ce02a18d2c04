"""Slabs of members, one compiled program each: plans and rows in, best weights, curves and measures out.

`make_population` (population/build.py) packs members into slabs, `train_to_end` trains them from one thread a core;
compiled/ is what runs inside the program, result/ what it leaves.
Read first: slab.py.
"""
