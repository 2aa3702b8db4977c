"""What several measurements share: the machine's name, timing, the corpora, checkpoints with random weights."""
