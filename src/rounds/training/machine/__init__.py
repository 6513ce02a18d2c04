"""What this machine allows: workers, sizes of slabs, time and memory a training will take.

Read first: device.py.
"""
