"""Images and recordings as they might have been taken, inside the compiled step.

A minibatch, settings and a random key come in, the changed minibatch goes out.
Read first: images.py.
"""
