"""A graph as text, JSON and a page: folded into blocks, laid out, drawn.

A `Graph` comes in; `page_of` gives one HTML file that needs no network.
Read first: summary.py.
"""
