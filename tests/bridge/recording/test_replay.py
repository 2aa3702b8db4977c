"""A session log plays again what was played: every message to the scheduler, whatever the player, the knobs, the clock
and the crashes did; and a log that cannot be played again is refused in one line."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import mido
import pytest

from bridge import cli
from bridge.commands import replay as replay_command
from bridge.errors import ReplayError
from bridge.live.options import SessionOptions
from bridge.live.session import LiveSession
from bridge.recording.journal import Journal
from bridge.recording.replay import PromptSink, Replay, read_log
from bridge.recording.session_header import session_header
from bridge.recording.session_log import SESSION, VERSION, CheckedSink, LoggedInbox
from engine.chords import parse_chart, parse_chord
from engine.inference.session import Session
from engine.model.checkpoint import load_checkpoint
from engine.notes import NoteEvent
from tests.support.live.fake_session import FakeSession
from tests.support.live.world import C_MAJOR_7, D_MINOR_7, G_7, World

OPTIONS = SessionOptions(seed=3, trade_bars=1)


class LoggedWorld(World):
    """A world whose session is written down."""

    def log_to(self, path: Path, **options: Any) -> None:
        chosen = replace(OPTIONS, **options)
        self.journal = Journal(path, pytest.fail)
        self.journal.add(SESSION, VERSION, session_header(chosen, {}, None, "auto"))
        sink = CheckedSink(PromptSink(self.scheduler, self.consume))
        self.live = LiveSession(
            self.make, sink, LoggedInbox(self.clock, self.journal, sink),
            lambda what, text: self.said.append((what, text)), chosen,
        )  # fmt: skip

    def end(self) -> None:
        self.live.step()  # the log's last moment is that of the silence
        self.live.silence()
        self.advance(10_000)
        self.journal.close()


def script(world: World, seed: int) -> None:
    """A player who does all there is to do."""
    draw = random.Random(seed)
    held: tuple[int, ...] = ()
    live = world.live
    for _ in range(25):
        action = draw.randrange(16)
        if action < 4:
            world.release(*held)
            held = draw.choice((D_MINOR_7, G_7, C_MAJOR_7))
            world.press(*held)
        elif action < 7:
            name, low, high = draw.choice((("temperature", 0.1, 2.0), ("quantise", 0, 1), ("humanise", 0, 1)))
            world.turn(name, draw.uniform(low, high))
        elif action == 15:
            world.turn(
                *draw.choice((("groove", "bossa"), ("left_hand", "stride"), ("role", "comping"), ("role", "auto")))
            )
        elif action == 7:
            live.set_chart(parse_chart("Dm7 G7/B | Cmaj7 N.C."))
        elif action == 8:
            world.turn("mode", draw.choice(("follow", "trade", "continue")))
        elif action == 9:
            live.set_tempo(draw.uniform(60, 200))
        elif action == 10:
            live.locate(float(draw.randrange(8)))
        elif action == 11:
            live.set_chord(draw.choice((None, parse_chord("F#m7b5"))))
        elif action > 12:  # what cannot be done is part of it
            draw.choice((live.keep, live.again, partial(live.keep, "1"), partial(live.again, "2"), live.undo,
                         partial(live.store_bank, "A"), partial(live.recall_bank, "A")))()  # fmt: skip
        else:
            draw.choice((live.stop, live.panic, partial(live.set_seed, seed)))()
            live.play()
        world.run(draw.choice((0.005, 0.05, 0.4)))
    world.advance(draw.choice((0, 1_500_000)))  # time that is lost
    world.run(1.0)


def replayed(path: Path, make: Callable[[int], Any] = FakeSession) -> Replay:
    replay = Replay(read_log(path), make)
    replay.run()
    return replay


@pytest.mark.parametrize("seed", range(30))
def test_a_session_plays_again_as_it_was(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    world = LoggedWorld(decode_us=lambda: draw.randrange(200, 20_000))
    world.log_to(tmp_path / "log", seed=seed)
    script(world, seed)
    world.end()
    replay = replayed(tmp_path / "log")
    assert replay.parted_s is None
    assert [tuple(message) for _, message in replay.played] == [sent[2:] for sent in world.sent]
    # The double's consumer looks every two milliseconds: a cancel that came too late ends a note then.
    apart_us = [abs(again[0] - sent[1]) for again, sent in zip(replay.played, world.sent, strict=True)]
    assert max(apart_us, default=0) <= 20_000


def test_a_session_that_lost_the_processor_again_and_again_goes_to_the_scheduler_as_it_did(tmp_path: Path) -> None:
    for seed in range(10):
        draw = random.Random(seed)
        world = LoggedWorld(preempted_us=lambda draw=draw: draw.randrange(80_000) if draw.random() < 0.02 else 0)  # type: ignore[misc]
        world.log_to(tmp_path / "log", seed=seed)
        script(world, seed)
        world.end()
        assert replayed(tmp_path / "log").parted_s is None


def test_what_is_recalled_in_mid_music_is_recalled_again(tmp_path: Path) -> None:
    shipped = load_checkpoint(None)
    world = LoggedWorld(make_session=lambda seed: Session(shipped, seed))
    world.log_to(tmp_path / "log")
    world.live.set_tempo(140.0)
    world.live.set_chart(parse_chart("Dm7 | G7"))
    for row, value in (("left_hand", "stride"), ("groove", "bossa"), ("role", "comping")):
        world.run(3.1)
        world.turn(row, value)
    world.run(6.0)
    world.end()
    replay = replayed(tmp_path / "log", lambda seed: Session(shipped, seed))
    assert replay.parted_s is None
    assert [tuple(message) for _, message in replay.played] == [sent[2:] for sent in world.sent]


def test_a_hosts_clock_plays_again(tmp_path: Path) -> None:
    world = LoggedWorld()
    world.log_to(tmp_path / "log", midi_clock=True, channel=5)
    world.live.set_chart(parse_chart("C | F"))
    world.live.midi_in(b"\xfa")
    for tick in range(24 * 12):
        world.live.inbox.hear(b"\xf8", world.now_us)
        world.run(0.0208 if tick < 150 else 0.018)
    world.live.midi_in(b"\xfc")
    world.run(0.5)
    world.end()
    assert world.onsets()
    replay = replayed(tmp_path / "log")
    assert replay.parted_s is None
    assert len(replay.played) == len(world.sent)


class Mortal(FakeSession):
    """Fails once, in the middle of its music."""

    failures = 0

    def generate(self, until_s: float, to_strike: bool = False) -> list[NoteEvent]:
        if self.time_s > 1.5 and Mortal.failures < 2:
            Mortal.failures += 1
            raise RuntimeError("decoder lost")
        return super().generate(until_s, to_strike)


def test_what_came_after_a_crash_plays_again(tmp_path: Path) -> None:
    Mortal.failures = 0
    world = LoggedWorld(make_session=Mortal)
    world.log_to(tmp_path / "log")
    world.press(*D_MINOR_7)
    for _ in range(600):
        try:
            world.run(0.01)
        except RuntimeError as error:
            world.live.broke(error)
    world.end()
    assert Mortal.failures == 2
    replay = replayed(tmp_path / "log")  # with a decoder that does not fail
    assert replay.parted_s is None
    assert len(replay.played) == len(world.sent) > 20


def test_what_the_shipped_base_was_asked_for_it_is_asked_for_again(tmp_path: Path) -> None:
    """Controls, roles that turn, hands that are kept clear of, and the way home."""
    checkpoint = load_checkpoint()
    world = LoggedWorld(make_session=lambda seed: Session(checkpoint, seed=seed))
    world.log_to(tmp_path / "log")
    world.live.set_chart(parse_chart("Dm7 | G7 | Cmaj7 | %"))
    world.turn("density", 0.2)
    world.run(1.0)
    world.turn("mode", "comp")
    world.turn("keep_clear", 4)
    world.run(0.7)
    world.turn("density", 0.9)
    for pitch in (67, 72, 76):
        world.press(pitch)
        world.run(0.4)
        world.release(pitch)
    world.turn("groove", "bossa")
    world.live.end_in(0)
    world.run(6.0)
    world.end()
    assert world.said[-1][0] == "rest"
    assert len(world.onsets()) > 20
    replay = replayed(tmp_path / "log", lambda seed: Session(checkpoint, seed=seed))
    assert replay.parted_s is None
    assert [tuple(message) for _, message in replay.played] == [sent[2:] for sent in world.sent]


def test_the_shipped_base_plays_again_and_another_seed_is_noticed(tmp_path: Path) -> None:
    checkpoint = load_checkpoint()
    world = LoggedWorld(make_session=lambda seed: Session(checkpoint, seed=seed))
    world.log_to(tmp_path / "log")
    for chord, temperature in ((D_MINOR_7, 0.7), (G_7, 1.1), (C_MAJOR_7, 0.9)):
        world.press(*chord)
        world.run(0.3)
        world.turn("temperature", temperature)
        world.run(0.7)
        world.release(*chord)
    world.end()
    assert len(world.onsets()) > 5
    replay = replayed(tmp_path / "log", lambda seed: Session(checkpoint, seed=seed))
    assert replay.parted_s is None
    assert [tuple(message) for _, message in replay.played] == [sent[2:] for sent in world.sent]
    other = replayed(tmp_path / "log", lambda seed: Session(checkpoint, seed=seed + 1))
    assert other.parted_s is not None
    assert other.parted_s < 1.0


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Two seconds over a chord, by the double."""
    path = tmp_path / "session.jsonl"
    world = LoggedWorld()
    world.log_to(path)
    world.press(*C_MAJOR_7)
    world.run(2.0)
    world.end()
    return path


@pytest.fixture
def fake_base(monkeypatch: pytest.MonkeyPatch) -> None:
    run = replay_command.run
    monkeypatch.setattr(replay_command, "run", lambda args: run(args, lambda checkpoint, device: FakeSession))


@pytest.mark.usefixtures("fake_base")
def test_the_command_writes_the_take_and_says_that_it_is_the_same(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    take = tmp_path / "take.mid"
    assert cli.main(["replay", str(log), "-o", str(take)]) == 0
    out = capsys.readouterr().out
    assert "played as it was" in out
    tracks = mido.MidiFile(take).tracks
    assert [message.text for message in tracks[0] if message.type == "marker"] == ["Cmaj7"]
    assert sum(message.type == "note_on" for message in tracks[1]) > 5
    assert [message.note for message in tracks[2] if message.type == "note_on"] == list(C_MAJOR_7)
    assert cli.main(["replay", str(log), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["parted_s"] is None


@pytest.mark.parametrize(
    ("output", "text"),
    [
        ("session.jsonl", "session.jsonl is the log itself, which it would replace: give another file"),
        ("../{}/session.jsonl", "session.jsonl is the log itself"),
        ("missing/take.mid", "there is no folder"),
        (".", "is a folder: give the name of a file"),
    ],
)
def test_a_take_that_could_not_be_written_is_refused_before_anything_is_played(
    log: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], output: str, text: str
) -> None:
    run, before = replay_command.run, log.read_bytes()
    monkeypatch.setattr(replay_command, "run", lambda args: run(args, lambda checkpoint, device: pytest.fail("played")))
    take = log.parent / output.format(log.parent.name)
    assert cli.main(["replay", str(log), "-o", str(take)]) == 2
    assert text in capsys.readouterr().err
    assert log.read_bytes() == before


@pytest.mark.usefixtures("fake_base")
def test_a_log_cut_off_by_a_kill_plays_as_far_as_it_goes(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log.write_bytes(log.read_bytes()[:-400])
    assert cli.main(["replay", str(log)]) == 0
    assert "the log was cut off there" in capsys.readouterr().out


@pytest.mark.usefixtures("fake_base")
@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda lines: [], "is no session log"),
        (lambda lines: lines[1:], "is no session log"),
        (lambda lines: [lines[0], b"\xff{", *lines[1:]], "line 2 is broken"),
        (lambda lines: [*lines[:9], lines[9][:-9], *lines[10:]], "line 10 is broken"),
        (lambda lines: [lines[0].replace(b'"session",2', b'"session",9'), *lines[1:]], "of version 9"),
        (
            lambda lines: [lines[0].replace(b'"session",2', b'"session",1'), *lines[1:]],
            "replay it with the one that wrote it",
        ),
        (lambda lines: [lines[0].replace(b'"seed"', b'"sead"'), *lines[1:]], "session's seed is broken"),
        (lambda lines: [lines[0].replace(b'"base":"', b'"base":"00'), *lines[1:]], "played on another base"),
        (lambda lines: [*lines[:9], b'["round",{"t":[1],"in":[[1,"9"]]}]', *lines[9:]], "line 10 is broken"),
        (
            lambda lines: [*lines[:9], b'["round",{"t":[1],"do":[["knob","style","nobody"]]}]', *lines[9:]],
            "another style 'nobody'",
        ),
    ],
)
def test_what_is_no_log_of_this_base_is_refused_in_one_line(
    log: Path, capsys: pytest.CaptureFixture[str], change: Callable[[list[bytes]], list[bytes]], text: str
) -> None:
    log.write_bytes(b"\n".join(change(log.read_bytes().split(b"\n"))))
    assert cli.main(["replay", str(log)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert text in error


@pytest.mark.usefixtures("fake_base")
def test_a_log_that_plays_otherwise_says_from_where(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = log.read_bytes().split(b"\n")
    lines[0] = lines[0].replace(b'"seed":3', b'"seed":4')
    log.write_bytes(b"\n".join(lines))
    assert cli.main(["replay", str(log)]) == 1
    assert "plays something else" in capsys.readouterr().err


@pytest.mark.usefixtures("fake_base")
def test_no_slip_in_a_log_is_more_than_one_line(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = log.read_bytes()
    draw = random.Random(1)
    for _ in range(60):
        broken = bytearray(whole)
        for _ in range(draw.randrange(1, 4)):
            broken[draw.randrange(len(broken))] = draw.randrange(256)
        log.write_bytes(bytes(broken))
        assert cli.main(["replay", str(log)]) in (0, 1, 2)
        assert capsys.readouterr().err.count("\n") <= 1


@pytest.mark.parametrize("name", [field.name for field in fields(SessionOptions)])
def test_every_option_of_a_session_is_asked_of_its_log(log: Path, name: str) -> None:
    lines = log.read_bytes().split(b"\n")
    header = json.loads(lines[0])
    for broken in ({**header[2]["options"], name: []}, {k: v for k, v in header[2]["options"].items() if k != name}):
        lines[0] = json.dumps([*header[:2], {**header[2], "options": broken}]).encode()
        log.write_bytes(b"\n".join(lines))
        with pytest.raises(ReplayError, match=f"session's {name} is broken"):
            read_log(log)


def test_a_missing_log_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["replay", str(tmp_path / "none")]) == 2
    assert "cannot be read" in capsys.readouterr().err
