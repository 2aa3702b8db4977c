"""Draws the picture of TIMING.md: `python docs/draw_timing.py`. A test holds it up to date.

Blue: threads that must be in time. Grey: threads that may wait. Bold arrows: lock-free rings of native/.
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Final

__all__ = ["PICTURE", "render"]

PICTURE: Final = Path(__file__).resolve().parent / "timing.svg"
WIDTH, HEIGHT = 1000, 590
_PAGE, _TIMED, _CALM, _OUTSIDE, _INK, _DIM = "#ffffff", "#dcecfb", "#eceff1", "#fff6d8", "#1d2125", "#5b666f"

# name: (x, y, width, height, fill, title, lines under it)
BOXES: Final[dict[str, tuple[int, int, int, int, str, str, tuple[str, ...]]]] = {
    "keys": (20, 30, 170, 44, _OUTSIDE, "keys, host's clock", ()),
    "synth": (850, 30, 130, 44, _OUTSIDE, "synth, DAW", ()),
    "ports": (
        20, 110, 960, 56, _CALM, "the ports",
        ("on JACK in a process of their own (midi/jack/child.py), which ends the notes of a session that dies; "
         "elsewhere rtmidi in this process",),
    ),
    "input": (20, 236, 180, 92, _TIMED, "MIDI input", ("stamps each message,", "decides nothing,", "never waits")),
    "session": (
        350, 220, 290, 130, _TIMED, "session thread",
        ("LiveSession.step(), a round at a time:", "drain ring and commands", "chord, knob, beat -> change",
         "fill the look-ahead: decode without GIL", "a failed round: silence, afresh"),
    ),
    "deadline": (
        790, 220, 190, 130, _TIMED, "deadline thread",
        ("DeadlineThread: wait_due, send", "SCHED_FIFO where allowed", "ends what it began,", "whatever dies"),
    ),
    "osc": (
        20, 420, 180, 110, _CALM, "control threads",
        ("OSC, its time tags,", "controllers, control port", "in and out, OSCQuery:", "check, then post"),
    ),
    "main": (
        350, 420, 290, 110, _CALM, "main thread",
        ("opens and closes everything", "prints and answers the reports", "starts dead workers again, 3 a minute",
         "waits for a signal"),
    ),
    "journal": (
        790, 420, 190, 66, _CALM, "journal threads", ("write 4 times a second,", "to the disk once a second"),
    ),
    "files": (790, 530, 190, 40, _OUTSIDE, "take.mid.journal, log", ()),
}  # fmt: skip


def render() -> str:
    """The file's text."""
    parts = [f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{_PAGE}"/>']
    for x, y, w, h, fill, title, lines in BOXES.values():
        parts.append(f'<rect x="{x}" y="{y}" width="{w}" height="{h}" rx="6" fill="{fill}" stroke="{_DIM}"/>')
        parts.append(_text(x + w // 2, y + (20 if lines else h // 2 + 5), title, 14, bold=True))
        parts += [_text(x + w // 2, y + 38 + 17 * row, line, 12) for row, line in enumerate(lines)]
    parts += [
        _arrow([(85, 74), (85, 110)]),
        _arrow([(85, 166), (85, 236)]),
        _arrow([(915, 110), (915, 74)]),
        _arrow([(915, 220), (915, 166)]),
        _text(915 - 8, 198, "send", 12, end=True),
        # the rings
        _arrow([(200, 285), (350, 285)], ring=True),
        _text(275, 262, "MidiRing, 4096", 12),
        _text(275, 277, "messages + stamp", 12),
        _arrow([(640, 285), (790, 285)], ring=True),
        _text(715, 247, "Scheduler's ring, 4096", 12),
        _text(715, 262, "push, cancel_from,", 12),
        _text(715, 277, "silence", 12),
        _arrow([(110, 236), (110, 196), (830, 196), (830, 220)], ring=True),
        _text(470, 190, "--echo: MidiRing, 1024", 12),
        # the queues
        _arrow([(200, 450), (275, 450), (275, 325), (350, 325)]),
        _text(269, 385, "commands (deque)", 12, end=True),
        _arrow([(420, 350), (420, 420)]),
        _text(426, 390, "reports", 12, start=True),
        _arrow([(350, 500), (200, 500)]),
        _text(275, 516, "answers, status", 12),
        _arrow([(600, 350), (600, 385), (830, 385), (830, 420)]),
        _text(700, 379, "entries (deque)", 12),
        _arrow([(940, 350), (940, 420)]),
        _arrow([(885, 486), (885, 530)]),
        _arrow([(640, 550), (790, 550)]),
        _text(715, 543, "at the end: take.mid", 12),
        '<path d="M600,530 V550 H640" fill="none" stroke="#5b666f" stroke-width="1.3"/>',
    ]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        'font-family="Segoe UI, Helvetica, Arial, sans-serif">'
    )
    return "\n".join((head, *parts, "</svg>", ""))


def _text(x: int, y: int, words: str, size: int, *, bold: bool = False, start: bool = False, end: bool = False) -> str:
    anchor = "start" if start else "end" if end else "middle"
    weight = ' font-weight="bold"' if bold else ""
    fill = _INK if bold else _DIM
    return (
        f'<text x="{x}" y="{y}" font-size="{size}" fill="{fill}" text-anchor="{anchor}"{weight}>{escape(words)}</text>'
    )


def _arrow(points: list[tuple[int, int]], *, ring: bool = False) -> str:
    """Along the points, its tip at the last one."""
    (x0, y0), (x1, y1) = points[-2:]
    dx, dy = (x1 > x0) - (x1 < x0), (y1 > y0) - (y1 < y0)
    path = " L".join(f"{x},{y}" for x, y in [*points[:-1], (x1 - 8 * dx, y1 - 8 * dy)])
    colour, width = (_INK, 3) if ring else (_DIM, 1.3)
    x, y = x1 - 10 * dx, y1 - 10 * dy
    tip = f"M{x1},{y1} L{x - 6 * dy},{y - 6 * dx} L{x + 6 * dy},{y + 6 * dx} Z"
    return f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="{width}"/><path d="{tip}" fill="{colour}"/>'


if __name__ == "__main__":
    PICTURE.write_text(render(), encoding="utf-8")
