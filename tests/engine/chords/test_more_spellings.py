"""A third table of spellings: whole symbols, over a bass and in several languages."""

from __future__ import annotations

import pytest

from engine.chords import parse_chord
from tests.engine.chords.test_spellings import assert_refused

# Written: the same chord as the project's own names say it. A quality is the nearest of the vocabulary.
READ = {
    # iReal Pro, Band-in-a-Box
    "C-^9": "CmMaj7", "Bb-^7/A": "BbmMaj7/A", "F#h9/E": "F#m7b5/E", "Eb7b9b13/G": "Eb7b9/G", "A7susadd3/E": "A7sus4/E",
    "C13#9b5": "C7#9", "C7#11b9": "C7b9", "G9sus4/D": "G7sus4/D", "D7alt/F#": "D7#9/F#", "Abmaj7b5/C": "Abmaj7/C",
    "Cm7b5b9/Gb": "Cm7b5/Gb", "Em11b5/Bb": "Em7b5/Bb", "Csus4b9": "Csus4", "C6sus": "Csus4", "C+7#9": "C7#9",
    # French
    "DoM7": "Cmaj7", "Do7M": "Cmaj7", "Domaj7": "Cmaj7", "DoMaj7": "Cmaj7", "DOmin7": "Cm7", "Réb7M": "Dbmaj7",
    "Mi♭7": "Eb7",
    "Rém7b5/Láb": "Dm7b5/Ab", "Sol7sus4/Do": "G7sus4/C", "Fa#°": "F#dim", "Solmaj7": "Gmaj7",
    "Lam7(b5)/Mib": "Am7b5/Eb",
    "Fa6/9": "F6",
    # Italian
    "RE-7/5b": "Dm7b5", "SOL7/13b": "G7#5", "FA#m7": "F#m7", "LA-6": "Am6", "MI7/9-": "E7b9", "DO°": "Cdim",
    "SOL4/7": "G7sus4", "SIb7M/RE": "Bbmaj7/D",
    # German
    "Hm7b5/A": "Bm7b5/A", "Hdim": "Bdim", "Cisdim": "C#dim", "Desmaj7/F": "Dbmaj7/F", "Es+": "Ebaug",
    "As7sus4/Es": "Ab7sus4/Eb",
    "Gm7/5-": "Gm7b5", "Es7/9-": "Eb7b9", "Fis7/6": "F#13", "Aism": "A#m", "Ces7": "B7", "C7/H": "C7/B",
    # Brazilian
    "Dm7(9)/G": "Dm9/G", "E7(b13)/G#": "E7#5/G#", "G7(4/9)/D": "G7sus4/D", "F#m7(b5)/C": "F#m7b5/C",
    "Bb6(9)/D": "Bb6/D",
    "G#dim(b13)": "G#dim", "C4(7/9)": "C7sus4", "F7M(9)/A": "Fmaj9/A", "D7/9/13": "D13", "A7(13)/C#": "A13/C#",
    # By hand and with raised letters
    "CΔ7♯11": "Cmaj7", "C⊿7": "Cmaj7", "F⊿9": "Fmaj9", "C⁷ˢᵘˢ⁴": "C7sus4", "B♭ᵐᵃʲ⁷": "Bbmaj7", "Cᵈⁱᵐ": "Cdim",
    "Cᵃᵘᵍ": "Caug",
    "C⌀7/G♭": "Cm7b5/Gb", "G7-9+5": "G7b9", "CMI7/F": "Cm7/F",
}  # fmt: skip
REFUSED = {
    "a-Moll": "Am", "Amoll": "Am", "fis-moll": "Fism", "C-Dur": "C", "Es-Dur": "Es", "SiB7": "Sib7", "MiBm7": "Mibm7",
    "SOLB": "SOLb", "LaB7M": "Lab7M", "C7[b9]": "C7b9", "Cmaj7\\E": "Cmaj7/E", "c#m7": "C#m7",
}  # fmt: skip


@pytest.mark.parametrize(("written", "name"), list(READ.items()))
def test_what_is_written_is_the_chord_of_that_name(written: str, name: str) -> None:
    chord = parse_chord(written)
    assert chord == parse_chord(name)
    assert chord is not None
    assert chord.written == written


@pytest.mark.parametrize(("written", "meant"), list(REFUSED.items()))
def test_what_is_refused_is_refused_with_the_chord_that_was_meant(written: str, meant: str) -> None:
    assert_refused(written, meant)
