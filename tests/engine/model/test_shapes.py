"""Counted parameters are what the pages say, and near the names that promise a number."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.model.config_file import load_config, shipped_configs
from engine.model.shapes import count_parameters

ROOT = Path(__file__).parents[3]
ROW = re.compile(r"^\| `(\w+)`[^|]*\| (\d+) x (\d+) \| ([\d,]+) \| (\d+) \| ([\d,]+) \| ([\d,]+) \|", re.MULTILINE)


def number(text: str) -> int:
    return int(text.replace(",", ""))


def test_the_table_of_configs_is_counted() -> None:
    rows = {row[0]: tuple(map(number, row[1:])) for row in ROW.findall((ROOT / "docs" / "MODEL.md").read_text())}
    assert rows.keys() == set(shipped_configs())
    for name, row in rows.items():
        m = load_config(name).model
        sizes = (m.latent_dim, m.num_layers, m.ff_dim, m.latent_len, m.max_seq_len, count_parameters(m))
        assert row == sizes, name


@pytest.mark.parametrize(("name", "promised"), [("256m", 256e6), ("512m", 512e6), ("1b", 1e9)])
def test_a_config_has_the_parameters_of_its_name(name: str, promised: float) -> None:
    assert count_parameters(load_config(name).model) == pytest.approx(promised, rel=0.01)
