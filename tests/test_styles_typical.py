"""What auto stands for under styles: their own values, weighed, and the sideman's where they have none."""

from __future__ import annotations

import pytest

from engine.controls import Control
from engine.styles import Style
from engine.styles_typical import blended, typical_of

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


def test_labels_are_the_heavier_styles_and_jazz_roles_end_with_jazz() -> None:
    assert blended(AUTO, {"rag": RAG}, {"rag": 1.0}) == {"manner": "rolls", "density": 0.9}
    assert blended(AUTO, {"rag": RAG}, {"rag": 0.3})["manner"] == "jazz"
    assert blended(AUTO, {"rag": RAG, "waltz": WALTZ}, {"rag": 0.3, "waltz": 0.7})["groove"] == "swing"
    assert blended({}, {"waltz": WALTZ}, {"waltz": 0.25}) == {"density": 0.1, "bass": 0.4}
