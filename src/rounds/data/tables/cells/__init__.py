"""Columns of text cells become numbers, dates, yes or no, or levels.

A column comes in as it is written in a file; one or two columns of values go out, with the `Reading` that makes the
same of another file's cells, and notes for the user. Each reader is a function and its row of the table of readers.
Read first: readers.py.
"""

from rounds.data.tables.cells.readers import read_again, read_column
from rounds.data.tables.cells.reading import CellNote, FileStyle, ReadColumn, Reading

__all__ = ["CellNote", "FileStyle", "ReadColumn", "Reading", "read_again", "read_column"]
