"""`sideman serve` refuses what it cannot use before it says that it is ready."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.cli import main


@pytest.mark.parametrize("port", [-1, 65536, 99999])
def test_a_port_that_is_none_is_refused_in_one_line(port: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--port", str(port)]) == 2
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", f"sideman: --port {port} lies outside 0..65535: 0 takes any that is free\n")


def test_a_file_is_no_folder_of_logs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "take.mid"
    path.write_bytes(b"music")
    assert main(["serve", "--log", str(path)]) == 2
    refusal = f"sideman: --log {path}: is a file: give a folder, which gets a file for each session\n"
    assert capsys.readouterr().err == refusal
    assert path.read_bytes() == b"music"
