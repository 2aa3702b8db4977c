"""Fixtures that several files share: FL Studio's script in the fake host of both profiles, beside an engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.fl.rig import Studio


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
