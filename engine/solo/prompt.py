"""Goes on from a prompt: takes its tempo and metre, and plays on even if the prompt has come to its end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from engine.chords import Chart
from engine.errors import SidemanError
from engine.metre import COMMON, Metre
from engine.model.checkpoint import Checkpoint
from engine.notes import Performance
from engine.solo.improvise import Solo, improvise
from osc_protocol.table.parameters import DEFAULT_BPM, HIGHEST_BPM, LOWEST_BPM

if TYPE_CHECKING:
    from engine.midi_io.signature import Signature

__all__ = ["Timing", "go_on", "timing_of"]

FINAL_CHORD_S = 0.15  # strokes this close to the last one are of the same chord
FEWEST_NOTES = 4  # with fewer left there is nothing to go on from


class Timing(NamedTuple):
    """tempo_bpm counts the metre's felt beat. said: a line on what was taken from the prompt, and what was not."""

    tempo_bpm: float
    metre: Metre
    said: str = ""


def timing_of(
    prompt: Path | None, signature: Signature | None, *, tempo_bpm: float | None = None, metre: Metre | None = None
) -> Timing:
    """Returns what is given, else the signature of the prompt, if there is one, else 120 and 4/4."""
    if signature is None:
        counted = metre or COMMON
        said = "" if counted.beat_quarters == 1 else f"tempo {tempo_bpm or DEFAULT_BPM:g} counts {counted.beat_name}"
        return Timing(tempo_bpm or DEFAULT_BPM, counted, said)
    taken = metre or signature.metre or COMMON
    words = []
    if tempo_bpm is None:
        if signature.quarter_bpm is None:
            words.append(f"says no tempo, so {DEFAULT_BPM:g} bpm: --tempo gives another")
            tempo_bpm = DEFAULT_BPM
        else:
            tempo_bpm = round(signature.quarter_bpm / float(taken.beat_quarters), 3)
            if LOWEST_BPM <= tempo_bpm <= HIGHEST_BPM:
                which = "its last tempo" if signature.changes > 1 else "its tempo"
                words.append(f"{which} of {tempo_bpm:g} bpm ({taken.beat_name}) goes on")
            else:
                words.append(f"its tempo of {tempo_bpm:g} bpm is not taken, so {DEFAULT_BPM:g}: --tempo gives another")
                tempo_bpm = DEFAULT_BPM
    if metre is None and signature.metre is not None:
        words.append(f"its metre of {taken} goes on")
    elif metre is None and signature.unread:
        words.append(f"its metre of {signature.unread} is not taken, so {taken}: --metre gives another")
    elif metre is not None and signature.metre not in (None, metre):
        words.append(f"its metre of {signature.metre} does not: {metre} is asked for")
    return Timing(tempo_bpm, taken, f"{prompt}: {', '.join(words)}" if words else "")


def go_on(checkpoint: Checkpoint, chart: Chart, *, prompt: Performance | None = None, **options: Any) -> Solo:
    """Plays as engine.solo.improvise.improvise does, but never returns silence.

    The model may answer a prompt that ends in a final chord with silence: then that chord is taken away, and the music
    goes on from what comes before it. SidemanError: there is no music even so.
    """
    solo = improvise(checkpoint, chart, prompt=prompt, **options)
    if len(solo.notes) or prompt is None:
        return _with_notes(solo)
    onsets = prompt.notes["onset_s"]
    earlier = prompt.notes[onsets < onsets.max() - FINAL_CHORD_S]
    if len(earlier) >= FEWEST_NOTES:
        end_s = float(np.max(earlier["onset_s"])) + FINAL_CHORD_S
        cut = earlier.copy()
        cut["offset_s"] = np.minimum(cut["offset_s"], np.maximum(end_s, cut["onset_s"] + FINAL_CHORD_S))
        solo = improvise(checkpoint, chart, prompt=replace(prompt, notes=cut), **options)
    return _with_notes(solo)


def _with_notes(solo: Solo) -> Solo:
    if len(solo.notes) == 0:
        raise SidemanError("the model answered with silence: try another --seed, more --bars or another prompt")
    return solo
