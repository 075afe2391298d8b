"""Real downloads of both layouts: every number is what well-kept libraries read, and the chain runs on them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import era5fast as e5
from era5fast import _core, archives
from era5fast.errors import InputError

EXPECTED = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "real" / "expected_values.json"
TEXT = ("string", "S1")


def netcdf_files() -> list[tuple[str, str | None, dict]]:
    """(file, member or None, expected values of its variables)."""
    if not EXPECTED.is_file():
        return []
    rows = []
    for name, known in json.loads(EXPECTED.read_text()).items():
        if known["format"] == "ZIP":
            rows += [(name, member, values["variables"]) for member, values in known["members"].items()]
        elif known["format"] != "GRIB":
            rows.append((name, None, known["variables"]))
    return rows


def check_variable(values: np.ndarray, known: dict) -> None:
    values = np.asarray(values, dtype="float64").ravel()
    assert values.size == known["size"]
    assert np.isnan(values).sum() == known["missing"]
    if known["missing"] < known["size"]:
        scale = max(abs(known["min"]), abs(known["max"]), 1e-300)
        for found, wanted in (
            (np.nanmin(values), known["min"]),
            (np.nanmax(values), known["max"]),
            (np.nanmean(values), known["mean"]),
        ):
            assert found == pytest.approx(wanted, rel=1e-6, abs=2e-7 * scale)


@pytest.mark.parametrize(
    ("name", "member", "variables"), netcdf_files(), ids=lambda v: v if isinstance(v, str) else ""
)
def test_every_variable_of_every_file(real_data: Path, name: str, member: str | None, variables: dict) -> None:
    path = str(real_data / name)
    if member is not None:
        path = next(p for p in archives.unpack(path) if p.endswith(member))
    file = _core.open_file(path)
    header = file.header()
    for variable, known in variables.items():
        assert variable in header["variables"]
        if "min" in known and known["min"] is not None and header["variables"][variable]["dtype"] != "text":
            check_variable(file.read(variable), known)


def test_telangana_daily_sums_use_the_stamps_01_to_24(real_data: Path) -> None:
    file = real_data / "new_era5_tp_hourly_telangana_jja2023.nc"
    total = e5.daily(file, "sum") * 1000
    assert total.sizes == {"time": 93, "latitude": 21, "longitude": 21}
    mean = total.mean(("latitude", "longitude"))
    for day, wanted in (("2023-07-26", 52.32), ("2023-07-27", 41.99), ("2023-07-18", 40.98), ("2023-07-19", 34.21)):
        assert float(mean.sel(time=day)) == pytest.approx(wanted, abs=0.005)
    wettest = total.sel(time="2023-07-21", latitude=19.5, longitude=80.5)
    assert float(wettest) == pytest.approx(271.2, abs=0.05)
    wrong = e5.daily(file, "sum", hours="instant") * 1000
    assert float(wrong.max()) == pytest.approx(273.7, abs=0.05)
    assert np.isnan(total.isel(time=-1)).all(), "the last day lacks its last hour"
    assert np.isnan(total.isel(time=0)).all(), (
        "the first stamp belongs to the day before, whose other hours are missing"
    )


def test_telangana_events(real_data: Path) -> None:
    total = e5.daily(real_data / "new_era5_tp_hourly_telangana_jja2023.nc", "sum")
    events = e5.find_events(total, above=0.1, min_days=1)
    table = events.to_dataframe()
    wet = (total.values > 0.1).sum()
    assert table["cells"].sum() == wet > 0
    assert table["peak_value"].max() == pytest.approx(0.2712, abs=5e-5)


def test_berlin_in_the_old_packed_layout(real_data: Path) -> None:
    file = real_data / "old_era5_hourly_berlin_2017.nc"
    ds = e5.open_dataset(file)
    assert {"t2m", "u10", "v10", "ssrd"} <= set(ds.data_vars)
    speed = np.hypot(ds.u10.astype("float64"), ds.v10.astype("float64")).max(("latitude", "longitude"))
    assert float(speed.max()) == pytest.approx(13.29, abs=0.005)
    assert str(speed.idxmax().values)[:13] == "2017-10-05T15"
    warmest = e5.daily(file, "max", variable="t2m")
    assert float(warmest.max()) - 273.15 == pytest.approx(32.49, abs=0.005)
    assert str(warmest.max(("latitude", "longitude")).idxmax().values)[:10] == "2017-07-30"
    hourly = e5.read(file, "2t")
    by_hand = hourly.reshape(365, 24, *hourly.shape[1:]).max(axis=1)
    assert np.array_equal(warmest.values, by_hand)


def test_morocco_heatwaves(real_data: Path) -> None:
    file = real_data / "new_era5_t2m_12utc_morocco_2024.nc"
    noon = e5.daily(file, "max")
    assert noon.sizes["time"] == 366
    assert float(noon.max()) - 273.15 == pytest.approx(49.27, abs=0.005)
    events = e5.find_events(noon, above=45 + 273.15, min_days=3)
    table = events.to_dataframe()
    strongest = table.loc[table["cumulative_intensity"].idxmax()]
    assert strongest["start"] <= np.datetime64("2024-07-12") <= strongest["end"]
    assert ((table["duration_days"] >= 3) & (table["peak_value"] - 273.15 <= 49.28)).all()
    p90 = e5.percentile_doy(noon, 90, window=31)
    assert len(e5.find_events(noon, above=p90, min_days=3)) > 10


def test_zip_named_nc(real_data: Path) -> None:
    file = real_data / "new_era5_zip_named_nc_telangana_20230901-07.nc"
    known = json.loads(EXPECTED.read_text())[file.name]["members"]
    for member, variable in (("instant", "d2m"), ("instant", "sp"), ("accum", "tp")):
        row = known[f"data_stream-oper_stepType-{member}.nc"]["variables"][variable]
        check_variable(e5.read(file, variable), row)
    assert set(e5.open_dataset(file).data_vars) == {"d2m", "u10", "v10", "sp", "tp"}
    with pytest.raises(InputError, match=r"no variable 't2m'.*d2m"):
        e5.read(file, "t2m")


def test_expver_dimension_is_merged(real_data: Path) -> None:
    file = real_data / "old_era5_expverdim_wind100_monthly_1979-2021.nc"
    values = e5.read(file, "u100")
    assert values.shape == (514, 9, 21)
    assert not np.isnan(values).any()


def test_times_before_1970_and_one_cell(real_data: Path) -> None:
    z = e5.open_dataset(real_data / "new_era5_z500_12utc_brussels_1940-2024.nc").z
    height = z / 9.80665
    assert str(z.time.values[0])[:13] == "1940-01-01T12"
    assert float(height.max()) == pytest.approx(5966.9, abs=0.05)
    assert str(height.squeeze().idxmax().values)[:10] == "2019-06-27"


def test_cells_without_data_stay_missing(real_data: Path) -> None:
    sst = e5.daily(real_data / "new_era5_sst_00utc_java_1995-2020.nc", "max")
    p90 = e5.percentile_doy(sst, 90, base_period=("1995", "2020"))
    assert int(np.isnan(p90).all("dayofyear").sum()) == 4
    assert int((~np.isnan(p90)).all("dayofyear").sum()) == 2


def test_a_selection_in_time_and_space(real_data: Path) -> None:
    file = real_data / "new_era5_instant_java_jan2026.nc"
    whole = e5.open_dataset(file).t2m.sel(time=slice("2026-01-10", "2026-01-12"))
    lat, lon = whole.latitude.values, whole.longitude.values
    part = e5.read(file, "t2m", time=slice("2026-01-10", "2026-01-12"), area=[lat[2], lon[1], lat[5], lon[6]])
    assert part.shape == (12, 4, 6)
    assert np.array_equal(part, whole.values[:, 2:6, 1:7])
    with pytest.raises(InputError, match="north, west, south, east"):
        e5.read(file, "t2m", area=[60, 0, 50, 5])
    with pytest.raises(InputError, match="no data in 1999"):
        e5.read(file, "t2m", time=slice("1999", "1999"))


def test_explain_says_how_each_variable_is_read(real_data: Path) -> None:
    text = e5.explain(real_data / "new_era5_t2m_12utc_morocco_2024.nc")["t2m"]
    assert re.search(r"chunk|direct", text)


def test_the_published_climatology_of_marine_heatwaves(real_data: Path) -> None:
    """Seasonal mean and threshold of two cells, as a program we did not write has published them."""
    found = e5.heatwave_climatology(real_data / "other_oisst_2003-2004_tasmania.nc", progress=False)
    threshold = e5.percentile_doy(
        real_data / "other_oisst_2003-2004_tasmania.nc", 90, definition="hobday", progress=False
    )
    np.testing.assert_array_equal(threshold, found.threshold)
    with xr.open_dataset(real_data / "other_oisst_expected_climatology.nc") as published:
        for cell, number in ((6, 1), (23, 2)):
            for name, own in (("thresh", found.threshold), ("seas", found.climatology)):
                values = own.transpose("dayofyear", ...).values.reshape(366, -1)[:, cell]
                np.testing.assert_allclose(values, published[f"{name}{number}"], atol=2e-6)


def test_one_hour_a_day_is_no_total(real_data: Path) -> None:
    with pytest.warns(UserWarning, match="one value a day, at 12:00: what is added up is that hour"):
        e5.daily(real_data / "new_era5_tp_12utc_morocco_2024.nc", "sum", progress=False)
