"""What auto stands for under styles: their own values, weighed, and the sideman's where they have none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.errors import CheckpointError
from engine.inference.asked import Asked
from engine.inference.session import Session
from engine.model.checkpoint import load_checkpoint, save_checkpoint
from engine.model.config import Config
from engine.model.controls import Control
from engine.model.shapes import parameter_shapes
from engine.styles.style import Style
from engine.styles.style_folder import load_style, save_style
from engine.styles.typical import REPETITION, blended, typical_of
from tests.support.style_folders import CONFIG, random_style, write_base

CONTROLS = {
    "manner": Control("manner", labels=("rolls", "jazz")),
    "density": Control("density", edges=(2.0, 4.0, 6.0, 8.0)),
    "bass": Control("bass", edges=(1.0,)),
}
RAG = {"manner": "rolls", "density": 0.9}
WALTZ = {"manner": "jazz", "density": 0.1, "bass": 0.4}
AUTO = {"manner": "jazz", "role": "solo", "groove": "swing", "density": 0.5}


def test_a_style_says_its_values_in_the_units_of_the_edges() -> None:
    facts = {"controls": {"manner": "rolls", "density": 5.0, "loudness": 64.0, "bass": "much"}}
    style = Style("rag", "0" * 64, 4, 8.0, ("q_proj",), {}, facts)
    assert typical_of(style, CONTROLS) == {"manner": "rolls", "density": pytest.approx(0.5)}
    assert typical_of(Style("old", "0" * 64, 4, 8.0, ("q_proj",), {}), CONTROLS) == {}


@pytest.mark.parametrize(
    ("weights", "density"),
    [({}, 0.5), ({"rag": 1.0}, 0.9), ({"rag": 0.5}, 0.7), ({"rag": 0.5, "waltz": 0.5}, 0.5),
     ({"rag": 0.0}, 0.5), ({"rag": 1.5, "waltz": 0.5}, 0.7), ({"rag": 0.25, "waltz": 0.25}, 0.5)],
)  # fmt: skip
def test_measured_values_are_weighed_as_the_styles_are(weights: dict[str, float], density: float) -> None:
    styles = {name: {"rag": RAG, "waltz": WALTZ}[name] for name in weights}
    assert blended(AUTO, styles, weights)["density"] == pytest.approx(density)


def test_labels_are_the_heavier_styles_and_a_pianist_has_his_own_groove() -> None:
    assert blended(AUTO, {"rag": RAG}, {"rag": 1.0}) == {"manner": "rolls", "density": 0.9}
    assert blended(AUTO, {"rag": RAG}, {"rag": 0.3}) == {**AUTO, "density": pytest.approx(0.62)}
    both = blended({**AUTO, "role": "comping"}, {"rag": RAG, "waltz": WALTZ}, {"rag": 0.3, "waltz": 0.7})
    assert (both["manner"], both["role"], both.get("groove")) == ("jazz", "comping", None)
    assert blended({}, {"waltz": WALTZ}, {"waltz": 0.25}) == {"density": 0.1, "bass": 0.4}
    plain = {"density": 0.9}
    assert blended(AUTO, {"rag": plain}, {"rag": 1.0}) == plain
    comping = {**AUTO, "role": "comping"}
    assert blended(comping, {"rag": plain}, {"rag": 1.0}) == {"manner": "jazz", "role": "comping", "density": 0.9}


def test_a_session_asks_for_a_styles_values_until_the_player_asks(tmp_path: Path) -> None:
    """Auto is the style's while it plays, the sideman's before and after; a knob that was turned is the player's."""
    config = Config(model=replace(CONFIG.model, controls=tuple(CONTROLS.values())))
    rng = np.random.default_rng(0)
    shapes = parameter_shapes(config.model)
    weights = {name: rng.normal(0, 0.1, shape).astype(np.float32) for name, shape in shapes.items()}
    save_checkpoint(tmp_path / "base", config, weights, "# test\n")
    base = load_checkpoint(tmp_path / "base")
    style = replace(random_style(base, "rag"), facts={"controls": {"manner": "rolls", "density": 7.0}})
    session = Session(base)
    session.set_auto({"manner": "jazz", "density": 0.5, "bass": 0.25})
    session.use_style({"rag": 1.0}, {"rag": style})
    asked = session.asked()
    assert (asked["manner"], asked["density"], asked["bass"]) == ("rolls", pytest.approx(0.75), 0.25)
    session.set_params(density=0.1)
    assert session.asked()["density"] == pytest.approx(0.1)
    session.set_params(density="auto")
    session.use_style({"rag": 0.5})
    assert session.asked()["density"] == pytest.approx(0.625)
    session.use_style({})
    assert (session.asked()["manner"], session.asked()["density"]) == ("jazz", 0.5)


@pytest.mark.parametrize(
    "controls", [["density"], {"density": float("nan")}, {"density": [1]}, {"density": True}, {1: 2.0}, {"x": "y" * 99}]
)
def test_a_strangers_values_that_are_none_are_refused(controls: object, tmp_path: Path) -> None:
    base = write_base(tmp_path / "base")
    save_style(tmp_path / "style", replace(random_style(base), facts={"controls": controls}))
    with pytest.raises(CheckpointError, match="a word or a number each"):
        load_style(tmp_path / "style")


def of_a_rag(weight: float, **values: object) -> Asked:
    """What is asked at these values where auto means a density, a register and a bass, with so much of a style that
    knows its density and bass.
    """
    asked = Asked([Control("density", edges=(2.0, 4.0, 6.0, 8.0)), Control("bass", edges=(1.0,)),
                   Control("register", edges=(60.0,))])  # fmt: skip
    asked.auto = {"density": 0.5, "register": 0.5, "bass": 0.5}
    asked.values |= values
    asked.learn_style(
        "rag", Style("rag", "0" * 64, 4, 8.0, ("q_proj",), {}, {"controls": {"density": 5.0, "bass": 2.0}})
    )
    asked.use_styles({"rag": weight})
    return asked


def test_what_a_pianist_plays_by_himself_does_not_bend_the_draw_and_what_is_asked_of_him_does() -> None:
    assert set(of_a_rag(0.0).for_model()[1]) == {"register", "bass"}
    assert set(of_a_rag(1.0).for_model()[1]) == {"register"}, "the style knows no register, so the place is auto's"
    assert of_a_rag(1.0).of("bass") != "auto"
    assert set(of_a_rag(1.0, bass=0.5).for_model()[1]) == {"register", "bass"}


def test_a_pianist_repeats_as_he_does_and_the_knob_comes_on_top() -> None:
    assert of_a_rag(0.0).repetition == 1.0
    assert of_a_rag(1.0).repetition == REPETITION
    assert of_a_rag(2.0).repetition == REPETITION
    assert of_a_rag(0.5).repetition == pytest.approx(1 + (REPETITION - 1) / 2)
    assert of_a_rag(1.0, repetition=1.5).repetition == pytest.approx(1.5 * REPETITION)
