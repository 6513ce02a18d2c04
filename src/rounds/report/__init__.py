"""One HTML page of a run folder, and the model card; aggregates only.

`write_report` reads the folder (run_files.py), fills one template a section (sections.py) and draws its figures.
Read first: page.py.
"""
