"""Laws of the network: what may influence what."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.model.controls import ControlRows
from engine.model.perceiver import ControlEmbedding, Inputs, sounding_after
from tests.support.tiny_model import CONFIG, CONTROLLED, make_model, random_inputs

LENGTH = 90  # past the context (40) and past 3 x latent_len (36)


@pytest.fixture(scope="module")
def inputs() -> Inputs:
    return random_inputs(np.random.default_rng(1), LENGTH)


@pytest.fixture(scope="module")
def logits(inputs: Inputs) -> torch.Tensor:
    with torch.no_grad():
        return make_model()(inputs)[0]


def changed_from(before: torch.Tensor, after: torch.Tensor) -> int:
    """First position whose logits differ, LENGTH if none does."""
    differs = (before - after).abs().amax(-1) > 1e-6
    return int(differs.float().argmax()) if differs.any() else LENGTH


@pytest.mark.parametrize("position", [0, 1, 11, 12, 13, 40, 41, 60, LENGTH - 1])
def test_changing_a_token_changes_no_earlier_logit(inputs: Inputs, logits: torch.Tensor, position: int) -> None:
    tokens = inputs.tokens.clone()
    tokens[0, position] = (tokens[0, position] + 1) % 388
    with torch.no_grad():
        assert changed_from(logits, make_model()(replace(inputs, tokens=tokens))[0]) == position


@pytest.mark.parametrize("name", ["beat", "bar"])
def test_changing_the_beat_changes_no_earlier_logit(inputs: Inputs, logits: torch.Tensor, name: str) -> None:
    values = getattr(inputs, name).clone()
    values[0, 50] = (values[0, 50] + 1) % 8
    with torch.no_grad():
        assert changed_from(logits, make_model()(replace(inputs, **{name: values}))[0]) == 50


@pytest.mark.parametrize("ahead", [0, 1, 3])
@pytest.mark.parametrize("chord", [1, 4, 8])
def test_changing_a_chord_changes_no_logit_before_it_is_known(inputs: Inputs, ahead: int, chord: int) -> None:
    """With none known ahead a chord matters from its onset on; with n, from the onset of the n-th before it."""
    model = make_model()
    inputs = replace(inputs, chords_ahead=torch.tensor([ahead]))
    chords = inputs.chords.clone()
    chords[0, chord] = 400 + (chords[0, chord] - 399) % 289
    known_from = int((inputs.chord_now[0] >= chord - ahead).int().argmax())
    with torch.no_grad():
        assert changed_from(model(inputs)[0], model(replace(inputs, chords=chords))[0]) == known_from


def test_chords_beyond_num_chords_are_not_there(inputs: Inputs, logits: torch.Tensor) -> None:
    padded = replace(inputs, chords=torch.cat([inputs.chords, torch.full((1, 5), 500)], dim=1))
    with torch.no_grad():
        torch.testing.assert_close(make_model()(padded)[0], logits)


def test_a_batch_gives_what_its_windows_give_alone() -> None:
    rng = np.random.default_rng(2)
    one, two = (random_inputs(rng, 30, config=CONTROLLED) for _ in range(2))
    both = Inputs(**{name: torch.cat([value, getattr(two, name)]) for name, value in vars(one).items()})
    model = make_model(config=CONTROLLED)
    with torch.no_grad():
        torch.testing.assert_close(model(both), torch.cat([model(one), model(two)]), rtol=1e-4, atol=1e-4)


def test_a_token_beyond_the_reach_of_the_bands_does_not_matter() -> None:
    """Encode reaches max_seq_len, each of the layers and the decode latent_len more: then the past is forgotten."""
    reach = CONFIG.max_seq_len + (CONFIG.num_layers + 1) * CONFIG.latent_len
    inputs = random_inputs(np.random.default_rng(3), reach + 10)
    tokens = inputs.tokens.clone()
    tokens[0, 0] = (tokens[0, 0] + 1) % 388
    model = make_model()
    with torch.no_grad():
        difference = (model(inputs) - model(replace(inputs, tokens=tokens)))[0].abs().amax(-1)
    assert difference[reach:].max() < 1e-6
    assert difference[: CONFIG.max_seq_len].max() > 1e-4


def test_latents_on_a_span_give_the_same_logits_where_their_bands_end_inside_it() -> None:
    """Keys and values of the encode stand before the span, too; the bands of the latents are cut at its start."""
    inputs, model = random_inputs(np.random.default_rng(4), 90), make_model()
    reach = (CONFIG.num_layers + 1) * (CONFIG.latent_len - 1)
    with torch.no_grad():
        whole, part = model(inputs), model(inputs, 60)
        assert part.shape == (1, 60, 400)
        torch.testing.assert_close(part[:, reach:], whole[:, 30 + reach :], rtol=1e-4, atol=1e-4)
        assert (part[:, 0] - whole[:, 30]).abs().max() > 1e-3
        for span in (0, 90, 1000):
            torch.testing.assert_close(model(inputs, span), whole, rtol=0, atol=0)


def test_gradients_reach_every_parameter() -> None:
    model = make_model(config=CONTROLLED)
    model(random_inputs(np.random.default_rng(1), LENGTH, config=CONTROLLED)).square().mean().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


def test_a_pitch_sounds_from_its_note_on_to_its_note_off() -> None:
    tokens = torch.tensor([[389, 370, 60, 64, 300, 128 + 60, 310, 60, 128 + 64, 128 + 72]])
    sounding = [set(row.nonzero()[:, 0].tolist()) for row in sounding_after(tokens)[0]]
    assert sounding == [set(), set(), {60}, {60, 64}, {60, 64}, {64}, {64}, {60, 64}, {60}, {60}]


def test_changing_what_is_asked_changes_no_earlier_logit() -> None:
    model, inputs = make_model(config=CONTROLLED), random_inputs(np.random.default_rng(1), LENGTH, config=CONTROLLED)
    assert inputs.levels is not None
    levels = inputs.levels.clone()
    levels[0, 50, 1] = (levels[0, 50, 1] + 1.5) % 3
    with torch.no_grad():
        assert changed_from(model(inputs)[0], model(replace(inputs, levels=levels))[0]) == 50


def test_between_two_levels_their_rows_are_mixed() -> None:
    embedding = ControlEmbedding(ControlRows(CONTROLLED.controls), 8)
    rows = embedding.weight  # role 0-3, density 4-8, ...
    asked = torch.tensor([[[1.0, 2.25, -1, -1, -1]]])
    rest = rows[[4 + 5 + 4, 4 + 5 + 5 + 4, 4 + 5 + 5 + 5 + 4]].sum(0)
    torch.testing.assert_close(embedding(asked)[0, 0], rows[1] + 0.75 * rows[4 + 2] + 0.25 * rows[4 + 3] + rest)
    unknown = rest + rows[3] + rows[4 + 4]
    torch.testing.assert_close(embedding(None)[0, 0], unknown)
