"""The torch decoder is the numpy one, on a processor and on a GPU; the compiled one draws the tokens that it draws."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from types import SimpleNamespace

import numpy as np
import numpy.typing as npt
import pytest
import torch

import native
from bridge.cli import main
from bridge.commands.play import load_engine
from engine.errors import SidemanError
from engine.inference.backends import StreamDecoder, make_decoder
from engine.inference.decoders.numpy_decoder import Decoder
from engine.inference.decoders.torch_decoder import TorchDecoder
from engine.inference.session import Session
from engine.inference.stream import Stream
from engine.model.checkpoint import load_checkpoint
from engine.model.config import ModelConfig
from engine.vocabulary import NO_CHORD, NUM_CHORDS
from tests.engine.inference.decoders.test_native_decoder import (
    FAR,
    PACKED,
    feed,
    packed_checkpoint,
    random_style,
    random_tokens,
)
from tests.support.native_variants import needs_compiled
from tests.support.tiny_model import CONFIG, make_checkpoint, make_model

F32 = npt.NDArray[np.float32]
SOAK = os.environ.get("SIDEMAN_SOAK") == "1"
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU that torch could use")
each_device = pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=needs_gpu)])


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """Matrices this small are no work for two, and waiting for each other costs more on busy cores."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@each_device
@pytest.mark.parametrize(
    ("config", "four_bit"),
    [(PACKED, False), (PACKED, True), (FAR, False), (CONFIG, False)],
    ids=["dequantised", "nf4", "short distances", "float32"],
)
def test_its_logits_are_the_twins(config: ModelConfig, four_bit: bool, device: str) -> None:
    """Other chords at every token, other styles at every third, tokens taken back: past bands, context and rings."""
    checkpoint = make_checkpoint(make_model()) if config is CONFIG else packed_checkpoint(config)
    both = Decoder(checkpoint, 32), TorchDecoder(checkpoint, 32, device, four_bit)
    rng = np.random.default_rng(1)
    for decoder in both:
        decoder.set_style(0, random_style(config, 0, 4))
        decoder.set_style(2, random_style(config, 1, 8))
    for position, token in enumerate(random_tokens(1, 110, config)):
        weights, back = rng.uniform(0, 1, 4).tolist(), int(rng.integers(0, 33)) if position % 30 == 29 else 0
        for decoder in both:
            if position % 3 == 2:
                decoder.set_style_weights(weights)
            if position == 60:
                decoder.set_style(2, {})
                decoder.set_style(1, random_style(config, 2, 3))
            decoder.rollback(back)
        expected, got = (feed(decoder, token) for decoder in both)
        assert got.shape == (2, 400)
        assert np.linalg.norm(got - expected) <= 1e-5 * np.linalg.norm(expected)
        assert both[0].length == both[1].length


@each_device
def test_a_style_set_on_one_fork_is_the_style_of_all(device: str) -> None:
    """On a GPU a fork's captured graph would go on with the old matrices, whose memory is somebody else's by then."""
    checkpoint, tokens = packed_checkpoint(), list(random_tokens(3, 30))
    decoders = [TorchDecoder(checkpoint, 4, device), Decoder(checkpoint, 4)]
    forks = []
    for decoder in decoders:
        decoder.set_style(0, random_style(PACKED, 1, 8))
        decoder.set_style_weights([1.0, 0.0, 0.0, 0.0])
        forks.append(decoder.fork(4))
        for token in tokens[:20]:
            feed(forks[-1], token)
        decoder.set_style(0, random_style(PACKED, 2, 4))
        forks[-1].set_style_weights([1.0, 0.0, 0.0, 0.0])
    for token in tokens[20:]:
        one, other = (feed(fork, token) for fork in forks)
        assert np.linalg.norm(one - other) <= 1e-5 * np.linalg.norm(other)


def test_a_graph_is_of_the_styles_it_was_captured_with(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a GPU: the graph is a stand-in that computes nothing."""

    class Graph:
        def replay(self) -> None:
            captured.append(self)

    @contextmanager
    def nothing(*_: object) -> Iterator[None]:
        yield

    captured: list[Graph] = []
    stream = SimpleNamespace(wait_stream=lambda other: None)
    for name, stand_in in (
        ("CUDAGraph", Graph), ("graph", nothing), ("stream", nothing), ("Stream", lambda: stream),
        ("current_stream", lambda: stream),
    ):  # fmt: skip
        monkeypatch.setattr(torch.cuda, name, stand_in)
    decoder = TorchDecoder(packed_checkpoint(), 4, "cpu")
    decoder._on_gpu = True
    fork = copy(decoder)  # shares what a fork shares; memory cannot be pinned here
    fork._graph = None
    for one in (decoder, fork, decoder, fork):
        one._run()
    assert captured[:2] == captured[2:]
    fork.set_style(0, random_style(PACKED, 1, 8))
    for one in (decoder, fork):
        one._run()
    assert len(set(captured)) == 4


@each_device
def test_a_session_plays_what_it_plays_in_numpy(device: str) -> None:
    checkpoint = packed_checkpoint()
    sessions = [Session(checkpoint, 3, backend) for backend in ("numpy", "torch" if device == "cpu" else "cuda")]
    one, other = (session.generate(2.0) for session in sessions)
    assert one == other
    for session in sessions:
        session.rollback(1.0)
        session.set_params(temperature=1.4, chord_strength=2.0)
    one, other = (session.generate(3.0) for session in sessions)
    assert one == other


def test_what_does_not_fit_is_refused() -> None:
    decoder = TorchDecoder(packed_checkpoint(), 4, "cpu")
    for token in random_tokens(1, 10):
        feed(decoder, token)
    with pytest.raises(ValueError, match="cannot roll back 5 tokens: 4 are kept"):
        decoder.rollback(5)
    with pytest.raises(ValueError, match="style slot 4"):
        decoder.set_style(4, {})
    with pytest.raises(ValueError, match="do not make a"):
        decoder.set_style(0, {"encode_attn.q_proj": (np.zeros((8, 64), np.float32), np.zeros((64, 7), np.float32), 1)})
    with pytest.raises(ValueError, match="no projection"):
        decoder.set_style(0, {"blocks.0.ff.up_proj": (np.zeros((8, 64), np.float32), np.zeros((64, 8), np.float32), 1)})
    with pytest.raises(ValueError, match="1 style weights"):
        decoder.set_style_weights([1.0])


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_one_line_says_so(capsys: pytest.CaptureFixture[str], tmp_path: os.PathLike[str]) -> None:
    output = f"{tmp_path}/solo.mid"
    assert main(["generate", "--chords", "C", "--device", "cuda", "-o", output]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "finds no GPU" in error
    assert not os.path.exists(output)
    with pytest.raises(SidemanError, match="finds no GPU"):
        load_engine(None, "cuda")


@pytest.mark.parametrize("backend", ["torch", "cuda"])
def test_without_torch_one_line_says_what_brings_it(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = packed_checkpoint()
    for name in ("engine.inference.decoders.torch_decoder", "engine.inference.decoders.torch_linear"):
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(SidemanError, match=rf"backend {backend} needs torch: pip install 'sideman\[train\]'"):
        make_decoder(checkpoint, backend)


class _Recorder:
    """A decoder that keeps the logits it gave."""

    kernel = "recorder"

    def __init__(self, decoder: StreamDecoder) -> None:
        self.decoder, self.logits = decoder, list[F32]()

    @property
    def length(self) -> int:
        return self.decoder.length

    def step(self, *arguments: object) -> F32:
        self.logits.append(self.decoder.step(*arguments))  # type: ignore[arg-type]
        return self.logits[-1]

    def rollback(self, tokens: int) -> None:
        self.decoder.rollback(tokens)

    def set_style(self, slot: int, modules: object) -> None:
        raise NotImplementedError

    def set_style_weights(self, weights: Sequence[float]) -> None:
        raise NotImplementedError


def probabilities(logits: F32) -> npt.NDArray[np.float64]:
    weights = np.exp(logits.astype(np.float64) - logits.max(-1, keepdims=True))
    shares: npt.NDArray[np.float64] = weights / weights.sum(-1, keepdims=True)
    return shares


@pytest.mark.soak
@needs_compiled
def test_a_hundred_prompts_are_continued_by_the_tokens_of_the_reference() -> None:
    """The shipped base in float32 sums. Where the two draw apart, it was a tie: all probabilities agree to 1e-5."""
    from engine.inference.decoders.native_decoder import native_decoder

    checkpoint, prompts, apart, furthest, drawn = load_checkpoint(), 100 if SOAK else 8, 0, 0.0, 0
    decoders = native_decoder(checkpoint, 1025, "exact"), TorchDecoder(checkpoint, 1025, "cpu")
    for prompt in range(prompts):
        rng, heard, recorders = np.random.default_rng(prompt), [], []
        steps = np.cumsum(rng.integers(3, 25, 24))
        pitches, velocities = rng.integers(48, 84, 24), rng.integers(8, 26, 24)
        played = [(int(s), int(p), int(v)) for s, p, v in zip(steps, pitches, velocities, strict=True)]
        changes = rng.integers(NO_CHORD, NO_CHORD + 1 + NUM_CHORDS, 6)
        for decoder in decoders:
            decoder.rollback(min(decoder.length, 1024))
            assert decoder.length == 0
            recorders.append(_Recorder(decoder))
            stream = Stream(recorders[-1], prompt, 1024, checkpoint.model.controls)
            stream.set_params(native.SamplerParams(keep_timing=True), 1.0)
            stream.set_beat(100.0, 4, 0.0)
            stream.set_chords(np.array([NO_CHORD, *changes]), np.array([0, *range(0, 600, 100)]), 0)
            stream.feed(played)
            heard.append(stream.generate(stream.step + 150))
        apart += heard[0] != heard[1]
        drawn += len(heard[0])
        if heard[0] == heard[1]:
            one, other = (probabilities(np.stack(recorder.logits)) for recorder in recorders)
            furthest = max(furthest, float(np.abs(one - other).sum(-1).max()) / 2)
    print(f"{prompts} prompts, {drawn} events: {apart} drawn apart; distributions differ by {furthest:.1e} at most")
    assert furthest <= 1e-5
    assert apart <= max(1, prompts // 50)
