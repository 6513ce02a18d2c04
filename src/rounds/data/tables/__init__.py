"""Files of rows and columns become Polars tables, with every cell read as it was meant.

`read_table` takes a path; delimited text, Parquet and frames are read alike. Damage is named by file, column and row.
Read first: reading.py.
"""
