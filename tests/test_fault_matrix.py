"""Every row of the matrix of faults: the right bytes, or one typed error, and all that must hold besides."""

from __future__ import annotations

import pytest

from era5fast.testing import FAULTS
from tests.fault_kit import play_all
from tests.fault_matrix import ROWS
from tests.look_alike import slowness

pytestmark = pytest.mark.native

LIMIT = 60.0  # seconds for a row where nothing else runs, then its process is ended


@pytest.fixture(scope="module")
def played(request):
    """The rows of this run, played in several processes at once."""
    chosen = [item for item in request.session.items if getattr(item, "originalname", "") == test_row.__name__]
    return play_all([(item.callspec.params["name"], "era5fast") for item in chosen], LIMIT * slowness())


@pytest.mark.parametrize("name", ROWS)
def test_row(played, name):
    assert played[name, "era5fast"]["wrong"] == []


def test_the_processes_end_well(played):
    assert played.get(("", ""), {"wrong": []})["wrong"] == []


def test_every_fault_has_a_row():
    struck = {strike.fault for row in ROWS.values() for strike in row.strikes}
    assert set(FAULTS) - struck == set()
    assert len(ROWS) >= 141
