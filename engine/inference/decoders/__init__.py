"""The network, a token at a time, in four ways with one face: numpy, compiled, torch on a processor and on a GPU.

`engine/inference/backends.py` says what a decoder must do and picks one. Imports the model and native.
"""
