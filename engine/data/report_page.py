"""The page of a report: counts in a musician's words, pictures inside the file, tables. HTML without scripts."""

from __future__ import annotations

import base64
import html
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from engine.data.report_facts import Example, Facts
from engine.data.report_plots import Picture, time_text

__all__ = ["Roll", "page"]

MAX_COLLECTIONS = 200
MAX_CHART_PX = 700  # a wider one takes the page's width
PURPOSES = {"train": "the model learns from it", "valid": "says when to stop", "test": "measures the result, once"}
CHORD_SOURCES = {
    "annotation": "came with chords written by people",
    "midi text": "had their chords read from the text in the file",
    "chords file": "have a corrected chart beside the file",
    "recognised": "had their chords worked out from the notes",
    "practice": "are made here with exact chords",
}
BEAT_SOURCES = {
    "annotation": "came with their beats marked",
    "tempo map": "are in time with the tempo written in the file",
    "estimated": "had their beats found from the notes, with confidence",
    "chords file": "have their beats in a chart beside the file",
    "practice": "are made here with exact beats",
    "none": "play freely: their beat is left open, not guessed",
}
# One set of dark-ink pictures serves both grounds: turned over, hues kept, where the reader asks for dark.
STYLE = """
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
class Roll:
    """A picture of a passage of a piece."""

    example: Example
    picture: Picture
    start_s: float
    stop_s: float


def page(
    facts: Facts, charts: Iterable[Picture], rolls: Sequence[Roll], *, title: str, command: str, made: str
) -> Iterator[str]:
    """The page in parts, to be written one after the other. made: date and program, as they are to be read."""
    # No address is legal but data: within the file itself, so the page cannot ask the net for anything.
    yield (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        "style-src 'unsafe-inline'\">\n"
        f"<title>{_text(title)}: training data</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f'<header>\n<h1>Training data: {_text(title)}</h1>\n<p class="about">{_text(made)}, by '
        f"<code>{_text(command)}</code></p>\n</header>\n<main>\n"
    )
    yield from _summary(facts)
    sample = (
        f" Notes, keys and chords are those of {facts.sampled:,} pieces drawn at random." if _is_sample(facts) else ""
    )
    yield "<h2>How it sounds, in numbers</h2>\n"
    yield f'<p class="about">Heights are shares; a stronger colour is more.{sample}</p>\n'
    yield '<div class="charts">\n'
    for chart in charts:
        kind = "chart full" if chart.size[0] > MAX_CHART_PX else "chart"
        yield f'<figure class="{kind}">\n<h3>{_text(chart.name)}</h3>\n{_image(chart)}\n'
        yield f"<figcaption>{_text(chart.alt)}.</figcaption>\n</figure>\n"
    yield "</div>\n"
    yield from _rolls(rolls)
    yield from _collections(facts)
    yield from _refused(facts)
    yield "</main>\n</body>\n</html>\n"


def _summary(facts: Facts) -> Iterator[str]:
    total = facts.total
    tiles = (
        ("Pieces", f"{total.pieces:,}"),
        ("Music", _length(total.seconds)),
        ("Notes", f"{total.notes:,}"),
        ("Refused files", f"{facts.refused_count:,}"),
    )
    yield "<dl>\n" + "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>\n" for name, value in tiles) + "</dl>\n"
    train = facts.splits["train"]
    varied = facts.augmentation
    ways = [f"in {varied.keys} keys"] if varied.keys > 1 else []
    ways += [f"at {len(varied.tempo_stretch)} tempos"] if len(varied.tempo_stretch) > 1 else []
    heard = f"each {' and '.join(ways)}: {train.pieces * varied.variants:,} samples" if ways else "as they were played"
    loudness = f" Loudness varies by up to {varied.velocity_jitter:.0%}." if varied.velocity_jitter else ""
    said = [
        f"The model learns from {_count(train.pieces, 'piece')}, {heard}.{loudness} The others are kept from it: they "
        "show whether it has learnt to play or only to repeat.",
        _sentence("Chords", facts.chord_sources, CHORD_SOURCES),
        _sentence("Beats", facts.beat_sources, BEAT_SOURCES),
    ]
    if facts.chord_changes and facts.chord_s.any():
        said.append(f"A chord lasts {time_text(float(facts.chord_s.sum()) / facts.chord_changes)} on average.")
    if facts.works:
        torn = facts.split_works
        said.append(
            f"The pieces are {_count(facts.works, 'musical work')}; "
            + (
                f"{_count(torn, 'of them stands', 'of them stand')} on more than one side: prepare this folder again."
                if torn
                else "all versions of a work stand on the same side."
            )
        )
    if facts.refused_count:
        reasons = ", ".join(f"{reason} ({count:,})" for reason, count in facts.reasons.most_common(3))
        more = ", and others" if len(facts.reasons) > 3 else ""
        said.append(f"{_count(facts.refused_count, 'file was', 'files were')} refused: {reasons}{more}.")
    else:
        said.append("No file was refused.")
    yield "<ul>\n" + "".join(f"<li>{_text(sentence)}</li>\n" for sentence in said if sentence) + "</ul>\n"
    yield _table(
        "How the pieces are split",
        ("Side", "What for", "Pieces", "Length", "Notes", "Tokens"),
        (
            (name, PURPOSES.get(name, ""), f"{p.pieces:,}", _length(p.seconds), f"{p.notes:,}", f"{p.tokens:,}")
            for name, p in facts.splits.items()
        ),
        counts=4,
    )


def _rolls(rolls: Sequence[Roll]) -> Iterator[str]:
    number = "A piece" if len(rolls) == 1 else f"{len(rolls)} pieces"
    yield f"<h2>{number} drawn at random</h2>\n"
    yield '<p class="about">Louder notes are stronger in colour; lines are beats, where they are known.</p>\n'
    for roll in rolls:
        row, example = roll.example.row, roll.example
        name = str(row.get("path") or f"Piece {example.number + 1} of {example.split}")
        facts = [f"{_clock(roll.start_s)} to {_clock(roll.stop_s)}", f"{example.split} side"]
        facts += [f"{what}: {row[field]}" for what, field in _ROLL_FIELDS if row.get(field)]
        yield (
            f'<figure class="roll">\n<figcaption><strong><bdi>{_text(name)}</bdi></strong><br>{_text(", ".join(facts))}'
            f'</figcaption>\n<div class="wide" tabindex="0" role="group" aria-label="Piano roll of {_text(name)}">'
            f"{_image(roll.picture)}</div>\n</figure>\n"
        )


_ROLL_FIELDS = (("chords", "chord_source"), ("beats", "beat_source"), ("licence", "licence"))


def _collections(facts: Facts) -> Iterator[str]:
    yield "<h2>Collections and licences</h2>\n"
    parts = sorted(facts.collections.items(), key=lambda item: -item[1].seconds)
    left = f"; {len(parts) - MAX_COLLECTIONS:,} smaller ones are left out" if len(parts) > MAX_COLLECTIONS else ""
    yield _table(
        f"Where the pieces come from{left}",
        ("Collection", "Licence", "Pieces", "Length", "Tokens", "Refused"),
        (
            (
                name,
                "; ".join(_licences(p.licences)),
                f"{p.pieces:,}",
                _length(p.seconds),
                f"{p.tokens:,}",
                f"{p.refused:,}",
            )
            for name, p in parts[:MAX_COLLECTIONS]
        ),
        counts=4,
    )
    licences = sorted(facts.licences.items(), key=lambda item: -item[1].pieces)
    yield _table(
        "Under which licences",
        ("Licence", "Pieces", "Length"),
        ((name, f"{p.pieces:,}", _length(p.seconds)) for name, p in licences[:MAX_COLLECTIONS]),
        counts=2,
    )


def _licences(licences: Counter[str]) -> list[str]:
    names = [name for name, _ in licences.most_common(5)]
    return names + ([f"{len(licences) - 5} more"] if len(licences) > 5 else [])


def _refused(facts: Facts) -> Iterator[str]:
    yield "<h2>Refused files</h2>\n"
    if not facts.refused:
        yield "<p>None.</p>\n"
        return
    left = facts.refused_count - len(facts.refused)
    yield _table(
        f"Every file that was left out, and why{f'; {left:,} more stand in manifest.jsonl' if left else ''}",
        ("File", "Reason"),
        facts.refused,
    )


def _table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]], counts: int = 0) -> str:
    """A table of texts; the first cell of a row names it, the last `counts` columns hold numbers."""
    first = len(heads) - counts
    kinds = [' class="count"' if i >= first else "" for i in range(len(heads))]
    head = "".join(f'<th scope="col"{kind}>{_text(text)}</th>' for text, kind in zip(heads, kinds, strict=True))
    body = "".join(
        f'<tr><th scope="row"><bdi>{_text(row[0])}</bdi></th>'
        + "".join(f"<td{kind}>{_text(text)}</td>" for text, kind in zip(row[1:], kinds[1:], strict=True))
        + "</tr>\n"
        for row in rows
    )
    return (
        f'<div class="wide" tabindex="0" role="group" aria-label="{_text(caption)}">\n<table>\n'
        f"<caption>{_text(caption)}</caption>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>\n</div>\n"
    )


def _image(picture: Picture) -> str:
    data = base64.b64encode(picture.png).decode()
    width, height = picture.size
    return f'<img src="data:image/png;base64,{data}" width="{width}" height="{height}" alt="{_text(picture.alt)}">'


def _text(text: str) -> str:
    """Any text, also a hostile file name, as one line of HTML: what cannot be shown is written out as an escape."""
    shown = "".join(c if c.isprintable() else " " if c.isspace() else c.encode("unicode_escape").decode() for c in text)
    return html.escape(shown)


def _sentence(what: str, sources: Counter[str], words: dict[str, str]) -> str:
    """As in "Chords: 12 pieces came with ..., 3 ..."; a source that nobody foresaw is named as it is."""
    total = sum(sources.values())
    parts = [f"{count:,} {words.get(source, f'({source})')}" for source, count in sources.most_common()]
    return f"{what}: of {_count(total, 'piece')}, {'; '.join(parts)}." if parts else ""


def _is_sample(facts: Facts) -> bool:
    return facts.sampled < facts.total.pieces


def _count(count: int, one: str, many: str | None = None) -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def _length(seconds: float) -> str:
    """As in 3 min or 174.7 h."""
    return f"{seconds / 60:.0f} min" if 60 <= seconds < 3600 else f"{seconds / 3600:,.1f} h" if seconds else "0"


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
