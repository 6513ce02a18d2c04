"""What networks for images answer to, as pictures: first filters, patches, and where a prediction came from.

A trained network and images come in, PNG files go out.
Read first: pictures.py.
"""
