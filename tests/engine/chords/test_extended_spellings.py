"""Extended chords are one chord however their degrees are written: a second table, and a law over all combinations."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from engine.chords import parse_chord
from engine.chords.nearest import nearest_quality
from engine.errors import ChordError
from tests.engine.chords.test_spellings import assert_refused

# Quality: suffixes behind C, as in test_spellings; none was known when the parser was written.
TABLE = """
    maj9: 11(7M) 11M 11/7M 13M 9(maj7) 11(maj7) 13(maj7) 9maj7 11maj7 13maj7 9(M7) 11(M7) 13(M7) 9M7 11M7 13M7 9(ma7)
    maj9: 13ma7 9MAJ7 9(j7) 11j7 13j7 9j7 9Δ 11Δ 13Δ 9^ 11^ 13^ 9Δ7 13(Δ7) 9(7Maj) 11(7maj) 13/7maj 9(#7) 11(#7) 13(#7)
    maj9: 69(7M) 6/9(7M) 6/9/7M 13(#11)7M 13(#11)(7M) 9(#11/7M) 13(7M/#11) 7M(9/11) 7M(9/11/13) 7M/9/#11 7M(9)(13)
    maj9: 7M(9,#11,13) 9(11+)7M 11+7M
    maj7: 6(7M) 6/7M 6Δ 7M(6/#11) 5+(7M) (#5)7M +7M +(7M) +M7 augM7 augmaj7 aug(maj7) +(maj7) +Δ +Δ7 +j7 Δ#5 Δ+5 Δ(#5)
    maj7: Δ#11 Δ+11 Δb5 Δ-5 ^#5 ^b5 ^(#11) 7M(11) 7M(13-) 7M(b13) Δ6
    mMaj7: m11(7M) m13(7M) m11/7M m9/7M m9(maj7) m11(maj7) m13(maj7) m9maj7 m9M7 m9(M7) m11M7 m(7M/9/11) m9(#7) -9(7M)
    mMaj7: -11(7M) -9Δ -11Δ -Δ9 -Δ11 -Δ13 m9Δ m9^ -9^ m9j7 -j9 m7M(11) m7M(9/11) m6/7M m6/9/7M m9ma7 min9(maj7)
    mMaj7: mi11(ma7) m(#7) -(#7) m#7 mΔ9 mM mMaj m(maj7)(9) -(M7) -M7 -M9 minmaj7 min/maj7 m/maj7 m/M7 min-maj7 m-maj7
    mMaj7: -maj9 m(+7M) minmaj9 mima7 mi(maj7) mMaj7b6
    sus4: 4(7M) 4/7M sus(7M) sus4(7M) sus4(maj7) sus7M Maj7sus4 maj7sus Δsus4 Δsus ^sus (sus4) sus(4) (sus) sus4add9
    sus4: sus(add9) sus4/9 4(13) sus4(13) suspended sus4(no5) sus2/4 sus2(4)
    dim: m5b mi5b °Δ °7M °Δ7 °maj7 dimmaj7 dim(maj7) o(7M) o^7 m-5 m(-5) -(b5) mib5 min(b5) minb5 m(dim5) dim5
    13: 67 6/7 13(9) 7(13/9) 13(11) 7(9/11/13) 7add13 7(add13) 7add6 7/6 7(6) 7/9(13) 13no11 13(no11) 9/13 9add13 13no5
    9: 9(11) 9/11 7(9/11) 7add9 7(add9) 9no5 9(no5) 9add11 11add3 11(add3) dom9
    7b9: 7(b9)(b13) 7b9b13 7b13b9 7-9-13 7-13-9 7#5b9 +7b9 +7(b9) aug7b9 7(b9#11) 7(-9+11) 7(-9,+5) 7+5-9 13-9 13(-9)
    7b9: 7b9add13 7b9/13 7(b9)/13 7b5b9 7b5(b9) 7alt(b9) 7b9sharp11 dom7b9 7♭9♯11 7(♭9,♭13) 7(9b) 7(9b/13b)
    7#9: 7(#9)(b13) 7#9b13 +7#9 +7(#9) aug7#9 7(+9,+5) 7+5+9 7+9+5 7(#5#9) 7#5#9 7b5#9 13+9 7(+9-13) 7♯9♭13 7(#9#11)
    7#9: 7alt(#9) 7altered altered 7(altered)
    7#11: 9+11 9(+11) 13+11 13(+11) 9+4 7(#4) 9(#4) 9-5 13-5 7(9)(#11) 7(#11)(13) 7(#11/13) 7/#11/13 7(#11,9,13) 9#4
    7#11: 13#4 7(11#) 9(11#)
    7#5: aug13 13(#5) 13#5 7(9)(b13) 9(-13) 9-13 9♯5 9/13- 9(13b) 7(13b) 7(b6) 9(b6) 7aug5 7(♯5)
    7sus4: 7sus(b9) 7(sus4/9) 7sus4/9 7sus4(9/13) 7sus4(13) 7sus4b9b13 9sus(13) 13sus(b9) 13susb9 7sus(9) 7sus4add9
    7sus4: 7sus(add3) 9susadd3 11(9) 11(b9) 11b9 11(13) sus7b9 sus4/7 sus4(7) sus(b9)7 7sus2/4 7sus4sus2 9sus4/13 m7sus4
    7sus4: 7(4)(9) 4/7/13 7/4/13 11sus 11sus4 sus9
    7: 7(no5) 7no5 7omit5 7add11 7(add11) 7no3 7no3rd 7(omit3) 7(11)
    m7b5: ø9 ø11 ø(9) ø7(9) ø(11) ø7/9 h(9) -7(-5) -7-5 m7(-5) min7-5 mi7-5 m7b5(9) m7b5/9 m7b5(11) m9(b5) m9-5 m11(5-)
    m7b5: -9b5 -11b5 m7dim5 m7(dim5) m7♭5♭9 m7b5b13 Ø9
    dim7: o9 o7(9) °7(9) °9 °11 dim9 °7(11) o7b13 dim7(b13) °7/9 m6b5 m6(b5) m6(5-) -6b5 dim7(add9) mb5bb7 m(b5)(bb7)
    m9: m7(9)(11) m7(9/13) -7(9) -7/9 -7(9/11) -7(add9) m7add9 m9(11) m9/11 -9(13) m9(no5) m13(9) -13 -7(9,11,13) m11(9)
    m7: m7(13) m7/13 m7(b13) m7(#5) m7+5 m7(+5) m7(5+) -7#5 -7+5 m7(no5) m7(b9) m7-9 -7b9 -7(11) m7add13 m7add4 m7/4
    m7: m7(4) m7(b6) m7♭6 mi7(11)
    m6: m69(11) m6(11) m6add9 m6/9/11 -6/9 -69 -(6) m(6) m(6/9) m6(9)(11) m(add6)
    m: m5# m(b6) mb6 m(add11) madd4 m+5 m(#5) -#5 m(9) m/9 madd2 m2 madd9(no5) m(add9/11) m(b13) mi(add9) minadd11 -add9
    : (add2) (add4) add4 (add11) add#4 (add#11) /9 (9) add9/11 add(9) 2 (2) Maj Major M(add9) (no5) no5 no5th (♭5)
    sus2: (sus2) sus2(no5) sus2(add13)
    6: (6) 6no5 6(no5) add6 (add6) add13 (add13) M6 maj6 6/9/#11 69#11 6(#11) 6/9(#11) 6(9/11) 6add9 6(add9) 6,9 6-9
    6: maj6/9 M6/9 M69 maj69 6(11+) 6(9)(11+)
    aug: aug5 (aug) (#5) aug(9) +add9 +(add9) 5+(9) 5+/9 +(9) (♯5)
    5: 5(no3) no3 (no3) 5add9 5(add9) (5) no3rd omit3rd
"""
REFUSED = {
    "Cmj9": "CmMaj7 Cmaj7", "C+9": "C9#5 Cadd9 C7#9", "Clyd": "C7#11", "Clyd7": "C7#11", "C7quarta": "C7sus4",
    "Cdom": "C7", "Cmaj5": "C", "CM5": "C", "Cm5": "Cm Cmb5", "C7susadd10": "C7sus4", "C7(b9)13": "C7b9",
    "Cm7(5°)": "Cm7b5", "C7(M7)": "Cmaj7", "Cm7M7": "Cm7 CmMaj7 Cmaj7", "Do7+": "Domaj7 Do7#5",
    "Sib7+": "Sibmaj7 Sib7#5", "Lab9+": "Labmaj9 Lab9#5", "C#5(7M)": "C#7M C(#5)7M", "Bb5(7M)": "Bb7M B(b5)7M",
    "Db5/7": "Db7 D(b5)7", "C7m": "Cm7 Cmaj7", "C9m": "Cm9 Cmaj9", "C7min": "Cm7", "C9mi": "Cm9", "Caugm": "Caug",
    "Csusm": "Csus4", "C5aug": "Caug", "C7#7": "C7#9", "C7+M": "Cmaj7", "Cm7+M": "CmMaj7", "Cm5b7": "Cm7b5",
    "C7.9": "C7(9)", "Cm7.9": "Cm7(9)", "C7lyd": "C7#11", "C7min10": "C7#9", "Cpower": "C5", "C.": "C", "C7.": "C7",
    "ConE": "C/E", "Dm7(onG)": "Dm7/G", "C\\E": "C/E",
}  # fmt: skip


def _rows() -> list[tuple[str, str]]:
    rows = [line.strip().partition(":") for line in TABLE.strip().splitlines()]
    return [(suffix, quality) for quality, _, suffixes in rows for suffix in suffixes.split()]


def test_the_table_is_large_and_says_one_thing_of_each_symbol() -> None:
    assert len(dict(_rows())) == len(_rows()) >= 450


@pytest.mark.parametrize(("suffix", "quality"), _rows())
def test_what_is_written_behind_the_root_is_one_chord(suffix: str, quality: str) -> None:
    chord = parse_chord("C" + suffix)
    assert chord is not None
    assert chord.quality == quality


@pytest.mark.parametrize(("written", "meant"), list(REFUSED.items()))
def test_what_is_refused_is_refused_with_the_chord_that_was_meant(written: str, meant: str) -> None:
    assert_refused(written, meant)


# Where the seventh is major, in eleven manners of writing it.
_NUMBERS = [(n, False, str(n)) for n in (7, 9, 11, 13)]
_NUMBERS += [(n, True, how.format(n)) for n in (7, 9, 11, 13) for how in ("{}M", "maj{}", "M{}", "Δ{}", "{}maj", "j{}")]
_NUMBERS += [(n, True, how.format(n)) for n in (9, 11, 13) for how in ("{}(maj7)", "{}(7M)", "{}M7", "{}/7M", "{}(#7)")]
_TENSIONS = ("b5", "#5", "b9", "#9", "#11", "b13", "9", "11", "13")
_SIGNS = {"b": ("b{}", "♭{}", "-{}", "{}-", "{}b"), "#": ("#{}", "♯{}", "+{}", "{}+", "{}#")}


def _quality(minor: bool, number: int, major: bool, tensions: tuple[str, ...]) -> str:
    """Returns the quality of a chord whose degrees are given, whatever was written for them."""
    degrees = {"1", "b3" if minor else "3", "5", "7" if major else "b7", *(str(n) for n in (9, 11, 13) if n <= number)}
    if any(tension.endswith("5") for tension in tensions):
        degrees.discard("5")
    if {"b9", "#9"} & set(tensions):
        degrees.discard("9")
    if number == 11 and not minor and not major:
        degrees = degrees - {"3"} | {"4"}
    degrees |= set(tensions)
    return nearest_quality(degrees)


def _spellings(tensions: tuple[str, ...]) -> Iterator[str]:
    """Yields tensions with their signs before and behind, in brackets, behind slashes, one by one."""
    manners = [_SIGNS[t[0]] if t[0] in "b#" else ("{}",) for t in tensions]
    for signs in itertools.product(*manners):
        degrees = [sign.format(tension.lstrip("b#")) for sign, tension in zip(signs, tensions, strict=True)]
        yield f"({'/'.join(degrees)})"
        yield f"({','.join(degrees)})"
        yield "".join(f"({degree})" for degree in degrees)
        yield "/" + "/".join(degrees)


@pytest.mark.parametrize(("number", "major", "core"), _NUMBERS)
def test_a_chord_is_the_sum_of_its_degrees_in_every_manner_of_writing_them(number: int, major: bool, core: str) -> None:
    pairs = [pair for pair in itertools.permutations(_TENSIONS, 2) if pair[0].lstrip("b#") != pair[1].lstrip("b#")]
    pairs = pairs[len(core) % 4 :: 4]  # all of them over all cores are 360,000 symbols: checked once, none was wrong
    refused = 0
    for minor in ("", "m", "-"):
        for tensions in [(), *((tension,) for tension in _TENSIONS), *pairs]:
            quality = _quality(bool(minor), number, major, tensions)
            for behind in set(_spellings(tensions)) if tensions else [""]:
                try:
                    chord = parse_chord(f"C{minor}{core}{behind}")
                except ChordError:
                    refused += 1
                    continue
                assert chord is not None
                assert chord.quality == quality, chord.written
    assert refused <= 4
