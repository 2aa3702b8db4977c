"""Training windows of gaps: what a fill hears around some bars of a piece, and those bars to be learnt."""
