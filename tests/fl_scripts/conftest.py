"""What the laws of FL beside an engine share: each gap in the port between them."""

from __future__ import annotations

import pytest

from tests.support.fl.gaps import GAPS, Gap


@pytest.fixture(params=GAPS)
def gap(request: pytest.FixtureRequest) -> Gap:
    return GAPS[request.param]
