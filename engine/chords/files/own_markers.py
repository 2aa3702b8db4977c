"""Chord markers that Sideman itself wrote: a text at the file's start says so, and then each is what it says.

Of a file of unknown origin texts are believed by what they look like (text_labels), and a vamp on one chord, names that
are German or triads alone look like anything. A chart was understood before it was played: its markers need no proof.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.chords.chord import ChordLabels, add_label
from engine.chords.symbol import SymbolReader
from engine.errors import ChordError

__all__ = ["GENERATED", "RECORDED", "read_own_markers"]

GENERATED, RECORDED = "sideman generate", "sideman take"  # the text, alone or before a colon and more
_TURNED = re.compile(r"[a-z_]{2,} ")  # of a recording: a knob or a mode, `density 0.5`


def read_own_markers(texts: Sequence[tuple[float, str, str]]) -> ChordLabels | None:
    """(time_s, kind, text) of a file's text events -> chords; None where it does not say that its markers are ours.

    All markers are read as one chart's, in one language's names. What is no chord is passed over.
    """
    if not any(kind == "text" and text.partition(":")[0] in (GENERATED, RECORDED) for _, kind, text in texts):
        return None
    markers = [(time_s, text) for time_s, kind, text in texts if kind == "marker" and not _TURNED.match(text)]
    reader = SymbolReader(text for _, text in markers)
    labels: ChordLabels = []
    for time_s, text in sorted(markers, key=lambda marker: marker[0]):
        try:
            add_label(labels, time_s, reader.read(text))
        except ChordError:
            continue
    return labels or None
