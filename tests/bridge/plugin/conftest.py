"""The plug-in under the test host, and engines for it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import native
from bridge.plugin.server import PluginServer
from tests.support.live.fake_session import FakeSession
from tests.support.plugin.fake_engine import FakeEngine, wait_for
from tests.support.plugin.host import ClapHost, Library

CHART = b"text chords Dm7 | G7 | Cmaj7 | %\n"  # in a project


@pytest.fixture(autouse=True)
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this test's engine writes its address, and the plug-in looks for it."""
    path = tmp_path / "folder" / "serve"
    monkeypatch.setenv("SIDEMAN_SERVE", str(path))
    return path


@pytest.fixture(scope="session")
def library(library_path: Path) -> Library:
    return Library(library_path)


@pytest.fixture(scope="session")
def library_path() -> Path:
    path = native.plugin_file()
    if path is None:
        text = "the plug-in was not built: `pip install -e .` builds it with the extension"
        assert os.environ.get("SIDEMAN_NATIVE") != "require", text
        pytest.skip(text)
    return path


@pytest.fixture
def make_host(library: Library) -> Iterator[Callable[..., ClapHost]]:
    """Hosts with an active instance each, and an end to them."""
    hosts: list[ClapHost] = []

    def make(*, offline: bool = False, **options: object) -> ClapHost:
        host = ClapHost(library, **options)  # type: ignore[arg-type]
        hosts.append(host)
        if offline:
            host.set_offline(True)
        host.activate()
        return host

    yield make
    for host in hosts:
        host.deactivate()
        host.destroy()


@pytest.fixture
def engine() -> Iterator[FakeEngine]:
    engine = FakeEngine()
    yield engine
    engine.close()


@pytest.fixture
def make_server() -> Iterator[Callable[[], PluginServer]]:
    """Servers whose sessions have no model."""
    servers: list[PluginServer] = []

    def make() -> PluginServer:
        server = PluginServer(lambda seed: FakeSession(seed), lambda what, text: None)
        servers.append(server)
        server.open()
        return server

    yield make
    for server in servers:
        server.close()


def is_ready(host: ClapHost) -> None:
    """Waits until the plug-in has found the engine."""
    wait_for(lambda: host.text("Engine") == "ready", "the plug-in does not find the engine")


def with_chart(host: ClapHost, seed: int = 7) -> ClapHost:
    """A host whose project holds a chart; it plays over it."""
    host.turn("Seed", seed)
    host.turn("Mode", 1.0)
    host.flush()
    assert host.load(host.save() + CHART)
    return host
