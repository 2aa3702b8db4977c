"""The network and all that defines it: configurations, shapes, controls, checkpoints, NF4, and the modules in torch.

Only `perceiver`, `attention` and `relative` import torch. Imports chords.
"""
