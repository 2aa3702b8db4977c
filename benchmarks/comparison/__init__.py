"""Four ways to an AI pianist, each at a size that trains here, on the same data, machine and budget.

scg       a diffusion transformer over piano rolls, guided by a rule (branch 1)
moonbeam  a note a token, relative attention by attribute, a GRU for its fields; LoRA (branch 2)
ours      Perceiver AR with relative attention and chord memory, as shipped (branch 3)
plain     a plain decoder over the same tokens, chords among them; NF4 QLoRA (branch 4)

music      what all learn from: windows of tokens, notes and rolls; charts that all are asked to play
layers     attention, blocks and sampling that scg, moonbeam and plain share
learning   one optimiser, one schedule, one budget of processor time
adapters   NF4 by bitsandbytes and LoRA by PEFT, on any of them
run_one    one contestant in a process of its own: train it, or load it and play
published  what the four cost at their published sizes: computed, not measured
table      the rows, and their plot
"""
