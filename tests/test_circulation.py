"""Wind storms, blocking, compound events: against loops written from the definitions."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import era5fast as e5
from era5fast import blocking, compound, storms
from era5fast.errors import InputError

LATITUDE = np.arange(90.0, -1.0, -5.0)
LONGITUDE = np.arange(0.0, 360.0, 10.0)


def field(values: np.ndarray, unit: str, latitude=LATITUDE, longitude=LONGITUDE) -> xr.DataArray:
    time = np.datetime64("2001-01-01", "ns") + np.arange(len(values)) * np.timedelta64(1, "D")
    coords = {"time": time, "latitude": latitude, "longitude": longitude}
    return xr.DataArray(values, dims=("time", "latitude", "longitude"), coords=coords, attrs={"units": unit})


def heights(days: int = 12, seed: int = 1) -> xr.DataArray:
    """Falling to the pole, with enough noise for some blocks."""
    rng = np.random.default_rng(seed)
    mean = 5900 - 9 * np.abs(LATITUDE)
    noise = rng.normal(0, 160, (days, LATITUDE.size, LONGITUDE.size))
    return field(mean[:, np.newaxis] + noise, "m")


# --- storms ---


def test_areas_of_cells_add_up_to_the_globe() -> None:
    x = field(np.zeros((1, 181, 36)), "m s-1", latitude=np.arange(90.0, -91.0, -1.0))
    areas = storms.cell_areas(x)
    assert float(areas.sum()) == pytest.approx(4 * np.pi * 6371.0**2, rel=1e-12)
    assert areas.attrs["units"] == "km2"


def test_areas_do_not_see_where_the_axis_is_cut() -> None:
    values = np.full((1, 3, 4), 30.0)
    latitude = np.array([50.0, 51, 52])
    over = storms.cell_areas(field(values, "m s-1", latitude, np.array([358.0, 359, 0, 1])))
    np.testing.assert_array_equal(over, storms.cell_areas(field(values, "m s-1", latitude, np.arange(-2.0, 2))))


def test_severity_is_that_of_the_loop() -> None:
    rng = np.random.default_rng(2)
    wind = field(rng.uniform(5, 40, (4, LATITUDE.size, LONGITUDE.size)), "m s-1")
    wind[0, 3, 3] = np.nan
    v98 = wind.isel(time=0, drop=True) * 0 + 20
    people = v98 * rng.uniform(0, 3, v98.shape)
    areas = storms.cell_areas(wind).values
    severity = storms.storm_severity_index(wind, v98.assign_attrs(units="m s-1"))
    losses = storms.klawa_ulbrich_index(wind, v98, people)
    dawkins, wisc = storms.dawkins_index(wind), storms.dawkins_index(wind, form="wisc")
    for day in range(4):
        total, loss, cubes, area, speeds = 0.0, 0.0, 0.0, 0.0, 0.0
        for i, j in np.ndindex(areas.shape):
            v, limit = float(wind[day, i, j]), float(v98[i, j])
            if v > limit:
                total += (v / limit - 1) ** 3 * areas[i, j]
                loss += (v / limit - 1) ** 3 * float(people[i, j])
            if v > 25:
                cubes, area, speeds = cubes + areas[i, j] * v**3, area + areas[i, j], speeds + areas[i, j] * v
        assert float(severity[day]) == pytest.approx(total)
        assert float(losses[day]) == pytest.approx(loss)
        assert float(dawkins[day]) == pytest.approx(cubes)
        assert float(wisc[day]) == pytest.approx(area * (speeds / area) ** 3)


def test_a_percentile_of_zero_measures_nothing() -> None:
    wind = field(np.full((1, LATITUDE.size, LONGITUDE.size), 30.0), "m s-1")
    v98 = xr.full_like(wind[0], 20.0)
    calm = v98.copy()
    calm[3, 5] = 0
    lost = (0.5**3 * storms.cell_areas(wind))[3, 5]
    got, whole = storms.storm_severity_index(wind, calm), storms.storm_severity_index(wind, v98)
    np.testing.assert_allclose(got, whole - lost)


def test_units_of_wind() -> None:
    wind = field(np.full((1, LATITUDE.size, LONGITUDE.size), 108.0), "km/h")
    v98 = (wind.isel(time=0, drop=True) / 5.4).assign_attrs(units="m s-1")  # 20 m/s = 72 km/h
    expected = 0.5**3 * float(storms.cell_areas(wind).sum())
    assert float(storms.storm_severity_index(wind, v98)[0]) == pytest.approx(expected)
    assert float(storms.dawkins_index(wind, form="wisc")[0]) == pytest.approx(expected * 8 * 30**3)
    calm = (wind * 0).assign_attrs(units="m s-1")
    assert float(storms.dawkins_index(calm, form="wisc")[0]) == 0
    with pytest.raises(InputError, match="wind has no units"):
        storms.dawkins_index(wind.assign_attrs(units=""))
    with pytest.raises(InputError, match="form must be one of"):
        storms.dawkins_index(wind, form="mean")
    with pytest.raises(InputError, match="no latitude and longitude"):
        storms.storm_severity_index(wind.isel(latitude=0), v98)


# --- blocking ---


def at(z: xr.DataArray, day: int, latitude: float, column: int) -> float:
    return float(z.sel(latitude=latitude)[day, column])


@pytest.mark.parametrize("shifts", [(-5, 0, 5), (0,)])
def test_tibaldi_and_molteni(shifts) -> None:
    z = heights()
    got = blocking.blocked_longitudes(z, shifts)
    for day, column in np.ndindex(got.shape):
        blocked = False
        for shift in shifts:
            south, middle, north = (at(z, day, latitude + shift, column) for latitude in (40, 60, 80))
            blocked |= (middle - south) / 20 > 0 and (north - middle) / 20 < -10
        assert bool(got[day, column]) == blocked
    assert 0 < got.mean() < 1


@pytest.mark.parametrize("south_of_it", [None, -5.0])
def test_davini_cell_by_cell(south_of_it) -> None:
    z = heights(4)
    got = blocking.blocked_cells(z, south_of_it).sel(latitude=LATITUDE)
    count = 0
    for day, row, column in np.ndindex(got.shape):
        phi, blocked = LATITUDE[row], False
        if 30 <= phi <= 75:
            south = (at(z, day, phi, column) - at(z, day, phi - 15, column)) / 15
            north = (at(z, day, phi + 15, column) - at(z, day, phi, column)) / 15
            blocked = south > 0 and north < -10
            if south_of_it is not None:
                blocked &= (at(z, day, phi - 15, column) - at(z, day, phi - 30, column)) / 15 < south_of_it
        assert bool(got[day, row, column]) == blocked
        count += blocked
    assert count > 0


def test_extent_goes_over_the_seam() -> None:
    z = field(np.broadcast_to((5900 - 9 * LATITUDE)[:, np.newaxis], (1, LATITUDE.size, LONGITUDE.size)).copy(), "m")
    high = z.copy()
    high[0, list(LATITUDE).index(60), [0, -1, 15]] += 400
    alone = blocking.blocked_cells(high).sel(latitude=60)[0].values
    assert alone[[0, -1, 15]].all()
    assert alone.sum() == 3
    wide = blocking.blocked_cells(high, min_extent=20).sel(latitude=60)[0].values
    assert wide[[0, -1]].all()
    assert wide.sum() == 2
    assert not blocking.blocked_cells(high, min_days=2).any()


def test_extent_of_an_axis_that_is_cut_elsewhere() -> None:
    z = heights(4)
    cut = z.assign_coords(longitude=(LONGITUDE + 180) % 360)  # … 350, 0, 10 …
    np.testing.assert_array_equal(
        blocking.blocked_cells(cut, min_extent=20), blocking.blocked_cells(z, min_extent=20)
    )
    for wrong in (float("inf"), "15"):
        with pytest.raises(InputError, match="min_extent must be a number"):
            blocking.blocked_cells(z, min_extent=wrong)


def test_geopotential_is_divided_by_gravity() -> None:
    z = heights()
    geopotential = (z * 9.80665).assign_attrs(units="m**2 s**-2")
    xr.testing.assert_identical(blocking.blocked_longitudes(geopotential, (0,)), blocking.blocked_longitudes(z, (0,)))
    xr.testing.assert_identical(
        blocking.blocked_longitudes(z.assign_attrs(units="gpm"), (0,)), blocking.blocked_longitudes(z, (0,))
    )
    with pytest.raises(InputError, match="height has no units"):
        blocking.blocked_longitudes(z.assign_attrs(units=""))
    with pytest.raises(InputError, match="height is in K"):
        blocking.blocked_longitudes(z.assign_attrs(units="K"))
    with pytest.raises(InputError, match="no latitude 36"):
        blocking.blocked_longitudes(z)
    with pytest.raises(InputError, match="15° is a multiple"):
        blocking.blocked_cells(z.isel(latitude=slice(None, None, 2)).assign_coords(latitude=LATITUDE[::2] * 0.7))


def test_dole_and_gordon() -> None:
    rng = np.random.default_rng(4)
    z = field(rng.normal(60, 100, (40, LATITUDE.size, LONGITUDE.size)), "m")
    got = blocking.dole_gordon(z, above=30, min_days=3).values
    with np.errstate(divide="ignore"):
        strong = z.values * (np.sin(np.pi / 4) / np.sin(np.radians(LATITUDE)))[:, np.newaxis] > 30
    strong[:, LATITUDE == 0] = False
    np.testing.assert_array_equal(got, slow_runs(strong, 3))
    assert got.any()


def vorticity() -> xr.DataArray:
    """Two years of noise, with a low that lasts, one that is short, and one that moves away from itself."""
    latitude, longitude = np.arange(80.0, 29, -2.5), np.arange(0.0, 360, 2.5)
    rng = np.random.default_rng(0)
    values = 2e-6 + rng.normal(0, 0.05e-6, (730, len(latitude), len(longitude)))

    def put(day: int, middle: float, column: float, width: float) -> None:
        away = np.abs((longitude - column + 180) % 360 - 180)
        values[day][np.ix_(np.abs(latitude - middle) <= 10, away <= width)] -= 3e-6

    for day in range(8):
        put(200 + day, 60, 350 + 2.5 * day, 20)
        put(500 + day, 55, 30 * day, 15)
    for day in range(3):
        put(400 + day, 55, 100, 20)
    return field(values, "K m**2 kg**-1 s**-1", latitude, longitude)


def test_schwierz_finds_the_low_that_lasts() -> None:
    x = vorticity()
    found = blocking.schwierz(x, progress=False).to_dataframe()
    assert len(found) == 1
    assert str(found.start[0])[:10] == str(x.time.values[200])[:10]  # half of the low is enough on its first day
    assert len(blocking.schwierz(x, min_days=3, progress=False).to_dataframe()) == 2
    assert len(blocking.schwierz(x, overlap=0.0, progress=False).to_dataframe()) == 2
    month = x.groupby("time.month")
    departure = (month - month.mean()).drop_vars("month")
    smooth = (departure + departure.shift(time=1)) / 2
    by_hand = e5.track(
        smooth.assign_attrs(units="K m2 kg-1 s-1"), below=-1.3e-6, overlap=0.7, min_duration=5, progress=False
    ).to_dataframe()
    for name in ("start", "end", "area_max_km2", "path_km"):
        assert list(found[name]) == list(by_hand[name])


def test_units_of_vorticity() -> None:
    x = (vorticity() * 1e6).assign_attrs(units="PVU")
    assert len(blocking.schwierz(x, progress=False)) == 1
    assert len(blocking.schwierz(x, below=-1.3, progress=False)) == 1
    with pytest.raises(InputError, match="cannot become"):
        blocking.schwierz(x.assign_attrs(units="m"), progress=False)
    with pytest.raises(InputError, match="smoothing must be"):
        blocking.schwierz(x, smoothing=0, progress=False)


def test_blocking_stays_lazy() -> None:
    pytest.importorskip("dask.array")
    z = heights()
    lazy = blocking.blocked_cells(z.chunk(time=3), min_extent=20)
    assert lazy.chunks is not None
    xr.testing.assert_identical(lazy.compute(), blocking.blocked_cells(z, min_extent=20))


# --- compound events ---


def slow_runs(mask: np.ndarray, least: int) -> np.ndarray:
    kept = np.zeros_like(mask)
    for cell in np.ndindex(mask.shape[1:]):
        day = 0
        series = mask[(slice(None), *cell)]
        while day < len(series):
            end = day
            while end < len(series) and series[end]:
                end += 1
            if end - day >= least:
                kept[(slice(day, end), *cell)] = True
            day = max(end, day + 1)
    return kept


masks = st.lists(st.booleans(), min_size=1, max_size=40)


@settings(max_examples=80, deadline=None)
@given(masks, st.integers(1, 6))
def test_runs_are_those_of_the_loop(days, least) -> None:
    mask = np.array(days)
    np.testing.assert_array_equal(compound.persistent(mask, least), slow_runs(mask, least))


@settings(max_examples=80, deadline=None)
@given(masks, st.data(), st.integers(1, 5))
def test_sequences_are_those_of_the_loop(days, data, within) -> None:
    a = np.array(days)
    b = np.array(data.draw(st.lists(st.booleans(), min_size=len(a), max_size=len(a))))
    expected = np.zeros_like(a)
    for day in range(len(a)):
        begins = b[day] and not (day > 0 and b[day - 1])
        ends = [d for d in range(day) if a[d] and not a[d + 1]]
        expected[day] = begins and any(1 <= day - d <= within for d in ends)
    np.testing.assert_array_equal(compound.sequential(a, b, within), expected)


def test_likelihood() -> None:
    a = np.array([[1, 1, 0, 0], [1, 0, 0, 0]], dtype=bool).T
    b = np.array([[1, 0, 0, 0], [0, 0, 0, 0]], dtype=bool).T
    np.testing.assert_array_equal(compound.likelihood_multiplication_factor(a, b), [2.0, np.nan])


def test_labels_stay_where_they_are() -> None:
    z = heights() > 5500
    turned = z.transpose("latitude", "time", "longitude")
    other = heights(seed=2) > 5500
    kept = compound.persistent(turned, 2)
    assert kept.dims == turned.dims
    np.testing.assert_array_equal(kept.transpose(*z.dims), compound.persistent(z.values, 2))
    follow = compound.sequential(turned, other, 2).transpose(*z.dims)
    np.testing.assert_array_equal(follow, compound.sequential(z.values, other.values, 2))
    factor = compound.likelihood_multiplication_factor(turned, other)
    assert factor.dims == ("latitude", "longitude")
    np.testing.assert_array_equal(factor, compound.likelihood_multiplication_factor(z.values, other.values))


def test_masks_are_masks() -> None:
    with pytest.raises(InputError, match="a mask of bool"):
        compound.persistent(np.arange(3.0), 2)
    with pytest.raises(InputError, match="min_days must be a whole number"):
        compound.persistent(np.ones(3, dtype=bool), 0)
    with pytest.raises(InputError, match="no time axis"):
        compound.persistent(heights()[0] > 5500, 2)


def test_other_cells_are_refused_and_rounding_is_not() -> None:
    wind = field(np.full((2, LATITUDE.size, LONGITUDE.size), 30.0), "m s-1")
    v98 = (wind[0].drop_vars("time") * 0 + 20).assign_attrs(units="m s-1")
    near = v98.assign_coords(latitude=LATITUDE + 1e-5).rename(latitude="lat")
    wanted = storms.klawa_ulbrich_index(wind, v98, v98)
    assert (wanted > 0).all()
    np.testing.assert_array_equal(storms.klawa_ulbrich_index(wind, near, near.sortby("lat")), wanted)
    for other in (v98[3:4], v98[:, :5], v98.assign_coords(latitude=LATITUDE + 0.1)):
        with pytest.raises(InputError, match="v98 has another"):
            storms.storm_severity_index(wind, other)
        with pytest.raises(InputError, match="population has another"):
            storms.klawa_ulbrich_index(wind, v98, other)


def test_a_gap_ends_a_run() -> None:
    z = heights(10)
    mask = xr.ones_like(z, dtype=bool)[[0, 1, 2, 5, 6, 7, 8, 9]]
    kept = compound.persistent(mask, 4)
    assert kept[:, 0, 0].values.tolist() == [False] * 3 + [True] * 5
    assert not compound.persistent(mask, 6).any()
    strong = blocking.dole_gordon(xr.full_like(z, 900.0)[[0, 1, 2, 5, 6, 7, 8, 9]], min_days=4)
    np.testing.assert_array_equal(strong[:, 0, 0], kept[:, 0, 0])
    # The second begins three days after the first has ended, in the third step after it.
    first, second = mask.copy(data=np.zeros(mask.shape, bool)), mask.copy(data=np.zeros(mask.shape, bool))
    first[2], second[3] = True, True
    assert not compound.sequential(first, second, 2).any()
    assert compound.sequential(first, second, 3)[3].all()


def test_steps_that_are_no_days_are_refused() -> None:
    mask = heights(8) > 5500
    hours = mask.assign_coords(time=mask.time.values[0] + np.arange(8) * np.timedelta64(6, "h"))
    with pytest.raises(InputError, match="a mask of days is needed"):
        compound.persistent(hours, 2)
    with pytest.raises(InputError, match="times must increase"):
        compound.sequential(mask[::-1], mask[::-1], 2)
    z = heights(8).assign_coords(time=hours.time)
    assert blocking.blocked_cells(z).sizes["time"] == 8
    with pytest.raises(InputError, match="a mask of days is needed"):
        blocking.blocked_cells(z, min_days=2)


def test_masks_have_units_of_their_own() -> None:
    mask = heights() > 5500
    mask.attrs = {"units": "m", "standard_name": "geopotential_height"}
    for result in (compound.persistent(mask, 2), compound.likelihood_multiplication_factor(mask, mask)):
        assert result.attrs["units"] == "1"
        assert "standard_name" not in result.attrs


@pytest.mark.parametrize("dtype", ["f4", "f8", "i2"])
def test_ranks_are_places_in_the_sorted_record(dtype: str) -> None:
    rng = np.random.default_rng(5)
    values = rng.integers(0, 40, (90, 3, 4)).astype(dtype)  # with many ties
    if dtype != "i2":
        values[rng.random(values.shape) < 0.1] = np.nan
        values[:, 1, 1] = np.nan
    found = compound.ranks(values)
    for cell in np.ndindex(3, 4):
        series = values[(slice(None), *cell)]
        known = [float(v) for v in series if not np.isnan(v)]
        for day, value in enumerate(series):
            if np.isnan(value):
                assert np.isnan(found[(day, *cell)])
                continue
            earlier = sum(float(v) == float(value) for v in series[:day])
            assert found[(day, *cell)] == (sum(v < float(value) for v in known) + earlier + 1) / len(known)
    x = field(values, "K", np.arange(3.0), np.arange(4.0))
    np.testing.assert_array_equal(compound.ranks(x), found)
    moved = x.transpose("latitude", "time", "longitude").chunk({"latitude": 1})
    np.testing.assert_array_equal(compound.ranks(moved).transpose("time", ...).compute(), found)


def test_ranks_are_those_of_scipy() -> None:
    values = np.random.default_rng(1).integers(0, 20, 200).astype("f8")
    np.testing.assert_array_equal(compound.ranks(values), scipy.stats.rankdata(values, "ordinal") / 200)


@pytest.mark.parametrize("series", [np.zeros((0, 2)), np.array(["a"]), True, np.zeros(3, dtype=bool)])
def test_what_cannot_be_ranked_is_refused(series: object) -> None:
    with pytest.raises(InputError, match="ranks: "):
        compound.ranks(series)
