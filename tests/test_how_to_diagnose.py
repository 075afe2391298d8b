"""The how-to page on diagnostics is true."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples import LATITUDE, LONGITUDE, write

import era5fast as e5

DOCS = Path(__file__).resolve().parent.parent / "docs"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.M | re.S)
PAGE = (DOCS / "how-to/diagnose.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the blocks of the page leave behind, run in order beside eight years of hourly files."""
    folder = tmp_path_factory.mktemp("diagnose")
    (folder / "data").mkdir()
    rng = np.random.default_rng(0)
    shape = (len(LATITUDE[:3]), len(LONGITUDE[:4]))
    for year in range(2001, 2009):
        end = "2009-01-01T01" if year == 2008 else f"{year + 1}-01-01"  # the last day needs the midnight after it
        hours = np.arange(f"{year}-01-01", end, dtype="datetime64[h]")
        seconds = hours.astype("datetime64[s]").astype("int64")
        phase = np.arange(len(hours)) * 2 * np.pi
        season = 285 - 9 * np.cos(phase / 8766) - 5 * np.cos(phase / 24)
        days = rng.normal(0, 3, (len(hours) + 23) // 24).repeat(24)[: len(hours)]
        t2m = (season + days)[:, None, None] + rng.normal(0, 0.5, (len(hours), *shape))
        tp = np.where(rng.random((len(hours), *shape)) < 0.1, rng.gamma(0.5, 0.001, (len(hours), *shape)), 0)
        where = {"latitude": LATITUDE[:3], "longitude": LONGITUDE[:4]}
        whole = len(hours) // 24 * 24
        write(folder / f"data/t2m_{year}.nc", t2m[:whole].astype("f4"), seconds[:whole], **where)
        attrs = {"units": "m", "long_name": "Total precipitation"}
        write(folder / f"data/tp_{year}.nc", tp.astype("f4"), seconds, name="tp", attrs=attrs, **where)
    found: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for block in BLOCK.findall(PAGE):
            exec(compile(block, "diagnose.md", "exec"), found)
    return found


def test_every_block_of_the_page_runs(names: dict[str, Any]) -> None:
    assert names["tx"].shape == (2922, 3, 4)
    assert names["p90"].dims[0] == "dayofyear"
    assert len(names["events"]) > 0
    assert len(names["runs"]) > 0
    assert set(names["years"].data_vars) >= {"count", "longest"}
    assert len(names["indices"].data_vars) == 27
    assert names["winters"].sizes["time"] == 33
    assert names["levels"].shape == (3, 4)
    assert names["droughts"].severity.min() >= 1
    assert names["mean"].dims == ("time", "region")
    assert 0 < float(names["hot"].mean()) < 1
    assert names["every"].sizes["min_length"] == 3
    assert names["some"].su.shape == names["theirs"].tx90p.shape == (8, 3, 4)


def test_what_the_page_names_exists(names: dict[str, Any]) -> None:
    prose = BLOCK.sub("", PAGE)
    functions = {word for word in re.findall(r"`([a-z_]+)`", prose) if word not in names}
    assert functions - set(e5.__all__) <= {"freq", "xarray"}
