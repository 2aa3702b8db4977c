"""Texts of a MIDI file are chords where they can be nothing else."""

from __future__ import annotations

import pytest

from engine.chords.files.labels import read_text_labels


def _timed(text: str, kind: str = "marker") -> list[tuple[float, str, str]]:
    return [(float(i), kind, word) for i, word in enumerate(text.split("|"))]


@pytest.mark.parametrize(
    ("texts", "names"),
    [
        ("Dm7|G7|Cmaj7|A7b9", ["Dm7", "G7", "Cmaj7", "A7b9"]),
        ("C|C|Am|Am|F|G7/B", ["C", "Am", "F", "G7/B"]),  # named again: no change
        ("C-7|F7(13)|B♭^7|Eø7", ["Cm7", "F13", "Bbmaj7", "Em7b5"]),
        ("CMI7|FMA7|Bb13|N.C.", ["Cm7", "Fmaj7", "Bb13", None]),
        ("@KMIDI|@T Tune| |Cm|Fm7|G7|Ab|Verse", ["N.C.", "Cm", "Fm7", "G7", "Ab"]),
        ("[C]Hap|py |[G7]birth|day |[Dm/F]to |[C]you", ["C", "G7", "Dm/F", "C"]),
    ],
)
def test_chord_symbols_are_read(texts: str, names: list[str | None]) -> None:
    labels = read_text_labels(_timed(texts))
    assert labels is not None
    assert [None if chord is None else chord.name for _, chord in labels] == [n if n != "N.C." else None for n in names]
    assert labels[0][0] == 0.0


@pytest.mark.parametrize(
    "texts",
    [
        "",
        "A |Am |Add |Go |Do |Be |E |Dm7",  # words, one of them a chord by chance
        "Am|I|A|Go|od|Girl|Em|Do|Be|Face",
        "A|B|C|A|B|C|D",  # rehearsal marks
        "A|Am|A|Em|Do|Go|Am|A",  # all of them symbols, none of them certainly
        "Verse|Chorus|Verse|Chorus",
        "Dm7|G7|C6",  # too few
        "Dm7|Dm7|Dm7|Dm7",  # one chord only
        "[Verse]|[C]|[Am]|[Chorus]|[F]|[Outro]",
        "Grand Piano|Copyright 1999|C7|G7|Dm7|F#m",
        "Cm7 kommt|G7 oder|D wie|F7 Tau",
    ],
)
def test_words_are_no_chords(texts: str) -> None:
    assert read_text_labels(_timed(texts, "lyric")) is None


def test_the_kind_with_most_chords_is_taken_whatever_the_others_say() -> None:
    lyrics = [(i * 0.3, "lyric", word) for i, word in enumerate(["Some", "day", "my", "A", "Am", "Go"] * 4)]
    few = [(float(i), "text", name) for i, name in enumerate(("C6", "G7", "C6", "F6"))]
    many = [(float(i) + 0.5, "marker", name) for i, name in enumerate(("Dm7", "G7", "C6", "F6", "Em7", "A7"))]
    labels = read_text_labels([*lyrics, *few, *many])
    assert labels is not None
    assert [str(chord) for _, chord in labels] == ["None", "Dm7", "G7", "C6", "F6", "Em7", "A7"]
    assert [onset_s for onset_s, _ in labels] == [0.0, 0.5, 1.5, 2.5, 3.5, 4.5, 5.5]


def test_texts_out_of_order_are_sorted() -> None:
    labels = read_text_labels([(3.0, "text", "C6"), (0.0, "text", "Dm7"), (1.0, "text", "G7"), (2.0, "text", "Em7")])
    assert labels is not None
    assert [str(chord) for _, chord in labels] == ["Dm7", "G7", "Em7", "C6"]
