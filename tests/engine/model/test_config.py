"""Configurations are read whole or refused with the key's name."""

from __future__ import annotations

from dataclasses import astuple
from pathlib import Path

import pytest

from engine.errors import ConfigError
from engine.model.config import Config
from engine.model.config_file import load_config, shipped_configs, to_yaml


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_medium_holds_the_original_numbers() -> None:
    config = load_config("medium")
    assert astuple(config.model) == (700, 512, 256, 8, 8, 2048, 0.1, 2048, 512, ())
    assert (config.qlora.rank, config.qlora.quantization_bits, config.qlora.quant_type) == (8, 4, "nf4")
    assert (config.qlora.double_quantization, config.training.learning_rate) == (True, 1e-4)


@pytest.mark.parametrize("name", shipped_configs())
def test_every_shipped_config_loads_and_comes_back_from_its_own_yaml(name: str, tmp_path: Path) -> None:
    config = load_config(name)
    assert load_config(write(tmp_path, to_yaml(config))) == config


@pytest.mark.parametrize("text", ["", "model:\n", "# nothing\n", "model: {}\nqlora: {}\n"])
def test_what_is_left_out_has_its_default(text: str, tmp_path: Path) -> None:
    assert load_config(write(tmp_path, text)) == Config()


@pytest.mark.parametrize(
    ("text", "value"),
    [("1e-3", 1e-3), ("1.0e-3", 1e-3), ("2", 2.0), ("'0.5'", 0.5)],  # YAML 1.1 reads 1e-3 as text
)
def test_a_number_is_a_number_however_yaml_reads_it(text: str, value: float, tmp_path: Path) -> None:
    config = load_config(write(tmp_path, f"training: {{learning_rate: {text}}}"))
    assert config.training.learning_rate == value


def test_an_unquoted_no_is_a_word(tmp_path: Path) -> None:
    assert load_config(write(tmp_path, "training: {mixed_precision: no}")).training.mixed_precision == "no"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("modle: {}", "unknown key 'modle': did you mean 'model'"),
        ("model: {latent_dims: 8}", "model: unknown key 'latent_dims': did you mean 'latent_dim'"),
        ("training: {lr: 1}", "unknown key 'lr': did you mean"),
        ("qlora: {1: 2}", "unknown key 1: did you mean"),
        ("model: [1]", "model: expected keys and values, got list"),
        ("[]", "expected keys and values, got list"),
        ("just words", "expected keys and values, got str"),
        ("model: {latent_dim: wide}", "model: latent_dim: 'wide' is not a whole number"),
        ("model: {latent_dim: 8.5}", "8.5 is not a whole number"),
        ("model: {latent_dim: .inf}", "inf is not a whole number"),
        ("model: {latent_dim: true}", "True is not a whole number"),
        ("model: {latent_dim: }", "None is not a whole number"),
        ("model: {dropout: .nan}", "nan is not a number"),
        ("training: {epochs: .inf}", "inf is not a number"),
        ("qlora: {double_quantization: 1}", "1 is not true or false"),
        ("qlora: {target_modules: q_proj}", "'q_proj' is not a list of names"),
        ("qlora: {target_modules: [q_prj]}", "qlora.target_modules ['q_prj']: give some of q_proj, k_proj"),
        ("qlora: {target_modules: []}", "qlora.target_modules"),
        ("qlora: {quant_type: 4}", "4 is not a word"),
        ("qlora: {quant_type: fp4}", "only nf4"),
        ("qlora: {quantization_bits: 8}", "qlora.quantization_bits 8: 4 or 16"),
        ("qlora: {rank: 0}", "qlora.rank 0: must be in 1..256"),
        ("qlora: {rank: 257}", "qlora.rank 257: must be in 1..256"),
        ("qlora: {alpha: 0}", "qlora.alpha 0: must be in 1..10000"),
        ("qlora: {alpha: 10001}", "qlora.alpha 10001: must be in 1..10000"),
        ("qlora: {dropout: 1}", "qlora.dropout 1.0"),
        ("model: {vocab_size: 701}", "the token table has 700"),
        ("model: {num_layers: 0}", "model.num_layers 0: must be 1 or more"),
        ("model: {latent_dim: 100}", "not divisible by model.num_heads 8"),
        ("model: {dropout: 1.0}", "model.dropout 1.0"),
        ("model: {latent_len: 4096}", "exceeds model.max_seq_len 2048"),
        ("model: {max_relative_distance: 4096}", "must be in 1..max_seq_len 2048"),
        ("training: {learning_rate: 0}", "training.learning_rate 0.0"),
        ("training: {batch_size: 0}", "training.batch_size 0"),
        ("training: {warmup_steps: -1}", "training.warmup_steps -1"),
        ("training: {epochs: 0}", "training.epochs 0.0"),
        ("training: {latent_span: 255}", "training.latent_span 255: must be 0 or in model.latent_len 256"),
        ("training: {latent_span: 2049}", "training.latent_span 2049"),
        ("training: {ema: 1}", "training.ema 1.0: must be in 0..1"),
        ("training: {gaps: 1}", "training.gaps 1.0: must be in 0..1, and below 1"),
        ("training: {gaps: 0.1, latent_span: 256}", "training.gaps 0.1 with a latent_span: windows of gaps are short"),
        ("training: {latent_span: -1}", "training.latent_span -1: must be 0 or more"),
        ("training: {mixed_precision: fp8}", "training.mixed_precision 'fp8': no, bf16 or fp16"),
        ("model: {", "broken YAML"),
        ("training: {learning_rate: 2020-13-45}", "broken YAML"),
        ("training: {batch_size: 0b_}", "broken YAML"),
        ("training: {batch_size: " + "9" * 5000 + "}", "broken YAML"),
        ("training: {batch_size: !!int ''}", "broken YAML"),
        ("training: {batch_size: !!bool maybe}", "broken YAML"),
        ("training: {batch_size: !!timestamp soon}", "broken YAML"),
        ("model: " + "[" * 5000, "broken YAML"),
        ("model: {latent_dim: 1" + "0" * 400 + "}", "... is not a whole number"),
        ("model: {dropout: 0x" + "f" * 5000 + "}", "a number of thousands of digits is not a number"),
        ("model: {controls: 0x" + "f" * 5000 + "}", "a number of thousands of digits is not a list of controls"),
        ("model:\n  ? 0x" + "f" * 5000 + "\n  : 1", "unknown key a number of thousands of digits: did you mean"),
        ("model: !!python/object:os.system {}", "broken YAML"),
    ],
)
def test_a_bad_file_is_refused_in_one_line_that_names_the_file_and_the_key(
    text: str, words: str, tmp_path: Path
) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as refusal:
        load_config(path)
    message = str(refusal.value)
    assert message.startswith(f"{path}: ")
    assert words in message
    assert "\n" not in message


def test_a_config_that_is_not_there_is_refused_with_the_names_that_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no config 'meduim'.*medium"):
        load_config("meduim")
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="UTF-8"):
        load_config(tmp_path / "bytes.yaml")
