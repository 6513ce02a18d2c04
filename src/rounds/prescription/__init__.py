"""What to do about a finding, and whether it helped: remedies, trials against a control, the loop around them.

`look` examines a population and says what to try; `treat` tries it and keeps what helped (loop.py).
Read first: loop.py.
"""
