"""The laws of whole performances: heads return, the end is an end, hands that can play it, a player's dynamics."""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter

import numpy as np
import pytest

from benchmarks.music.practice_laws import broken
from engine.data.practice import Composition, compose_whole, practice_piece
from engine.data.practice.hands.part import LEFT, RIGHT
from engine.data.practice.hands.scales import Harmony
from engine.data.practice.measures import beats_of, head_returns, low_windows, silence, widest
from engine.data.practice.piece import STYLES

PIECES = 120


@pytest.fixture(scope="module")
def pieces() -> list[Composition]:
    return [compose_whole(5, number) for number in range(PIECES)]


def test_a_piece_depends_on_seed_and_number_alone() -> None:
    digest = hashlib.sha256()
    for number in (3, 0, 1):
        notes = compose_whole(0, number).notes
        steps = [np.rint(notes[name] * 1e4).astype("<i8") for name in ("onset_s", "offset_s")]
        for column in (*steps, notes["pitch"].astype("<i8"), notes["velocity"].astype("<i8")):
            digest.update(column.tobytes())
    # A change of the music changes this value: check by ear and eye, then write the new one here.
    assert digest.hexdigest()[:16] == "c3e85ef4bb02dec3"
    assert not np.array_equal(compose_whole(1, 0).notes, compose_whole(0, 0).notes)


def test_styles_roles_metres_and_all_kinds_of_sections_occur(pieces: list[Composition]) -> None:
    assert {piece.style for piece in pieces} == set(STYLES)
    assert {piece.role for piece in pieces} == {"solo", "left", "right", "comping", "accompany"}
    assert {piece.chart.beats_per_bar for piece in pieces} == {3, 4, 5}
    kinds = Counter(section.kind for piece in pieces if piece.plan for section in piece.plan.sections)
    assert set(kinds) == {"intro", "head", "solo", "trade", "shout", "tag", "end"}
    assert kinds["end"] == PIECES
    assert {"full", "boogie", "tenths"} <= {piece.left for piece in pieces}


def test_sections_fill_the_chart_and_heads_stand_at_both_ends(pieces: list[Composition]) -> None:
    for piece in pieces:
        assert piece.plan is not None
        sections = piece.plan.sections
        assert sections[0].first == 0
        assert all(one.stop == other.first for one, other in itertools.pairwise(sections))
        assert sections[-1].stop == piece.chart.bars
        choruses = [section for section in sections if section.letter]
        assert choruses[0].kind == "head"
        if choruses[-1].chorus > 1:
            assert choruses[-1].kind == "head"
            solos = [section.heat for section in choruses if section.kind == "solo"]
            assert solos == sorted(solos)


def test_heads_return_varied_but_to_be_known(pieces: list[Composition]) -> None:
    returns = [share for piece in pieces if (share := head_returns(piece)) is not None]
    assert len(returns) > 30
    assert 0.5 < np.mean(returns) < 0.97
    assert np.mean(np.array(returns) >= 0.5) > 0.9
    assert min(returns) < 0.95


def test_no_piece_breaks_a_law(pieces: list[Composition]) -> None:
    assert {number: laws for number, piece in enumerate(pieces) if (laws := broken(piece))} == {}


def test_a_hand_that_plays_alone_rests_for_three_bars_at_most(pieces: list[Composition]) -> None:
    alone = [piece for piece in pieces if piece.role in ("left", "right")]
    assert alone
    for piece in alone:
        bars = np.floor((beats_of(piece, piece.notes["onset_s"]) + 0.3) / piece.chart.beats_per_bar)
        played = np.concatenate([[-1], np.unique(bars), [piece.chart.bars]])
        assert np.diff(played).max() <= 4


def test_every_piece_holds_its_last_chord_for_a_while(pieces: list[Composition]) -> None:
    for piece in pieces:
        last = (piece.chart.bars - 1) * piece.chart.beats_per_bar
        ending = piece.notes[beats_of(piece, piece.notes["onset_s"]) > last - 0.15]
        assert (ending["offset_s"] - ending["onset_s"]).max() > 1.0


def test_labels_lie_on_the_beats_of_a_piece_that_slows_down() -> None:
    slowed = 0
    for number in range(30):
        piece, music = practice_piece(5, number, edition=2), compose_whole(5, number)
        gaps = np.diff(piece.performance.beats_s)
        steady = gaps[: len(gaps) // 2]
        assert np.allclose(steady, 60 / music.tempo_bpm, atol=2e-6)
        slowed += gaps[-1] > 1.15 * gaps[0]
        assert (np.diff(gaps) > -2e-6).all()
        onsets = np.array([onset_s for onset_s, _ in piece.chords])
        assert np.abs(onsets[:, None] - piece.performance.beats_s[None, :]).min(axis=1).max() < 1e-9
        for span in music.chart.spans:
            at_s = piece.performance.beats_s[int(span.start_beat)] + 1e-6
            assert piece.chords[int(np.searchsorted(onsets, at_s, side="right")) - 1][1] == span.chord
    assert 5 < slowed < 28


def test_velocities_spread_as_players_do_and_rise_with_the_music(pieces: list[Composition]) -> None:
    assert 60 < np.mean([piece.notes["velocity"].mean() for piece in pieces]) < 72
    rises = []
    for piece in pieces:
        assert piece.plan is not None
        beat = beats_of(piece, piece.notes["onset_s"])
        heat = np.array([section.heat for section in piece.plan.sections for _ in range(section.bars)])
        bar = np.clip(beat // piece.chart.beats_per_bar, 0, len(heat) - 1).astype(int)
        if np.ptp(heat) > 0.5:
            rises.append(np.corrcoef(heat[bar], piece.notes["velocity"])[0, 1])
    assert np.mean(rises) > 0.15


def test_hands_stay_in_range(pieces: list[Composition]) -> None:
    for piece in pieces:
        left, right = (piece.notes[piece.hands == hand] for hand in (LEFT, RIGHT))
        if len(left):
            assert left["pitch"].min() >= 28
            assert left["pitch"].max() <= 64
        if len(right):
            assert right["pitch"].min() >= 55
            assert right["pitch"].max() <= 96


def test_a_key_is_let_go_before_it_is_struck_again(pieces: list[Composition]) -> None:
    for piece in pieces:
        notes = piece.notes
        length_s = notes["offset_s"] - notes["onset_s"]
        assert length_s.min() > 0.02
        assert length_s.max() <= 4.5
        for pitch in np.unique(notes["pitch"]):
            of_pitch = notes[notes["pitch"] == pitch]
            assert np.all(of_pitch["onset_s"][1:] > of_pitch["offset_s"][:-1])


def test_strong_beats_are_chord_tones_and_held_notes_fit(pieces: list[Composition]) -> None:
    inside = strong = wrong = held = 0
    for piece in pieces:
        harmony, beat = Harmony(piece.chart), beats_of(piece, piece.notes["onset_s"])
        length = beats_of(piece, piece.notes["offset_s"]) - beat
        meter, whole = piece.chart.beats_per_bar, np.rint(beat)
        accented = np.isin(whole % meter, (0, 2) if meter == 4 else (0,)) & (np.abs(beat - whole) < 0.12)
        for k in np.flatnonzero(accented & (piece.hands == RIGHT)):
            strong += 1
            inside += int(piece.notes["pitch"][k]) % 12 in harmony.at(float(whole[k])).tones
        for k in np.flatnonzero(length >= 1):
            early = 0.55 if beat[k] % 1 > 0.45 else 0.05
            held += 1
            wrong += int(piece.notes["pitch"][k]) % 12 not in harmony.at(float(beat[k]) + early).held
    assert inside / strong > 0.88
    assert wrong / held < 0.03


def test_solos_are_as_thick_as_modern_players_play_and_rest_as_often(pieces: list[Composition]) -> None:
    """Medians, within the players' bands or near them: some seventy solos of all styles stand here for thousands."""
    solos = [piece for piece in pieces if piece.role == "solo"]
    last_s = np.array([piece.notes["offset_s"].max() for piece in solos])
    density = np.array([len(piece.notes) for piece in solos]) / last_s
    sounding = np.array([(piece.notes["offset_s"] - piece.notes["onset_s"]).sum() for piece in solos]) / last_s
    assert 9.5 < np.median(density) < 18
    assert density.max() > 15
    assert 3.8 < np.median(sounding) < 5.9
    assert 0.05 < np.median([silence(piece) for piece in solos]) < 0.14
    assert 0.27 < np.median([(piece.notes["pitch"] < 60).mean() for piece in solos]) < 0.4
    assert np.median([low_windows(piece) for piece in solos]) > 0.83
    # Not every piece is thick: some ballads and thin solos stay sparse.
    assert density.min() < 6
    assert sounding.min() < 3


def test_the_measure_of_reach_sees_drop_2(pieces: list[Composition]) -> None:
    assert max(widest(piece, RIGHT) for piece in pieces) > 12


def test_hands_talk_to_each_other_where_fours_are_traded(pieces: list[Composition]) -> None:
    """In the fours that the right hand leaves, the left hand has a line: single notes, one after the other."""
    answers = 0
    for piece in pieces:
        assert piece.plan is not None
        meter = piece.chart.beats_per_bar
        beat = beats_of(piece, piece.notes["onset_s"])
        for section in piece.plan.sections if piece.role == "solo" else ():
            for bar in range(section.first + 4, section.stop, 8) if section.kind == "trade" else ():
                stop = min(bar + 4, section.stop)
                there = (beat >= bar * meter + 0.3) & (beat < stop * meter - 1.3)
                assert (piece.hands[there] == LEFT).all()
                answers += int(there.sum() >= 3)
    assert answers > 5
