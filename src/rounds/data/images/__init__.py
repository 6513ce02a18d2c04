"""Image files and arrays of images become one array beside the table, read once and resized.

A folder, a table with a column of files, or an NPZ file comes in; an array [N, H, W, C] or a file of it on disk goes
out, with engineered features for baselines.
Read first: labelled_images.py.
"""
