"""`sideman blindtest` as its users meet it: a page in a browser without a net, answers, one line for each slip."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import mido
import numpy as np
import pytest

from bridge.cli import main
from engine.errors import SidemanError
from engine.evaluation.blindtest.loudness import loudness_lufs
from engine.evaluation.blindtest.pairing import make_pairs
from engine.evaluation.blindtest.sealed import Key, read_key, write_key
from engine.evaluation.blindtest.sound import encoded, mime_type, rendered
from engine.midi_io.read import read_performance
from engine.midi_io.write import write_midi
from engine.notes import make_notes
from engine.output.render import find_soundfont
from tests.support.browser import running_browser, until
from tests.support.study_corpus import song, write_corpus


def _can_be_heard() -> bool:
    try:
        find_soundfont()
    except SidemanError:
        return False
    return shutil.which("fluidsynth") is not None


HEARD = pytest.mark.skipif(not _can_be_heard(), reason="no FluidSynth with a soundfont here")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("music") / "real", files=6)


@pytest.fixture(scope="module")
def test_page(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A test of three pairs of two seconds: the corpus itself, the small base, and a folder."""
    page = tmp_path_factory.mktemp("test") / "who.html"
    others = write_corpus(tmp_path_factory.mktemp("others") / "peer", files=2)
    command = ["blindtest", "--real", str(corpus), "--contestants", "real", "small", f"peer={others}"]
    assert main([*command, "--places", "3", "--pairs", "3", "--seconds", "2", "-o", str(page)]) == 0
    return page


def listen(visitor: Any, key: Key) -> None:
    """Goes through the whole page as a person would: plays both, takes the real one where there is one, rates."""
    visitor.fill("#listener", "Ann B.")
    visitor.click("#begin")
    for heard in range(len(key.pairs)):
        until(lambda heard=heard: f"Pair {heard + 1} of" in visitor.inner_text("#where"), f"pair {heard + 1}")
        assert visitor.is_disabled("[data-choose=A]")
        pair = key.pairs[visitor.evaluate("now.pair")]
        for side in (0, 1):
            visitor.locator(".play").nth(side).click()
            until(lambda side=side: visitor.evaluate(f"now.heard['AB'[{side}]]") >= 1.5, f"side {side} sounds")
        assert visitor.evaluate("[...document.querySelectorAll('audio')].filter((a) => !a.paused).length") <= 1
        visitor.click("[data-choose=B]" if key.is_real[pair.b] else "[data-choose=A]")
        assert visitor.is_disabled("#next")  # not rated yet
        for side, who in enumerate((pair.a, pair.b)):
            visitor.locator(".side").nth(side).locator(f"[data-rate='{5 if key.is_real[who] else 2}']").click()
        visitor.click("#next")


@HEARD
def test_the_page_plays_without_a_net_and_its_answers_score(
    test_page: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key, sealed = read_key(test_page.with_name("who.key.json"))
    with running_browser() as browser:
        context = browser.new_context(offline=True, accept_downloads=True)
        visitor = context.new_page()
        asked, complaints = [], []
        visitor.on("request", lambda request: asked.append(request.url[:60]))
        visitor.on("pageerror", lambda error: complaints.append(str(error)))
        visitor.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
        visitor.goto(test_page.as_uri())
        listen(visitor, key)
        until(lambda: visitor.is_visible("#save"), "the end")
        with visitor.expect_download() as download:
            visitor.click("#save")
        answers = tmp_path / download.value.suggested_filename
        download.value.save_as(answers)
        visitor.reload()
        until(lambda: visitor.is_visible("#save"), "a page that was closed is where it was")
        visitor.click("#another")
        until(lambda: visitor.is_visible("#listener"), "another listener begins anew")
        context.close()
    assert complaints == []
    assert {url.split(":")[0] for url in asked} <= {"file", "data"}
    said = json.loads(answers.read_text(encoding="utf-8"))
    assert answers.name == "answers-Ann_B_.json"
    assert said["test"] == sealed
    assert sorted(row["pair"] for row in said["answers"]) == [0, 1, 2]
    capsys.readouterr()
    assert main(["blindtest", "score", str(test_page.with_name("who.key.json")), str(answers), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    best = result["contestants"][0]
    assert (best["name"], best["preferred"]["wins"], best["preferred"]["of"], best["rating"]) == ("real", 2, 2, 5.0)
    assert result["listeners"][0]["name"] == "Ann B."
    assert result["listeners"][0]["found"]["p"] == 0.5  # two of two: as sure as two tosses can be
    assert main(["blindtest", "score", str(test_page.with_name("who.key.json")), str(answers)]) == 0
    assert "Ann B." in capsys.readouterr().out


@HEARD
def test_the_page_says_nothing_of_who_plays(test_page: Path) -> None:
    text = test_page.read_text(encoding="utf-8")
    key, sealed = read_key(test_page.with_name("who.key.json"))
    assert sealed in text
    for word in ("small", "peer", "contestants", "is_real", key.salt, "http:", "https:"):
        assert word not in text, word


@HEARD
def test_clips_reach_the_ear_equally_loud(tmp_path: Path) -> None:
    loud = song(1, 4)
    soft = song(2, 4)
    soft["velocity"] //= 3
    clips = rendered([(loud, 6.0), (soft, 6.0)])
    assert {len(clip.samples) / clip.rate_hz for clip in clips} == {7.0}
    levels = [loudness_lufs(clip.samples, clip.rate_hz) for clip in clips]
    assert levels[0] == pytest.approx(levels[1], abs=0.2)  # the absolute gate is met at other moments
    if mime_type() == "audio/mpeg":
        import io

        import soundfile

        for clip in clips:
            samples, rate_hz = soundfile.read(io.BytesIO(encoded(clip)))
            assert loudness_lufs(np.asarray(samples), rate_hz) == pytest.approx(levels[0], abs=0.3)


@HEARD
def test_a_silent_clip_is_silent_and_as_long_as_the_others() -> None:
    silent, heard = rendered([(make_notes([], [], [], []), 3.0), (song(1, 2), 3.0)])
    assert len(silent.samples) == len(heard.samples)
    assert np.abs(silent.samples).max() < 1e-3 < np.abs(heard.samples).max()
    assert len(encoded(silent)) > 100


@HEARD
def test_a_page_without_an_encoder_has_wav_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.evaluation.blindtest.sound.find_spec", lambda name: None)
    [clip] = rendered([(song(1, 2), 3.0)])
    assert mime_type() == "audio/wav"
    assert encoded(clip)[:4] == b"RIFF"


def test_leads_go_out_and_what_was_made_of_them_comes_back_under_its_name(corpus: Path, tmp_path: Path) -> None:
    leads = tmp_path / "leads"
    command = ["blindtest", "--real", str(corpus), "--places", "4", "--seconds", "4"]
    assert main([*command, "--leads", str(leads)]) == 0
    assert sorted(path.name for path in leads.iterdir()) == [f"place-{n:02d}.mid" for n in range(1, 5)]
    lead = read_performance(leads / "place-01.mid").notes
    assert 0 <= lead["onset_s"].min() < 2
    assert lead["offset_s"].max() <= 8.01

    charts = tmp_path / "charts"
    assert main(["blindtest", "--chords", "Dm7 | G7", "--places", "2", "--seconds", "4", "--leads", str(charts)]) == 0
    assert sorted(path.name for path in charts.iterdir()) == ["place-01.mid", "place-02.mid"]
    texts = read_performance(leads / "place-01.mid").texts
    assert [text.kind for text in texts][:1] == ["marker"]

    from engine.evaluation.blindtest.contestants import enlist
    from engine.evaluation.blindtest.places import held_out, music_places

    places = music_places(held_out(None, corpus), 4, 4.0, 0)
    peer = tmp_path / "peer"
    peer.mkdir()
    for number in range(4):
        played = make_notes([0.5, 1.0], [0.9, 1.5], [60 + number, 72], [80, 80])
        write_midi(peer / f"place-{number + 1:02d}.mid", played, tempo_bpm=120)
    [folder, _] = enlist([f"peer={peer}", "small"], None)
    assert [int(folder.play(place, n, 0)["pitch"].min()) for n, place in enumerate(places)] == [60, 61, 62, 63]
    assert folder.play(places[0], 0, 0)["onset_s"] == pytest.approx([0.5, 1.0], abs=0.011)


def test_the_pedal_holds_a_folders_notes_as_it_holds_real_ones(tmp_path: Path) -> None:
    """A file of clipped notes under a pedal, as a contestant and as a held-out performance."""
    from engine.data.reading.corpus import find_sources, read_piece
    from engine.evaluation.blindtest.contestants import enlist
    from engine.evaluation.blindtest.places import chart_places

    track = mido.MidiTrack([mido.Message("control_change", control=64, value=127)])
    for number in range(16):
        track.append(mido.Message("note_on", note=50 + number, velocity=80, time=0 if number == 0 else 432))
        track.append(mido.Message("note_off", note=50 + number, time=48))
    track.append(mido.Message("control_change", control=64, value=0, time=432))
    file = mido.MidiFile(ticks_per_beat=480)
    file.tracks.append(track)
    (tmp_path / "peer").mkdir()
    file.save(tmp_path / "peer" / "place-01.mid")
    [folder, _] = enlist([f"peer={tmp_path / 'peer'}", "small"], None)
    [place] = chart_places(["C | F | G | C"], 120.0, 1, 8.0)
    played = folder.play(place, 0, 0)
    real = read_piece(find_sources(tmp_path / "peer")[0]).performance.notes
    assert played["offset_s"] == pytest.approx(real["offset_s"], abs=0.011)
    assert played["offset_s"] == pytest.approx(np.full(16, 8.0), abs=0.011)


def test_files_of_a_folder_that_cannot_be_read_are_passed_over_and_named_once(corpus: Path, tmp_path: Path) -> None:
    from engine.evaluation.blindtest.contestants import enlist
    from engine.evaluation.blindtest.places import held_out, music_places

    places = music_places(held_out(None, corpus), 4, 4.0, 0)
    peer = tmp_path / "peer"
    peer.mkdir()
    (peer / "a.mid").write_bytes(b"nothing")
    (peer / "b.mid").write_bytes(b"")
    told: list[tuple[str, str]] = []
    [folder, _] = enlist([f"peer={peer}", "small"], None, lambda name, reason: told.append((name, reason)))
    with pytest.raises(SidemanError, match="peer: no file can be read"):
        folder.play(places[0], 0, 0)
    write_midi(peer / "c.mid", make_notes([0.5, 1.0], [0.9, 1.5], [60, 72], [80, 80]), tempo_bpm=120)
    told.clear()
    [folder, _] = enlist([f"peer={peer}", "small"], None, lambda name, reason: told.append((name, reason)))
    assert all(folder.play(place, number, 0)["pitch"].tolist() == [60, 72] for number, place in enumerate(places))
    assert [name for name, _ in told] == ["a.mid", "b.mid"]
    assert all(reason.startswith("not a MIDI file") for _, reason in told)


def test_a_lead_is_written_in_the_metre_of_its_music(tmp_path: Path) -> None:
    from engine.evaluation.blindtest.make import write_leads
    from engine.evaluation.blindtest.places import MusicPlace
    from engine.evaluation.excerpts import Excerpt, Meter

    notes = song(1, 4)
    meters = [Meter(150.0, 3, 0.0), Meter(120.0, 4, 0.0), None]
    places = [MusicPlace(0, Excerpt("files", 4.0, notes, notes[:0], [(0.0, None)], meter)) for meter in meters]
    write_leads(tmp_path / "leads", places)
    signatures = []
    for path in sorted((tmp_path / "leads").iterdir()):
        [signature] = [message for message in mido.MidiFile(path) if message.type == "time_signature"]
        signatures.append((signature.numerator, signature.denominator))
    assert signatures == [(3, 4), (4, 4), (4, 4)]


def test_performances_that_cannot_be_used_are_named_with_the_reason(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(corpus, tmp_path / "real")
    (tmp_path / "real" / "broken.mid").write_bytes(b"nothing")
    command = ["blindtest", "--real", str(tmp_path / "real"), "--places", "2", "--seconds", "4"]
    assert main([*command, "--leads", str(tmp_path / "leads")]) == 0
    [line] = [line for line in capsys.readouterr().err.splitlines() if line.startswith("refused")]
    assert line.startswith("refused broken.mid: not a MIDI file")


def test_styles_and_charts_are_played_over() -> None:
    from engine.evaluation.blindtest.contestants import enlist
    from engine.evaluation.blindtest.places import chart_places

    places = chart_places(["Dm7 | G7 | Cmaj7 | %", "C | F"], 120.0, 3, 4.0)
    assert [place.work for place in places] == [0, 1, 0]
    base, ragtime = enlist(["sideman", "sideman:ragtime"], None)
    played = [who.play(places[0], 0, 3) for who in (base, ragtime)]
    assert all(len(notes) > 0 and notes["offset_s"].max() <= places[0].length_s + 1e-6 for notes in played)
    assert played[0].tolist() != played[1].tolist()


def test_prepared_data_brings_its_test_side_and_a_5_gram(corpus: Path, tmp_path: Path) -> None:
    from engine.evaluation.blindtest.contestants import enlist
    from engine.evaluation.blindtest.places import held_out, music_places

    data = tmp_path / "data"
    assert main(["prepare", str(corpus), "-o", str(data), "--split", "0.4", "0.2", "0.4", "--workers", "1"]) == 0
    places = music_places(held_out(data, None), 2, 4.0, 0)
    real, ngram = enlist(["real", "5-gram"], data)
    for number, place in enumerate(places):
        assert real.play(place, number, 0).tolist() == place.excerpt.notes.tolist()
        played = [ngram.play(place, number, seed) for seed in (1, 1, 2)]
        assert len(played[0]) > 0
        assert played[0]["offset_s"].max() <= 4.0
        assert played[0].tolist() == played[1].tolist() != played[2].tolist()


def test_the_classifier_answers_in_place_of_a_listener_and_says_that_it_is_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake = song(1, 4)
    fake["velocity"] = 64
    clips = [[song(n, 4), fake] for n in range(20)]
    pairs = tuple(make_pairs(2, 20, 20, 0))
    key = Key(("real", "flat"), (True, False), tuple(range(20)), (8.0,) * 20, ("",) * 20, pairs, clips)
    write_key(tmp_path / "key.json", key)
    answers = tmp_path / "machine.json"
    assert main(["blindtest", "machine", str(tmp_path / "key.json"), "-o", str(answers)]) == 0
    said = capsys.readouterr().out
    assert "a program, not a listener" in said
    assert main(["blindtest", "machine", str(tmp_path / "key.json"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"][1]["taken_for_real"] == 0
    assert main(["blindtest", "score", str(tmp_path / "key.json"), str(answers), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["listeners"][0]["found"]["wins"] == 20
    assert "not a listener" in result["listeners"][0]["name"]


def test_a_key_is_never_replaced(tmp_path: Path, corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By it the answers are scored that listeners have given."""
    clips = [[song(n, 4), song(n + 9, 4)] for n in range(4)]
    key = Key(("real", "b"), (True, False), (0, 1, 2, 3), (8.0,) * 4, ("",) * 4, tuple(make_pairs(2, 4, 4, 0)), clips)
    path = tmp_path / "who.key.json"
    write_key(path, key)
    text = path.read_text()
    (tmp_path / "link.json").symlink_to(path)
    for command in (
        ["--real", str(corpus), "-o", str(tmp_path / "who.html")],
        ["machine", str(path), "-o", str(path)],
        ["machine", str(path), "-o", str(tmp_path / "link.json")],
        ["machine", str(path), "-o", str(tmp_path)],
    ):
        assert main(["blindtest", *command]) == 2
        assert path.read_text() == text
        assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["-o", "x.html"], "no held-out music: give --real FOLDER"),
        (["--real", "CORPUS"], "nothing to write: give -o test.html"),
        (["--real", "nowhere", "-o", "x.html"], "nowhere: no such folder"),
        (["--real", "CORPUS", "-o", "nowhere/x.html"], "no folder nowhere: make it first"),
        (["--real", "CORPUS", "-o", "."], "is a folder: give the name of a file"),
        (["--real", "CORPUS", "-o", "x.html", "--leads", "y"], "--leads writes no page: leave -o out"),
        (["--real", "CORPUS", "--contestants", "real", "-o", "x.html"], "a pair needs two contestants"),
        (["--real", "CORPUS", "--contestants", "small", "small", "-o", "x.html"], "two contestants are called small"),
        (["--real", "CORPUS", "--contestants", "real", "nobody", "-o", "x.html"], "no base and no folder"),
        (["--real", "CORPUS", "--contestants", "real", "~nobody/x", "-o", "x.html"], "no base and no folder"),
        (["--real", "CORPUS", "--contestants", "real", "5-gram", "-o", "x.html"], "give --data"),
        (["--real", "CORPUS", "--contestants", "real", "sideman:polka", "-o", "x.html"], "polka"),
        (["--chords", "Dm7 | G7", "--contestants", "real", "small", "-o", "x.html"], "nobody was recorded over"),
        (["--real", "CORPUS", "--places", "1", "-o", "x.html"], "--places 1 lies outside"),
        (["--real", "CORPUS", "--seconds", "nan", "-o", "x.html"], "--seconds nan lies outside"),
        (["score", "nowhere.json", "x.json"], "nowhere.json: no key of a blind test"),
        (["machine", "nowhere.json"], "nowhere.json: no key of a blind test"),
    ],
)
def test_a_slip_is_one_line_with_its_remedy(
    corpus: Path, arguments: list[str], reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert main(["blindtest", *(str(corpus) if text == "CORPUS" else text for text in arguments)]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert reason in said[-1]
    assert said[-1].startswith("sideman: ")
    assert list(tmp_path.iterdir()) == []
