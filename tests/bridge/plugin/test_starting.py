"""The plug-in starts its engine: one for all, anew when it dies, within a bound, and it says what is wrong."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bridge.cli import main
from bridge.commands import serve
from bridge.plugin.finding.claim import claim_engine
from bridge.plugin.finding.start_file import engine_command, start_path, write_start
from bridge.plugin.server import PluginServer
from tests.bridge.plugin.conftest import is_ready
from tests.support.plugin.engine_process import have_it_started, kill_engine, pid_path, runs, stop_engine
from tests.support.plugin.fake_engine import wait_for
from tests.support.plugin.host import ClapHost, Library

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked at through /proc")

Make = Callable[..., ClapHost]


@pytest.fixture(autouse=True)
def no_engine_stays(address: Path) -> Iterator[None]:
    yield
    stop_engine()


def test_many_instances_start_one_engine(make_host: Make) -> None:
    have_it_started()
    hosts = [make_host() for _ in range(8)]
    for host in hosts:
        is_ready(host)
    pid = int(pid_path().read_text())
    hosts[0].press(60, 64, 67)
    hosts[0].play(1.0)
    assert hosts[0].onsets()
    assert int(pid_path().read_text()) == pid


def test_it_is_started_anew_three_times_and_then_the_host_reads_where_to_look(make_host: Make, address: Path) -> None:
    have_it_started()
    host = make_host()
    for _ in range(3):
        is_ready(host)
        kill_engine()
        wait_for(lambda: host.text("Engine") != "ready", "its end is not seen")
    wait_for(lambda: host.text("Engine").startswith("not running: it ended three times"), "it is started for ever")
    assert f"{address}.log" in host.text("Engine")


def test_while_it_is_on_its_way_the_host_reads_so_and_nothing_blocks(make_host: Make) -> None:
    have_it_started("import time; time.sleep(60)")
    host = make_host()
    wait_for(lambda: host.process(64) == 1 and host.text("Engine") == "starting", host.text("Engine"))


def test_what_cannot_be_started_is_said_with_the_remedy(make_host: Make) -> None:
    write_start(["/no/such/python", "-c", "pass"])
    host = make_host()
    wait_for(lambda: host.text("Engine").startswith("not running: /no/such/python: "), "nothing is said")
    assert host.text("Engine").endswith("run `sideman plugin install` anew")


def test_a_command_that_others_could_have_written_is_not_obeyed(make_host: Make, tmp_path: Path) -> None:
    made = tmp_path / "made"
    have_it_started(f"open({str(made)!r}, 'w')")
    start_path().chmod(0o644)
    host = make_host()
    host.play(1.2)
    assert host.text("Engine").startswith("not running: start `sideman serve`")
    assert not made.exists()


def test_one_that_has_ended_leaves_the_host_no_entry_of_it(
    library: Library, make_server: Callable[[], PluginServer], tmp_path: Path
) -> None:
    """Another one serves meanwhile, so that nobody asks how it is."""
    told, go = tmp_path / "told", tmp_path / "go"
    have_it_started(
        "import os, pathlib, time; "
        f"p = pathlib.Path({str(told)!r}); n = p.with_suffix('.new'); n.write_text(str(os.getpid())); n.rename(p); "
        f"[time.sleep(0.02) for _ in iter(pathlib.Path({str(go)!r}).exists, True)]"
    )
    host = ClapHost(library)
    host.activate()
    wait_for(told.exists, "it is not started")
    make_server()
    is_ready(host)
    go.touch()
    pid = int(told.read_text())
    wait_for(lambda: not runs(pid), "it does not end")
    host.deactivate()
    host.destroy()
    assert not Path(f"/proc/{pid}").exists()


def test_what_the_host_has_open_and_its_python_stay_with_the_host(
    make_host: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path))
    told = tmp_path / "told"
    with (tmp_path / "a sound card").open("w") as card:
        os.set_inheritable(card.fileno(), True)
        have_it_started(
            "import json, os, pathlib; fds = os.listdir('/proc/self/fd'); "
            "files = [os.path.realpath(f'/proc/self/fd/{fd}') for fd in fds]; "
            f"p = pathlib.Path({str(told)!r}); n = p.with_suffix('.new'); "
            "n.write_text(json.dumps([files, list(os.environ)])); n.rename(p)"
        )
        make_host()
        wait_for(told.exists, "it is not started")
    files, names = json.loads(told.read_text())
    assert not any("a sound card" in name for name in files)
    assert not {"PYTHONPATH", "LD_LIBRARY_PATH"} & set(names)


def test_installing_says_how_and_uninstalling_takes_it_back(tmp_path: Path) -> None:
    folder = str(tmp_path / "clap")
    assert main(["plugin", "install", "--dir", folder]) == 0
    assert start_path().read_text().splitlines() == ["sideman start 1", *engine_command()]
    assert start_path().stat().st_mode & 0o777 == 0o600
    assert main(["plugin", "install", "--dir", folder, "--by-hand"]) == 0
    assert not start_path().exists()
    assert main(["plugin", "install", "--dir", folder]) == 0
    assert main(["plugin", "uninstall", "--dir", folder]) == 0
    assert not start_path().exists()


def test_the_installed_command_is_this_sideman(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = subprocess.run([*engine_command(), "--help"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "--while-used" in done.stdout


def test_an_engine_that_nobody_needs_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "UNUSED_S", 0.2)
    parser = argparse.ArgumentParser()
    serve.add_arguments(parser)
    before = signal.getsignal(signal.SIGINT)
    assert serve.run(parser.parse_args(["--while-used"]), lambda *_: None) == 0  # type: ignore[arg-type, return-value]
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_one_that_was_started_leaves_it_to_the_first(
    make_server: Callable[[], PluginServer], capsys: pytest.CaptureFixture[str]
) -> None:
    with claim_engine(wait=False) as claimed:
        assert claimed
        make_server()
        with claim_engine(wait=True) as again:
            assert not again
        assert main(["serve"]) == 2
    assert "runs already" in capsys.readouterr().err
    assert sys.getswitchinterval() > 0
