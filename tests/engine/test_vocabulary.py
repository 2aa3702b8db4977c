"""The token table is frozen: checkpoints and shards hold its numbers."""

from __future__ import annotations

import pytest

from engine import vocabulary
from engine.vocabulary import LAYOUT, PITCH_NAMES, QUALITIES, VOCAB_SIZE, chord_id, chord_parts, name


@pytest.mark.parametrize(
    ("constant", "value"),
    [
        ("NOTE_ON", 0), ("NOTE_OFF", 128), ("TIME_SHIFT", 256), ("NUM_SHIFTS", 100), ("VELOCITY", 356),
        ("NUM_VELOCITIES", 32), ("PAD", 388), ("BOS", 389), ("EOS", 390), ("PEDAL_ON", 391), ("PEDAL_OFF", 392),
        ("SEAM", 393),
        ("NUM_EVENT_IDS", 400), ("NO_CHORD", 400), ("CHORD", 401), ("NUM_CHORDS", 288), ("VOCAB_SIZE", 700),
        ("STEP_MS", 10), ("STEP_S", 0.01),
    ],
)  # fmt: skip
def test_ids_are_frozen(constant: str, value: float) -> None:
    assert getattr(vocabulary, constant) == value


def test_qualities_are_frozen_in_their_order() -> None:
    assert " ".join(QUALITIES) == (
        " m dim aug sus4 sus2 5 6 m6 7 maj7 m7 mMaj7 m7b5 dim7 7sus4 9 maj9 m9 13 7b9 7#9 7#11 7#5"
    )
    assert len({*QUALITIES.values()}) == len(QUALITIES) == 24
    assert all(tones[0] == 0 and list(tones) == sorted(set(tones)) and tones[-1] < 12 for tones in QUALITIES.values())


def test_the_layout_of_the_native_code_is_the_same_table() -> None:
    assert (LAYOUT.note_on, LAYOUT.note_off, LAYOUT.time_shift, LAYOUT.num_shifts) == (0, 128, 256, 100)
    assert (LAYOUT.velocity, LAYOUT.num_velocities, LAYOUT.pad, LAYOUT.bos, LAYOUT.eos) == (356, 32, 388, 389, 390)
    assert (LAYOUT.pedal_on, LAYOUT.pedal_off, LAYOUT.num_ids, LAYOUT.step_ms) == (391, 392, 400, 10)


@pytest.mark.parametrize(
    ("token", "text"),
    [
        (0, "NOTE_ON 0"), (127, "NOTE_ON 127"), (128, "NOTE_OFF 0"), (255, "NOTE_OFF 127"), (256, "TIME_SHIFT 10ms"),
        (355, "TIME_SHIFT 1000ms"), (356, "VELOCITY 0"), (387, "VELOCITY 31"), (388, "PAD"), (389, "BOS"), (390, "EOS"),
        (391, "PEDAL_ON"), (392, "PEDAL_OFF"), (393, "SEAM"), (394, "RESERVED 394"), (400, "NO_CHORD"),
        (401, "CHORD C"),
        (401 + 24 * 2 + 11, "CHORD Dm7"), (688, "CHORD B7#5"), (689, "RESERVED 689"), (699, "RESERVED 699"),
    ],
)  # fmt: skip
def test_every_kind_of_token_has_its_name(token: int, text: str) -> None:
    assert name(token) == text


def test_names_are_distinct() -> None:
    assert len({name(token) for token in range(VOCAB_SIZE)}) == VOCAB_SIZE


@pytest.mark.parametrize("token", [-1, 700])
def test_no_token_lies_outside_the_table(token: int) -> None:
    with pytest.raises(ValueError, match=r"outside 0\.\.699"):
        name(token)


def test_chord_ids_and_their_parts_are_inverse() -> None:
    ids = [chord_id(root, quality) for root in range(len(PITCH_NAMES)) for quality in QUALITIES]
    assert ids == list(range(401, 689))
    assert [chord_parts(i) for i in ids] == [(root, q) for root in range(12) for q in QUALITIES]
    assert chord_parts(400) is None
    for token in (399, 689):
        with pytest.raises(ValueError, match="is no chord"):
            chord_parts(token)
