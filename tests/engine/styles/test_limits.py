"""A style that may be made can be kept, loaded and played: rank, alpha and size have one limit each, everywhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.errors import CheckpointError, ConfigError
from engine.inference.backends import StreamDecoder
from engine.inference.decoders.native_decoder import native_decoder
from engine.inference.decoders.numpy_decoder import Decoder
from engine.inference.decoders.torch_decoder import TorchDecoder
from engine.model.checkpoint import Checkpoint
from engine.model.config import MAX_ALPHA, MAX_RANK, QloraConfig
from engine.model.config_file import load_config
from engine.styles import style_folder
from engine.styles.style import adapter_of
from engine.styles.style_folder import check_fits, load_style, save_style
from tests.support.native_variants import needs_compiled
from tests.support.style_folders import random_style, write_base


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return write_base(tmp_path_factory.mktemp("base") / "base")


def test_the_widest_style_that_may_be_made_is_saved_and_loaded(base: Checkpoint, tmp_path: Path) -> None:
    widest = QloraConfig(rank=MAX_RANK, alpha=MAX_ALPHA)
    save_style(tmp_path / "wide", replace(random_style(base, rank=widest.rank), alpha=widest.alpha))
    loaded = load_style(tmp_path / "wide")
    assert (loaded.rank, loaded.alpha) == (MAX_RANK, MAX_ALPHA)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(native_decoder, marks=needs_compiled),
        Decoder,
        lambda base: TorchDecoder(base, 1024, "cpu"),
    ],
    ids=["native", "numpy", "torch"],
)
def test_every_decoder_takes_the_widest_and_no_wider(
    base: Checkpoint, make: Callable[[Checkpoint], StreamDecoder]
) -> None:
    decoder = make(base)
    decoder.set_style(0, random_style(base, rank=MAX_RANK).lora)
    for rank in (0, MAX_RANK + 1):
        nothing = np.zeros((rank, 64), np.float32), np.zeros((64, rank), np.float32), 1.0
        with pytest.raises(ValueError, match="256"):
            decoder.set_style(0, {"encode_attn.q_proj": nothing})


@pytest.mark.parametrize("rank", [0, MAX_RANK + 1])
def test_no_other_style_reaches_a_decoder(base: Checkpoint, rank: int) -> None:
    style = random_style(base)
    with pytest.raises(CheckpointError, match=f"rank {rank} lies outside 1..256"):
        adapter_of(replace(style, rank=rank), base)


@pytest.mark.parametrize(("config", "most"), [("base", 256), ("medium", 256), ("256m", 134), ("512m", 84), ("1b", 67)])
def test_a_style_whose_file_would_be_too_large_is_not_begun(config: str, most: int) -> None:
    model = load_config(config).model
    check_fits(model, QloraConfig(rank=most))
    if most < MAX_RANK:
        with pytest.raises(ConfigError, match=f"--lora-rank {most + 1}: .*: give at most {most}"):
            check_fits(model, QloraConfig(rank=most + 1))


def test_a_style_that_is_begun_has_a_file_that_is_read(
    base: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(style_folder, "HEADER_BYTES", 8_000)
    monkeypatch.setattr(style_folder, "MAX_TENSOR_BYTES", 100_000)
    begun = 0
    for rank in range(1, 20):
        save_style(tmp_path / f"r{rank}", random_style(base, rank=rank))
        try:
            check_fits(base.model, QloraConfig(rank=rank))
        except ConfigError:
            continue
        assert load_style(tmp_path / f"r{rank}").rank == rank
        begun += 1
    assert 1 < begun < 19
