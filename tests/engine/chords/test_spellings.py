"""What charts of many programs and countries write is read right, or refused with the chord that was meant."""

from __future__ import annotations

import pytest

from engine.chords import parse_chord
from engine.chords.files.chords_file import parse_chords_file
from engine.chords.files.labels import read_text_labels
from engine.chords.symbol import SymbolReader
from engine.errors import ChordError, DataError

# quality of the vocabulary: suffixes behind C. A quality names what the model hears, so 7b13 is 7#5, maj7#11 maj7.
TABLE = {
    "iReal Pro": """
        5: 5
        : add9 2 
        aug: +
        dim: o
        m7b5: h h7 h9 -7b5
        sus4: sus
        maj7: ^7 ^7#11 ^7#5
        maj9: ^9 ^13 ^9#11
        m: - -b6 -#5
        m7: -7
        m6: -6 -69
        mMaj7: -^7 -^9
        m9: -9 -11
        dim7: o7
        6: 6 69
        7: 7
        9: 9
        7b9: 7b9 7b9#11 7b9b5 7b9#5 7b9b13 13b9
        7#9: 7#9 7#9#5 7#9b5 7#9#11 7alt 13#9
        7#11: 7#11 7b5 9#11 9b5 13#11
        7#5: 7#5 9#5 7b13
        13: 13
        7sus4: 7sus 7b9sus 7susadd3 9sus 13sus 7b13sus 11
    """,
    "JJazzLab": """
        : M maj (b5) add9
        aug: + aug
        6: 6 6/9 69 M6 maj6
        maj7: M7 maj7 7M Maj7 M7#11 7M#11 M7#5 7M#5 M7b5
        maj9: M9 9M maj9 M13 13M M9#11 9M#11
        m: m min mi - m2
        m6: m6 -6 m69
        mMaj7: m7M mM7 -7M m9M mM9
        m7: m7 -7 mi7 min7
        m9: m9 m11 m13 -9
        m7b5: m7b5 -7b5 m9b5 m11b5
        dim: dim
        dim7: dim7
        7: 7
        7#9: 7alt 7#9 7#9#5
        7sus4: 7sus 7sus4 9sus 13sus 7susb9 7susadd3
        sus4: sus sus4
        sus2: sus2
    """,
    "MuseScore": """
        : maj MA Ma add9 (add9) majadd9
        m: m mi min MIN MI madd9 mi(add9)
        maj7: ma7 MA7 Ma7 maj7 Maj7 j7 maj7#11 MA7(#11) ma7(b5) Maj7#5
        maj9: ma9 MA9 maj13 maj9#11
        mMaj7: mi(ma7) MI(MA7) m(Maj7) min(maj7) mMaj7 mi(MA9) m(maj9)
        m7b5: mi7(b5) m7(b5) min7b5 0/7
        dim: dim 0 mib5 m(b5)
        dim7: dim7 07 o7
        aug: aug + +5
        7: 7 dom7
        7b9: 7(b9) 7b9 13(b9) 7(b9,b13) 7(b9/b13)
        7#5: aug7 +7 7+ 9+ aug9 7(#5) 7+5 9+5 9(#5) 9(b13)
        7#9: 7(#9) 7+9 7alt 7alt. alt alt. 7(alt) 7(#5,#9) 7(b5#9)
        7#11: 7(#11) 9(#11) 7(b5) 7-5 9-5 13(#11)
        7sus4: 7sus4 7sus 9sus4 sus7 sus9 sus13 13sus4 7(sus4) 7sus4(b9)
        sus4: sus4 4 sus2/4 sus4/2 sus24 sus2sus4
        sus2: sus2
        6: 6 6(add9) 6add9 6/9
        m6: m6 mi6 m6/9 mi6(9) m6(add9)
    """,
    "Band-in-a-Box": """
        : Maj 5b
        5: 5
        aug: Aug +
        6: 6 Maj6 69
        maj7: Maj7 MAJ7 Maj7#11 Maj7#5 Mj7 J7
        maj9: Maj9 Maj13 Maj9#11 Maj13#11
        m: m m#5 mb6 madd9
        m6: m6 m69
        m7: m7 m7#5 m7b9
        m9: m9 m11 m13
        mMaj7: mMaj7 mMAJ7
        m7b5: m7b5 h m7b9b5
        dim: dim
        dim7: dim7
        7: 7
        7#5: 7+ +7 7#5 7b13 9+ 13+ 9b13
        7b9: 7b9 7b9#5 7b9#11 13b9 7b5b9
        7#9: 7#9 7#9b5 7#9#11 7#9b13 13#9
        7#11: 7#11 9#11 13#11 7b5 9b5 13b5
        7sus4: 7sus 9sus 13sus 7susb9 7sus#9 7susb13 7b9sus 11 m7sus
        13: 13
    """,
    "Real Book": """
        m: -
        m7: -7
        m9: -9
        m6: -6
        mMaj7: -(maj7) -maj7 -Δ -Δ7 m(Δ7)
        maj7: Δ Δ7 maj.7 maj7(+11) maj7+4 maj7(#4) maj7-5
        maj9: Δ9
        m7b5: ø ø7 Ø7 -7(b5) -7-5 -7(♭5)
        dim: ° dim.
        dim7: °7 º7 dim.7
        7b9: 7(-9) 7-9 7♭9
        7#9: 7(+9) 7♯9
        7#11: 7(+11) 7+11 9(+11) 7(-5) 7+4 7#4
        7#5: 7(+5) +7 7(-13) 7b6
        7sus4: 7sus.
        sus4: sus.
        aug: + (+5) aug.
        : -5 (-5)
    """,
    "Brazil": """
        maj7: 7M (7M) 7M(#11) 7M(11+) 7M(#5) 7M(5+) 7M(5-) 7M5+ 7M/5+ 7M(6) 7M#11 7M(4+)
        maj9: 7M(9) 9(7M) 9/7M 13(7M) 97M 7M/9 7M(9,13) 7M(9/#11) 7M9 9M 7M(9/13)
        mMaj7: m7M m9(7M) m6(7M) m(7M) m7M(9) m(7M/9) m7M/9
        m7: m7 m7(11) m7(4) m7/4 m7/11
        m9: m7(9) m7/9 m7(9/11) m7(9,11) m7/9/11
        m7b5: m7(b5) m7(5-) m7/5- m5-/7 m7(b5/9) m7(b5)(9) m7(5b) m7(9/5-)
        m6: m6 m6(9) m6/9
        m: m m(9) m(5+) m5+ m(add9)
        dim: m(5-) m5- m(b5) °(7M) dim(7M)
        dim7: °7 °7(b13)
        : (9) (add9) 4+ (4+) 5- (5-) (11+)
        aug: 5+ (5+) (#5)
        6: 6 6(9) 6/9
        7: 7 7(11) 7/11
        9: 9 7(9) 7/9
        13: 7(13) 7/13 7(9/13) 7/9/13 7(9,13) 9(13)
        7b9: 7(b9) 7/9- 7(9-) 7(b9/13) 7(9-/13) 7(5+/9-) 7(9-5+) 7(b9/b13) 7(9-,13-) 7/b9 7/9b
        7#9: 7(#9) 7(9+) 7/9+ 7(#9/#5) 7(5+/9+) 7(9+,5+) 7(9+/13-) 7/#9 7(9#)
        7#11: 7(#11) 7(11+) 7/11+ 7(4+) 7/4+ 7(5-) 7/5- 7(b5) 7(9/#11) 7(9/11+) 7/#11 5-/7
        7#5: 7(#5) 7(5+) 7/5+ 5+/7 5+7 7(b13) 7(13-) 7/13- 7(9/b13) 7/b13 7(5#)
        7sus4: 7(4) 7/4 4/7 4(7) 7(4/9) 7/4/9 4/7/9 7/9/4 7sus4(9) 7(4,9)
        sus4: 4 sus4 4/9 4(9)
    """,
    "Italy, France": """
        maj7: 7M maj7 7maj 7Maj 7Δ 7^ 7ma M7 (maj7)
        maj9: 9M 7maj9 7maj(9) 9maj
        mMaj7: m7M -7M m7maj -7maj -maj7 m(maj7) mMaj7
        m7: m7 -7
        m: - min m
        m7b5: -7b5 m7b5 -7(5-) -7/5- ø m7/5b
        aug: 5+ +
        : -5 M
        7#5: 7(5+) 7/5+
        7sus4: 7sus4 7/4 7(4)
        6: 6 6/9
    """,
    "Germany, theory": """
        maj7: j7 J7 7j 7< maj7 Maj7 j7(#11)
        maj9: j9 maj9 9j
        mMaj7: -j7 m(j7) m7<
        m7: m7 -7 mi7
        m7b5: m7b5 ø m7/5> m7(5>)
        7b9: 7/9> 7(9>) 7b9
        7#9: 7/9< 7(9<)
        7#5: 7/5< 7(5<) 7(13>)
        7#11: 7/5> 7(11<) 7/11<
        aug: 5< + aug
        sus4: sus4 4
        6: 6
        7sus4: 7sus4 7/4
    """,
    "words": """
        : major maj.
        m: minor min. m.
        maj7: major7 MAJOR7 maj.7
        m7: minor7 min.7 minor.7
        dim: diminished
        dim7: diminished7
        aug: augmented
        7#5: augmented7 7aug 7aug5 7(aug5)
        7#11: 7flat5 7dim5 7sharp11
        7b9: 7flat9
        7#9: 7sharp9
        m7b5: half-dim half-dim7 halfdim7 hdim7 min7flat5 min7dim5
        5: no3 omit3 (no3) (omit3)
        : no5 omit5 add2 add4 add11 add#11
    """,
}
ROOTS = {
    "H": "B", "H7": "B7", "Hm": "Bm", "Hm7b5": "Bm7b5", "Hb": "Bb", "Es": "Eb", "Es7": "Eb7", "As": "Ab",
    "Asmaj7": "Abmaj7",
    "Des": "Db", "Ges": "Gb", "Ces": "B", "Fes": "E", "Cis": "C#", "Dis7": "D#7", "Fis": "F#", "Fism7": "F#m7",
    "Gis": "G#", "Ais": "A#", "Eis": "F", "His": "C", "Bes": "Bb", "Bes7": "Bb7", "Essus4": "Ebsus4", "Assus": "Absus4",
    "Asus4": "Asus4", "Esus4": "Esus4", "C/H": "C/B", "C/Es": "C/Eb", "D/Fis": "D/F#", "Am7/Gis": "Am7/G#",
    "DO": "C", "DO7": "C7", "DOm7": "Cm7", "Dó": "C", "Dó7M": "Cmaj7", "Dom7": "Cm7", "Do-7": "Cm7", "Do#m": "C#m",
    "Re": "D", "Ré": "D", "Ré7": "D7", "Rem7": "Dm7", "RE-": "Dm", "Reb": "Db", "Mi": "E", "Mi7": "E7", "MI-7": "Em7",
    "Mib": "Eb", "Mib7M": "Ebmaj7", "Mim": "Em", "Fa": "F", "FA": "F", "Fá#": "F#", "Fa#m7(5-)": "F#m7b5", "Fam": "Fm",
    "Famaj7": "Fmaj7", "Faug": "Faug", "Fadd9": "F", "Falt": "F7#9", "FADD9": "F", "Sol": "G", "Sol7": "G7",
    "SOL7": "G7",
    "Solm": "Gm", "Sol#°7": "G#dim7", "Solb": "Gb", "La": "A", "Lam": "Am", "Lam7": "Am7", "LA-7": "Am7", "Láb": "Ab",
    "Lab7M": "Abmaj7", "Si": "B", "Sib": "Bb", "Sib7": "Bb7", "SIb": "Bb", "Sim7(b5)": "Bm7b5", "Resus4": "Dsus4",
    "La7/Do#": "A7/C#", "Do7": "Ddim7", "Do": "Ddim", "Ddim": "Ddim", "C♮": "C", "B♭△⁷": "Bbmaj7", "C⁶⁄₉": "C6",
    "Cb5": "B5", "Db5": "Db5", "Eses7": "D7", "Asas": "G", "Heses": "A", "Fisis7": "G7", "C/Eses": "C/D",
    "Do/Mi": "C/E", "Do7/Sol": "C7/G", "D/Fa#": "D/F#",
}  # fmt: skip
REFUSED = {
    "Cm7+": "CmMaj7 Cm7#5", "C-7+": "CmMaj7 Cm7#5", "Cm+7": "CmMaj7 Cm7#5", "Cm(+7)": "CmMaj7 Cm7#5",
    "C+9": "C9#5 Cadd9 C7#9",
    "C+11": "C7#11 Cadd#11", "C11+": "C7#11 Cmaj7#11", "C(+7)": "Cmaj7 C7#5", "Cmj7": "CmMaj7 Cmaj7",
    "C9/6": "C6/9 C13",
    "Cm4": "Cmadd11 Csus4", "C9-": "Cm9 C7b9", "C13-": "Cm13 C7b13", "C7-": "Cm7", "C%7": "Cm7b5", "Cj": "Cmaj7",
    "C7b10": "C7#9",
    "C7(maj)": "Cmaj7", "Cmaj-": "CmMaj7", "C7maj7": "Cmaj7", "Cm7(maj7)": "CmMaj7", "CMm7": "Cm7 C7 CmMaj7",
    "C75": "C7#5",
    "dm7": "Dm7", "d7": "D7 Dm7", "a": "A Am", "am": "Am", "fis": "Fis Fism", "h7": "H7 Hm7", "Am/g": "Am/G",
    "C9>": "C7b9",
    "e-7": "E-7", "bb7": "Bb7 Bbm7", "sol7": "Sol7 Solm7", "re-": "Re-", "C7(b9": "C7b9", "Gmja7": "Gmaj7",
}  # fmt: skip


def _rows() -> list[tuple[str, str]]:
    rows = []
    for block in TABLE.values():
        for line in block.strip().splitlines():
            quality, _, suffixes = line.partition(":")
            rows += [(suffix, quality.strip()) for suffix in suffixes.split()]
    return list(dict.fromkeys(rows))


def test_the_table_is_large_and_says_one_thing_of_each_symbol() -> None:
    rows = _rows()
    assert len(dict(rows)) == len(rows)
    assert len(rows) + len(ROOTS) + len(REFUSED) >= 540


@pytest.mark.parametrize(("suffix", "quality"), _rows())
def test_what_charts_write_is_read_right(suffix: str, quality: str) -> None:
    for root in ("C", "F#", "Bb"):
        # `Bb5` and `F#5` are fifths over Bb and F#: a sign that could be the root's is not given here.
        chord = parse_chord(root + suffix)
        assert chord is not None
        assert chord.quality == quality
        assert chord.written == root + suffix
        over = parse_chord(f"{root}{suffix}/G")
        assert over is not None
        assert (over.quality, over.bass) == (quality, 7)


@pytest.mark.parametrize(("written", "name"), list(ROOTS.items()))
def test_roots_of_every_language_are_read(written: str, name: str) -> None:
    assert parse_chord(written) == parse_chord(name)


def assert_refused(written: str, meant: str) -> None:
    """It is refused, with none but the chords that are meant as hints."""
    with pytest.raises(ChordError) as refusal:
        parse_chord(written)
    hints = str(refusal.value).partition("did you mean ")[2].rstrip("?").replace("'", "").split(" or ")
    assert set(hints) <= set(meant.split())
    for hint in hints:
        parse_chord(hint)


@pytest.mark.parametrize(("written", "meant"), list(REFUSED.items()))
def test_what_could_be_two_chords_is_refused_with_those_that_can_be_meant(written: str, meant: str) -> None:
    assert_refused(written, meant)


def test_b_beside_german_names_is_refused_with_both_its_meanings() -> None:
    reader = SymbolReader(["H7", "B", "Es"])
    assert reader.read("H7") == parse_chord("B7")
    assert reader.read("Bb7") == parse_chord("Bb7")
    for symbol, flat, natural in (("B7", "Bb7", "H7"), ("B", "Bb", "H"), ("C/B", "C/Bb", "C/H")):
        with pytest.raises(ChordError, match=f"write '{flat}' or '{natural}'"):
            reader.read(symbol)
    with pytest.raises(ChordError, match="write 'Bb7' or 'H7'"):
        SymbolReader(["C/H", "B7"]).read("B7")
    assert SymbolReader(["C", "B7"]).read("B7") == parse_chord("B7")


def test_do_beside_other_syllables_is_c() -> None:
    assert SymbolReader(["Do", "Sol7"]).read("Do") == parse_chord("C")
    assert SymbolReader(["Do7", "Fa"]).read("Do7") == parse_chord("C7")
    assert SymbolReader(["Do7", "G/Si"]).read("Do7") == parse_chord("C7")
    assert SymbolReader(["Do7", "G7"]).read("Do7") == parse_chord("Ddim7")


def test_files_of_chords_and_texts_of_midi_files_have_the_same_spellings() -> None:
    assert parse_chords_file("0.0 C7M(9)\n2.0 Am7(5-)\n").chords == [
        (0.0, parse_chord("Cmaj9")),
        (2.0, parse_chord("Am7b5")),
    ]
    texts = [(float(i), "marker", symbol) for i, symbol in enumerate(("C7M", "Am7(5-)", "D7(9-)", "G7M"))]
    assert read_text_labels(texts) == [
        (float(i), parse_chord(s)) for i, s in enumerate(("Cmaj7", "Am7b5", "D7b9", "Gmaj7"))
    ]
    with pytest.raises(DataError, match="'Bb7' or 'H7'"):
        parse_chords_file("0.0 H7\n2.0 B7\n")
