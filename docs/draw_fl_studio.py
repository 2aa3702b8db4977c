"""Draws the pictures of FL_STUDIO.md: `python docs/draw_fl_studio.py`. A test holds them up to date.

They are schematic, after no screenshot: names, numbers and their places are what a reader looks for. Yellow is what to
click or to type, in the order of the numbers.
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Final

__all__ = ["FOLDER", "render", "write"]

FOLDER: Final = Path(__file__).resolve().parent / "fl_studio"
_PAGE, _WINDOW, _BAR, _FIELD, _LINE = "#e8eaed", "#3b4248", "#2a2f34", "#22262a", "#59636b"
_TEXT, _DIM, _MARK, _INK, _GREEN = "#e4e8eb", "#9aa5ad", "#ffd34d", "#1d2125", "#8fd16f"
_ROW: Final = 24  # pixels


class Picture:
    """One SVG, drawn from left and top in pixels."""

    def __init__(self, width: int, height: int) -> None:
        self._size = width, height
        self._parts = [f'<rect width="{width}" height="{height}" rx="8" fill="{_PAGE}"/>']

    def box(self, x: int, y: int, w: int, h: int, fill: str = _WINDOW, *, marked: bool = False) -> None:
        """A rectangle; marked: what to click."""
        stroke = f'stroke="{_MARK}" stroke-width="3"' if marked else f'stroke="{_LINE}"'
        self._parts.append(f'<rect x="{x}" y="{y}" width="{w}" height="{h}" rx="4" fill="{fill}" {stroke}/>')

    def text(self, x: int, y: int, words: str, fill: str = _TEXT, size: int = 13, *, middle: bool = False) -> None:
        """Words on a base line at y."""
        anchor = ' text-anchor="middle"' if middle else ""
        self._parts.append(f'<text x="{x}" y="{y}" fill="{fill}" font-size="{size}"{anchor}>{escape(words)}</text>')

    def window(self, x: int, y: int, w: int, h: int, title: str) -> None:
        """A window with its title."""
        self.box(x, y, w, h)
        self.box(x, y, w, 26, _BAR)
        self.text(x + 10, y + 18, title)

    def rows(self, x: int, y: int, w: int, names: tuple[str, ...], chosen: int | None = None) -> None:
        """A list; one of its rows may be chosen."""
        self.box(x, y, w, _ROW * len(names) + 4, _FIELD)
        for number, name in enumerate(names):
            top = y + 2 + number * _ROW
            if number == chosen:
                self.box(x + 2, top, w - 4, _ROW, "#4c5a3a", marked=True)
            self.text(x + 10, top + 17, name)

    def field(self, x: int, y: int, label: str, value: str, w: int = 90, *, marked: bool = True) -> None:
        """A label and the field to its right of it."""
        self.text(x, y + 17, label, _DIM)
        left = x + 12 + 7 * len(label)
        self.box(left, y, w, _ROW, _FIELD, marked=marked)
        self.text(left + 8, y + 17, value)

    def lamp(self, x: int, y: int, label: str) -> None:
        """A switch that is on."""
        self.box(x, y, 20 + 8 * len(label) + 10, _ROW, _FIELD, marked=True)
        self._parts.append(f'<circle cx="{x + 13}" cy="{y + 12}" r="6" fill="{_GREEN}"/>')
        self.text(x + 26, y + 17, label)

    def knob(self, x: int, y: int, label: str, *, marked: bool = False) -> None:
        """A knob with its name under it."""
        stroke = f'stroke="{_MARK}" stroke-width="3"' if marked else f'stroke="{_LINE}"'
        self._parts.append(f'<circle cx="{x}" cy="{y}" r="17" fill="{_FIELD}" {stroke}/>')
        self._parts.append(f'<line x1="{x}" y1="{y}" x2="{x + 9}" y2="{y - 11}" stroke="{_GREEN}" stroke-width="3"/>')
        self.text(x, y + 34, label, _DIM, 11, middle=True)

    def step(self, x: int, y: int, number: int) -> None:
        """A numbered disc: the order of the clicks."""
        self._parts.append(f'<circle cx="{x}" cy="{y}" r="11" fill="{_MARK}"/>')
        self.text(x, y + 5, str(number), _INK, 14, middle=True)

    def arrow(self, x0: int, x1: int, y: int, words: str) -> None:
        """From x0 to x1, with words above it."""
        tip = 9 if x1 > x0 else -9
        self._parts.append(f'<line x1="{x0}" y1="{y}" x2="{x1 - tip}" y2="{y}" stroke="{_INK}" stroke-width="2"/>')
        self._parts.append(f'<path d="M{x1},{y} l{-tip},-6 v12 z" fill="{_INK}"/>')
        self.text((x0 + x1) // 2, y - 7, words, _INK, 12, middle=True)

    def svg(self) -> str:
        """The file's text."""
        width, height = self._size
        size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="Segoe UI, Helvetica, Arial, sans-serif">'
        return "\n".join((head, *self._parts, "</svg>", ""))


def wiring() -> Picture:
    """The three ports between the two programs."""
    picture = Picture(700, 210)
    for x, title in ((10, "FL Studio"), (510, "sideman play")):
        picture.window(x, 15, 180, 180, title)
    lines = (
        (70, "Sideman In", "MIDI Out channel, keys", "hears your chords", True),
        (115, "Sideman Out", "the instrument's channel", "plays the solo", False),
        (160, "Sideman Control", "script: knobs, tempo", "sets values, tells them", True),
    )
    for y, port, here, there, outward in lines:
        picture.text(20, y + 4, here, size=12)
        picture.text(520, y + 4, there, size=12)
        picture.arrow(*((200, 500) if outward else (500, 200)), y, port)
    picture.arrow(500, 200, 174, "")
    return picture


def loopmidi() -> Picture:
    """loopMIDI with its three ports."""
    picture = Picture(520, 230)
    picture.window(10, 10, 500, 210, "loopMIDI")
    picture.rows(25, 50, 470, ("Sideman In", "Sideman Out", "Sideman Control"))
    picture.field(25, 160, "New port-name:", "Sideman Control", 200)
    picture.box(400, 160, 40, _ROW, _FIELD, marked=True)
    picture.text(414, 177, "+")
    picture.step(255, 150, 1)
    picture.step(420, 150, 2)
    return picture


def iac() -> Picture:
    """The IAC driver of macOS with its ports."""
    picture = Picture(560, 250)
    picture.window(10, 10, 540, 230, "Audio MIDI Setup: IAC Driver")
    picture.lamp(25, 50, "Device is online")
    picture.step(205, 62, 1)
    picture.text(25, 105, "Ports", _DIM)
    picture.rows(25, 115, 400, ("Sideman In", "Sideman Out", "Sideman Control"))
    picture.box(440, 115, 32, _ROW, _FIELD, marked=True)
    picture.text(452, 132, "+")
    picture.step(490, 127, 2)
    return picture


def _settings(title: str, names: tuple[str, ...], chosen: int, height: int = 250) -> Picture:
    picture = Picture(620, height)
    picture.window(10, 10, 600, height - 20, "Options > MIDI settings")
    picture.text(25, 58, title, _DIM)
    picture.rows(25, 66, 570, names, chosen)
    picture.step(330, 66 + chosen * _ROW + 14, 1)
    return picture


def output() -> Picture:
    """The script's output port."""
    picture = _settings("Output", ("Microsoft GS Wavetable Synth", "Sideman Control", "Sideman In"), 1, 210)
    picture.field(25, 155, "Port", "10", 50)
    picture.step(140, 167, 2)
    return picture


def _input(chosen: int, port: str, controller: str, *, marked: bool, knobs: str = "My keyboard") -> Picture:
    picture = _settings("Input", (knobs, "Sideman Control", "Sideman Out"), chosen)
    picture.lamp(25, 155, "Enable")
    picture.field(160, 155, "Port", port, 50)
    picture.field(25, 195, "Controller type", controller, 180, marked=marked)
    places = ((130, 167), (278, 167), (340, 207))
    for number, (x, y) in enumerate(places if marked else places[:2], 2):
        picture.step(x, y, number)
    return picture


def script_input() -> Picture:
    """The script's input port."""
    return _input(1, "10", "Sideman", marked=True)


def script_output() -> Picture:
    """What the script says."""
    picture = Picture(520, 110)
    picture.window(10, 10, 500, 90, "View > Script output")
    picture.text(25, 60, "Sideman: init ok", _GREEN)
    picture.text(25, 82, "Sideman: connected", _GREEN)
    return picture


def solo_input() -> Picture:
    """The solo's way into FL."""
    return _input(2, "12", "(generic controller)", marked=False)


def knob_box() -> Picture:
    """A hardware controller's input."""
    return _input(0, "13", "Sideman Knobs", marked=True, knobs="My knob box")


def hint_bar() -> Picture:
    """What FL's hint bar shows of a knob."""
    picture = Picture(520, 60)
    picture.box(10, 10, 500, 40, _BAR)
    picture.box(20, 18, 230, _ROW, _FIELD, marked=True)
    picture.text(30, 35, "Temperature 0.85", _GREEN)
    picture.text(270, 35, "Pattern 1    130.000 bpm", _DIM)
    return picture


def chords_output() -> Picture:
    """The way of the MIDI Out channel to the engine."""
    picture = _settings("Output", ("Microsoft GS Wavetable Synth", "Sideman Control", "Sideman In"), 2, 210)
    picture.field(25, 155, "Port", "11", 50)
    picture.step(140, 167, 2)
    return picture


def channel_rack() -> Picture:
    """The two channels, the instrument selected."""
    picture = Picture(520, 150)
    picture.window(10, 10, 500, 130, "Channel rack")
    for number, (name, what, selected) in enumerate((("MIDI Out", "a chord, drawn", False), ("FL Keys", "", True))):
        y = 50 + number * 40
        picture.box(30, y, 130, 30, _FIELD, marked=selected)
        picture.text(42, y + 20, name)
        picture.box(175, y, 320, 30, _FIELD)
        if what:
            for note in range(3):
                picture.box(180, y + 4 + note * 8, 305, 6, _GREEN)
    picture.step(22, 105, 1)
    return picture


def midi_out() -> Picture:
    """The MIDI Out channel and its first knob."""
    picture = Picture(620, 200)
    picture.window(10, 10, 270, 180, "MIDI Out")
    picture.field(30, 50, "Port", "11", 50)
    picture.step(150, 62, 1)
    for number in range(3):
        picture.knob(60 + number * 80, 120, ("temperature", "knob 2", "knob 3")[number], marked=number == 0)
    picture.step(30, 102, 2)
    picture.box(300, 90, 110, 28, _FIELD, marked=True)
    picture.text(312, 109, "Configure...")
    picture.step(300, 88, 3)
    picture.window(430, 40, 180, 150, "Configure")
    picture.field(440, 80, "Name", "temperature", 95, marked=False)
    picture.field(440, 120, "Controller", "20", 45)
    picture.step(592, 132, 4)
    return picture


def piano_roll() -> Picture:
    """Where the take's script stands."""
    picture = Picture(560, 180)
    picture.window(10, 10, 540, 160, "Piano roll")
    picture.rows(25, 46, 150, ("Tools (spanner)",), 0)
    picture.rows(190, 46, 150, ("Scripting",), 0)
    picture.rows(355, 46, 180, ("Sideman take",), 0)
    for number, x in enumerate((175, 340, 535), 1):
        picture.step(x, 46, number)
    notes = ((40, 95, 90), (80, 112, 60), (150, 104, 120), (150, 130, 60), (230, 121, 90), (330, 95, 60))
    for x, y, w in notes:
        picture.box(x, y, w, 8, _GREEN)
    return picture


_PICTURES: Final = (
    wiring, loopmidi, iac, output, script_input, script_output, solo_input, knob_box, hint_bar, chords_output,
    channel_rack, midi_out, piano_roll,
)  # fmt: skip


def render() -> dict[str, str]:
    """File name -> SVG."""
    return {f"{draw.__name__}.svg": draw().svg() for draw in _PICTURES}


def write(folder: Path = FOLDER) -> list[Path]:
    """Writes them all; their paths."""
    folder.mkdir(exist_ok=True)
    paths = []
    for name, text in render().items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
        paths.append(folder / name)
    return paths


if __name__ == "__main__":
    for path in write():
        print(path)
