"""Parameters of a wrong form: an InputError that names the parameter as the user knows it, whatever Python thinks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr

import era5fast as e5
from era5fast import blocking, compound, coordinates, fire, storms, units
from era5fast.errors import InputError, ResultTooLargeError

pytestmark = pytest.mark.native

TIME = np.arange("2001-01-01", "2003-01-01", dtype="datetime64[D]")
DAYS = np.random.default_rng(0).normal(20, 5, (len(TIME), 2, 3))
AXES = {"time": TIME.astype("datetime64[ns]"), "latitude": [40.0, 60.0], "longitude": [0.0, 1.0, 2.0]}
WIND = xr.DataArray(DAYS, dims=tuple(AXES), coords=AXES, attrs={"units": "m s-1"})
HEIGHT = WIND.assign_attrs(units="m")
MASK = WIND > 20
RAGGED = [[1], [2, 3]]
WORDS = np.array(["a", "b"])

#: What is called, and words of the message.
CALLS: dict[str, tuple[Callable[[], object], str]] = {
    "ragged percentile": (lambda: e5.percentile_doy(DAYS, RAGGED, time=TIME), "percentile must be a number"),
    "nested length": (lambda: e5.hwmid(DAYS, 18.0, min_length=[[3]], time=TIME), "min_length must be"),
    "ragged window": (lambda: e5.indices.tx90p(DAYS, window=RAGGED, time=TIME), "tx90p: window must be"),
    "ragged threshold": (lambda: e5.indices.su(DAYS, threshold=RAGGED, time=TIME), "su: threshold must be a number"),
    "single array": (lambda: e5.indices.su(DAYS, threshold=np.array(25.0), time=TIME), "su: threshold must be"),
    "rain for heat": (lambda: e5.indices.su(DAYS, threshold="25 mm", time=TIME), "su: threshold is in mm"),
    "no wet day": (lambda: e5.indices.r95p(DAYS, threshold=0, time=TIME), "r95p: threshold is 0, must be"),
    "no wet day of all": (lambda: e5.etccdi(pr=DAYS, indices="r95p", wet=0, time=TIME), "etccdi: wet is 0"),
    "huge number": (lambda: units.quantity(10**400, "K", "limit"), "limit must be a number"),
    "ragged values": (lambda: e5.convert_units(RAGGED, "K", "degC"), "different lengths"),
    "ragged latitudes": (lambda: coordinates.degrees(RAGGED, "latitude"), "different lengths"),
    "huge latitude": (lambda: coordinates.degrees([10**400], "latitude"), "latitude 1000"),
    "ragged points": (lambda: e5.great_circle(RAGGED, 1, 2, 3), "different lengths"),
    "points that do not fit": (
        lambda: e5.great_circle(xr.DataArray([1.0, 2.0], dims="a"), xr.DataArray([1.0], dims="a"), 2, 3),
        "coordinates do not fit",
    ),
    "axes": (lambda: e5.sample(DAYS, 1, 1, axes=5), "the grid is not known"),  # type: ignore[arg-type]
    "method": (lambda: e5.sample(WIND, 1, 1, method=WORDS), "method must be"),  # type: ignore[arg-type]
    "outside": (lambda: e5.sample(WIND, 1, 1, outside=WORDS), "outside must be"),  # type: ignore[arg-type]
    "ragged temperature": (lambda: e5.heat_index(RAGGED, 50.0), "different lengths"),
    "definition": (lambda: e5.heat_index(300.0, 50.0, definition=WORDS), "definition must be"),  # type: ignore[arg-type]
    "op": (lambda: e5.spells(DAYS, 20.0, op=WORDS, time=TIME), "op must be"),  # type: ignore[arg-type]
    "empty threshold": (lambda: e5.spells(DAYS[:, 0, 0], np.array([]), time=TIME), "threshold is empty"),
    "percentile text": (
        lambda: e5.marine_heatwaves(DAYS, time=TIME, cold=True, percentile="a"),
        "percentile must be",
    ),
    "statistic": (lambda: e5.bootstrap([1.0, 2.0, 3.0], WORDS), "statistic must be"),  # type: ignore[arg-type]
    "alternative": (
        lambda: e5.permutation_test([1.0, 2.0], [1.0, 2.0], alternative=WORDS),  # type: ignore[arg-type]
        "alternative must be",
    ),
    "form": (lambda: storms.dawkins_index(WIND, form=WORDS), "form must be"),  # type: ignore[arg-type]
    "kind": (lambda: e5.heatwaves([3], tx=DAYS, time=TIME), "kind must be"),  # type: ignore[arg-type]
    "masks of other shapes": (lambda: compound.sequential(MASK.values, MASK.values[1:], 2), "do not fit each other"),
    "masks of other days": (lambda: compound.sequential(MASK, MASK[1:], 2), "do not fit each other"),
    "mask without days": (lambda: compound.sequential(MASK, MASK[0], 2), "no time among the dimensions"),
    "mask of one value": (lambda: compound.persistent(True, 1), "a single value"),
    "ragged mask": (lambda: compound.persistent(RAGGED, 1), "different lengths"),
    "one shift": (lambda: blocking.blocked_longitudes(HEIGHT, 0), "list of degrees"),  # type: ignore[arg-type]
    "shifts as text": (lambda: blocking.blocked_longitudes(HEIGHT, "x"), "list of degrees"),  # type: ignore[arg-type]
    "text in shifts": (lambda: blocking.blocked_longitudes(HEIGHT, ["x"]), "must be a number"),  # type: ignore[list-item]
    "months": (
        lambda: e5.hwmid(DAYS, 18.0, time=TIME, months=xr.DataArray(3)),  # type: ignore[arg-type]
        "months are numbers",
    ),
    "indices": (lambda: e5.etccdi(tx=DAYS, time=TIME, indices=xr.DataArray("su")), "no index is called"),
    "v98 as text": (lambda: storms.storm_severity_index(WIND, "x"), "v98 is no number"),  # type: ignore[arg-type]
    "v98 of nothing": (lambda: storms.storm_severity_index(WIND, []), "v98 has the shape"),  # type: ignore[arg-type]
    "population": (
        lambda: storms.klawa_ulbrich_index(WIND, WIND[0], "x"),  # type: ignore[arg-type]
        "population is no number",
    ),
}

SERIES = xr.DataArray(DAYS, AXES, tuple(AXES), "t2m", {"units": "degC"})
TWICE = xr.concat([SERIES[:9], SERIES[8:]], "time")
BACKWARDS = SERIES[::-1]
OTHER_CALENDAR = SERIES.convert_calendar("noleap")
NOTHING = SERIES.sel(time=slice("1980", "1981"))
QUIET: dict[str, Any] = {"progress": False}

#: Every way by which a daily series gets in.
DOORS: dict[str, Callable[[Any], object]] = {
    "daily": lambda x: e5.daily(x, "max", **QUIET),
    "resample": lambda x: e5.resample(x, "max", freq="MS", **QUIET),
    "run_lengths": lambda x: e5.run_lengths(x, 25, **QUIET),
    "percentile": lambda x: e5.percentile(x, 90, **QUIET),
    "percentile_doy": lambda x: e5.percentile_doy(x, 90, **QUIET),
    "percentile_exceedance": lambda x: e5.percentile_exceedance(x, 90, **QUIET),
    "etccdi": lambda x: e5.etccdi(tx=x, indices=["su", "tx90p"], **QUIET),
    "su": lambda x: e5.indices.su(x, **QUIET),
    "spells": lambda x: e5.spells(x, 25, **QUIET),
    "spell_statistics": lambda x: e5.spell_statistics(x, 25, **QUIET),
    "marine_heatwaves": lambda x: e5.marine_heatwaves(x, **QUIET),
    "heatwaves": lambda x: e5.heatwaves("china", tx=x, **QUIET),
    "excess_heat": lambda x: e5.excess_heat(x, **QUIET),
    "hwmid": lambda x: e5.hwmid(x, 25, **QUIET),
    "find_events": lambda x: e5.find_events(x, above=25, **QUIET),
    "climatology": lambda x: e5.climatology(x, **QUIET),
    "detrend": lambda x: e5.detrend(x, **QUIET),
    "gpd": lambda x: e5.gpd(x, 25, **QUIET),
    "mann_kendall": lambda x: e5.mann_kendall(x, **QUIET),
    "drought_events": lambda x: e5.drought_events((x - 20).assign_attrs(units="1"), **QUIET),
    "persistent": lambda x: compound.persistent(x > 25, 2),
    "likelihood": lambda x: compound.sequential(x > 25, x > 20, 3),
    "fire_season": fire.fire_season,
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    ("series", "words"),
    [
        (TWICE, "times must increase, and 2001-01-09T00:00:00 is there twice. Keep one: x.drop_duplicates('time')"),
        (BACKWARDS, "2002-12-30T00:00:00 stands behind 2002-12-31T00:00:00. x.sortby('time')"),
        (NOTHING, ""),
    ],
    ids=["twice", "backwards", "nothing"],
)
def test_a_series_that_is_none_is_refused_at_every_door(door: str, series: xr.DataArray, words: str) -> None:
    with pytest.raises(InputError) as caught:
        DOORS[door](series)
    assert words in str(caught.value)


WITH_A_BASE: dict[str, Callable[[Any], object]] = {
    "percentile": lambda base: e5.percentile(SERIES, 90, base_period=base, **QUIET),
    "percentile_doy": lambda base: e5.percentile_doy(SERIES, 90, base_period=base, **QUIET),
    "exceedance": lambda base: e5.percentile_exceedance(SERIES, 90, base_period=base, **QUIET),
    "etccdi": lambda base: e5.etccdi(tx=SERIES, indices="tx90p", base_period=base, **QUIET),
    "marine_heatwaves": lambda base: e5.marine_heatwaves(SERIES, base_period=base, **QUIET),
    "heatwaves": lambda base: e5.heatwaves("hwdi", tx=SERIES, base_period=base, **QUIET),
    "excess_heat": lambda base: e5.excess_heat(SERIES, base_period=base, **QUIET),
    "climatology": lambda base: e5.climatology(SERIES, base_period=base, **QUIET),
    "lazily": lambda base: e5.percentile_doy(SERIES.chunk(), 90, base_period=base),
    "events": lambda base: e5.find_events(SERIES, percentile=90, base_period=base, **QUIET),
}


@pytest.mark.parametrize("door", WITH_A_BASE)
def test_a_base_period_outside_of_the_data_is_refused(door: str) -> None:
    words = r"the base period 1961 to 1990 lies outside of the data, which are of 2001 to 2002. Choose one inside"
    for base in (("1961", "1990"), (1961, 1990), ("1961-01-01", "1990-12-31")):
        with pytest.raises(InputError, match=words):
            WITH_A_BASE[door](base)


TWO: dict[str, Callable[[Any], object]] = {
    "excess_heat": lambda y: e5.excess_heat(SERIES, y, **QUIET),
    "etccdi": lambda y: e5.etccdi(tx=SERIES, tn=y, **QUIET),
    "correlation": lambda y: e5.correlation(SERIES, y, **QUIET),
    "heatwaves": lambda y: e5.heatwaves("heat_wave", tx=SERIES, tn=y, **QUIET),
    "sequential": lambda y: compound.sequential(SERIES > 25, y > 20, 3),
    "likelihood": lambda y: compound.likelihood_multiplication_factor(SERIES > 25, y > 20),
}


@pytest.mark.parametrize("door", TWO)
def test_two_calendars_are_not_mixed(door: str) -> None:
    with pytest.raises(InputError, match=r"has the calendar .*noleap|noleap.*calendar"):
        TWO[door](OTHER_CALENDAR)


def test_results_that_no_memory_holds_are_refused() -> None:
    wide = np.broadcast_to(np.float32(1), (800, 2**20, 2**20))
    time = np.arange("2001-01-01", "2003-03-12", dtype="datetime64[D]")
    with pytest.raises(ResultTooLargeError, match=r"percentile_doy: .*Take fewer cells"):
        e5.percentile_doy(wide, 90, time=time, **QUIET)
    with pytest.raises(ResultTooLargeError, match="etccdi: "):
        e5.indices.su(wide, time=time, **QUIET)


@pytest.mark.parametrize("name", CALLS)
def test_a_parameter_of_a_wrong_form_is_named(name: str) -> None:
    call, words = CALLS[name]
    with pytest.raises(InputError) as caught:
        call()
    assert words in str(caught.value)


def test_numbers_of_numpy_are_numbers() -> None:
    plain = e5.indices.su(DAYS, threshold=22, time=TIME)
    for number in (np.float64(22), np.int16(22), np.float32(22)):
        np.testing.assert_array_equal(e5.indices.su(DAYS, threshold=number, time=TIME), plain)


def test_a_day_without_any_wind_has_no_severity() -> None:
    wind = WIND + 10
    wind.attrs = WIND.attrs
    wind[3] = np.nan
    wind[4] = 1.0
    limit = xr.full_like(wind[0], 25.0)
    results = [storms.dawkins_index(wind, form=form) for form in ("sum", "wisc")]  # type: ignore[arg-type]
    results += [storms.storm_severity_index(wind, limit), storms.klawa_ulbrich_index(wind, limit, limit)]
    for result in results:
        assert np.isnan(result[3])
        assert result[4] == 0
        assert result[5] > 0
        assert int(result.isnull().sum()) == 1
