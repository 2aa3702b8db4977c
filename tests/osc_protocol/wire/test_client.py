"""Laws of the UDP client, and what programs that nobody here wrote make of it: zynaddsubfx and scsynth."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest

from osc_protocol.wire.client import OscClient
from osc_protocol.wire.codec import Message, encode
from osc_protocol.wire.replies import PONG, VALUE
from tests.support.live.jack_server import running_jack
from tests.support.live.processes import free_udp_port, playing
from tests.support.osc.fake_engine import FakeEngine


def test_what_is_asked_is_answered() -> None:
    engine = FakeEngine()
    with engine.server() as server, OscClient(server.port) as client:
        assert client.ask("/sideman/ping", reply=PONG, timeout_s=60) == Message(PONG, (server.run,))
        client.send("/sideman/param/density", 0.25)
        assert client.ask("/sideman/get", "density", timeout_s=60) == Message(VALUE, ("density", 0.25))
        client.send("/sideman/subscribe", client.port)
        assert client.ask("/sideman/param/top_k", 5, reply=VALUE, timeout_s=60) == Message(VALUE, ("top_k", 5))
        assert client.receive(0.01) is None


@pytest.mark.parametrize("port", [70000, 1])
def test_nobody_there_is_no_answer_and_no_error(port: int) -> None:
    with OscClient(port) as client:
        assert client.ask("/sideman/ping", timeout_s=0.05) is None


def test_noise_is_passed_over() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        with OscClient(peer.getsockname()[1]) as client:
            for packet in (b"", b"noise", b"#bundle\x00" + bytes(8), encode("/other"), encode(PONG, 7)):
                peer.sendto(packet, ("127.0.0.1", client.port))
            assert client.ask("/sideman/ping", reply=PONG, timeout_s=60) == Message(PONG, (7,))


# --- peers ---------------------------------------------------------------------------------------------------------


@contextmanager
def peer(command: Sequence[str], environment: dict[str, str]) -> Iterator[None]:
    """A program in the background."""
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(60)


def until(answer: Callable[[], Message | None], wanted: Callable[[Message], bool] = lambda message: True) -> Message:
    """Asks until the answer is the wanted one."""
    give_up_s = time.monotonic() + 60
    while (message := answer()) is None or not wanted(message):
        assert time.monotonic() < give_up_s, message
        time.sleep(0.05)
    return message


@pytest.mark.real
@pytest.mark.timeout(120)
@pytest.mark.skipif(shutil.which("zynaddsubfx") is None, reason="zynaddsubfx is not installed")
def test_zynaddsubfx_follows_our_faders_and_answers_our_client() -> None:
    """OSC in -> the engine -> a controller on a real port -> zynaddsubfx, which tells over OSC what it heard."""
    with running_jack() as jack:
        port = free_udp_port()
        command = ["zynaddsubfx", "-U", "-I", "jack", "-O", "jack", "-N", "zyn", "-P", str(port)]
        with peer(command, jack.environment), OscClient(port) as zyn:

            def volume() -> Message | None:
                return zyn.ask("/part0/Pvolume", reply="/part0/Pvolume", timeout_s=0.5)

            until(volume)
            zyn.send("/part0/Pvolume", 50)
            until(volume, lambda message: message.arguments == (50,))
            with playing(jack, options=["--feedback", "zyn:midi_input"]) as (play, _), OscClient(play.osc_port) as ours:
                time.sleep(0.5)  # the faders have gone to where the values are
                zyn.send("/automate/learn-binding-new-slot", "/part0/Pvolume")
                ours.send("/sideman/norm/temperature", 0.1)  # the controller that it learns
                time.sleep(0.5)
                for norm in (0.5, 1.0, 0.25):
                    ours.send("/sideman/norm/temperature", norm)
                    until(volume, lambda message, norm=norm: abs(int(str(message.arguments[0])) - 127 * norm) <= 1)
                assert play.end() == 130


@pytest.mark.real
@pytest.mark.timeout(60)
@pytest.mark.skipif(shutil.which("scsynth") is None, reason="scsynth is not installed")
def test_scsynth_answers_our_client_in_types_that_we_read() -> None:
    with running_jack() as jack:
        port = free_udp_port()
        command = ["scsynth", "-u", str(port), "-D", "0", "-R", "0"]
        with peer(command, {**os.environ, **jack.environment}), OscClient(port) as server:
            status = until(lambda: server.ask("/status", reply="/status.reply", timeout_s=0.5))
            assert len(status.arguments) == 9
            assert isinstance(status.arguments[7], float)  # the sample rate, a double
            version = until(lambda: server.ask("/version", reply="/version.reply", timeout_s=0.5))
            assert version.arguments[0] == "scsynth"
            group = server.ask("/g_queryTree", 0, 0, reply="/g_queryTree.reply", timeout_s=30.0)
            assert group is not None
            assert group.arguments[:2] == (0, 0)
