"""What an update does to a network's matrices: the optimiser, and the rounding that its gradients feel.

Imports model.
"""
