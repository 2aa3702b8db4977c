"""Trains a base: the run, its schedule and state, its loss curve, its measures.

Imports torch where it trains. Rooms: finetune above this one, update below it. Imports data, evaluation (the n-gram)
and model.
"""
