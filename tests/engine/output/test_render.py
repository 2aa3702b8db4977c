"""MIDI to WAV, and the one line a user reads when something for it is missing."""

from __future__ import annotations

import shutil
import wave
from pathlib import Path

import numpy as np
import pytest

from engine.errors import MidiFileError, SidemanError
from engine.midi_io.write import write_midi
from engine.notes import make_notes
from engine.output.render import find_soundfont, render_wav
from engine.platform.system import this_system


@pytest.fixture
def take(tmp_path: Path) -> Path:
    path = tmp_path / "take.mid"
    write_midi(path, make_notes([0.0, 0.5], [0.5, 1.0], [60, 64], [100, 100]), tempo_bpm=120, length_s=1.0)
    return path


def _have_fluidsynth() -> bool:
    try:
        find_soundfont()
    except SidemanError:
        return False
    return shutil.which("fluidsynth") is not None


@pytest.mark.real
@pytest.mark.skipif(not _have_fluidsynth(), reason="needs the FluidSynth program and a soundfont")
def test_a_file_becomes_sound_the_same_each_time(take: Path, tmp_path: Path) -> None:
    for name in ("a.wav", "b.wav"):
        render_wav(take, tmp_path / name)
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()
    with wave.open(str(tmp_path / "a.wav")) as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (2, 2, 44_100)
        samples = np.frombuffer(sound.readframes(sound.getnframes()), dtype=np.int16)
    assert len(samples) / 2 / 44_100 > 1.0
    assert 1_000 < np.abs(samples.astype(np.int64)).max() < 32_767
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.wav", "b.wav", "take.mid"]


@pytest.mark.real
@pytest.mark.skipif(shutil.which("fluidsynth") is None, reason="needs the FluidSynth program")
def test_a_broken_soundfont_is_reported_and_leaves_no_file(
    take: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    font = tmp_path / "broken.sf2"
    font.write_bytes(b"RIFF\0\0\0\0sfbk" + bytes(64))
    monkeypatch.setenv("SIDEMAN_SOUNDFONT", str(font))
    with pytest.raises(SidemanError, match="FluidSynth could not play it with") as refusal:
        render_wav(take, tmp_path / "out.wav")
    assert "\n" not in str(refusal.value)
    assert not (tmp_path / "out.wav").exists()


def test_without_the_program_the_message_says_what_to_install(
    take: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(SidemanError, match=r"FluidSynth program: install it .*fluidsynth"):
        render_wav(take, tmp_path / "out.wav")


def test_without_a_soundfont_the_message_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SIDEMAN_SOUNDFONT", raising=False)
    monkeypatch.setattr(type(this_system()), "soundfont_folders", ())
    with pytest.raises(SidemanError, match="SIDEMAN_SOUNDFONT"):
        find_soundfont()


def test_the_better_font_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SIDEMAN_SOUNDFONT", raising=False)
    monkeypatch.setattr(type(this_system()), "soundfont_folders", (str(tmp_path), str(tmp_path / "missing")))
    for name in ("aaa.sf2", "FluidR3_GM.sf2", "TimGM6mb.sf2", "notes.txt"):
        (tmp_path / name).write_bytes(b"RIFF")
    assert find_soundfont().name == "FluidR3_GM.sf2"


@pytest.mark.parametrize(("content", "reason"), [(None, "is no file"), (b"MThd", "is no soundfont")])
def test_a_wrong_soundfont_variable_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, reason: str
) -> None:
    font = tmp_path / "font.sf2"
    if content is not None:
        font.write_bytes(content)
    monkeypatch.setenv("SIDEMAN_SOUNDFONT", str(font))
    with pytest.raises(SidemanError, match=reason):
        find_soundfont()


def test_a_home_that_the_system_does_not_know_is_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIDEMAN_SOUNDFONT", "~nobody_of_that_name/x.sf2")
    with pytest.raises(SidemanError, match=r"SIDEMAN_SOUNDFONT: ~nobody_of_that_name/x.sf2 is no file"):
        find_soundfont()


def test_what_is_no_midi_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MidiFileError, match="no such file"):
        render_wav(tmp_path / "missing.mid", tmp_path / "out.wav")
    (tmp_path / "text.mid").write_text("hello")
    with pytest.raises(MidiFileError, match="not a MIDI file"):
        render_wav(tmp_path / "text.mid", tmp_path / "out.wav")
