"""The laws of practice pieces: textbook harmony, hands that can play it, human time, exact labels."""

from __future__ import annotations

import hashlib
import itertools
import time
from collections import Counter

import numpy as np
import pytest

import native
from engine.chords.recognise import recognise
from engine.data.practice import Composition, compose, practice_pieces
from engine.data.practice.hands.part import LEFT, RIGHT
from engine.data.practice.hands.scales import Harmony
from engine.data.practice.hands.voicings import is_clear
from engine.data.practice.piece import STYLES
from engine.data.practice.timing import swing_ratio
from engine.notes import Notes
from engine.vocabulary import LAYOUT, QUALITIES

PIECES = 160
ROOTED = ("open", "arpeggios", "shell", "pop", "stride")  # left hands that state the root


@pytest.fixture(scope="module")
def pieces() -> list[Composition]:
    return [compose(5, number) for number in range(PIECES)]


def beats_of(piece: Composition, notes: Notes) -> np.ndarray:
    return notes["onset_s"] * piece.tempo_bpm / 60.0


def hand(piece: Composition, which: int) -> Notes:
    return piece.notes[piece.hands == which]


def test_pieces_are_endless_whole_and_named_by_seed_and_number() -> None:
    stream = list(practice_pieces(3, 400))
    assert [piece.source.work for piece in stream] == [f"practice-3-{n}" for n in range(len(stream))]
    bars = [int((piece.performance.beat_in_bar[:-1] == 0).sum()) for piece in stream]
    assert sum(bars[:-1]) < 400 <= sum(bars)
    assert {(piece.source.collection, piece.source.licence) for piece in stream} == {("practice", "generated")}
    assert {(piece.chord_source, piece.beat_source) for piece in stream} == {("generated", "generated")}
    assert len(list(itertools.islice(practice_pieces(3, 10**9), 12))) == 12


def test_a_piece_depends_on_seed_and_number_alone(pieces: list[Composition]) -> None:
    streamed = list(practice_pieces(5, 300))
    for number in (4, 2, 0):
        assert np.array_equal(streamed[number].performance.notes, pieces[number].notes)
        assert np.array_equal(compose(5, number).notes, pieces[number].notes)
    assert not np.array_equal(compose(6, 0).notes, pieces[0].notes)


def test_the_same_seed_gives_the_same_bytes_on_every_platform() -> None:
    digest = hashlib.sha256()
    for number in range(12):
        music = compose(0, number)
        steps = [np.rint(music.notes[name] * 1e4).astype("<i8") for name in ("onset_s", "offset_s")]
        for column in (*steps, music.notes["pitch"].astype("<i8"), music.notes["velocity"].astype("<i8")):
            digest.update(column.tobytes())
    # A change of the music changes this value: check by ear and eye, then write the new one here.
    assert digest.hexdigest()[:16] == "aea93e47cf0ee7b7"


def test_all_keys_qualities_meters_styles_slash_chords_and_paces_occur(pieces: list[Composition]) -> None:
    chords = [span.chord for piece in pieces for span in piece.chart.spans if span.chord]
    assert {chord.root for chord in chords} == set(range(12))
    qualities = Counter(chord.quality for chord in chords)
    assert set(qualities) == set(QUALITIES)
    assert min(qualities.values()) / len(chords) > 0.001
    assert 0.01 < sum(chord.bass is not None for chord in chords) / len(chords) < 0.2
    assert {piece.chart.beats_per_bar for piece in pieces} == {3, 4}
    assert {piece.style for piece in pieces} == set(STYLES)
    assert {piece.role for piece in pieces} == {"solo", "left", "right", "comping", "accompany"}
    paces = {span.end_beat - span.start_beat for piece in pieces for span in piece.chart.spans}
    assert paces == {1, 2, 3, 4}
    assert all(24 <= piece.chart.bars <= 96 for piece in pieces)


def test_labels_lie_on_the_nominal_beat_and_say_what_the_chart_says() -> None:
    for number, piece in enumerate(itertools.islice(practice_pieces(5, 10**6), 20)):
        music = compose(5, number)
        beat_s = 60.0 / music.tempo_bpm
        beats_s, beat_in_bar = piece.performance.beats_s, piece.performance.beat_in_bar
        assert np.allclose(np.diff(beats_s), beat_s)
        assert len(beats_s) == music.chart.beats + 1
        assert np.array_equal(beat_in_bar, np.arange(len(beats_s)) % music.chart.beats_per_bar)
        onsets = np.array([onset_s for onset_s, _ in piece.chords])
        assert piece.chords[0][0] == 0.0
        assert np.all(np.diff(onsets) > 0)
        assert np.abs(onsets[:, None] - beats_s[None, :]).min(axis=1).max() < 1e-9
        for span in music.chart.spans:
            at = np.searchsorted(onsets, span.start_beat * beat_s + 1e-6, side="right") - 1
            assert piece.chords[at][1] == span.chord


def test_the_right_hands_strong_beats_are_chord_tones_nine_times_in_ten(pieces: list[Composition]) -> None:
    for style in STYLES:
        inside = total = 0
        for piece in pieces:
            if piece.style != style or piece.role not in ("solo", "right"):
                continue
            meter, notes = piece.chart.beats_per_bar, hand(piece, RIGHT)
            beat = beats_of(piece, notes)
            whole = np.rint(beat)
            strong = (np.abs(beat - whole) < 0.12) & np.isin(whole % meter, (0, 2) if meter == 4 else (0,))
            harmony = Harmony(piece.chart)
            for pitch, at in zip(notes["pitch"][strong], whole[strong], strict=True):
                inside += int(pitch) % 12 in harmony.at(float(at)).tones
                total += 1
        assert total > 50
        assert inside / total > 0.9, style


def test_held_notes_are_not_avoid_notes_of_their_chord(pieces: list[Composition]) -> None:
    wrong = total = 0
    for piece in pieces:
        harmony = Harmony(piece.chart)
        length_s = piece.notes["offset_s"] - piece.notes["onset_s"]
        beat = beats_of(piece, piece.notes)
        for k in np.flatnonzero((length_s * piece.tempo_bpm >= 60) & (length_s > 0.4)):
            early = 0.55 if beat[k] % 1 > 0.45 else 0.05  # struck on the offbeat and held: it belongs to what comes
            wrong += int(piece.notes["pitch"][k]) % 12 not in harmony.at(float(beat[k]) + early).held
            total += 1
    assert wrong / total < 0.02


def test_every_note_fits_the_scale_of_its_chord_or_leads_by_a_half_step(pieces: list[Composition]) -> None:
    outside = total = 0
    for piece in pieces:
        harmony, beat = Harmony(piece.chart), beats_of(piece, piece.notes)
        for pitch, at in zip(piece.notes["pitch"], beat, strict=True):
            near = harmony.at(float(at) + 0.05).scale | harmony.at(float(at) + 0.6).scale
            outside += int(pitch) % 12 not in near
            total += 1
    assert 0.005 < outside / total < 0.08  # chromatic approaches and enclosures are taught too


def test_the_recogniser_hears_the_chords_of_the_label(pieces: list[Composition]) -> None:
    for kinds, share in ((ROOTED, 0.75), (None, 0.55)):
        same = related = total = 0
        for piece in pieces[:60]:
            if kinds and (piece.left not in kinds or piece.role != "solo"):
                continue
            beats_s = np.arange(piece.chart.beats + 1) * 60.0 / piece.tempo_bpm
            heard = recognise(piece.notes, beats_s)
            starts = np.array([onset_s for onset_s, _ in heard])
            for span in piece.chart.spans:
                middle_s = (span.start_beat + span.end_beat) * 30.0 / piece.tempo_bpm
                chord = heard[max(0, int(np.searchsorted(starts, middle_s, side="right")) - 1)][1]
                assert span.chord is not None
                total += 1
                if chord is not None:
                    common = set(chord.pitch_classes()) & set(span.chord.pitch_classes())
                    same += chord.root == span.chord.root
                    related += chord.root == span.chord.root or len(common) >= 3
        assert same / total > share  # a rootless voicing is, to the ear, another chord
        assert related / total > 0.75


def test_hands_stay_in_range_and_never_cross(pieces: list[Composition]) -> None:
    for piece in pieces:
        left, right = hand(piece, LEFT), hand(piece, RIGHT)
        if len(left):
            assert left["pitch"].min() >= 28
            assert left["pitch"].max() <= 64
        if len(right):
            assert right["pitch"].min() >= 55
            assert right["pitch"].max() <= 96
        if len(left) and len(right):
            for note in right:
                beside = left[(left["onset_s"] < note["offset_s"]) & (left["offset_s"] > note["onset_s"])]
                assert np.all(beside["pitch"] < note["pitch"])


def test_the_left_hand_makes_no_mud_and_its_rootless_chords_move_by_small_steps(pieces: list[Composition]) -> None:
    moves = []
    for piece in pieces:
        left = hand(piece, LEFT)
        if not len(left):
            continue
        group = np.cumsum(np.concatenate([[0], np.diff(left["onset_s"]) > 0.03]))
        before: tuple[int, ...] = ()
        for k in range(int(group[-1]) + 1):
            chord = tuple(sorted(int(pitch) for pitch in left["pitch"][group == k]))
            if len(chord) < 2:
                continue
            assert is_clear(chord)
            assert chord[-1] - chord[0] <= 16
            if piece.left in ("rootless", "three") and piece.role == "solo" and len(before) == len(chord):
                moves.append(np.abs(np.subtract(chord, before)).mean())
            before = chord
    assert np.mean(moves) < 1.5
    assert np.percentile(moves, 95) <= 5


def test_a_key_is_let_go_before_it_is_struck_again_and_no_note_is_endless_or_nothing(pieces: list[Composition]) -> None:
    for piece in pieces:
        notes = piece.notes
        length_s = notes["offset_s"] - notes["onset_s"]
        assert notes["onset_s"].min() >= 0
        assert length_s.max() <= 4.5
        assert length_s.min() > 0.02
        assert np.all(np.diff(notes["onset_s"]) >= 0)
        for pitch in np.unique(notes["pitch"]):
            of_pitch = notes[notes["pitch"] == pitch]
            assert np.all(of_pitch["onset_s"][1:] > of_pitch["offset_s"][:-1])


def test_pieces_tokenise_within_ten_fingers_and_sixteen_voices(pieces: list[Composition]) -> None:
    for piece in pieces:
        notes = piece.notes
        edges = np.concatenate([notes["onset_s"], notes["offset_s"]])
        change = np.repeat([1, -1], len(notes))
        assert np.cumsum(change[np.lexsort((change, edges))]).max() <= 12
        ids = native.encode(LAYOUT, notes["onset_s"], notes["offset_s"], notes["pitch"], notes["velocity"])
        _, _, pitch, _, _, _ = native.decode(LAYOUT, ids)
        assert sorted(pitch) == sorted(notes["pitch"])


def test_velocities_are_a_players(pieces: list[Composition]) -> None:
    velocity = np.concatenate([piece.notes["velocity"] for piece in pieces]).astype(float)
    assert velocity.min() >= 20
    assert velocity.max() <= 118
    spread = [piece.notes["velocity"].std() for piece in pieces]
    assert 4 < np.median(spread) < 16
    louder = [hand(p, RIGHT)["velocity"].mean() - hand(p, LEFT)["velocity"].mean() for p in pieces if p.role == "solo"]
    assert np.mean(np.array(louder) > 0) > 0.95


def test_density_runs_from_sparse_to_busy_and_there_are_rests(pieces: list[Composition]) -> None:
    density = [len(p.notes) / (p.chart.beats * 60.0 / p.tempo_bpm) for p in pieces]
    assert np.mean((np.array(density) >= 2) & (np.array(density) <= 14)) > 0.97
    assert 1.2 < min(density) < 4
    assert 9 < max(density) < 16.5
    for piece in pieces:
        if piece.role != "solo":
            continue
        right = hand(piece, RIGHT)
        gap_beats = (right["onset_s"][1:] - np.maximum.accumulate(right["offset_s"])[:-1]) * piece.tempo_bpm / 60
        assert (gap_beats >= 0.9).sum() >= piece.chart.bars / 16  # a breath in sixteen bars, at the least
        assert gap_beats.max() < 6 * piece.chart.beats_per_bar


def test_offbeats_swing_by_tempo_and_play_evenly_elsewhere(pieces: list[Composition]) -> None:
    assert swing_ratio(60) > 0.65
    assert swing_ratio(250) < 0.57
    for style, low, high in (("swing", 0.57, 0.69), ("up", 0.52, 0.64), ("pop", 0.46, 0.56), ("bossa", 0.46, 0.56)):
        places = []
        for piece in pieces:
            if piece.style == style and piece.role == "solo":
                part = beats_of(piece, hand(piece, RIGHT)) % 1
                places.append(np.median(part[(part > 0.42) & (part < 0.8)]))
        assert low < np.median(places) < high, style


def test_hands_are_near_the_beat_but_never_exact(pieces: list[Composition]) -> None:
    for piece in pieces[:40]:
        left = hand(piece, LEFT)
        beat = beats_of(piece, left)
        off_ms = (beat - np.rint(beat))[np.abs(beat - np.rint(beat)) < 0.12] * 60_000 / piece.tempo_bpm
        if len(off_ms) > 30:
            assert 1.5 < off_ms.std() < 25
            assert abs(np.median(off_ms)) < 25


def test_more_than_two_thousand_bars_a_second_leave_one_core() -> None:
    compose(1, 0)
    rates = []
    for start in (0, 10, 20):
        begin = time.process_time()
        bars = sum(compose(2, number).chart.bars for number in range(start, start + 10))
        rates.append(bars / (time.process_time() - begin))
    assert max(rates) > 1000  # 9,000 on an idle core; half of what is asked, for the slowest machine of a test farm
