"""What our HTML pages share: one style for light and dark, pictures inside the file, tables, no script.

A page asks the net for nothing: the only legal addresses are data within the file itself.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["END", "MAX_CHART_PX", "Picture", "chart", "head", "image", "table", "text"]

MAX_CHART_PX = 700  # a wider one takes the page's width
END = "</main>\n</body>\n</html>\n"

# One set of dark-ink pictures serves both grounds: turned over, hues kept, where the reader asks for dark.
_STYLE = """
:root { color-scheme: light dark; --ground: #fcfcfd; --card: #fff; --ink: #1f2430; --faint: #5b6273; --line: #dfe3ea;
  --accent: #3a55a8; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #14161b; --card: #1b1e25; --ink: #e8eaf0; --faint: #a3abbb; --line: #343946; --accent: #9db2f5; }
  img { filter: invert(1) hue-rotate(180deg); }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 66rem; background: var(--ground); color: var(--ink);
  font: 16px/1.55 system-ui, sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .3rem; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .8rem; }
p, ul { max-width: 46rem; }
.about, figcaption, caption { color: var(--faint); font-size: .875rem; }
code { font: .875em ui-monospace, monospace; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .8rem; margin: 1.4rem 0; }
dl div, .chart { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .8rem 1rem; }
dt { color: var(--faint); font-size: .875rem; }
dd { margin: 0; font-size: 1.5rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); gap: 1rem; }
figure { margin: 0; }
.chart { display: flex; flex-direction: column; }
.chart h3 { font-size: 1rem; margin: 0 0 .4rem; }
.chart img { width: 100%; height: auto; margin: auto 0; }
.full { grid-column: 1 / -1; }
.roll { margin-bottom: 1.8rem; }
.wide { overflow-x: auto; }
.wide:focus-visible { outline: 2px solid var(--accent); }
.roll img { display: block; width: 100%; min-width: 42rem; height: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
caption { text-align: left; padding-bottom: .4rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .8rem .35rem 0; border-bottom: 1px solid var(--line);
  overflow-wrap: anywhere; min-width: 7rem; }
thead th { color: var(--faint); font-weight: 600; }
.count { text-align: right; min-width: 0; font-variant-numeric: tabular-nums; white-space: nowrap; }
@media print { .wide { overflow: visible; } .roll img { min-width: 0; } figure { break-inside: avoid; } }
"""


@dataclass(frozen=True)
class Picture:
    """A PNG, its size in pixels, and what it says in words."""

    name: str
    png: bytes
    size: tuple[int, int]
    alt: str


def head(title: str, made: str, command: str) -> str:
    """Returns the page up to the beginning of its main part. made: date and program, as they are to be read."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        "style-src 'unsafe-inline'\">\n"
        f"<title>{text(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f'<header>\n<h1>{text(title)}</h1>\n<p class="about">{text(made)}, by '
        f"<code>{text(command)}</code></p>\n</header>\n<main>\n"
    )


def chart(picture: Picture) -> str:
    """Returns a picture under its name, above what it says in words."""
    kind = "chart full" if picture.size[0] > MAX_CHART_PX else "chart"
    return (
        f'<figure class="{kind}">\n<h3>{text(picture.name)}</h3>\n{image(picture)}\n'
        f"<figcaption>{text(picture.alt)}.</figcaption>\n</figure>\n"
    )


def table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]], counts: int = 0) -> str:
    """Returns a table of texts; the first cell of a row names it, the last `counts` columns hold numbers."""
    first = len(heads) - counts
    kinds = [' class="count"' if i >= first else "" for i in range(len(heads))]
    heading = "".join(f'<th scope="col"{kind}>{text(name)}</th>' for name, kind in zip(heads, kinds, strict=True))
    body = "".join(
        f'<tr><th scope="row"><bdi>{text(row[0])}</bdi></th>'
        + "".join(f"<td{kind}>{text(cell)}</td>" for cell, kind in zip(row[1:], kinds[1:], strict=True))
        + "</tr>\n"
        for row in rows
    )
    return (
        f'<div class="wide" tabindex="0" role="group" aria-label="{text(caption)}">\n<table>\n'
        f"<caption>{text(caption)}</caption>\n<thead><tr>{heading}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>\n</div>\n"
    )


def image(picture: Picture) -> str:
    """Returns a picture with its words, inside the page."""
    data = base64.b64encode(picture.png).decode()
    width, height = picture.size
    return f'<img src="data:image/png;base64,{data}" width="{width}" height="{height}" alt="{text(picture.alt)}">'


def text(words: str) -> str:
    """Returns any text, also a hostile file name, as one line of HTML, with escapes for what cannot be shown."""
    shown = "".join(
        c if c.isprintable() else " " if c.isspace() else c.encode("unicode_escape").decode() for c in words
    )
    return html.escape(shown)
