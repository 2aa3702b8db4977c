"""What Sideman wrote as markers it reads again as it was meant; of others it asks for proof, as before."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.recording.take import Take
from engine.chords import parse_chart
from engine.chords.files.labels import read_text_labels
from engine.chords.files.own_markers import GENERATED, RECORDED, read_own_markers
from engine.midi_io.read import read_performance
from engine.midi_io.write import write_midi
from engine.notes import make_notes

BAR_S = 2.0
CHARTS = [
    "H7 | Es | As | Ges", "Am7 | D7", "Dm7", "A | D | E | A", "C | N.C. | F | G", "Dm7 G7 | C6/9 | Do7 | Fa7", "N.C.",
    "Do | Re | Sol7 | Do",
]  # fmt: skip


def _markers(text: str, said: str | None) -> list[tuple[float, str, str]]:
    spans = parse_chart(text).spans
    rows = [(span.start_beat / 2, "marker", "N.C." if span.chord is None else span.chord.label) for span in spans]
    return ([] if said is None else [(0.0, "text", said)]) + rows


@pytest.mark.parametrize("text", CHARTS)
@pytest.mark.parametrize("said", [GENERATED, f"{GENERATED}: seed 3, {{}}", RECORDED])
def test_a_charts_markers_are_the_charts_chords(text: str, said: str) -> None:
    labels = read_text_labels(_markers(text, said))
    assert labels == [(beat / 2, chord) for beat, chord in parse_chart(text).changes(60.0)]


@pytest.mark.parametrize("said", [None, "sideman again: {}", "by a sideman generate", "Sideman"])
def test_of_other_files_proof_is_asked(said: str | None) -> None:
    assert read_own_markers(_markers("A | D | E | A", said)) is None
    assert read_text_labels(_markers("A | D | E | A", said)) is None


def test_knobs_and_modes_in_a_recording_are_no_chords() -> None:
    marked = [(0.0, "mode comp"), (1.0, "C"), (2.0, "density 0.5"), (3.0, "scale La dorian"), (4.0, "Do7")]
    texts = [(0.0, "text", RECORDED), *((at_s, "marker", text) for at_s, text in marked)]
    labels = read_own_markers(texts)
    assert labels is not None
    # A scale's name, La, makes no Italian Do of it.
    assert [(at_s, str(chord)) for at_s, chord in labels] == [(0.0, "None"), (1.0, "C"), (4.0, "Ddim7")]
    assert read_own_markers([(0.0, "text", RECORDED)]) is None


def test_files_of_both_writers_say_that_their_markers_are_ours(tmp_path: Path) -> None:
    note = make_notes([0.0], [7.0], [60], [80])
    chords = [(bar * BAR_S, name) for bar, name in enumerate(("A", "D", "E", "A"))]
    write_midi(tmp_path / "solo.mid", note, tempo_bpm=120.0, chords=chords, text=GENERATED)
    take = Take(tmp_path / "take.mid", start_us=0, tempo_bpm=120.0)
    take.note_out(0, bytes((0x90, 60, 80)))
    take.note_out(7_000_000, bytes((0x80, 60, 0)))
    for at_s, name in chords:
        take.marked(round(at_s * 1e6), name)
    take.save()
    for name in ("solo.mid", "take.mid"):
        labels = read_text_labels(read_performance(tmp_path / name).texts)
        assert labels is not None
        assert [(round(at_s, 2), str(chord)) for at_s, chord in labels] == chords
