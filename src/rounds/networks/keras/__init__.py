"""A trained ensemble as one Keras model of Keras's own layers, for export; and the only place that imports Keras.

Read first: table.py.
"""
