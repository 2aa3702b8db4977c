"""What several measurements share: the machine's name, timing, checkpoints with random weights."""
