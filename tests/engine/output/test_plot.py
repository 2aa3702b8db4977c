"""The piano roll picture: its size, its rows, and what it refuses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib")
from matplotlib.image import imread

from engine.errors import SidemanError
from engine.metre import Metre
from engine.notes import Notes, make_notes
from engine.output.plot import plot_png


def _notes(bars: int, bar_s: float = 2.0) -> Notes:
    onset_s = np.arange(bars * 4) * bar_s / 4
    return make_notes(onset_s, onset_s + 0.4, 48 + np.arange(bars * 4) % 30, 20 + np.arange(bars * 4) % 100)


def _size(path: Path) -> tuple[int, int]:
    height, width = imread(path).shape[:2]
    return width, height


def test_every_eight_bars_are_a_row(tmp_path: Path) -> None:
    heights = []
    for bars in (24, 32, 40):
        plot_png(tmp_path / "take.png", _notes(bars), [(0, "Dm7"), (4, "G7")], tempo_bpm=120, bars=bars)
        width, height = _size(tmp_path / "take.png")
        assert width == 1728
        heights.append(height)
    assert heights[1] - heights[0] == pytest.approx(heights[2] - heights[1], abs=1)
    assert heights[1] > heights[0]


def test_fast_changes_get_rows_of_four_bars(tmp_path: Path) -> None:
    slow = [(2.0 * bar, "Cmaj7") for bar in range(32)]
    fast = [(0.5 * beat, "F#m7b5/C") for beat in range(128)]
    for name, chords in (("slow.png", slow), ("fast.png", fast)):
        plot_png(tmp_path / name, _notes(32), chords, tempo_bpm=120, bars=32)
    assert _size(tmp_path / "fast.png")[1] > 1.7 * _size(tmp_path / "slow.png")[1]


def test_louder_notes_are_darker(tmp_path: Path) -> None:
    light = []
    for velocity in (20, 110):
        plot_png(tmp_path / "note.png", make_notes([0.0], [2.0], [60], [velocity]), tempo_bpm=120, bars=1)
        picture = imread(tmp_path / "note.png")[..., :3]
        column = picture[:400, picture.shape[1] // 2]
        light.append(float(column.min()))
    assert light[1] < light[0] - 0.1


@pytest.mark.parametrize("title", [None, "Träumerei $x^2$", "夢"])
@pytest.mark.parametrize("count", [0, 1])
def test_odd_titles_and_hardly_any_notes_are_drawn(tmp_path: Path, title: str | None, count: int) -> None:
    notes = make_notes([0.0] * count, [1.0] * count, [127] * count, [127] * count)
    plot_png(tmp_path / "take.png", notes, [(0.0, "N.C.")], tempo_bpm=90, metre=Metre(3), title=title)
    assert _size(tmp_path / "take.png")[0] == 1728


@pytest.mark.parametrize("bars", [0, 257])
def test_a_picture_of_no_bars_or_too_many_is_refused(tmp_path: Path, bars: int) -> None:
    with pytest.raises(SidemanError, match=r"1\.\.256"):
        plot_png(tmp_path / "take.png", _notes(1), tempo_bpm=120, bars=bars)
    assert not list(tmp_path.iterdir())


def test_without_matplotlib_the_message_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(SidemanError, match=r"pip install 'sideman\[plot\]'"):
        plot_png(tmp_path / "take.png", _notes(1), tempo_bpm=120)


def test_importing_the_engine_does_not_import_matplotlib() -> None:
    code = "import sys, engine.output.plot, engine.chords, engine.midi_io; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
