"""A chart from the command line: the project keeps it, the host sees the mode turn, and it is played."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bridge.cli import main
from bridge.plugin.server import PluginServer
from tests.bridge.plugin.conftest import is_ready
from tests.support.plugin import clap_abi as abi
from tests.support.plugin.fake_engine import wait_for
from tests.support.plugin.host import ClapHost

Make = Callable[..., ClapHost]
Serve = Callable[[], PluginServer]


def test_a_chart_is_kept_by_the_project_and_played(make_server: Serve, make_host: Make) -> None:
    make_server()
    host = make_host()
    is_ready(host)
    host.process(64)
    assert main(["plugin", "chart", "C | F"]) == 0
    wait_for(lambda: host.process(64) == 1 and host.text("Mode") == "changes", "the mode stays")
    wait_for(lambda: b"text chords C | F\n" in host.save(), "the project does not keep it")
    kinds = [kind for kind, number, _ in host.gestures if number == host.ids["Mode"]]
    assert kinds == [abi.GESTURE_BEGIN, abi.PARAM_VALUE, abi.GESTURE_END]
    host.playing = True
    host.play(1.5)
    assert {event.pitch % 12 for event in host.onsets()} <= {0, 4, 7}
    assert host.onsets()
    host.pump()
    assert host.dirty > 0
    assert host.text("Engine") == "ready"


def test_one_instance_of_two_is_told(make_server: Serve, make_host: Make, capsys: pytest.CaptureFixture[str]) -> None:
    make_server()
    first = make_host()
    is_ready(first)
    first.process(48_000)
    second = make_host()
    is_ready(second)
    second.process(48_000)
    wait_for(lambda: main(["plugin", "chart", "C | F", "--instance", "2"]) == 0
             and "1 instance was told" in capsys.readouterr().out, "the second one does not come")  # fmt: skip
    wait_for(lambda: second.process(64) == 1 and b"text chords" in second.save(), "it is not told")
    assert b"text chords" not in first.save()
    assert main(["plugin", "chart", "C | F", "--instance", "3"]) == 2
    assert "0 instances were told: 2 loaded: load the plug-in" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["chart"], "takes a chart"), (["install", "C | F"], "no other action"), (["chart", "Q9"], "Q9"),
     (["chart", "C", "--instance", "-1"], "numbered from 1"), (["chart", "C", "--instance", "0"], "numbered from 1"),
     (["chart", "C | F"], "start `sideman serve`")],
)  # fmt: skip
def test_what_cannot_be_done_is_said_in_a_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(["plugin", *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_a_chart_that_no_project_holds_is_refused_in_a_line(
    make_server: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    make_server()
    assert main(["plugin", "chart", "C " + " " * 70_000 + "| F"]) == 2
    error = capsys.readouterr().err
    assert "keeps at most 60,000" in error
    assert error.count("\n") == 1
