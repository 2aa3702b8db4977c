"""A stream of tokens that knows what is asked of it: parameters, styles and the base's controls.

What the table says, what "auto" stands for and what holds in this place (engine/inference/asked) comes to three things
here: what the sampler draws from, what the model is told, and what the draw leans towards.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

import native
from engine.chords.scales import scale_mask
from engine.errors import CheckpointError
from engine.inference.asked import Asked
from engine.inference.backends import speed_advice
from engine.inference.decoders.style_slots import STYLES
from engine.inference.draw.steering import targets_of
from engine.inference.emphasis import emphasised
from engine.inference.reach import NOTHING_CLEAR, Hand, Reach
from engine.inference.streams import make_stream
from engine.model.checkpoint import Checkpoint
from engine.model.controls import UNKNOWN, Control, check_askable
from engine.styles.library import find_style, style_mark, style_weights
from engine.styles.style import Style, adapter_of
from osc_protocol.table.parameters import CONTROL_NAMES, Setting, Value, settings, values_of

__all__ = ["AskedStream"]

SAMPLER_NAMES = (
    "temperature", "top_p", "top_k", "min_p", "register_low", "register_high", "polyphony",
)  # fmt: skip


class AskedStream:
    """What a session is asked, and its stream. One thread at a time may call it."""

    def __init__(self, checkpoint: Checkpoint, seed: int, backend: str) -> None:
        """See Session."""
        self._checkpoint, self._seed = checkpoint, seed
        self._decoder, self._stream = make_stream(emphasised(checkpoint), seed, backend)
        # Names of the styles that the decoder holds, and as what: a fork shares both with it.
        self._slots: list[str | None] = [None] * STYLES
        self._marks: dict[str, object] = {}
        self._asked = Asked(checkpoint.model.controls)
        self._clear = NOTHING_CLEAR
        self._called: Hand | None = None
        # What the stream was told last.
        self._role = ""
        self._levels = np.full(len(checkpoint.model.controls), UNKNOWN, dtype=np.float32)
        self._targets: dict[str, float] = {}
        self._leans = True
        self._apply_params()

    @property
    def controls(self) -> Sequence[Control]:
        """The controls that the base was trained with."""
        return self._checkpoint.model.controls

    @property
    def base_sha256(self) -> str:
        """Of the base, which its styles must have been made on."""
        return self._checkpoint.sha256

    @property
    def speed_advice(self) -> str:
        """One line with a remedy if this machine decodes too slowly to play this base live, else ""."""
        return speed_advice(self._checkpoint, self._decoder.kernel)

    def set_params(self, *given: Setting, **values: Value) -> None:
        """Sets parameters from the next token on: settings, or values by their names in osc_protocol.table.parameters.

        Settings were checked against the table as they were made; values are checked here. ParameterError: unknown name
        or value out of range. SidemanError: a scale nobody knows, a style that is not there, is broken or was made on
        another base, a control that this base was not trained with.
        """
        checked = values_of((*given, *settings(**values)))
        for name, value in checked.items():
            check_askable(self.controls, name, value)
        if "scale" in checked:
            scale_mask(str(checked["scale"]))
        if "style" in checked or "style_blend" in checked:
            wanted = {name: checked.get(name, self._asked.values[name]) for name in ("style", "style_blend")}
            self.use_style(style_weights(str(wanted["style"]), float(wanted["style_blend"])))
        self._asked.values.update(checked)
        self._apply_params()

    def set_auto(self, values: Mapping[str, str | float]) -> None:
        """Sets what "auto" means from the next token on: by control name a label, or 0..1 of a measured control.

        A control not named is unknown to the model, as is one that this base was not trained with. While styles are in
        use, their pianists' typical values come before these (engine/styles/typical).
        """
        self._asked.auto = dict(values)
        self._apply_levels()

    def ask_here(self, values: Mapping[str, float]) -> None:
        """Asks for something else than the table's values from the next token on, as in one bar of a chart.

        values: 0..1 of a measured control, by name; {}: the table's values hold everywhere.
        """
        if values != self._asked.here:
            self._asked.here = dict(values)
            self._apply_levels()

    def asked(self) -> dict[str, str | float]:
        """Returns what applies now to each control of the table: a label, or 0..1; "auto" where nothing is asked."""
        return {name: self._asked.of(name) for name in CONTROL_NAMES}

    def use_style(self, weights: Mapping[str, float], loaded: Mapping[str, Style] | None = None) -> None:
        """Plays in these styles, name -> weight 0..2, at most four; {} is the base alone. Holds from the next token on.

        loaded: styles in memory, by name; the others are looked for in the user's folder and the package. What was
        played stays as it was computed. A style that was made anew since it was last asked for is loaded anew.
        CheckpointError, changing nothing: a style that is not there, is broken or was made on another base, or a weight
        out of range.
        """
        if len(weights) > STYLES:
            raise CheckpointError(f"{len(weights)} styles at once: blend at most {STYLES}")
        for name, weight in weights.items():
            if not (math.isfinite(weight) and 0 <= weight <= 2):
                raise CheckpointError(f"style {name}: weight {weight:g} lies outside 0..2")
        given = loaded or {}
        marks = {name: given.get(name) or style_mark(name) for name in weights}
        new = [name for name, mark in marks.items() if name not in self._slots or mark not in (None, self._marks[name])]
        styles = {name: given.get(name) or find_style(name) for name in new}
        adapters = {name: adapter_of(style, self._checkpoint) for name, style in styles.items()}
        for name, adapter in adapters.items():
            slot = next(i for i, held in enumerate(self._slots) if held == name or held not in weights)
            self._decoder.set_style(slot, adapter)
            self._slots[slot], self._marks[name] = name, marks[name]
            self._asked.learn_style(name, styles[name])
        self._asked.use_styles(weights)
        self._decoder.set_style_weights([weights.get(name, 0.0) if name else 0.0 for name in self._slots])
        self._stream.refresh()
        self._limit()
        self._apply_levels()

    def keep_clear(self, pitches: tuple[int, int] | None) -> None:
        """Strikes nothing from the first to the second pitch from the next token on; None: anything.

        ValueError, changing nothing: a pitch outside 0..127.
        """
        low, high = pitches or NOTHING_CLEAR
        native.SamplerParams(clear_low=low, clear_high=high)  # refuses before anything has changed
        self._clear = (low, high)
        self._apply_params()

    def call_hand(self, hand: Hand | None) -> None:
        """Lets one of the two hands alone strike from the next token on, where it has room; None: whichever will."""
        if hand != self._called:
            self._called = hand
            self._limit()

    def _reach(self) -> Reach:
        values = self._asked.values
        low, high, notes = (int(values[name]) for name in ("register_low", "register_high", "polyphony"))
        reach = Reach(low, high, notes, scale_mask(str(values["scale"])), self._clear)
        return reach.for_role(str(self._asked.of("role")))

    def _apply_params(self) -> None:
        self._limit()
        self._stream.set_theme(float(self._asked.values["theme"]))
        self._apply_levels()

    def _limit(self) -> None:
        """Tells the sampler its settings and limits, those of a hand that is alone or called among them."""
        values, reach, (low, high) = self._asked.values, self._reach().for_hand(self._called), self._clear
        limits = {"register_low": reach.low, "register_high": reach.high}
        params = native.SamplerParams(
            **{name: values[name] for name in SAMPLER_NAMES} | limits,  # type: ignore[arg-type]
            repetition=self._asked.repetition, clear_low=low, clear_high=high, scale_mask=reach.scale_mask,
            keep_timing=True,
        )  # fmt: skip
        self._stream.set_params(params, float(values["chord_strength"]))
        self._role = str(self._asked.of("role"))

    def _apply_levels(self) -> None:
        """Passes on to the stream what all that is asked comes to, where that is something else than before."""
        if str(self._asked.of("role")) != self._role:
            self._limit()
        (levels, targets), leans = self._asked.for_model(), self._asked.leans
        if not np.array_equal(levels, self._levels):
            self._levels = levels
            self._stream.set_levels(levels)
        if targets != self._targets:
            self._targets = targets
            self._stream.set_targets(targets_of(targets))
        if leans != self._leans:
            self._leans = leans
            self._stream.set_leaning(leans)
