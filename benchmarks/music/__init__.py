"""What the music is like: chords, beats, solos, styles, gaps that are filled. On one thread."""

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")  # numpy and torch read it as they are loaded
