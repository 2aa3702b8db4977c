"""The take's file: both players, in time, whole or not at all, and not lost with a process that is killed."""

from __future__ import annotations

from pathlib import Path

import mido
import pytest

from bridge import cli
from bridge.errors import BridgeError
from bridge.recording.take import Take, journal_of, recover
from bridge.recording.take_file import BEAT, START, write_take
from engine.chords import parse_chart
from engine.metre import parse_metre
from tests.support.live.world import C_MAJOR_7, START_US, World


def timed(path: Path) -> list[tuple[float, mido.Message]]:
    """(seconds, message) of a file, metas too."""
    at_s = 0.0
    messages = []
    for message in mido.MidiFile(path):
        at_s += message.time
        messages.append((at_s, message))
    return messages


def test_a_take_keeps_times_messages_and_markers(tmp_path: Path) -> None:
    path = tmp_path / "take.mid"
    take = Take(path, start_us=5_000_000, tempo_bpm=100.0)
    take.heard(5_100_000, bytes((0x90, 60, 80)))
    take.heard(6_100_000, bytes((0x80, 60, 0)))
    take.marked(5_150_000, "C/E")
    take.note_out(5_250_000, bytes((0x90, 72, 90)))
    take.note_out(5_500_000, bytes((0x80, 72, 0)))
    assert take.save() == 4
    heard = [
        (round(at_s, 2), message.type, getattr(message, "note", getattr(message, "text", None)))
        for at_s, message in timed(path)
        if message.type in ("note_on", "note_off", "marker")
    ]
    assert heard == [
        (0.1, "note_on", 60),
        (0.15, "marker", "C/E"),
        (0.25, "note_on", 72),
        (0.5, "note_off", 72),
        (1.1, "note_off", 60),
    ]
    assert [track.name for track in mido.MidiFile(path).tracks] == ["Take", "Sideman", "Player"]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("written", ["6/8", "3/4", "7/8", "12/8"])
def test_a_take_says_the_metre_as_it_is_written_and_markers_in_every_script(written: str, tmp_path: Path) -> None:
    path, metre = tmp_path / "take.mid", parse_metre(written)
    take = Take(path, start_us=0)
    take.beat(0, 90.0, 0, metre)
    take.marked(100_000, "C\u25b37 \u2192 B\u266d\u00f8, \u62cd\u5b50")
    take.note_out(200_000, bytes((0x90, 72, 90)))
    assert take.save() == 1
    metas = mido.MidiFile(path, charset="utf-8").tracks[0]
    told = {message.type: message for message in metas}
    assert (told["time_signature"].numerator, told["time_signature"].denominator) == (
        metre.numerator,
        metre.denominator,
    )
    assert told["set_tempo"].tempo == pytest.approx(60e6 / 90 / float(metre.beat_quarters), abs=1)
    assert told["marker"].text == "C\u25b37 \u2192 B\u266d\u00f8, \u62cd\u5b50"


def test_a_journal_of_before_metres_is_recovered(tmp_path: Path) -> None:
    path = tmp_path / "take.mid"
    lines = [[START, 1, 0, None], [BEAT, 0, 100.0, 0, 3], [BEAT, 9_000_000, 90.0, 0, 2, "wax"], ["out", 5, "903c50"]]
    write_take(path, lines)
    signatures = [message for message in mido.MidiFile(path).tracks[0] if message.type == "time_signature"]
    assert [(message.numerator, message.denominator) for message in signatures] == [(3, 4), (4, 4)]


def test_a_take_that_cannot_be_written_is_refused_before_anything_is_played(tmp_path: Path) -> None:
    with pytest.raises(BridgeError, match="does not exist"):
        Take(tmp_path / "nowhere" / "take.mid", 0)
    with pytest.raises(BridgeError, match="no file can be written"):
        Take(tmp_path, 0)


def test_a_failed_save_leaves_the_old_take_whole_and_the_new_one_to_be_recovered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "take.mid"
    path.write_bytes(b"old")
    take = Take(path, 0)
    take.note_out(1_000_000, bytes((0x90, 72, 90)))

    def full(source: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("engine.atomic.os.replace", full)
        with pytest.raises(BridgeError, match=r"No space left.*sideman recover"):
            take.save()
    assert path.read_bytes() == b"old"
    assert sorted(tmp_path.iterdir()) == [path, journal_of(path)]
    assert recover(path) == (tmp_path / "take-recovered.mid", 1)
    assert not journal_of(path).exists()


def test_a_take_that_was_killed_becomes_a_file_before_the_next_one_begins(tmp_path: Path) -> None:
    path = tmp_path / "take.mid"
    for number in (1, 2):
        killed = Take(path, 0)
        killed.note_out(1_000_000, bytes((0x90, 72, 90)))
        killed.note_out(1_500_000, bytes((0x80, 72, 0)))
        killed._journal.close()  # all that a kill leaves undone
        with journal_of(path).open("ab") as file:
            file.write(b'["out",17000')
        name = "take-recovered.mid" if number == 1 else "take-recovered-2.mid"
        take = Take(path, 0)
        assert take.recovered == (tmp_path / name, 2)
        take.discard()
    assert [message.note for _, message in timed(tmp_path / "take-recovered.mid") if message.type == "note_on"] == [72]
    assert not path.exists()


def test_the_recover_command_writes_the_take_or_says_that_there_is_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "take.mid"
    assert cli.main(["recover", str(path)]) == 2
    assert "no take to take.mid was broken off" in capsys.readouterr().err
    take = Take(path, 0)
    take.note_out(1_000_000, bytes((0x90, 72, 90)))
    assert cli.main(["recover", str(path)]) == 2
    assert "is being recorded" in capsys.readouterr().err
    take._journal.close()
    assert cli.main(["recover", str(journal_of(path))]) == 0
    assert capsys.readouterr().out == f"wrote {path}: 1 messages\n"
    assert [message.note for _, message in timed(path) if message.type == "note_on"] == [72]


def test_a_file_of_ones_own_that_is_named_like_a_journal_is_refused_and_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, diary = tmp_path / "diary", tmp_path / "diary.journal"
    diary.write_text("Monday: slept badly.\n")
    assert cli.main(["recover", str(path)]) == 2
    assert "is no take's journal: rename it" in capsys.readouterr().err
    with pytest.raises(BridgeError, match="is no take's journal"):
        Take(path, 0)
    assert diary.read_text() == "Monday: slept badly.\n"
    assert not path.exists()


@pytest.mark.parametrize(
    "line",
    [
        '["in"]', '["in","x","903c50"]', '["in",5,"90"]', '["in",5,"zz"]', '["beat",1]', '["start"]', '["what",1]',
        "[7]", '["in",5,"f8"]', '["in",5,""]', '["beat",1,0,1,4]', '["beat",1,NaN,1,4]', '["beat",1,120,1,0]',
        '["beat",1,120,1,99]', '["start",1,0,-3]', '["start",1,0,NaN]', '["start",1,0,1e-9]',
    ],
)  # fmt: skip
def test_a_line_that_says_nothing_costs_only_itself(tmp_path: Path, line: str) -> None:
    path = tmp_path / "take.mid"
    journal_of(path).write_text(f'["out",5,"903c50"]\n{line}\n["out",9,"803c00"]\n')
    assert recover(path) == (path, 2)


def test_bytes_that_are_no_midi_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "take.mid"
    take = Take(path, 0)
    for message in (b"\x90", b"\x90\xff\xff", b"\x90\x3c\x50"):
        take.heard(1_000, message)
    assert take.save() == 1


def test_the_file_has_the_charts_bars_its_chords_and_every_knob(tmp_path: Path) -> None:
    path = tmp_path / "take.mid"
    take = Take(path, START_US)
    world = World(observer=take)
    world.live.set_tempo(90.0)
    world.run(0.77)
    world.live.set_chart(parse_chart("Dm7 G7 | Cmaj7 | Cmaj7"))
    world.run(3.0)
    world.turn("temperature", 1.25)
    world.run(6.0)
    world.live.set_tempo(150.0)
    world.run(3.0)
    world.turn("mode", "follow")
    world.press(*C_MAJOR_7)
    world.run(0.5)
    for at_us, _, status, data1, data2 in world.sent:
        take.note_out(at_us, bytes((status, data1, data2)))
    assert take.save() == len(world.sent) + 4
    file = mido.MidiFile(path)
    tick, marks, tempi = 0, [], []
    for message in file.tracks[0]:
        tick += message.time
        if message.type == "marker":
            marks.append((tick, message.text))
        elif message.type == "set_tempo":
            tempi.append(round(mido.tempo2bpm(message.tempo)))
    assert tempi[:2] == [90, 150]
    chords = [(tick, text) for tick, text in marks if text in ("Dm7", "G7", "Cmaj7")]
    assert [text for _, text in chords[:6]] == ["Dm7", "G7", "Cmaj7", "Dm7", "G7", "Cmaj7"]
    for at, text in chords[:6]:
        into_bar = (at + 5) % (4 * 480) - 5
        assert abs(into_bar - (960 if text == "G7" else 0)) <= 5, (at, text)
    assert [text for _, text in marks if text.startswith(("temp", "mode"))] == ["temperature 1.25", "mode follow"]
    onsets_s = [at_s for at_s, message in timed(path) if message.type == "note_on"][: len(world.onsets()) - 10]
    sent_s = [at_us / 1e6 for at_us, _ in world.onsets()][: len(onsets_s)]
    apart_s = [at_s - sent for at_s, sent in zip(onsets_s, sent_s, strict=True)]
    assert max(apart_s) - min(apart_s) < 0.003, "stretched bars move no note"


HELD: dict[str, list[tuple[int, ...]]] = {
    "a key": [(0x90, 60, 80)],
    "one pitch on two channels": [(0x90, 60, 80), (0x91, 60, 80)],
    "one of two channels": [(0x90, 60, 80), (0x91, 60, 80), (0x80, 60, 0)],
    "a pedal": [(0xB0, 64, 127)],
    "a pedal half down": [(0xB0, 64, 20)],
    "every pedal that holds": [(0xB2, 64, 127), (0xB2, 66, 127), (0xB2, 69, 127)],
    "a key that its pedal holds": [(0x90, 60, 80), (0xB0, 64, 127), (0x90, 60, 0)],
}


@pytest.mark.parametrize("held", HELD.values(), ids=HELD)
@pytest.mark.parametrize("track", [1, 2])
def test_what_is_held_when_a_take_ends_ends_with_it(track: int, held: list[tuple[int, ...]], tmp_path: Path) -> None:
    path = tmp_path / "take.mid"
    take = Take(path, 0, 120.0)
    hear = take.note_out if track == 1 else take.heard
    for at, message in enumerate(held):
        hear(1_000_000 + at, bytes(message))
    take.marked(3_000_000, "the last moment")
    assert take.save() == len(held)
    state: dict[tuple[str, int, int], int] = {}
    at_tick, ended_at = 0, set()
    for message in mido.MidiFile(path).tracks[track]:
        at_tick += message.time
        if message.type in ("note_on", "note_off"):
            value = message.velocity if message.type == "note_on" else 0
            state["note", message.channel, message.note] = value
        elif message.type == "control_change":
            state["pedal", message.channel, message.control] = value = message.value
        else:
            continue
        if not value:
            ended_at.add(at_tick)
    assert set(state.values()) == {0}
    assert max(ended_at) == 3 * 960


def test_names_that_are_too_long_are_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / ("x" * 246 + ".mid")  # its journal would have 258
    with pytest.raises(BridgeError, match="choose a shorter"):
        Take(path, 0)
    for name in (path, tmp_path / ("x" * 300)):
        assert cli.main(["recover", str(name)]) == 2
        assert capsys.readouterr().err.count("\n") == 1


def test_a_journal_that_may_not_be_written_is_used_by_nobody(tmp_path: Path) -> None:
    path = tmp_path / "take.mid"
    journal_of(path).write_text('["out",5,"903c50"]\n')
    journal_of(path).chmod(0o444)
    assert recover(path) == (path, 1)
