"""How late notes leave, how fast a chord or a knob is answered, over real ports."""
