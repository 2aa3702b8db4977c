"""A device that is not there, or cannot compute as asked, is refused in one line."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("accelerate")

from engine.errors import ConfigError, SidemanError  # noqa: E402
from engine.training.device import make_accelerator  # noqa: E402


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_refused_with_those_that_are(
    device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(SidemanError, match=f"device {device}: torch .* finds none here: give one of cpu"):
        make_accelerator(device)
    assert make_accelerator("auto").device.type == "cpu"


def test_a_cpu_has_no_fp16() -> None:
    with pytest.raises(ConfigError, match=r"training.mixed_precision fp16: .* use bf16 or no"):
        make_accelerator("cpu", "fp16")


@pytest.mark.parametrize(
    ("known", "computes_in"),
    [
        ({"avx2": True, "avx512_bf16": False}, "no"),
        ({"avx512_f": True, "avx512_bf16": True}, "bf16"),
        ({"amx_bf16": True}, "bf16"),
        ({"neon": True, "bf16": True}, "bf16"),
        ({}, "no"),
    ],
)
def test_a_processor_without_units_for_bfloat16_computes_in_float32(
    known: dict[str, bool], computes_in: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: known, raising=False)
    assert make_accelerator("cpu", "bf16").mixed_precision == computes_in
    assert make_accelerator("cpu", "no").mixed_precision == "no"


def test_a_torch_that_cannot_say_what_the_processor_has_computes_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert make_accelerator("cpu", "bf16").mixed_precision == "no"


def test_one_process_may_train_in_one_precision_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True}, raising=False)
    assert [make_accelerator("cpu", name).mixed_precision for name in ("bf16", "no", "bf16")] == ["bf16", "no", "bf16"]
