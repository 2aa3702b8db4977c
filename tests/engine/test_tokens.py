"""Notes as the model sees them begin at their first note's step, wherever that lies."""

from __future__ import annotations

import numpy as np

from engine.notes import make_notes
from engine.tokens import decode_notes, encode_notes
from engine.vocabulary import STEP_S


def test_a_performance_may_begin_at_any_multiple_of_the_grid() -> None:
    """Some of these lie 5e-17 s before the step that they are floored to."""
    for step in range(20_000):
        onset_s = step * STEP_S
        ids, begin_s = encode_notes(
            make_notes([onset_s, onset_s + 0.5], [onset_s + 0.4, onset_s + 0.9], [60, 62], [64, 64])
        )
        onsets_s = decode_notes(ids)["onset_s"] + begin_s
        np.testing.assert_allclose(onsets_s, [onset_s, onset_s + 0.5], atol=STEP_S / 2 + 1e-9)
