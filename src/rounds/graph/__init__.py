"""Forward and backward pass of any function or model, to look at and to check.

`graph_of` traces a function and gives a `Graph`; `page_of` and `text_of` show it; `check_gradient` compares a gradient
written by hand with differences and with autodiff, and names the mistake.
Read first: tape/backward.py.
"""
