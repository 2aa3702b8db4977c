"""`sideman generate`, `python -m engine` and what they write, with the shipped base."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import mido
import numpy as np
import pretty_midi
import pytest
import symusic

from bridge.cli import main
from engine.chords import parse_chart
from engine.errors import SidemanError
from engine.evaluation.metrics import chord_tone_share
from engine.midi_io.read import read_performance
from engine.midi_io.write import write_midi
from engine.model.checkpoint import load_checkpoint
from engine.notes import NoteEvent, make_notes
from engine.platform.system import this_system
from engine.solo.improvise import improvise, notes_of
from osc_protocol.table.parameters import HIGHEST_BPM, LOWEST_BPM

CHART = "Dm7 | G7 | Cmaj7 | Am7"


@pytest.fixture(scope="module")
def solo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The issue's own command line."""
    path = tmp_path_factory.mktemp("solo") / "a.mid"
    assert main(["generate", "--chords", CHART, "--tempo", "140", "--bars", "16", "--seed", "7", "-o", str(path)]) == 0
    return path


def generate(*arguments: object) -> int:
    return main(["generate", *map(str, arguments)])


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(solo: Path, tmp_path: Path) -> None:
    common = ("--chords", CHART, "--tempo", 140, "--bars", 16)
    assert generate(*common, "--seed", 7, "-o", tmp_path / "b.mid") == 0
    assert generate(*common, "--seed", 8, "-o", tmp_path / "c.mid") == 0
    assert (tmp_path / "b.mid").read_bytes() == solo.read_bytes()
    assert (tmp_path / "c.mid").read_bytes() != solo.read_bytes()


@pytest.mark.parametrize("tempo_bpm", [LOWEST_BPM, 15, HIGHEST_BPM])
def test_every_tempo_of_the_parameter_table_is_taken(tmp_path: Path, tempo_bpm: float) -> None:
    assert generate("--chords", "C", "--tempo", tempo_bpm, "--bars", 1, "-o", tmp_path / "a.mid") == 0
    assert symusic.Score.from_midi((tmp_path / "a.mid").read_bytes()).tempos[0].qpm == pytest.approx(
        tempo_bpm, rel=1e-4
    )


def test_another_tempo_is_refused_with_the_tables_range(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert generate("--chords", "C", "--tempo", 9, "-o", tmp_path / "a.mid") == 2
    assert f"--tempo 9 lies outside {LOWEST_BPM:g}..{HIGHEST_BPM:g}" in capsys.readouterr().err


def test_independent_readers_agree_on_the_file(solo: Path) -> None:
    score = symusic.Score.from_midi(solo.read_bytes())
    pretty = pretty_midi.PrettyMIDI(str(solo))
    read = mido.MidiFile(solo)
    ons = sum(message.type == "note_on" and message.velocity > 0 for track in read.tracks for message in track)
    assert score.note_num() == sum(len(i.notes) for i in pretty.instruments) == ons > 50
    length_s = 16 * 4 * 60 / 140
    assert read.length == pytest.approx(length_s, abs=0.01)
    assert pretty.get_end_time() <= length_s + 0.01
    assert score.tempos[0].qpm == pytest.approx(140, abs=0.01)
    assert [(m.time, m.text) for m in score.markers] == [
        (480 * 4 * bar, name) for bar, name in enumerate(CHART.split(" | ") * 4)
    ]
    assert [track.name for track in read.tracks][1] == "Sideman"


def test_every_note_ends(solo: Path) -> None:
    sounding: set[int] = set()
    for message in mido.MidiFile(solo).tracks[1]:
        if message.type == "note_on" and message.velocity:
            assert message.note not in sounding
            sounding.add(message.note)
        elif message.type in ("note_on", "note_off"):
            sounding.remove(message.note)
    assert not sounding


def test_the_solo_fills_its_bars(solo: Path) -> None:
    """No bar pair without a note: the sideman may breathe, not leave."""
    onset_s = read_performance(solo).notes["onset_s"]
    two_bars_s = 2 * 4 * 60 / 140
    counts, _ = np.histogram(onset_s, bins=np.arange(9) * two_bars_s)
    assert (counts > 0).all()


def test_two_hundred_seeds_give_no_invalid_or_empty_solo() -> None:
    checkpoint, chart = load_checkpoint(), parse_chart("Dm7 | G7")
    for seed in range(200):
        solo = improvise(checkpoint, chart, tempo_bpm=160, seed=seed)
        assert len(solo.notes) > 0, seed
        assert (solo.notes["offset_s"] > solo.notes["onset_s"]).all()
        assert solo.notes["onset_s"].min() >= 0
        assert solo.notes["offset_s"].max() <= solo.length_s + 1e-9
        for pitch in np.unique(solo.notes["pitch"]):
            mine = solo.notes[solo.notes["pitch"] == pitch]
            assert (mine["onset_s"][1:] >= mine["offset_s"][:-1] - 1e-9).all()


def test_chord_tones_weigh_more_under_the_given_chords_than_under_shuffled_ones() -> None:
    charts = [parse_chart(text).fill(8) for text in (CHART, "F#m7 | B7 | Emaj7 | C#m7", "Bbm7 | Eb7 | Abmaj7 | Fm7")]
    checkpoint = load_checkpoint()
    solos = [improvise(checkpoint, chart, seed=seed) for chart in charts for seed in range(2)]

    def share(solo: int, chart: int) -> float:
        return chord_tone_share(solos[solo].notes, charts[chart], 120)

    own = np.mean([share(i, i // 2) for i in range(6)])
    shuffled = np.mean([share(i, j) for i in range(6) for j in range(3) if j != i // 2])
    assert own > shuffled + 0.15, (own, shuffled)


@pytest.mark.parametrize(("text", "bpm", "beats_per_bar"), [(CHART, 120, 4), ("F6 | Dm7 | Gm7 C7 | F6", 180, 3)])
def test_a_solo_comes_home_and_a_loop_does_not(text: str, bpm: float, beats_per_bar: int) -> None:
    """Its root lowest, two chord tones or more held to the end, nothing struck in the last half beat."""
    chart = parse_chart(text, beats_per_bar=beats_per_bar).fill(8)
    checkpoint, beat_s = load_checkpoint(), 60 / bpm
    last = chart.spans[-1].chord
    assert last is not None
    loops_end_alike = 0
    for seed in range(4):
        solo = improvise(checkpoint, chart, tempo_bpm=bpm, seed=seed)
        home_s = solo.length_s - beats_per_bar * beat_s
        held = solo.notes[solo.notes["offset_s"] > solo.length_s - 0.02]
        assert len(held) >= 2
        assert set(held["pitch"] % 12) <= set(last.pitch_classes())
        assert held["pitch"].min() % 12 == last.root
        assert (held["onset_s"] >= home_s - 1e-6).all()
        assert solo.notes["onset_s"].max() < home_s + beat_s
        loop = improvise(checkpoint, chart, tempo_bpm=bpm, seed=seed, ending=False)
        loops_end_alike += bool(loop.notes["onset_s"].max() < home_s + beat_s)
    assert loops_end_alike < 3


@pytest.mark.parametrize(
    ("text", "bpm", "swings"),
    [("Gmaj7 | Gm7 C7 | Fmaj7 | Fm7 Bb7", 150, True), ("Fmaj7 | % | G7 | % | Gm7 | C7 | Fmaj7 | %", 130, False)],
)
def test_swing_swings_and_a_bossa_is_even(text: str, bpm: float, swings: bool) -> None:
    chart, checkpoint = parse_chart(text).fill(16), load_checkpoint()
    onset = np.concatenate([improvise(checkpoint, chart, tempo_bpm=bpm, seed=seed).notes["onset_s"] for seed in (0, 1)])
    place = onset * bpm / 60 % 1
    late, even = ((place > 0.58) & (place < 0.75)).mean(), ((place > 0.44) & (place < 0.56)).mean()
    assert (late > 3 * even) if swings else (even > late), (late, even)


def test_notes_a_beat_hardly_depend_on_the_tempo() -> None:
    chart, checkpoint = parse_chart("Dm7 | G7 | Cmaj7 | A7").fill(8), load_checkpoint()
    beats = [
        np.mean([len(improvise(checkpoint, chart, tempo_bpm=bpm, seed=seed).notes) for seed in range(3)])
        for bpm in (40, 60, 120, 240)
    ]
    assert max(beats) < 3 * min(beats), beats


def test_a_prompt_is_continued(tmp_path: Path) -> None:
    prompt = tmp_path / "prompt.mid"
    onset = np.arange(32) * 0.25
    write_midi(prompt, make_notes(onset, onset + 0.2, 60 + np.arange(32) % 12, np.full(32, 80)), tempo_bpm=120)
    out = [tmp_path / "with.mid", tmp_path / "without.mid", tmp_path / "free.mid"]
    assert generate("--chords", "C | F", "--prompt", prompt, "-o", out[0]) == 0
    assert generate("--chords", "C | F", "-o", out[1]) == 0
    assert generate("--prompt", prompt, "--bars", 2, "-o", out[2]) == 0
    assert out[0].read_bytes() != out[1].read_bytes()
    assert all(mido.MidiFile(path).length == pytest.approx(4.0, abs=0.01) for path in out)


def test_variations_are_single_seeds_best_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chart = "Dm7 | G7 | C | A7"
    assert generate("--chords", chart, "--variations", 3, "--seed", 4, "-o", tmp_path / "v.mid", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [Path(one["file"]).name for one in told["solos"]] == ["v-1.mid", "v-2.mid", "v-3.mid"]
    assert {one["seed"] for one in told["solos"]} == {4, 5, 6}
    totals = [one["scores"]["total"] for one in told["solos"]]
    assert totals == sorted(totals, reverse=True)
    assert 0 < told["diversity"] <= 1
    for one in told["solos"]:
        single = tmp_path / "single.mid"
        assert generate("--chords", chart, "--seed", one["seed"], "-o", single) == 0
        said = [m.text for m in mido.MidiFile(one["file"]).tracks[0] if m.type == "text"]
        assert said == [f"sideman generate: seed {one['seed']}, {json.dumps(one['scores'])}"]
        assert np.array_equal(read_performance(one["file"]).notes, read_performance(single).notes)


def test_plot_and_wav_are_written(tmp_path: Path) -> None:
    assert shutil.which("fluidsynth"), "the tests need fluidsynth: apt install fluidsynth timgm6mb-soundfont"
    png, wav = tmp_path / "a.png", tmp_path / "a.wav"
    assert generate("--chords", "C | F", "-o", tmp_path / "a.mid", "--plot", png, "--wav", wav) == 0
    assert png.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert wav.read_bytes()[:4] == b"RIFF"
    assert wav.stat().st_size > 44100 * 2 * 2 * 3


def test_the_engine_runs_alone(tmp_path: Path, solo: Path) -> None:
    """`python -m engine` writes the same file and loads no port, no socket server, no display and no torch."""
    out = tmp_path / "alone.mid"
    arguments = ["--chords", CHART, "--tempo", "140", "--bars", "16", "--seed", "7", "-o", str(out)]
    code = (
        "import sys; from engine.solo.command import main; code = main()\n"
        "bad = {'rtmidi', 'torch', 'bridge', 'socketserver', 'pythonosc', 'matplotlib', 'tkinter'} & set(sys.modules)\n"
        "sys.exit(f'imported {bad}' if bad else code)"
    )
    run = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert out.read_bytes() == solo.read_bytes()
    assert subprocess.run([sys.executable, "-m", "engine", "--help"], capture_output=True, check=False).returncode == 0


NOT_NEEDED = (
    "engine.chords.charts.slips", "engine.chords.charts.transpose", "engine.chords.recognise", "engine.chords.tracker",
    "engine.inference.fill.fill", "engine.midi_io.read", "engine.platform.macos", "engine.platform.windows",
    "engine.solo.recollection", "subprocess", "uuid",
)  # fmt: skip
NOT_NEEDED_IF_COMPILED = ("engine.inference.decoders.numpy_decoder", "engine.inference.stream", "native.twins")


def test_a_solo_over_chords_imports_no_more_than_it_uses(tmp_path: Path) -> None:
    """A fresh process has its first bar on disk as soon as it can: what it does not ask is not read."""
    code = (
        "import sys; from engine.solo.command import main; assert main() == 0\n"
        "import native; print(native.VARIANT, *sys.modules)"
    )
    command = [sys.executable, "-c", code, "--chords", "C", "-o", str(tmp_path / "one.mid")]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    variant, *imported = run.stdout.splitlines()[-1].split()
    unneeded = {*NOT_NEEDED, *(NOT_NEEDED_IF_COMPILED if variant == "compiled" else ())}
    assert not unneeded & set(imported) - {type(this_system()).__module__}


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--chords", "Dm7 | Gq7"], "bar 2, column 7: 'Gq7'"),
        (["--chords", ""], "chord"),
        ([], "--chords"),
        (["--prompt", "missing.mid"], "missing.mid: no such file"),
        (["--prompt", "broken.mid"], "broken.mid"),
        (["--chords", "C", "--temperature", "9"], "0.05..2"),
        (["--chords", "C", "--tempo", "5"], "10..999"),
        (["--chords", "C", "--bars", "0"], "--bars 0"),
        (["--chords", "C", "--variations", "0"], "--variations 0"),
        (["--chords", "C", "--seed", "-1"], "--seed -1"),
        (["--chords", "C", "--scale", "D dorain"], "'dorian'"),
        (["--chords", "C", "--checkpoint", "nowhere"], "nowhere: no config.yaml"),
        (["--chords", "C", "--plot", "old.mid"], "share a name"),
        (["--chords", "C", "--wav", "no/such/a.wav"], "no folder"),
        (["--chords", "C", "--bars", "two"], "--bars"),
        (["--chords", "C", "--tracks", "Piano"], "--tracks Piano: says what of a --prompt is heard"),
        (["--chords", "C", "--seed", str(2**64)], f"--seed {2**64} lies outside 0..{2**64 - 1}"),
        (["--chords", "C", "--seed", str(2**64 - 1), "--variations", "2"], f"lies outside 0..{2**64 - 2}"),
    ],
)
def test_bad_input_is_one_line_exit_2_and_leaves_the_old_file(
    arguments: list[str], text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("broken.mid").write_bytes(b"MThd\0\0\0\6\0\1\0\1\1\xe0MTrk\0\0\0\x40\0\x90")
    Path("old.mid").write_bytes(b"old")
    assert generate(*arguments, "-o", "old.mid") == 2
    error = capfd.readouterr().err
    assert text in error
    assert error.count("\n") == 1
    assert Path("old.mid").read_bytes() == b"old"


@pytest.mark.parametrize(("prompt", "out", "count"), [("mine.mid", "mine.mid", 1), ("mine-2.mid", "mine.mid", 3)])
def test_a_prompt_is_never_overwritten(
    prompt: str, out: str, count: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, onset = tmp_path / prompt, np.arange(32) * 0.25
    write_midi(path, make_notes(onset, onset + 0.2, 60 + np.arange(32) % 12, np.full(32, 80)), tempo_bpm=120)
    before = path.read_bytes()
    assert generate("--prompt", path, "--bars", 1, "--variations", count, "-o", tmp_path / out) == 2
    assert capsys.readouterr().err == f"sideman: {path}: is the prompt, which would be lost: give another name\n"
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [before]


def test_what_cannot_be_written_is_refused_before_a_note_is_played(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr("engine.solo.prompt.improvise", lambda *_, **__: pytest.fail("a solo was played"))
    assert generate("--chords", "C", "--wav", tmp_path / "a.wav", "-o", tmp_path / "a.mid") == 2
    assert "a WAV file needs the FluidSynth program" in capsys.readouterr().err
    assert generate("--chords", "C", "--metre", "4/32", "--tempo", 10, "-o", tmp_path / "a.mid") == 2
    assert "tempo 10 bpm counts thirty-seconds: give a faster one" in capsys.readouterr().err
    assert generate("--chords", "C", "--bars", 257, "--plot", tmp_path / "a.png", "-o", tmp_path / "a.mid") == 2
    assert "a.png: a plot of 257 bars: draw 1..256" in capsys.readouterr().err
    assert generate("--chords", "C", "-o", tmp_path / ("long" * 64 + ".mid")) == 2
    assert "cannot be written" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_what_befalls_a_wav_file_costs_no_music(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise SidemanError("no sound")

    monkeypatch.setattr("engine.output.render.find_synthesiser", lambda: None)
    monkeypatch.setattr("engine.output.render.render_wav", fail)
    assert generate("--chords", "C", "--variations", 2, "--wav", tmp_path / "a.wav", "-o", tmp_path / "a.mid") == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a-1.mid", "a-2.mid"]


@pytest.mark.parametrize("chart", ["C | C D E F G A B C", "C D E F G A B C |"])
def test_a_last_chord_too_short_to_come_home_to_is_played_through(chart: str, tmp_path: Path) -> None:
    assert generate("--chords", chart, "--metre", "1/4", "--tempo", 960, "--bars", 64, "-o", tmp_path / "a.mid") == 0


def test_the_last_seed_is_a_seed(tmp_path: Path) -> None:
    assert generate("--chords", "C", "--seed", 2**64 - 1, "-o", tmp_path / "a.mid") == 0


def test_an_interrupted_generate_leaves_the_old_file_whole(tmp_path: Path) -> None:
    out = tmp_path / "old.mid"
    out.write_bytes(b"old")
    command = [sys.executable, "-m", "engine", "--chords", "C", "--bars", "1000", "-o", str(out)]
    with pytest.raises(subprocess.TimeoutExpired):
        subprocess.run(command, timeout=2, capture_output=True, check=False)
    assert out.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [out]


def test_notes_of_pairs_starts_and_ends() -> None:
    events = [
        NoteEvent(0.0, "off", 50, 0),  # began before
        NoteEvent(0.0, "on", 60, 80),
        NoteEvent(0.5, "on", 64, 70),
        NoteEvent(1.0, "off", 60, 0),
        NoteEvent(1.0, "on", 67, 90),  # no time left
        NoteEvent(1.0, "off", 64, 0),
        NoteEvent(1.0, "off", 67, 0),
    ]
    assert notes_of(events).tolist() == [(0.0, 1.0, 60, 80), (0.5, 1.0, 64, 70)]


def test_quantised_and_swung_solos_stand_on_their_grid(tmp_path: Path) -> None:
    path = tmp_path / "feel.mid"
    common = ("--chords", "Dm7 | G7", "--tempo", 120, "--bars", 8, "--seed", 3, "-o", path)
    for options, grid in (
        (("--quantise", 1), (0, 1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4, 1)),
        (("--quantise", 1, "--swing", 0.75), (0, 3 / 8, 3 / 4, 7 / 8, 1)),
    ):
        assert generate(*options, *common) == 0
        phase = read_performance(path).notes["onset_s"] * 2 % 1.0
        assert len(phase) > 8
        assert np.abs(phase[:, None] - np.array(grid)).min(axis=1).max() < 0.005  # a tick of the file
