"""Limits that leave nothing to play are refused before anything is played, in one line that names both."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bridge.cli import main
from engine.errors import SidemanError
from engine.inference.reach import LEFT_TOP
from engine.midi_io.write import write_midi
from engine.notes import make_notes
from engine.solo.again.keeping import FEWEST_KEYS, kept_register
from engine.solo.limits import check_limits
from osc_protocol.table.parameters import settings


@pytest.fixture(scope="module")
def take(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("limits") / "take.mid"
    at_s = np.arange(32) / 4
    write_midi(path, make_notes(at_s, at_s + 0.2, 40 + np.arange(32), np.full(32, 70)), tempo_bpm=120.0)
    return path


REFUSED = [
    (["--register-low", "80", "--register-high", "70"], "register_low 80 lies above register_high 70"),
    (["--register-low", "110"], "register_low 110 lies above register_high 108"),
    (["--register-low", "61", "--register-high", "61", "--scale", "C major"],
     "no note of 'C major' lies from register_low 61 to register_high 61"),
]  # fmt: skip
REFUSED_AGAIN = [
    (["--keep", "left", "--register-high", "50"], "--keep left plays above 56 anew, where register_high 50 leaves no"),
    (["--keep", "left", "--register-high", "58"], "where register_high 58 leaves 2 of 5 keys: give a higher one"),
    (["--keep", "right", "--register-low", "60"], "--keep right plays up to 56 anew, where register_low 60 leaves no"),
    (["--keep", "rhythm", "--temperature", "2", "--top-p", "0.5"], "--temperature, --top-p: --keep rhythm takes"),
    (["--keep", "rhythm", "--scale", "D dorian"], "--scale: --keep rhythm takes the likeliest keys near the old ones"),
    (["--keep", "rhythm", "--top-k", "3"], "--top-k: --keep rhythm"),
    (["--velocity", "2"], "unrecognized arguments: --velocity 2"),
    (["--swing", "0.6"], "unrecognized arguments: --swing 0.6"),
    (["--quantise", "1"], "unrecognized arguments: --quantise 1"),
    (["--humanise", "1"], "unrecognized arguments: --humanise 1"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "message"), REFUSED)
def test_generate_refuses_limits_that_leave_nothing(
    options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["generate", "--chords", "C", "-o", str(tmp_path / "out.mid"), *options]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("options", "message"), [*REFUSED, *REFUSED_AGAIN])
def test_again_refuses_what_leaves_nothing_and_what_it_would_not_heed(
    take: Path, options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["again", str(take), "--bars", "2", "-o", str(tmp_path / "out.mid"), *options]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("values", [{}, {"register_low": 60, "register_high": 60}, {"scale": "D dorian"}])
def test_limits_that_leave_a_note_are_taken(values: dict[str, int | str]) -> None:
    check_limits(settings(**values))


def test_a_hand_that_is_played_anew_has_some_keys() -> None:
    for high in range(128):
        try:
            low, top = kept_register("left", (), 21, high)
        except SidemanError:
            assert high - LEFT_TOP < FEWEST_KEYS
            continue
        assert LEFT_TOP < low <= top - FEWEST_KEYS + 1
        assert top == high
