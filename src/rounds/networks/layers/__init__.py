"""Operations that networks need and libraries compute slowly or not at all, each a function of arrays.

Embeddings of numbers, convolutions inside compiled loops, recurrent cells.
Read first: convolution.py.
"""
