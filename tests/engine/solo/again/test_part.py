"""Of several instruments one part is played again; the notes of the others stay to the tick."""

from __future__ import annotations

from pathlib import Path

import mido
import pytest

from bridge.cli import main
from bridge.recording.take import Take
from engine.metre import COMMON
from engine.solo.again.midi_take import MidiTake, TakeNote

BAR_TICKS = 4 * 480


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight bars at 120 as `sideman play --record` writes them: the sideman above, the player below, chords marked."""
    path = tmp_path_factory.mktemp("part") / "rec.mid"
    take = Take(path, start_us=0, tempo_bpm=120.0)
    take.beat(0, 120.0, 0, COMMON)
    for beat in range(32):
        at_us = beat * 500_000
        for who, status, pitch in ((take.note_out, 0x90, 72 + beat * 5 % 12), (take.heard, 0x90, 40 + beat * 7 % 12)):
            who(at_us, bytes((status, pitch, 70)))
            who(at_us + 450_000, bytes((0x80, pitch, 0)))
        if beat % 4 == 0:
            take.marked(at_us, ("A", "D", "E", "A")[beat // 4 % 4])
    take.save()
    return path


def again(path: Path, out: Path, *options: str) -> None:
    assert main(["again", str(path), "--bars", "5-8", "--seed", "1", "-o", str(out), *options]) == 0


def of_track(path: Path, number: int) -> list[tuple[int, ...]]:
    return [note[:4] for note in MidiTake(path).notes if note.track == number]


def before(notes: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    return [note for note in notes if note[0] < 4 * BAR_TICKS]


def test_a_players_own_track_stays_to_the_tick(
    recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.mid"
    again(recording, out)
    assert of_track(out, 2) == of_track(recording, 2)
    assert before(of_track(out, 1)) == before(of_track(recording, 1))
    assert of_track(out, 1) != of_track(recording, 1)
    said = capsys.readouterr().out
    assert f"{recording}: played again is 1 of 2 parts: 'Sideman'\n" in said
    assert "chords: from the markers" in said


def test_a_named_track_is_played_again_and_all_is_every_track(recording: Path, tmp_path: Path) -> None:
    again(recording, tmp_path / "player.mid", "--tracks", "Player")
    assert of_track(tmp_path / "player.mid", 1) == of_track(recording, 1)
    assert of_track(tmp_path / "player.mid", 2) != of_track(recording, 2)
    again(recording, tmp_path / "all.mid", "--tracks", "all")
    assert all(of_track(tmp_path / "all.mid", number) != of_track(recording, number) for number in (1, 2))


def test_of_a_band_the_piano_is_played_again(recording: Path, tmp_path: Path) -> None:
    file = mido.MidiFile(recording)
    for track, name, program in zip(file.tracks[1:], ("Piano", "Bass"), (0, 33), strict=True):
        track[0] = mido.MetaMessage("track_name", name=name)
        track.insert(1, mido.Message("program_change", program=program, channel=int(name == "Bass")))
        for number, message in enumerate(track):
            if name == "Bass" and not message.is_meta:
                track[number] = message.copy(channel=1)
    band = tmp_path / "band.mid"
    file.save(band)
    again(band, tmp_path / "out.mid")
    assert of_track(tmp_path / "out.mid", 2) == of_track(band, 2)
    assert of_track(tmp_path / "out.mid", 1) != of_track(band, 1)


def test_a_part_that_rests_in_the_bars_gets_notes_on_its_own_track(recording: Path, tmp_path: Path) -> None:
    resting, out = tmp_path / "resting.mid", tmp_path / "out.mid"
    take = MidiTake(recording)
    gone: list[TakeNote] = [note for note in take.notes if note.track == 1 and note.on_tick >= 4 * BAR_TICKS]
    take.write(resting, gone, [], "")
    again(resting, out)
    assert of_track(out, 2) == of_track(resting, 2)
    assert len(of_track(out, 1)) > len(of_track(resting, 1))


def test_another_name_is_refused_with_those_there_are(recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["again", str(recording), "--bars", "5", "--tracks", "Guitar"]) == 2
    said = capsys.readouterr().err
    assert said == f"sideman: {recording}: no track named Guitar: its tracks are 'Player', 'Sideman'\n"
