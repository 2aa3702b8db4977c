"""The chord under the hands: a table of voicings, pedal, rolls and lifts."""

from __future__ import annotations

import time

import pytest

from engine.chords.identify import identify
from engine.chords.tracker import ChordFollower, ChordTracker

PITCH_CLASSES = {
    "C": 0, "Db": 1, "C#": 1, "D": 2, "Eb": 3, "E": 4, "F": 5, "F#": 6, "Gb": 6, "G": 7, "G#": 8, "Ab": 8, "A": 9,
    "Bb": 10, "B": 11,
}  # fmt: skip

# Notes from the bass up -> the chord's name; "-" for none.
VOICINGS = [line.split(": ") for line in """\
C E G: C
E G C: C/E
G C E: C/G
A C E: Am
C E A: Am/C
C E G B: Cmaj7
C E B: Cmaj7
C E G Bb: C7
E G Bb C: C7/E
Bb C E G: C7/Bb
C E Bb: C7
C Eb G Bb: Cm7
C Eb Bb: Cm7
C Eb B: CmMaj7
C Eb Gb Bb: Cm7b5
B D F A: Bm7b5
C Eb Gb: Cdim
B D F: Bdim
C Eb Gb A: Cdim7
E G Bb Db: Edim7
C E G#: Caug
E G# C: Eaug
C F G: Csus4
C D G: Csus2
C F G Bb: C7sus4
C F Bb D: C7sus4
G F A C: G7sus4
C E G A: C6
A C E G: Am7
C Eb G A: Cm6
D F A B: Dm6
C D E G A: C6
C E Bb D: C9
C E B D: Cmaj9
C E G B D: Cmaj9
C E G B A: Cmaj7
C Eb Bb D: Cm9
D F C E: Dm9
C E Bb D A: C13
C E Bb A: C13
C E G Bb Db: C7b9
C E Bb Db: C7b9
C E Bb Eb: C7#9
C E G Bb Eb: C7#9
C E Bb F#: C7#11
C E G Bb F#: C7#11
C E Bb G#: C7#5
C E G D: C
C Eb G D: Cm
C Eb G Bb F: Cm7
C F A: F/C
C D F# A: D7/C
E Bb D A: C13
Bb D E A: C13
F A B E: G13
B E F A: G13
F A C E: Fmaj7
E A D G C: C6/E
G B F: G7
B F G: G7/B
C G: C5
C E: C
E C: C/E
C Eb: Cm
C Bb: C7
C B: Cmaj7
C C#: -
C: -
C C# D Eb E F: -""".splitlines()]  # fmt: skip


def _stack(names: str) -> list[int]:
    """Pitches from C2 up, each note the next of its name above the one before."""
    pitches = [35]
    for name in names.split():
        pitches.append(pitches[-1] + ((PITCH_CLASSES[name] - pitches[-1]) % 12 or 12))
    return pitches[1:]


@pytest.mark.parametrize(("names", "chord"), VOICINGS, ids=[f"{v[1]} as {v[0]}" for v in VOICINGS])
@pytest.mark.parametrize("semitones", [0, 5])
def test_voicings(names: str, chord: str, semitones: int) -> None:
    tracker = ChordTracker()
    for pitch in _stack(names):
        tracker.note_on(pitch + semitones, 80, 0.0)
    found = tracker.current()
    if semitones == 0:
        assert (found.name if found else "-") == chord
    else:
        original = ChordTracker()
        for pitch in _stack(names):
            original.note_on(pitch, 80, 0.0)
        before = original.current()
        assert (found is None) == (before is None)
        if found and before:
            assert (found.root, found.quality) == ((before.root + semitones) % 12, before.quality)


def test_nothing_held_is_no_chord() -> None:
    tracker = ChordTracker()
    assert tracker.current() is None
    tracker.note_off(60, 0.0)
    assert tracker.current() is None


def test_lifting_a_note_changes_the_chord_and_velocity_zero_lifts() -> None:
    tracker = ChordTracker()
    for pitch in (48, 52, 55, 58):
        tracker.note_on(pitch, 80, 0.0)
    assert str(tracker.current()) == "C7"
    tracker.note_on(58, 0, 0.5)
    assert str(tracker.current()) == "C"


def test_the_pedal_holds_a_bass_under_the_hands() -> None:
    tracker = ChordTracker()
    tracker.note_on(29, 90, 0.0)  # F, left hand, stride
    tracker.note_off(29, 0.3, pedalled=True)
    for pitch in (57, 60, 64):
        tracker.note_on(pitch, 70, 0.5)
    assert str(tracker.current()) == "Fmaj7"
    assert tracker.note_end(29)
    assert str(tracker.current()) == "Am"
    assert not tracker.note_end(29)


def test_legato_pedalling_does_not_mix_two_chords() -> None:
    tracker = ChordTracker()
    for pitch in (48, 52, 55):
        tracker.note_on(pitch, 80, 0.0)
        tracker.note_off(pitch, 0.9, pedalled=True)
    for pitch in (53, 57, 60):
        tracker.note_on(pitch, 80, 1.0)
    assert str(tracker.current()) == "F"


def test_a_rolled_chord_is_one_change_dated_at_its_first_note() -> None:
    follower = ChordFollower()
    for i, pitch in enumerate((48, 52, 55, 59)):
        follower.note_on(pitch, 80, 1.0 + 0.03 * i)
        assert follower.poll(1.0 + 0.03 * i + 0.02) is None
    change = follower.poll(1.2)
    assert change is not None
    assert (change.time_s, str(change.chord)) == (1.0, "Cmaj7")
    assert follower.poll(1.3) is None
    assert follower.due_s is None


def test_a_full_chord_grasped_at_once_does_not_wait_for_more_fingers() -> None:
    follower = ChordFollower()
    for i, pitch in enumerate((48, 52, 55)):
        follower.note_on(pitch, 80, 1.0 + 0.006 * i)
        assert follower.poll(1.0 + 0.006 * i + 0.005) is None
    assert follower.due_s == pytest.approx(1.02)
    assert [str(change.chord) for change in [follower.poll(1.021)] if change] == ["C"]
    follower.note_on(59, 80, 1.025)  # a late finger
    assert [str(change.chord) for change in [follower.poll(1.034)] if change] == ["Cmaj7"]
    assert follower.due_s is None


@pytest.mark.parametrize("lift_s", [-0.03, 0.0, 0.02, 0.06, 0.12])
def test_the_fingers_of_the_chord_before_neither_colour_nor_delay_the_new_one(lift_s: float) -> None:
    follower = ChordFollower()
    events = [(0.0, True, pitch) for pitch in (50, 53, 57, 60)]
    events += [(1.0 + 0.005 * i, True, pitch) for i, pitch in enumerate((55, 59, 62, 65))]
    events += [(1.0 + lift_s + 0.004 * i, False, pitch) for i, pitch in enumerate((50, 53, 57, 60))]
    events.sort()
    changes = []
    for millisecond in range(2000):
        now_s = millisecond / 1000
        while events and events[0][0] <= now_s:
            at_s, down, pitch = events.pop(0)
            if down:
                follower.note_on(pitch, 80, at_s)
            else:
                follower.note_off(pitch, at_s)
        change = follower.poll(now_s)
        if change is not None:
            changes.append((millisecond, str(change.chord)))
    assert [chord for _, chord in changes] == ["Dm7", "G7"]
    assert changes[1][0] <= 1025


def test_a_bass_that_is_held_belongs_to_the_chords_over_it() -> None:
    follower = ChordFollower()
    follower.note_on(43, 80, 0.0)
    follower.poll(0.1)
    for pitch in (65, 69, 72):
        follower.note_on(pitch, 80, 0.5)
    assert [str(change.chord) for change in [follower.poll(0.51)] if change] == ["G7sus4"]
    assert follower.poll(1.0) is None


def test_keys_that_stay_down_count_in_the_end() -> None:
    follower = ChordFollower()
    for pitch in (48, 55):
        follower.note_on(pitch, 80, 0.0)
    follower.poll(0.1)
    for pitch in (64, 67, 71):  # E minor by itself
        follower.note_on(pitch, 80, 1.0)
    assert [str(change.chord) for change in [follower.poll(1.01)] if change] == ["Em"]
    assert [str(change.chord) for change in [follower.poll(1.2)] if change] == ["Cmaj7"]


def test_lifting_fingers_one_by_one_is_one_change() -> None:
    follower = ChordFollower()
    for pitch in (48, 52, 55, 59):
        follower.note_on(pitch, 80, 0.0)
    assert follower.poll(0.1) is not None
    for i, pitch in enumerate((59, 48, 52, 55)):
        follower.note_off(pitch, 1.0 + 0.1 * i)
        assert follower.poll(1.0 + 0.1 * i + 0.05) is None
    change = follower.poll(2.0)
    assert change is not None
    assert change.chord is None


def test_a_legato_change_reports_only_the_new_chord() -> None:
    follower = ChordFollower()
    for pitch in (48, 52, 55):
        follower.note_on(pitch, 80, 0.0)
    follower.poll(0.1)
    for pitch in (48, 52, 55):
        follower.note_off(pitch, 1.0)
    for pitch in (53, 57, 60):
        follower.note_on(pitch, 80, 1.05)
    change = follower.poll(1.1)
    assert change is not None
    assert str(change.chord) == "F"


def test_the_same_chord_again_is_no_change() -> None:
    follower = ChordFollower()
    for turn in range(2):
        for pitch in (48, 52, 55):
            follower.note_on(pitch, 80, turn)
        assert (follower.poll(turn + 0.05) is None) == (turn == 1)
        for pitch in (48, 52, 55):
            follower.note_off(pitch, turn + 0.95)


def test_the_pedal_that_lets_go_of_a_chord_reports_the_silence() -> None:
    follower = ChordFollower()
    for pitch in (48, 52, 55):
        follower.note_on(pitch, 80, 0.0)
    follower.poll(0.1)
    for pitch in (48, 52, 55):
        follower.note_off(pitch, 0.2, pedalled=True)
    assert follower.poll(0.5) is None
    assert not follower.holds
    for pitch in (48, 52, 55):
        follower.note_end(pitch, 1.0)
    change = follower.poll(1.2)
    assert change is not None
    assert change.chord is None


def test_a_chord_is_named_in_a_fifth_of_a_millisecond() -> None:
    identify.cache_clear()
    sets = range(7, 4096, 41)
    start = time.process_time()
    for pitch_classes in sets:
        identify(pitch_classes, 0)
    assert (time.process_time() - start) / len(sets) < 200e-6
