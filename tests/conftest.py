"""Fixtures that several files share: FL Studio's script in the fake host of both profiles, beside an engine."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

# Beside others two threads of torch's wait for each other, and take ten times as long as one; and a compiler on every
# core is late for the tests that keep time.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("CMAKE_BUILD_PARALLEL_LEVEL", "1")

# A law is no stopwatch: beside other work an example that takes 10 ms has taken 300.
settings.register_profile("sideman", deadline=None)
settings.load_profile("sideman")

# What a script starts in the background (`&`) ignores Ctrl-C, and hands that on to the programs that the tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

if TYPE_CHECKING:
    from tests.support.fl.rig import Studio


def pytest_configure(config: pytest.Config) -> None:
    """Workers of pytest-xdist take files in the order of their collection, not those of many tests first."""
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes minutes begins first: were it last, one core would wait for the other."""
    items.sort(key=lambda item: item.get_closest_marker("builds") is None)


@pytest.fixture
def hangups() -> Iterator[None]:
    """What the test starts hears a hangup, though the suite runs under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture(params=("fl2025", "fl2024", "fl21"))
def profile(request: pytest.FixtureRequest) -> str:
    """A version of FL's script host."""
    return str(request.param)


@pytest.fixture
def studio(profile: str) -> Studio:
    """The script, connected to an engine."""
    from tests.support.fl.rig import Studio

    joined = Studio(profile)
    joined.run(3.0)
    return joined
