"""How good is a model: likelihood, the distributions of what it plays, chords, groove, repetition, memorisation.

excerpts       real held-out music in pieces of equal length, with the music before them
continuations  what a model (or the 5-gram) plays in their place
features       what is counted of a piece of music
distances      mgeval's overlapping area and KL divergence between two sets of pieces
memorisation   how much of the training notes turns up again
judgement      all of it as one table: real music, model, shuffled chords, 5-gram
page           the table and its pictures as HTML
"""
