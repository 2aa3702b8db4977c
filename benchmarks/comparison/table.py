"""The rows of the comparison, as Markdown: what was measured, what was computed and from what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.common.figure import blank_figure, save_figure
from benchmarks.comparison.published import GPU_HOUR_USD, PUBLISHED, training_cost

__all__ = ["draw", "rows"]

Results = dict[str, dict[str, Any]]

TITLES = {"scg": "1 SCG + transformer", "moonbeam": "2 Moonbeam + LoRA", "ours": "3 ours", "plain": "4 plain + QLoRA"}
COST = {
    "scg": "a clip of 10 s is one piece of work: 50 steps, 5 forwards each with the rule, all before its first note",
    "moonbeam": "a token a note; grows with the notes in the cache",
    "ours": "constant a token, for ever: bands of 128 latents, tables for the context",
    "plain": "3 to 4 tokens a note; grows with the tokens in the cache, which end at 512",
}


SOURCES = {
    "scg": ("benchmarks/comparison/scg.py", "benchmarks/comparison/layers.py"),
    "moonbeam": ("benchmarks/comparison/moonbeam.py", "benchmarks/comparison/layers.py"),
    "ours": tuple(f"engine/model/{name}.py" for name in ("perceiver", "attention", "relative", "controls")),
    "plain": ("benchmarks/comparison/plain.py", "benchmarks/comparison/layers.py"),
}
"""Where each network, its loss and its way to play are written; ours plays by engine/inference and native beside."""


def lines_of(name: str) -> int:
    """Returns how many lines of it there are to read."""
    root = Path(__file__).parents[2]
    return sum(len((root / path).read_text(encoding="utf-8").splitlines()) for path in SOURCES[name])


def rows(results: Results) -> list[tuple[str, ...]]:
    """Returns each row as its title and a cell for each contestant; "-" where it has no such figure."""
    names = list(TITLES)

    def row(title: str, what: Any) -> tuple[str, ...]:
        cells = []
        for name in names:
            try:
                cells.append(what(name))
            except (KeyError, ZeroDivisionError):
                cells.append("-")
        return (title, *cells)

    def of(key: str, form: str, scale: float = 1.0) -> Any:
        return lambda name: form.format(results[name][key] * scale)

    def adapter(key: str, form: str, scale: float = 1.0) -> Any:
        return lambda name: form.format(results[name]["adapter"][key] * scale)

    def loss(name: str) -> str:
        return "-" if name == "scg" else of("held_out", "{:.2f}")(name)

    def noise_left(name: str) -> str:
        return of("held_out", "{:.3f}")(name) if name == "scg" else "-"

    def unguided(name: str) -> str:
        return f"{results['scg without its rule']['chord_tones']:.0%}" if name == "scg" else "-"

    def in_torch(name: str) -> str:
        return of("cpu_ms_per_note", "{:.1f}")("ours in torch" if name == "ours" else name)

    def first_sound(name: str) -> str:
        return of("cpu_s_per_clip", "{:.1f}")(name) if name == "scg" else of("cpu_ms_per_note", "{:.3f}", 1e-3)(name)

    def rented(name: str) -> str:
        hours, dollars = training_cost(PUBLISHED[name])
        return f"{hours:,.2f} h, {dollars:,.2f} $"

    def measured(name: str) -> str:
        hours = PUBLISHED[name].hours
        return "-" if hours is None else f"{hours:,.2f} h, {hours * GPU_HOUR_USD:,.2f} $"

    return [
        row("parameters", of("parameters", "{:,.0f}")),
        row("processor minutes of training", of("train_cpu_s", "{:.1f}", 1 / 60)),
        row("updates in them", of("updates", "{:,.0f}")),
        row("memory while training, MB", of("train_peak_mb", "{:,.0f}")),
        row("held-out loss, nats a note", loss),
        row("held-out loss, share of the noise's power left", noise_left),
        row("chord tones, six charts", of("chord_tones", "{:.0%}")),
        row("control: of the other charts", of("other_charts", "{:.0%}")),
        row("without guidance by the rule", unguided),
        row("notes a second", of("notes_s", "{:.1f}")),
        row("processor ms a note", of("cpu_ms_per_note", "{:.1f}")),
        row("the same in torch", in_torch),
        row("processor s to the first sound", first_sound),
        row("memory while playing, MB", of("play_peak_mb", "{:,.0f}")),
        row("file, MB", of("file_bytes", "{:.1f}", 1e-6)),
        row("file with NF4 matrices, MB", adapter("nf4_base_bytes", "{:.1f}", 1e-6)),
        row("an adapter's file, kB", adapter("bytes", "{:.0f}", 1e-3)),
        row("a style unheard, nats a note, before", adapter("before", "{:.2f}")),
        row("and after its adapter", adapter("after", "{:.2f}")),
        row("processor ms an update of it", adapter("cpu_s_per_update", "{:.0f}", 1e3)),
        row("what playing costs", lambda name: COST[name]),
        row("lines of Python of the network", lambda name: f"{lines_of(name):,}"),
        row(f"published size: GPU hours of one pass, and at {GPU_HOUR_USD:.2f} $ an hour (computed)", rented),
        row("the same as it was measured on one H100, both runs", measured),
    ]


def draw(path: Path, results: Results) -> None:
    """Draws processor time a note, and chord tones beside those of the other charts."""
    figure = blank_figure(8.0, 3.6)
    left, right = figure.subplots(1, 2)
    names = [name for name in TITLES if name in results]
    titles = [TITLES[name] for name in names]
    left.barh(titles[::-1], [results[name]["cpu_ms_per_note"] for name in names][::-1], color="#1b7f5c")
    left.set_xscale("log")
    left.set_xlabel("processor ms a note, logarithmic", fontsize=9)
    for key, colour, height, label in (
        ("chord_tones", "#5b6fa8", 0.8, "right chart"), ("other_charts", "#c8c8d4", 0.4, "other charts")
    ):  # fmt: skip
        shares = [100 * results[name][key] for name in names]
        right.barh(titles[::-1], shares[::-1], color=colour, height=height, label=label)
    right.set_xlabel("% of the sounding time on chord tones", fontsize=9)
    right.set_xlim(0, 100)
    right.legend(frameon=False, fontsize=8)
    right.set_yticklabels([])
    for axes in (left, right):
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    save_figure(path, figure)
