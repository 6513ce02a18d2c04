"""A page on this machine that shows a training while it runs, with the report's own figures; no patient is on it.

A run folder or logs of another tool go in; a server on the loopback interface comes out. `view.py` makes what the page
shows, `app.py` sends it whenever it has changed.

Read first: view.py.
"""
