"""The frame of a MIDI file: wrappers taken off, wrong lengths mended and named, everything else refused in one line."""

from __future__ import annotations

import gzip
import io
import zipfile

import pytest

from engine.midi_io.container import MAX_CHUNKS, open_container
from tests.support.midi_bytes import ONE_NOTE, body, chunk, header, midi

EOT = b"\0\xff\x2f\0"
NOTE = body(ONE_NOTE)
WHOLE = midi("0060", ONE_NOTE)
TRACK = chunk(b"MTrk", NOTE + EOT)


def _rmid(content: bytes, name: bytes = b"data") -> bytes:
    inside = b"RMID" + b"LIST\3\0\0\0abc\0" + name + len(content).to_bytes(4, "little") + content
    return b"RIFF" + len(inside).to_bytes(4, "little") + inside


@pytest.mark.parametrize(
    ("data", "repairs"),
    [
        pytest.param(WHOLE, [], id="whole"),
        pytest.param(_rmid(WHOLE), [], id="RMID is a legal wrapper"),
        pytest.param(b"\0\5hello" + bytes(121) + WHOLE, ["128 bytes before the header skipped"], id="MacBinary"),
        pytest.param(b"\xef\xbb\xbf" + WHOLE, ["3 bytes before the header skipped"], id="byte order mark"),
        pytest.param(header() + chunk(b"MTrk", NOTE + EOT, 99), ["track 1: cut off"], id="length too long"),
        pytest.param(header() + chunk(b"MTrk", NOTE + EOT, 0xFFFFFFFF), ["track 1: cut off"], id="length FFFFFFFF"),
        pytest.param(header() + chunk(b"MTrk", NOTE + EOT, 0), ["track 1: its length was wrong"], id="length 0"),
        pytest.param(
            header() + chunk(b"MTrk", NOTE + EOT, 5), ["track 1: its length was wrong"], id="length too short"
        ),
        pytest.param(WHOLE + b"*", ["1 bytes behind the last track ignored"], id="a byte behind"),
        pytest.param(WHOLE + bytes(99), [], id="zeros behind are padding"),
        pytest.param(WHOLE + b"XFIH\0\0\0\2ab", [], id="foreign chunk"),
        pytest.param(header() + b"\1\2\3" + TRACK, ["3 bytes before track 1 ignored"], id="bytes between"),
        pytest.param(header(tracks=7) + TRACK, ["the header counts 7 tracks, the file holds 1"], id="too few tracks"),
        pytest.param(header(kind=9) + TRACK, ["file type 9 is unknown: read as type 1"], id="type 9"),
        pytest.param(b"MThd\0\0\0\x08" + header()[8:] + b"\1\2" + TRACK, [], id="longer header"),
        pytest.param(b"MThd\0\0\0\0" + header()[8:] + TRACK, ["header length 0 taken for 6"], id="header length 0"),
        pytest.param(
            (header("010A") + chunk(b"MTrk", NOTE + b"\x0a\x80\x0a\0" + EOT)).replace(b"\n", b"\r\n"),
            ["line ends converted by a text transfer put back"],
            id="CRLF",
        ),
        pytest.param(
            WHOLE.decode("latin-1").encode("utf-8"), ["a conversion to UTF-8 taken back"], id="latin-1 made UTF-8"
        ),
    ],
)
def test_one_track_is_found_and_what_was_mended_is_named(data: bytes, repairs: list[str]) -> None:
    frame = open_container(data)
    assert frame.repairs == repairs
    assert len(frame.tracks) == 1
    assert NOTE in frame.tracks[0].body


def test_a_wrong_length_costs_no_other_track() -> None:
    for length in (0, 3, 17, 25, 999, 0xFFFFFFFF):
        frame = open_container(header(tracks=3) + TRACK + chunk(b"MTrk", NOTE + EOT, length) + TRACK)
        assert [track.body for track in frame.tracks] == [NOTE + EOT] * 3
        assert frame.repairs == ["track 2: its length was wrong"]


def _zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(zipfile.ZipInfo("song.mid"), WHOLE)
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no MThd header"),
        (b"MThd\0\0", "no MThd header"),
        (TRACK, "without its header"),
        (_zip(), "zip archive: unpack it"),
        (gzip.compress(WHOLE, mtime=0), "gzip data: unpack it"),
        (b"<html>not found</html>", "web page"),
        (b"\xef\xbb\xbf  <?xml version='1.0'?><score-partwise/>", "markup"),
        (_rmid(WHOLE, b"DISP"), "without its data chunk"),
        (_rmid(b"RIFF"), "no MThd header"),
        (bytes(10_000) + WHOLE, "no MThd header"),
        (header(tracks=65535) + TRACK * (MAX_CHUNKS + 1), "more than 1,024 tracks"),
    ],
)
def test_what_is_no_midi_file_is_refused_in_one_line(data: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as refusal:
        open_container(data)
    assert "\n" not in str(refusal.value)
    assert ": " in str(refusal.value) or "(" in str(refusal.value)
