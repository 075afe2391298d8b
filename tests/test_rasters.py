"""The how-to page on rasters is true, where rasterio and rioxarray are installed."""

import re
from pathlib import Path

import numpy as np
import pytest

rasterio = pytest.importorskip("rasterio")
# Not among the dependencies of the tests: with ecCodes beside it, a program that lists xarray's engines dies.
pytest.importorskip("rioxarray")

PAGE = Path(__file__).resolve().parent.parent / "docs/how-to/rasters.md"


def write(path, values):
    transform = rasterio.transform.from_origin(5, 50, 0.25, 0.25)
    shape = {"height": values.shape[0], "width": values.shape[1], "count": 1}
    more = {"dtype": "float32", "crs": "EPSG:4326", "nodata": -9999, "compress": "deflate"}
    with rasterio.open(path, "w", driver="GTiff", transform=transform, **shape, **more) as file:
        file.write(values, 1)


def test_every_block_of_the_page_runs(tmp_path, monkeypatch):
    (tmp_path / "hi").mkdir()
    days = np.random.default_rng(0).normal(25, 5, (12, 20, 24)).astype("f4")
    days[:, :3, :4] = -9999
    for number, day in enumerate(days):
        write(tmp_path / "hi" / f"hi_{number:03d}.tif", day)
    monkeypatch.chdir(tmp_path)
    found = {}
    for block in re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S):
        exec(compile(block, PAGE.name, "exec"), found)
    known = np.where(days == -9999, np.nan, days.astype("f8") * 1.8 + 32)
    np.testing.assert_allclose(found["means"], np.nanmean(known, (1, 2)), rtol=1e-5)
    np.testing.assert_allclose(found["heat"].values, known, rtol=1e-6)
    weights = np.cos(np.deg2rad(50 - 0.25 * (np.arange(20) + 0.5)))[:, None] * ~np.isnan(known[0])
    np.testing.assert_allclose(found["daily"], np.nansum(known * weights, (1, 2)) / weights.sum(), rtol=1e-6)
    assert found["series"].shape == (12, 1)
    assert np.isfinite(found["series"].values).all()
    with rasterio.open("correlation.tif") as file:
        written = file.read(1)
        assert file.bounds == (5, 45, 11, 50)
    np.testing.assert_array_equal(np.isnan(written), np.isnan(known[0]))
    np.testing.assert_allclose(written[~np.isnan(known[0])], -1, rtol=1e-6)
