"""Labelled in, labelled out: dimensions, coordinates and CF attributes of the result of every public function."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from typing import Any

import cftime
import numpy as np
import pytest
import xarray as xr
from cf_xarray.units import units as registry

import era5fast as e5
from era5fast import attributes, blocking, compound, fire, indices, storms, units
from era5fast.errors import InputError

pytestmark = [pytest.mark.native, pytest.mark.filterwarnings("ignore:a percentile of", "ignore:the base period")]

YEARS = 2
LATITUDE = np.arange(80.0, 20.0, -20.0)
LONGITUDE = np.array([0.0, 20.0, 40.0, 60.0])
STATISTIC = {"tx": "maximum", "tn": "minimum", "tg": "mean", "pr": "sum"}


# --- data with everything that a file may have ---


def times(calendar: str, days: int = YEARS * 365) -> xr.DataArray:
    values = xr.date_range("2001-01-01", periods=days, calendar=calendar, use_cftime=calendar != "standard")
    return xr.DataArray(
        values, dims="time", attrs={"standard_name": "time", "long_name": "day", "bounds": "time_bnds"}
    )


def field(name: str, standard_name: str, unit: str, values: Callable[..., np.ndarray], calendar: str) -> xr.DataArray:
    time = times(calendar)
    rng = np.random.default_rng(len(name) + ord(name[0]))
    season = -np.cos(np.arange(time.size) * 2 * np.pi / 365)[:, None, None]
    noise = rng.normal(size=(time.size, LATITUDE.size, LONGITUDE.size))
    coords = {
        "time": time,
        "latitude": (
            "latitude",
            LATITUDE,
            {"standard_name": "latitude", "units": "degrees_north", "bounds": "lat_bnds"},
        ),
        "longitude": ("longitude", LONGITUDE, {"standard_name": "longitude", "units": "degrees_east"}),
        "height": ((), 2.0, {"standard_name": "height", "units": "m", "positive": "up"}),
        "quality": ("time", np.zeros(time.size, "i4"), {"long_name": "quality of the day", "units": "1"}),
    }
    attrs = {
        "units": unit,
        "standard_name": standard_name,
        "long_name": f"the {name} of a test",
        "cell_methods": f"time: {STATISTIC.get(name, 'mean')}",
        "history": "2020-01-01T00:00:00Z somebody: made it",
        "comment": "a remark",
        "valid_max": 1e9,
    }
    data = values(season, noise).astype("f4")
    return xr.DataArray(data, coords, ("time", "latitude", "longitude"), name, attrs)


def data(calendar: str = "noleap") -> dict[str, xr.DataArray]:
    rows: dict[str, tuple[str, str, Callable[..., np.ndarray]]] = {
        "tx": ("air_temperature", "K", lambda s, n: 293 + 12 * s + 4 * n),
        "tn": ("air_temperature", "K", lambda s, n: 280 + 12 * s + 4 * n),
        "tg": ("air_temperature", "K", lambda s, n: 286 + 12 * s + 4 * n),
        "pr": ("lwe_thickness_of_precipitation_amount", "mm", lambda s, n: np.maximum(4 * n, 0)),
        "wind": ("wind_speed", "m s**-1", lambda s, n: 10 + 8 * np.abs(n)),
        "u": ("eastward_wind", "m s**-1", lambda s, n: 5 * n),
        "v": ("northward_wind", "m s**-1", lambda s, n: 4 * n),
        "humidity": ("relative_humidity", "%", lambda s, n: np.clip(60 + 10 * n, 1, 100)),
        "radiation": ("surface_net_downward_radiative_flux", "W m**-2", lambda s, n: 150 + 40 * s + n),
        "z": ("geopotential_height", "gpm", lambda s, n: 5500 + 200 * n),
    }
    return {name: field(name, *row[:2], row[2], calendar) for name, row in rows.items()}


def start(x: xr.DataArray) -> xr.DataArray:
    """Its first days."""
    return x.isel({next(str(dim) for dim in x.dims if "time" in str(dim)): slice(9)})


def monthly(x: xr.DataArray) -> xr.DataArray:
    return e5.resample(x, "mean", freq="MS")


# --- one call of every function ---

BASE = ("2001", "2002")
NOW = {"progress": False}
SQUARE = {"type": "Polygon", "coordinates": [[[0, 25], [50, 25], [50, 75], [0, 75], [0, 25]]]}
D = dict[str, xr.DataArray]

#: Name of the function → a call of it that gives labelled results.
CALLS: dict[str, Callable[[D], Any]] = {
    "area_mean": lambda d: e5.area_mean(d["tx"], **NOW),
    "anomaly": lambda d: e5.anomaly(d["tx"], e5.climatology(d["tx"]), **NOW),
    "apparent_temperature": lambda d: e5.apparent_temperature(d["tg"], d["humidity"], d["wind"]),
    "bootstrap": lambda d: e5.bootstrap(start(d["tx"]), "std", 20, seed=1, **NOW),
    "climatology": lambda d: e5.climatology(d["tx"], "month", base_period=BASE, **NOW),
    "convert_units": lambda d: e5.convert_units(d["tx"], None, "degC", **NOW),
    "correlation": lambda d: e5.correlation(d["tx"], d["tn"], **NOW),
    "daily": lambda d: e5.daily(d["tg"], "max", min_samples=1, **NOW),
    "detrend": lambda d: e5.detrend(d["tx"], **NOW),
    "dewpoint": lambda d: e5.dewpoint(d["tg"], d["humidity"]),
    "etccdi": lambda d: e5.etccdi(tx=d["tx"], tn=d["tn"], pr=d["pr"], base_period=BASE, bootstrap=False, **NOW),
    "excess_heat": lambda d: e5.excess_heat(d["tx"], d["tn"], 290.0, **NOW),
    "fire_weather": lambda d: e5.fire_weather(d["tg"], d["humidity"], d["wind"], d["pr"], **NOW),
    "gev": lambda d: e5.gev(e5.resample(d["tx"], "max", freq="QS-DEC"), [2, 5], **NOW),
    "gpd": lambda d: e5.gpd(d["tx"], 300.0, [2, 5], **NOW),
    "great_circle": lambda d: e5.great_circle(d["tx"].latitude, d["tx"].longitude, 0.0, 0.0),
    "hargreaves": lambda d: e5.hargreaves(d["tn"], d["tx"], d["tg"], **NOW),
    "heat_index": lambda d: e5.heat_index(d["tg"], d["humidity"]),
    "heatwave_aspects": lambda d: e5.heatwave_aspects(d["tx"], 300.0, **NOW),
    "heatwave_climatology": lambda d: e5.heatwave_climatology(d["tx"], base_period=BASE, **NOW),
    "heatwaves": lambda d: e5.heatwaves("hot_spell", tx=d["tx"], **NOW),
    "humidex": lambda d: e5.humidex(d["tg"], d["tn"]),
    "hwmid": lambda d: e5.hwmid(d["tx"], 300.0, base_period=BASE, **NOW),
    "label": lambda d: e5.label(d["tx"] > 300).dense(),
    "mann_kendall": lambda d: e5.mann_kendall(monthly(d["tx"]), **NOW),
    "marine_heatwaves": lambda d: e5.marine_heatwaves(d["tx"], **NOW),
    "mean_radiant_temperature": lambda d: e5.mean_radiant_temperature(*[d["radiation"]] * 5, 0.5),
    "net_radiation": lambda d: e5.net_radiation(d["radiation"], d["tn"], d["tx"], d["tn"], **NOW),
    "penman_monteith": lambda d: e5.penman_monteith(d["tn"], d["tx"], d["tn"], d["wind"], d["radiation"], **NOW),
    "percentile": lambda d: e5.percentile(d["tx"], 90, **NOW),
    "percentile_doy": lambda d: e5.percentile_doy(d["tx"], [10, 90], **NOW),
    "percentile_exceedance": lambda d: e5.percentile_exceedance(d["tx"], 90, bootstrap=False, **NOW),
    "permutation_test": lambda d: e5.permutation_test(start(d["tx"]), start(d["tn"]), 20, seed=1, **NOW),
    "regional": lambda d: e5.regional(d["tx"], SQUARE, "mean", **NOW),
    "relative_humidity": lambda d: e5.relative_humidity(d["tg"], d["tn"]),
    "resample": lambda d: e5.resample(d["pr"], "sum", freq="MS", **NOW),
    "run_lengths": lambda d: e5.run_lengths(d["tx"], "25 degC", **NOW),
    "sample": lambda d: e5.sample(d["tx"], [50.0, 30.0], [5.0, 41.0], **NOW),
    "saturation_vapour_pressure": lambda d: e5.saturation_vapour_pressure(d["tg"]),
    "spei": lambda d: e5.spei(monthly(d["pr"]), 3, **NOW),
    "spell_statistics": lambda d: e5.spell_statistics(d["tx"], 300.0, **NOW),
    "spi": lambda d: e5.spi(monthly(d["pr"]), 3, **NOW),
    "thornthwaite": lambda d: e5.thornthwaite(monthly(d["tg"]), **NOW),
    "utci": lambda d: e5.utci(d["tg"], d["tx"], d["wind"], dewpoint=d["tn"]),
    "vapour_pressure": lambda d: e5.vapour_pressure(d["tg"], d["humidity"]),
    "wbgt": lambda d: e5.wbgt(d["tg"], d["tn"], d["tx"]),
    "wbgt_simple": lambda d: e5.wbgt_simple(d["tg"], d["humidity"]),
    "wet_bulb": lambda d: e5.wet_bulb(d["tg"], d["humidity"]),
    "wind_chill": lambda d: e5.wind_chill(d["tn"], d["wind"]),
    "wind_direction": lambda d: e5.wind_direction(d["u"], d["v"]),
    "wind_speed": lambda d: e5.wind_speed(d["u"], d["v"]),
    "blocked_cells": lambda d: blocking.blocked_cells(fine(d["z"])),
    "blocked_longitudes": lambda d: blocking.blocked_longitudes(d["z"], (0,)),
    "dole_gordon": lambda d: blocking.dole_gordon(d["z"] - 5500, min_days=2),
    "fire_season": lambda d: fire.fire_season(d["tx"], start_above=20),
    "overwintered_drought_code": lambda d: fire.overwintered_drought_code(
        e5.fire_weather(d["tg"], d["humidity"], d["wind"], d["pr"], **NOW).dc, 100.0
    ),
    "cell_areas": lambda d: storms.cell_areas(d["wind"]),
    "dawkins_index": lambda d: storms.dawkins_index(d["wind"], above="90 km/h"),
    "klawa_ulbrich_index": lambda d: storms.klawa_ulbrich_index(d["wind"], e5.percentile(d["wind"], 98), 1.0),
    "storm_severity_index": lambda d: storms.storm_severity_index(d["wind"], e5.percentile(d["wind"], 98)),
    "persistent": lambda d: compound.persistent(d["tx"] > 300, 3),
    "ranks": lambda d: compound.ranks(d["tx"]),
    "sequential": lambda d: compound.sequential(d["tx"] > 300, d["pr"] > 5, 3),
    "likelihood_multiplication_factor": lambda d: compound.likelihood_multiplication_factor(
        d["tx"] > 300, d["pr"] > 5
    ),
}
for index in indices._ROWS.values():
    CALLS[indices._NAMES[index["name"]]] = lambda d, index=index: getattr(indices, indices._NAMES[index["name"]])(
        *(d[name] for name in index["operands"]), **NOW
    )

#: Public names that give no arrays: tables, catalogues, files, or nothing at all.
NO_ARRAYS = {
    "Client", "EventCatalogue", "EventDatabase", "Executor", "Plan", "Regions", "Request", "ThreadPool", "Tracks",
    "chunk_references", "distance_matrix", "drought_events", "events_from_labels", "explain", "find_events",
    "find_highs", "find_lows", "get_cache_bytes", "get_num_threads", "leftovers", "link_points", "map_files",
    "open_dataset", "read", "read_points", "read_tracks", "remove_leftovers", "report", "retrieve",
    "schwierz",
    "set_cache_bytes", "set_num_threads", "show_versions", "spells", "track", "variable", "variables", "write_csv",
}  # fmt: skip

#: Coordinates of these are those of something else than the cells and times of the data.
OF_OTHERS = {"great_circle", "cell_areas"}


def fine(z: xr.DataArray) -> xr.DataArray:
    """Heights on latitudes with a step that divides 15°."""
    found = z.interp(latitude=np.arange(80.0, 39.0, -5.0)).assign_attrs(z.attrs)
    return found.assign_coords(latitude=found.latitude.assign_attrs(z.latitude.attrs))


def arrays(result: Any) -> Iterator[xr.DataArray]:
    """All DataArrays of a result."""
    if isinstance(result, xr.DataArray):
        yield result
    elif isinstance(result, xr.Dataset):
        yield from result.data_vars.values()
    elif isinstance(result, tuple) or dataclasses.is_dataclass(result):
        parts = result if isinstance(result, tuple) else [getattr(result, f.name) for f in dataclasses.fields(result)]
        for part in parts:
            yield from arrays(part)


@pytest.fixture(scope="module")
def given() -> D:
    return data()


@pytest.fixture(scope="module")
def results(given: D) -> dict[str, Any]:
    return {name: call(given) for name, call in CALLS.items()}


# --- the table is whole ---


def test_every_public_function_is_in_the_table() -> None:
    modules = {name for module in (blocking, compound, fire, indices, storms) for name in module.__all__}
    assert {*e5._HOME, *modules} - {"CORE"} == {*CALLS, *NO_ARRAYS}


# --- attributes ---


@pytest.mark.parametrize("name", CALLS)
def test_a_result_says_what_it_is(name: str, results: dict[str, Any]) -> None:
    found = list(arrays(results[name]))
    assert found
    for x in found:
        assert x.attrs["long_name"]
        assert x.attrs["units"] == attributes.udunits(x.attrs["units"])
        assert "x" not in x.attrs["units"].split()
        assert "valid_max" not in x.attrs or name in ("convert_units", "sample")
        if name not in OF_OTHERS:
            first, *_, last = x.attrs["history"].split("\n")
            assert first == "2020-01-01T00:00:00Z somebody: made it"
            assert last.startswith(f"2001-09-09T01:46:40Z era5fast {e5.__version__}: ")
            assert last.endswith(")")


@pytest.mark.parametrize("name", sorted({*CALLS} - OF_OTHERS))
def test_coordinates_stay(name: str, results: dict[str, Any], given: D) -> None:
    source = fine(given["z"]) if name == "blocked_cells" else given["tx"]
    for x in arrays(results[name]):
        assert x.coords["height"].attrs["units"] == "m"
        for axis in ("latitude", "longitude"):
            if axis in x.dims:
                assert np.array_equal(x[axis], source[axis])
                assert x[axis].attrs["units"].startswith("degrees_")
        assert all("bounds" not in c.attrs for c in x.coords.values())
        if name != "daily" and x.sizes.get("time") == source.sizes["time"]:
            assert "quality" in x.coords
            assert x.time.attrs["long_name"] == "day"


def test_a_dataset_has_conventions_title_and_history(results: dict[str, Any]) -> None:
    for result in (results["etccdi"], results["gev"], results["marine_heatwaves"].years):
        assert result.attrs["Conventions"] == attributes.CONVENTIONS
        assert result.attrs["title"]
    assert "etccdi(indices=['fd', 'su'," in results["etccdi"].attrs["history"].split("\n")[-1]


def test_standard_names_and_cell_methods(results: dict[str, Any]) -> None:
    wanted = {
        "fd": (
            "number_of_days_with_air_temperature_below_threshold",
            "time: minimum within days time: sum over days",
        ),
        "su": (
            "number_of_days_with_air_temperature_above_threshold",
            "time: maximum within days time: sum over days",
        ),
        "txx": ("air_temperature", "time: maximum within days time: maximum over days"),
        "dtr": ("air_temperature", "time: range within days time: mean over days"),
        "cdd": (
            "spell_length_of_days_with_lwe_thickness_of_precipitation_amount_below_threshold",
            "time: sum within days time: maximum over days",
        ),
        "climatology": ("air_temperature", "time: maximum within years time: mean over years"),
        "anomaly": ("air_temperature_anomaly", "time: maximum"),
        "daily": ("air_temperature", "time: mean time: maximum"),
        "regional": ("air_temperature", "time: maximum area: mean"),
        "heat_index": ("heat_index_of_air_temperature", None),
        "wind_speed": ("wind_speed", None),
        "storm_severity_index": (None, "time: mean area: sum"),
    }
    for name, (standard_name, cell_methods) in wanted.items():
        found = next(arrays(results[name])).attrs
        assert (found.get("standard_name"), found.get("cell_methods")) == (standard_name, cell_methods), name


def test_long_names_have_the_values_of_parameters(given: D) -> None:
    assert indices.su(given["tx"], threshold=30, **NOW).long_name == "Summer days: days with TX above 30 degC"
    assert indices.su(given["tx"], threshold="86 degF", **NOW).long_name == "Summer days: days with TX above 86 degF"
    several = indices.su(given["tx"], threshold=[25, 30], **NOW)
    assert several.long_name == "Summer days: days with TX above summer_above"
    assert several.summer_above.attrs["units"] == "degC"
    assert "above the 90th percentile" in indices.tx90p(given["tx"], bootstrap=False, **NOW).long_name
    assert e5.daily(given["tg"], "max", min_samples=1, **NOW).long_name == "Daily maximum: the tg of a test"


def test_differences_of_temperatures_say_so(results: dict[str, Any], given: D) -> None:
    for x in (results["anomaly"], results["dtr"], results["detrend"], results["permutation_test"].difference):
        assert x.attrs["units_metadata"] == "temperature: difference"
    warm = results["anomaly"]
    np.testing.assert_allclose(e5.convert_units(warm, None, "degC", **NOW), warm)
    np.testing.assert_allclose(e5.convert_units(warm, None, "degF", **NOW), warm * 1.8, rtol=1e-6)
    assert results["txx"].attrs["units_metadata"] == "temperature: on_scale"
    assert "units_metadata" not in results["su"].attrs


def test_thresholds_of_differences_are_differences(given: D) -> None:
    warm = e5.anomaly(given["tx"], e5.climatology(given["tx"], "month"), **NOW)
    for call in (
        lambda limit: e5.run_lengths(warm, limit, **NOW),
        lambda limit: e5.spell_statistics(warm, limit, **NOW).total,
        lambda limit: np.asarray(e5.spells(warm, limit, **NOW)["duration"]),
        lambda limit: e5.regional(warm, SQUARE, "share_above", threshold=limit, **NOW),
        lambda limit: len(e5.find_events(warm, limit, min_days=1, **NOW)),
    ):
        np.testing.assert_array_equal(call("4.5 degC"), call(4.5))
    limit = xr.full_like(warm[0], 8.1).assign_attrs(units="degF", units_metadata="temperature: difference")
    assert np.array_equal(e5.spell_statistics(warm, limit, **NOW).total, e5.spell_statistics(warm, 4.5, **NOW).total)
    assert e5.resample(warm, "mean", **NOW).attrs["units_metadata"] == "temperature: difference"


# --- what users do with attributes ---


@pytest.mark.parametrize(
    "name", ["resample", "fd", "heat_index", "sample", "bootstrap", "dawkins_index", "persistent"]
)
def test_keep_attrs_is_honoured(name: str, given: D, results: dict[str, Any]) -> None:
    masks = {key: (x > 5).assign_attrs(x.attrs) if name == "persistent" else x for key, x in given.items()}
    call = (lambda d: compound.persistent(d["tx"], 3)) if name == "persistent" else CALLS[name]
    with xr.set_options(keep_attrs=True):
        kept = next(arrays(call(masks)))
    with xr.set_options(keep_attrs=False):
        bare = next(arrays(call(masks)))
    usual = next(arrays(call(masks)))
    assert kept.attrs["comment"] == "a remark"
    assert name == "sample" or "valid_max" not in kept.attrs
    assert "comment" not in bare.attrs
    assert "somebody" not in bare.attrs["history"]
    assert "somebody" in usual.attrs["history"]
    for key in ("units", "long_name", "standard_name", "cell_methods"):
        assert bare.attrs.get(key) == kept.attrs.get(key) or (name, key) == ("sample", "cell_methods")
    assert kept.latitude.attrs == usual.latitude.attrs if "latitude" in kept.dims else True


def test_what_is_kept_by_default_is_as_in_xarray(given: D) -> None:
    x = given["tx"].assign_attrs(GRIB_paramId=167)
    assert ("comment" in e5.resample(x, "mean", **NOW).attrs) == ("comment" in x.mean("time").attrs)
    assert "GRIB_paramId" not in e5.resample(x, "mean", **NOW).attrs


def test_a_dataset_keeps_the_history_and_the_attributes_of_the_one_it_was_made_of(given: D) -> None:
    about = {"history": "2020-01-02 somebody: merged", "institution": "a house", "title": "data"}
    ds = xr.Dataset({"tx": given["tx"], "tn": given["tn"]}, attrs=about)
    for data in (ds, ds.chunk(latitude=1)):
        with xr.set_options(keep_attrs=True):
            kept = e5.etccdi(data, indices=["su", "fd"]).attrs
        with xr.set_options(keep_attrs=False):
            bare = e5.etccdi(data, indices=["su", "fd"]).attrs
        lines = kept["history"].split("\n")
        assert lines[:2] == [about["history"], "2020-01-01T00:00:00Z somebody: made it"]
        assert len(lines) == 3
        assert "etccdi(" in lines[-1]
        assert (kept["institution"], kept["title"]) == ("a house", "Indices of climate extremes")
        assert "institution" not in bare
        assert "merged" not in bare["history"]


def test_a_standard_name_that_is_unknown_is_not_copied(given: D) -> None:
    x = given["tx"].assign_attrs(standard_name="unknown")
    for function in (lambda a: e5.resample(a, "mean", **NOW), lambda a: e5.convert_units(a, None, "degC", **NOW)):
        assert "standard_name" not in function(x).attrs
        assert function(x.assign_attrs(GRIB_paramId=167)).attrs["standard_name"] == "air_temperature"


def test_axes_of_lazy_results_have_no_fill_value(given: D, tmp_path: Any) -> None:
    x = given["tx"].copy()
    x.latitude.encoding["_FillValue"] = np.nan
    x.drop_vars("height").to_netcdf(tmp_path / "x.nc")
    with xr.open_dataset(tmp_path / "x.nc", chunks={"latitude": 1}) as ds:
        assert "_FillValue" in ds.latitude.encoding
        for result in (e5.resample(ds.tx, "mean", **NOW), e5.etccdi(ds, indices=["su", "txx"]).txx):
            assert result.latitude.encoding["_FillValue"] is None
        assert np.isnan(ds.latitude.encoding["_FillValue"])


def test_history_tells_every_step_once(given: D) -> None:
    p90 = e5.percentile_doy(given["tx"], 90, base_period=BASE, **NOW)
    found = e5.spell_statistics(given["tx"], p90, **NOW).longest.attrs
    lines = found["history"].split("\n")
    assert [line.split(": ", 1)[1].split("(")[0] for line in lines] == [
        "made it",
        "percentile_doy",
        "spell_statistics",
    ]
    assert "base_period=['2001', '2002']" in lines[1]
    assert "threshold=percentile_doy(…)" in lines[2]
    assert json.loads(found["era5fast_definition"])["threshold"]["percentile"] == 90


# --- forms of the same data ---

#: Calls of the table in which the axes have their names, and indices that are computed like the others.
NOT_IN_OTHER_FORMS = {"blocked_cells", "great_circle"} | {*indices.__all__} - {"fd", "gsl", "dtr", "tx90p", "prcptot"}

#: Another form of the data → what brings its result back to that of the usual one.
FORMS: dict[str, tuple[Callable[[xr.DataArray], xr.DataArray], Callable[[xr.DataArray], xr.DataArray]]] = {
    "order of dims": (lambda x: x.transpose("longitude", "time", "latitude"), lambda r: r),
    "lat, lon": (
        lambda x: x.rename(latitude="lat", longitude="lon"),
        lambda r: r.rename({k: v for k, v in {"lat": "latitude", "lon": "longitude"}.items() if k in r.coords}),
    ),
    "valid_time": (
        lambda x: x.rename(time="valid_time"),
        lambda r: r.rename(valid_time="time") if "valid_time" in r.coords else r,
    ),
    "cftime of the real calendar": (
        lambda x: x.assign_coords(
            time=x.indexes["time"].map(lambda t: cftime.datetime(*t.timetuple()[:6], calendar="standard"))
        ),
        lambda r: r,
    ),
}


@pytest.fixture(scope="module")
def real() -> tuple[D, dict[str, Any]]:
    usual = data("standard")
    return usual, {name: call(usual) for name, call in CALLS.items()}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", sorted({*CALLS} - NOT_IN_OTHER_FORMS))
def test_other_forms_of_the_data_give_the_same(name: str, form: str, real: tuple[D, dict[str, Any]]) -> None:
    there, back = FORMS[form]
    found = arrays(CALLS[name]({key: there(x) for key, x in real[0].items()}))
    for ours, usual in zip(found, arrays(real[1][name]), strict=True):
        again = back(ours)
        if "cftime" in form and "time" in again.dims:
            assert again.time.dtype == object
            again = again.assign_coords(time=again.indexes["time"].to_datetimeindex(time_unit="ns"))
        xr.testing.assert_allclose(again.transpose(*usual.dims), usual, rtol=1e-5)


def test_a_dataset_is_as_good_as_its_variable(given: D) -> None:
    ds = xr.Dataset({name: given[name] for name in ("tx", "wind", "z")})
    mask = (given["tx"] > 300).rename("hot").to_dataset()
    pairs = [
        (e5.resample(ds, "max", freq="YS", variable="tx", **NOW), e5.resample(given["tx"], "max", freq="YS", **NOW)),
        (e5.regional(ds, SQUARE, variable="tx", **NOW), e5.regional(given["tx"], SQUARE, **NOW)),
        (e5.sample(ds, 50.0, 5.0, variable="tx", **NOW), e5.sample(given["tx"], 50.0, 5.0, **NOW)),
        (storms.dawkins_index(ds, variable="wind"), storms.dawkins_index(given["wind"])),
        (storms.cell_areas(ds, "wind"), storms.cell_areas(given["wind"])),
        (blocking.blocked_longitudes(ds, (0,), variable="z"), blocking.blocked_longitudes(given["z"], (0,))),
        (compound.persistent(mask, 2), compound.persistent(mask.hot, 2)),
        (e5.label(mask).dense(), e5.label(mask.hot).dense()),
        (e5.percentile(ds[["tx"]], 9, **NOW), e5.percentile(given["tx"], 9, **NOW)),
        (e5.convert_units(ds[["tx"]], None, "degC", **NOW), e5.convert_units(given["tx"], None, "degC", **NOW)),
    ]  # fmt: skip
    for ours, usual in pairs:
        xr.testing.assert_identical(ours, usual)
    for function in (storms.dawkins_index, blocking.blocked_cells, compound.likelihood_multiplication_factor):
        with pytest.raises(InputError, match="which variable of the Dataset") as error:
            function(*[ds] * (2 if function is compound.likelihood_multiplication_factor else 1))
        assert "tx, wind, z" in str(error.value)
    for function in (storms.storm_severity_index, blocking.dole_gordon):
        with pytest.raises(InputError, match="no DataArray but ndarray"):
            function(given["wind"].values, *[1.0] * (function is storms.storm_severity_index))


@pytest.mark.parametrize("chunks", [None, {"time": 50}])
def test_a_dataset_of_several_variables_gives_results_of_all(given: D, chunks: Any) -> None:
    ds = xr.Dataset({"tx": given["tx"], "wind": given["wind"], "z0": given["tx"].isel(time=0, drop=True)})
    ds = ds if chunks is None else ds.chunk(chunks)
    found = e5.resample(ds, "mean", freq="MS", **NOW)
    assert list(found) == ["tx", "wind", "z0"]
    xr.testing.assert_equal(found["z0"], ds["z0"])  # without times, as xarray does
    for name in ("tx", "wind"):
        one = e5.resample(ds[name], "mean", freq="MS", **NOW)
        xr.testing.assert_equal(found[name], one)
        assert {**found[name].attrs, "history": ""} == {**one.attrs, "history": ""}
    assert found.attrs["Conventions"].startswith("CF")
    assert list(ds.era5fast.percentile(percentile=[90])) == list(found)
    with pytest.raises(InputError, match="no variable of the Dataset has a time axis"):
        e5.percentile(ds.isel(time=0, drop=True), 90)
    with pytest.raises(InputError, match="which variable of the Dataset"):
        e5.find_events(ds, above=300)


def test_files_are_as_good_as_what_is_in_them(given: D, tmp_path: Any) -> None:
    whole = xr.Dataset({name: e5.resample(given[name], "mean", freq="MS") for name in ("wind", "z")})
    whole.to_netcdf(path := tmp_path / "x.nc")
    (given["tx"] > 300).rename("hot").drop_vars("quality").to_netcdf(masks := tmp_path / "mask.nc")
    wind, z, hot = whole.wind, whole.z, given["tx"] > 300
    np.testing.assert_allclose(storms.dawkins_index(path, variable="wind"), storms.dawkins_index(wind))
    np.testing.assert_array_equal(
        blocking.blocked_longitudes([path], (0,), variable="z"), blocking.blocked_longitudes(z, (0,))
    )
    np.testing.assert_array_equal(compound.persistent(masks, 3), compound.persistent(hot, 3))
    assert len(e5.label(masks)) == len(e5.label(hot))


@pytest.mark.parametrize("calendar", ["360_day", "noleap", "standard", "julian"])
@pytest.mark.parametrize("name", ["daily", "resample", "fd", "anomaly", "spell_statistics", "regional", "persistent"])
def test_calendars_stay(name: str, calendar: str) -> None:
    used = data(calendar)
    found = next(arrays(CALLS[name](used)))
    assert found.time.dt.calendar == used["tx"].time.dt.calendar
    assert found.time.dtype.kind == ("M" if calendar == "standard" else "O")
    assert found.time.attrs["standard_name"] == "time"


@pytest.mark.parametrize(
    "name", ["resample", "fd", "percentile_doy", "thornthwaite", "heat_index", "bootstrap", "run_lengths"]
)
def test_other_dimensions_stay(name: str, given: D) -> None:
    member = xr.DataArray([3, 7], dims="member", attrs={"standard_name": "realization", "units": "1"})
    several = {
        key: xr.concat([x, x], member).transpose("time", "member", ...).assign_attrs(x.attrs)
        for key, x in given.items()
    }
    found = next(arrays(CALLS[name](several)))
    assert found.member.attrs["standard_name"] == "realization"
    usual = next(arrays(CALLS[name](given)))
    xr.testing.assert_allclose(found.sel(member=7, drop=True).transpose(*usual.dims), usual)


# --- units ---


def celsius(x: xr.DataArray) -> xr.DataArray:
    return (x.astype("f8") - 273.15).assign_attrs({**x.attrs, "units": "degC"})


def test_temperatures_in_different_units_are_brought_together(given: D) -> None:
    exact = {key: x.astype("f8").assign_attrs(x.attrs) for key, x in given.items()}
    usual = e5.etccdi(tx=exact["tx"], tn=exact["tn"], bootstrap=False, **NOW)
    for mixed in ({"tx": exact["tx"], "tn": celsius(exact["tn"])}, {"tx": celsius(exact["tx"]), "tn": exact["tn"]}):
        found = e5.etccdi(**mixed, bootstrap=False, **NOW)
        xr.testing.assert_allclose(found, usual, atol=1e-9)
        assert {name: x.attrs["units"] for name, x in found.items()} == {
            n: x.attrs["units"] for n, x in usual.items()
        }


OF_UNITS = [
    "apparent_temperature",
    "etccdi",
    "excess_heat",
    "fd",
    "fire_weather",
    "hargreaves",
    "penman_monteith",
    "utci",
]


@pytest.mark.parametrize("name", OF_UNITS)
def test_celsius_is_converted_and_no_units_are_refused(name: str, given: D) -> None:
    used = {
        key: celsius(x) if x.attrs["units"] == "K" else x.astype("f8").assign_attrs(x.attrs)
        for key, x in given.items()
    }
    if name == "excess_heat":  # a number as its threshold is in degrees Celsius
        ours, usual = (e5.excess_heat(of["tx"], of["tn"], "290 K", **NOW) for of in (used, given))
    else:
        ours, usual = CALLS[name](used), CALLS[name](given)
    for found, wanted in zip(arrays(ours), arrays(usual), strict=True):
        back = e5.convert_units(found, None, wanted.attrs["units"], **NOW)
        counts = wanted.attrs["units"] in ("1", "d", "%") and name in ("etccdi", "fd")
        np.testing.assert_allclose(back, wanted, rtol=2e-3, atol=3.1 if counts else 2e-2)
    bare = {key: x.drop_attrs() for key, x in given.items()}
    with pytest.raises(InputError, match="has no units, and"):
        CALLS[name](bare)


@pytest.mark.parametrize(
    "text",
    [
        "(0 - 1)",
        "m of water equivalent",
        "~",
        "C",
        "kg m⁻² s⁻¹",
        "m s**-1",
        "Degree true",
        "degrees Celsius",
        "deg. C",
    ],
)
def test_units_are_written_as_udunits_reads_them(text: str, given: D) -> None:
    found = e5.resample(given["tx"].assign_attrs(units=text), "max", **NOW).attrs["units"]
    assert registry.Unit(found).is_compatible_with(registry.Unit(attributes.udunits(text)))
    assert units.factor(text, found) == pytest.approx((1.0, 0.0))


def test_quantities_of_pint_work_in_dataarrays_and_are_refused_elsewhere(given: D) -> None:
    x = given["tx"]
    quantified = x.copy(data=registry.Quantity(x.values, "kelvin")).drop_attrs(deep=False)
    found = e5.resample(quantified, "mean", **NOW)
    assert (type(found.data), found.attrs["units"]) == (np.ndarray, "kelvin")
    np.testing.assert_array_equal(found, e5.resample(x, "mean", **NOW))
    np.testing.assert_array_equal(indices.su(quantified, **NOW), indices.su(x, **NOW))
    limit = registry.Quantity(25.0, "degC")
    np.testing.assert_array_equal(e5.run_lengths(x, limit, **NOW), e5.run_lengths(x, "25 degC", **NOW))
    np.testing.assert_allclose(
        e5.heat_index(quantified, given["humidity"]).values, e5.heat_index(x, given["humidity"]).values, rtol=1e-6
    )
    for call in (
        lambda: e5.heat_index(registry.Quantity(300.0, "kelvin"), 50.0),
        lambda: e5.bootstrap(registry.Quantity(np.arange(9.0), "kelvin")),
        lambda: e5.convert_units(registry.Quantity(np.arange(9.0), "kelvin"), "K", "degC"),
    ):
        with pytest.raises(InputError, match="units go with a DataArray"):
            call()


# --- files ---


def on_same_axes(results: dict[str, Any]) -> list[xr.Dataset]:
    """Results, a few on the same axes beside each other: the time of the checker grows with the square."""
    together: dict[Any, list[xr.DataArray]] = {}
    for name, result in results.items():
        for i, x in enumerate(arrays(result)):
            axes = tuple(
                (dim, size, x.indexes[dim][0] if dim in x.coords else 0) for dim, size in sorted(x.sizes.items())
            )
            together.setdefault((axes, frozenset(x.coords)), []).append(x.rename(f"{name}_{i}"))
    about = {"Conventions": attributes.CONVENTIONS, "title": "all results", "history": "-"}
    few = [parts[i : i + 10] for parts in together.values() for i in range(0, len(parts), 10)]
    return [xr.merge(parts, compat="override", join="exact").assign_attrs(about) for parts in few]


def faults(path: Any, checker: str = "cf:1.11", skip: tuple[str, ...] = ()) -> list[str]:
    """What the checker of the conventions calls errors; its table of standard names comes with it."""
    from compliance_checker.runner import CheckSuite, ComplianceChecker

    if not CheckSuite.checkers:
        CheckSuite.load_all_available_checkers()
    report = path.with_suffix(".json")
    how = {"verbose": 0, "criteria": "normal", "output_filename": str(report), "output_format": "json"}
    ComplianceChecker.run_checker(str(path), [checker], skip_checks=skip, **how)
    return [
        message for part in json.loads(report.read_text())[checker]["high_priorities"] for message in part["msgs"]
    ]


def test_results_come_back_from_files_that_pass_the_checker(results: dict[str, Any], tmp_path: Any) -> None:
    others = {name: result for name, result in results.items() if name not in (*indices.CORE, "etccdi")}
    for i, together in enumerate(on_same_axes(others)):
        together.to_netcdf(path := tmp_path / f"{i}.nc")
        with xr.open_dataset(path) as back:
            xr.testing.assert_identical(back.load(), together)
        # To guess what kind of grid it is takes as long as all the rest, and is done in the test of whole Datasets.
        assert faults(path, skip=("check_grid_coordinates",)) == [], list(together)


def test_the_checker_sees_what_is_wrong(given: D, tmp_path: Any) -> None:
    x = e5.resample(given["tx"], "max", **NOW).assign_attrs(units="days", standard_name="air_temperature")
    x.to_netcdf(path := tmp_path / "wrong.nc")
    assert any("days" in fault for fault in faults(path))


@pytest.mark.parametrize("name", ["etccdi", "gev", "heatwave_climatology"])
def test_a_dataset_passes_as_it_is(name: str, results: dict[str, Any], tmp_path: Any) -> None:
    results[name].to_netcdf(path := tmp_path / "x.nc")
    with xr.open_dataset(path) as back:
        xr.testing.assert_identical(back.load(), results[name])
    assert faults(path) == []
