"""Two processes learn what one learns with twice the accumulation."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file

torch = pytest.importorskip("torch")
pytest.importorskip("accelerate")

from accelerate import Accelerator  # noqa: E402

from engine.data.prepare import Settings, prepare  # noqa: E402
from engine.errors import SidemanError  # noqa: E402
from engine.model.config_file import load_config  # noqa: E402
from engine.training.train import train  # noqa: E402
from engine.training.trainer import Trainer  # noqa: E402
from tests.support.study_corpus import write_config, write_corpus  # noqa: E402

ROOT = Path(__file__).parents[3]
STEPS = 6


class Rank(Accelerator):
    """One of several processes, as far as the numbering of batches can tell."""

    def __init__(self, process_index: int, num_processes: int) -> None:
        self.rank, self.size = process_index, num_processes

    process_index = property(lambda self: self.rank)
    num_processes = property(lambda self: self.size)


@pytest.mark.parametrize("processes", [1, 2, 3])
@pytest.mark.parametrize("accumulation", [1, 4])
def test_processes_share_out_the_batches_of_one(processes: int, accumulation: int, tmp_path: Path) -> None:
    path = write_config(tmp_path, epochs=1)
    path.write_text(path.read_text().replace("warmup_steps", f"gradient_accumulation: {accumulation}, warmup_steps"))
    trainer = Trainer(load_config(path), 10, seed=0)
    numbers = []
    for trainer.done in range(5):
        for rank in range(processes):
            trainer.accelerator = Rank(rank, processes)
            numbers.append([trainer.batch_number(part) for part in range(accumulation)])
    update = processes * accumulation
    flat = [number for part in numbers for number in part]
    assert sorted(flat) == list(range(5 * update))
    assert all(number // update == place // update for place, number in enumerate(flat))


def free_port() -> int:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return int(opened.getsockname()[1])


def test_two_processes_are_one_with_twice_the_accumulation(tmp_path: Path) -> None:
    data = tmp_path / "data"
    prepare(write_corpus(tmp_path / "midi", files=6), data, Settings(split=(0.6, 0.4, 0), workers=1))
    config = write_config(tmp_path, epochs=1)
    command = [
        sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2",
        "--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no",
        "--main_process_port", str(free_port()),
        "-m", "bridge.cli", "train", "--config", str(config), "--data", str(data), "-o", str(tmp_path / "two"),
        "--device", "cpu", "--steps", str(STEPS), "--threads", "1",
    ]  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    launched = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240)
    assert launched.returncode == 0, launched.stderr
    lines = launched.stdout.splitlines()  # of the first process alone
    assert [line.split()[1] for line in lines[:-1]] == [f"{STEPS}/{STEPS}"]
    assert lines[-1] == f"{tmp_path / 'two'}: checkpoint after {STEPS} of {STEPS} updates"

    torch.set_num_threads(1)
    config.write_text(config.read_text().replace("batch_size: 4", "batch_size: 4, gradient_accumulation: 2"))
    train(str(config), data, tmp_path / "one", steps=STEPS, device="cpu")
    one, two = (load_file(tmp_path / f"{name}.run" / "state.safetensors") for name in ("one", "two"))
    assert one.keys() == two.keys()
    for name, value in one.items():
        np.testing.assert_allclose(two[name].numpy(), value.numpy(), atol=2e-5, rtol=1e-4, err_msg=name)
    rows = [json.loads((tmp_path / f"{name}.run" / "losses.jsonl").read_text()) for name in ("one", "two")]
    assert rows[0] == pytest.approx(rows[1], abs=2e-4)
    config.write_text(config.read_text().replace("gradient_accumulation: 2", "gradient_accumulation: 1"))
    with pytest.raises(SidemanError, match="this run had 2 processes, not 1"):
        train(str(config), data, tmp_path / "two", steps=STEPS, device="cpu", resume=True)
