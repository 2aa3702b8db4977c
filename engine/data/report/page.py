"""The page of a report: counts in a musician's words, pictures inside the file, tables. HTML without scripts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from engine.data.report.facts import Example, Facts
from engine.data.report.picture import time_text
from engine.output.html_page import END, Picture, chart, head, image, table, text

__all__ = ["Roll", "length_text", "page"]

MAX_COLLECTIONS = 200
PURPOSES = {"train": "the model learns from it", "valid": "says when to stop", "test": "measures the result, once"}
CHORD_SOURCES = {
    "annotation": "came with chords written by people",
    "midi text": "had their chords read from the text in the file",
    "chords file": "have a corrected chart beside the file",
    "recognised": "had their chords worked out from the notes",
    "generated": "are made here with exact chords",
}
BEAT_SOURCES = {
    "annotation": "came with their beats marked",
    "tempo map": "are in time with the tempo written in the file",
    "estimated": "had their beats found from the notes, with confidence",
    "chords file": "have their beats in a chart beside the file",
    "generated": "are made here with exact beats",
    "none": "play freely: their beat is left open, not guessed",
}


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
    yield head(f"Training data: {title}", made, command)
    yield from _summary(facts)
    sample = (
        f" Notes, keys and chords are those of {facts.sampled:,} pieces drawn at random." if _is_sample(facts) else ""
    )
    yield "<h2>How it sounds, in numbers</h2>\n"
    yield f'<p class="about">Heights are shares; a stronger colour is more.{sample}</p>\n'
    yield '<div class="charts">\n'
    for picture in charts:
        yield chart(picture)
    yield "</div>\n"
    yield from _rolls(rolls)
    yield from _collections(facts)
    yield from _refused(facts)
    yield END


def _summary(facts: Facts) -> Iterator[str]:
    total = facts.total
    tiles = (
        ("Pieces", f"{total.pieces:,}"),
        ("Music", length_text(total.seconds)),
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
    yield "<ul>\n" + "".join(f"<li>{text(sentence)}</li>\n" for sentence in said if sentence) + "</ul>\n"
    yield table(
        "How the pieces are split",
        ("Side", "What for", "Pieces", "Length", "Notes", "Tokens"),
        (
            (name, PURPOSES.get(name, ""), f"{p.pieces:,}", length_text(p.seconds), f"{p.notes:,}", f"{p.tokens:,}")
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
            f'<figure class="roll">\n<figcaption><strong><bdi>{text(name)}</bdi></strong><br>{text(", ".join(facts))}'
            f'</figcaption>\n<div class="wide" tabindex="0" role="group" aria-label="Piano roll of {text(name)}">'
            f"{image(roll.picture)}</div>\n</figure>\n"
        )


_ROLL_FIELDS = (("chords", "chord_source"), ("beats", "beat_source"), ("licence", "licence"))


def _collections(facts: Facts) -> Iterator[str]:
    yield "<h2>Collections and licences</h2>\n"
    parts = sorted(facts.collections.items(), key=lambda item: -item[1].seconds)
    left = f"; {len(parts) - MAX_COLLECTIONS:,} smaller ones are left out" if len(parts) > MAX_COLLECTIONS else ""
    yield table(
        f"Where the pieces come from{left}",
        ("Collection", "Licence", "Pieces", "Length", "Tokens", "Refused"),
        (
            (
                name,
                "; ".join(_licences(p.licences)),
                f"{p.pieces:,}",
                length_text(p.seconds),
                f"{p.tokens:,}",
                f"{p.refused:,}",
            )
            for name, p in parts[:MAX_COLLECTIONS]
        ),
        counts=4,
    )
    licences = sorted(facts.licences.items(), key=lambda item: -item[1].pieces)
    yield table(
        "Under which licences",
        ("Licence", "Pieces", "Length"),
        ((name, f"{p.pieces:,}", length_text(p.seconds)) for name, p in licences[:MAX_COLLECTIONS]),
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
    yield table(
        f"Every file that was left out, and why{f'; {left:,} more stand in manifest.jsonl' if left else ''}",
        ("File", "Reason"),
        facts.refused,
    )


def _sentence(what: str, sources: Counter[str], words: dict[str, str]) -> str:
    """As in "Chords: 12 pieces came with ..., 3 ..."; a source that nobody foresaw is named as it is."""
    total = sum(sources.values())
    parts = [f"{count:,} {words.get(source, f'({source})')}" for source, count in sources.most_common()]
    return f"{what}: of {_count(total, 'piece')}, {'; '.join(parts)}." if parts else ""


def _is_sample(facts: Facts) -> bool:
    return facts.sampled < facts.total.pieces


def _count(count: int, one: str, many: str | None = None) -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def length_text(seconds: float) -> str:
    """As in 12 s, 3 min or 174.7 h."""
    if seconds < 60:
        return f"{seconds:.0f} s" if seconds else "0"
    return f"{seconds / 60:.0f} min" if seconds < 3600 else f"{seconds / 3600:,.1f} h"


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
