"""The events of one track: running status, numbers of any length, damage; numpy agrees with a byte-by-byte reader."""

from __future__ import annotations

import io

import mido
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.midi_io.container import Track
from engine.midi_io.events import Events, read_events
from tests.support.midi_bytes import body

END = "00 FF 2F 00"


def _read(text: str, *, exact: bool = True, steps: int = 1000) -> Events:
    return read_events(Track(22, body(text), exact), steps)


def _messages(events: Events) -> list[tuple[int, ...]]:
    return list(zip(*(column.tolist() for column in events.channel), strict=True))


C_ON, C_OFF = (0, 0x90, 60, 64), (96, 0x90, 60, 0)


@pytest.mark.parametrize(
    ("text", "messages", "repairs"),
    [
        pytest.param("00 90 3C 40\n60 3C 00\n" + END, [C_ON, C_OFF], [], id="running status"),
        pytest.param("00 90 3C 40\n00 FF 01 01 41\n60 3C 00\n" + END, [C_ON, C_OFF], [], id="across a meta event"),
        pytest.param("00 90 3C 40\n00 F0 02 41 F7\n60 3C 00\n" + END, [C_ON, C_OFF], [], id="across SysEx"),
        pytest.param("00 C0 05\n00 06\n00 90 3C 40\n60 3C 00\n" + END, [C_ON, C_OFF], [], id="running program changes"),
        pytest.param("00 90 3C 40\n80 80 80 80 60 3C 00\n" + END, [C_ON, C_OFF], [], id="over-long number"),
        pytest.param("00 90 3C 40\n00 F8\n60 3C 00\n" + END, [C_ON, C_OFF], ["system message F8 skipped"], id="clock"),
        pytest.param("00 F2 01 02\n00 90 3C 40\n" + END, [C_ON], ["system message F2 skipped"], id="song position"),
        pytest.param(
            "00 90 3C C8\n" + END, [(0, 0x90, 60, 127)], ["data bytes above 127 taken for 127"], id="velocity 200"
        ),
        pytest.param(
            "00 90 3C 40\n60 3C 00", [C_ON, C_OFF], ["no end of track: ends with its last event"], id="no end"
        ),
        pytest.param("00 90 3C 40\n60 3C", [C_ON], ["cut off inside an event"], id="cut off inside a note"),
        pytest.param("00 90 3C 40\n00 FF 01 7F 41", [C_ON], ["cut off inside an event"], id="cut off inside a text"),
        pytest.param("00 90 3C 40\n00 F0 7F 41 42", [C_ON], ["cut off inside an event"], id="cut off inside SysEx"),
        pytest.param(
            "00 90 3C 40\n00 F0 7F 41 F7\n60 90 3C 00\n" + END,
            [C_ON, C_OFF],
            ["length of a SysEx was wrong"],
            id="SysEx without a length",
        ),
        pytest.param(
            "00 90 3C 40\n00 FF 2F 00\n60 90 3C 00\n" + END, [C_ON, C_OFF], [], id="music behind an end, ended again"
        ),
        pytest.param(
            "00 90 3C 40\n00 FF 2F 00\n60 90 3C 00", [C_ON, C_OFF], ["music behind its end read"], id="music behind it"
        ),
        pytest.param("00 90 3C 40\n00 FF 2F 00\n00 00 00", [C_ON], [], id="padding behind it"),
        pytest.param(
            "00 90 3C 40\n00 FF 2F 00\n01 02 03", [C_ON], ["3 bytes behind its end ignored"], id="garbage behind it"
        ),
        pytest.param(
            "00 90 3C 40\nFF FF FF FF 7F 3C 00",
            [C_ON],
            ["unreadable from byte 26 on (a number of more than 28 bits): what lies before is kept"],
            id="a number too large",
        ),
        pytest.param(
            "00 3C 40\n" + END,
            [],
            ["unreadable from byte 22 on (0x3C where a status byte belongs): what lies before is kept"],
            id="data without a status",
        ),
    ],
)
def test_awkward_tracks(text: str, messages: list[tuple[int, ...]], repairs: list[str]) -> None:
    events = _read(text)
    assert _messages(events) == messages
    assert events.repairs == repairs


def test_a_track_whose_length_was_guessed_stops_at_its_end() -> None:
    assert _messages(_read("00 90 3C 40\n00 FF 2F 00\n60 90 3C 00", exact=False)) == [C_ON]


def test_singles_stand_between_the_messages_at_their_ticks() -> None:
    events = _read("05 C3 07\n01 90 3C 40\n02 FF 51 03 07 A1 20\n03 3C 00\n81 00 FF 06 01 41\n" + END)
    assert [message[0] for message in _messages(events)] == [6, 11]
    assert [tuple(single) for single in events.singles] == [
        (5, 0xC3, 7, b""), (8, 0xFF, 0x51, b"\x07\xa1\x20"), (139, 0xFF, 6, b"A"), (139, 0xFF, 0x2F, b""),
    ]  # fmt: skip
    assert events.end_tick == 139


def test_more_single_events_than_allowed_are_refused() -> None:
    with pytest.raises(ValueError, match="more text, tempo, system or damaged"):
        _read("00 FF 01 00\n" * 50 + END, steps=50)


def test_what_stands_before_damage_is_counted_as_read() -> None:
    assert _read("00 90 3C 40\n00 FF 01 00\nFF FF FF FF 7F 00").unread == 6


DATA = st.integers(0, 127)
EVENT = st.one_of(
    st.builds(
        lambda kind, channel, a, b: mido.Message.from_bytes([kind | channel, a, b]),
        st.sampled_from([0x80, 0x90, 0xA0, 0xB0]),
        st.integers(0, 15),
        DATA,
        DATA,
    ),
    st.builds(lambda program: mido.Message("program_change", program=program), DATA),
    st.builds(lambda value: mido.Message("aftertouch", value=value), DATA),
    st.builds(lambda data: mido.Message("sysex", data=data), st.lists(DATA, max_size=200)),
    st.builds(lambda text: mido.MetaMessage("text", text=text), st.text("abc", max_size=200)),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2**21), EVENT), max_size=40))
def test_every_message_that_mido_writes_is_read_at_its_tick(rows: list[tuple[int, mido.Message]]) -> None:
    file = mido.MidiFile(type=0)
    file.add_track().extend(message.copy(time=delta) for delta, message in rows)
    saved = io.BytesIO()
    file.save(file=saved)
    events = read_events(Track(22, saved.getvalue()[22:], True), 1000)
    tick, channel, programs = 0, [], []
    for delta, message in rows:
        tick += delta
        data = message.bytes()
        if not message.is_meta and len(data) == 3 and data[0] < 0xF0:
            channel.append((tick, *data))
        elif message.type == "program_change":
            programs.append((tick, message.program))
    assert _messages(events) == channel
    assert [(single.tick, single.kind) for single in events.singles if single.status == 0xC0] == programs
    assert (events.repairs, events.end_tick) == ([], tick)
