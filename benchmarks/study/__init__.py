"""Preparing, training and fine-tuning: speed, memory, what is learnt."""
