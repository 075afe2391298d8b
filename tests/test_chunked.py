"""Input in chunks: lazy, the same bits for any chunks, one task per block, errors before anything is computed."""

import functools
import hashlib
import json
import operator
import os
import pickle
import subprocess
import sys
import threading
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import era5fast as e5
from era5fast import chunked, provenance
from era5fast.chunked.folds import pieces_of
from era5fast.errors import InputError, PerformanceHint

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")
pd = pytest.importorskip("pandas")

pytestmark = pytest.mark.native

ROWS, COLUMNS = 4, 5
#: `make chunks` runs the number that the promise is about.
EXAMPLES = int(os.environ.get("CHUNKED_EXAMPLES", "60"))


@pytest.fixture(autouse=True)
def a_clock_that_stands_still(monkeypatch):
    """History has a time; hints are looked at where they are meant to be."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    with warnings.catch_warnings(), dask.config.set(scheduler="sync"):
        warnings.simplefilter("ignore", PerformanceHint)
        yield


def series(name, units, mean, times, seed):
    rng = np.random.default_rng(seed)
    season = 10 * np.sin(np.arange(len(times)) / 58)[:, np.newaxis, np.newaxis]
    values = (mean + season + rng.normal(0, 5, (len(times), ROWS, COLUMNS))).astype("float32")
    values[rng.random(values.shape) < 0.001] = np.nan
    grid = {"latitude": np.linspace(60, -30, ROWS), "longitude": np.arange(COLUMNS) * 70.0}
    attrs = {"units": units, "long_name": f"the {name}"}
    return xr.DataArray(values, {"time": times, **grid}, ("time", "latitude", "longitude"), name, attrs)


DAYS = np.arange("2001-01-01", "2003-03-01", dtype="datetime64[D]")
HOURS = np.arange("2001-01-30T03", "2001-02-16T19", dtype="datetime64[h]")
TX = series("tx", "degC", 20, DAYS, 1)
TN = series("tn", "degC", 10, DAYS, 2)
PR = series("pr", "mm d-1", 0, DAYS, 3).clip(min=0)
PR.attrs = {"units": "mm d-1"}
HOURLY = series("t2m", "K", 280, HOURS, 4)
P90 = e5.percentile_doy(TX, 90, window=15, progress=False)


def both(function, *names):
    """A call with series of days."""
    return function, names


CALLS = {
    "etccdi": both(lambda tx, tn, pr: e5.etccdi(tx=tx, tn=tn, pr=pr, base_period=("2001", "2002")), "tx", "tn", "pr"),
    "tx90p": both(lambda tx: e5.indices.tx90p(tx, base_period=("2001", "2002")), "tx"),
    "percentile_doy": both(lambda tx: e5.percentile_doy(tx, [10, 90], window=15), "tx"),
    "maps per day": both(
        lambda tx: e5.spell_statistics(tx, e5.percentile_doy(tx, 90, window=15), min_length=2), "tx"
    ),
    "maps in memory": both(lambda tx: e5.spell_statistics(tx, P90, min_length=2), "tx"),
    "plain maps": both(lambda tx: e5.spell_statistics(tx, np.full((ROWS, COLUMNS), 25.0)), "tx"),
    "a number": both(lambda tx: e5.spell_statistics(tx, "77 degF", freq="QS-DEC"), "tx"),
    "one of two in memory": both(lambda tx: e5.hargreaves(TN, tx), "tx"),
    "several outputs": both(lambda tx: e5.mann_kendall(e5.resample(tx, "mean", freq="MS")), "tx"),
    "anomaly": both(lambda tx: e5.anomaly(tx, e5.climatology(tx, "month")), "tx"),
    "heatwaves": both(lambda tx, tn: e5.heatwaves("heat_wave", tx=tx, tn=tn), "tx", "tn"),
    "resample": both(lambda tx: e5.resample(tx, ["mean", "max"], freq="YS-JUL"), "tx"),
    "some months": both(lambda tx: e5.resample(tx, "sum", freq="YS", months=[6, 7, 8], min_samples=0), "tx"),
    "run_lengths": both(lambda tx: e5.run_lengths(tx, [20, 25], "longest", freq="QS-DEC"), "tx"),
    "daily": both(lambda x: e5.daily(x, ["mean", "max"], hours="instant"), "t2m"),
    "hour ending": both(lambda x: e5.daily(x, "sum", hours="hour_ending"), "t2m"),
    "since midnight": both(lambda x: e5.daily(x, "sum", hours="since_midnight"), "t2m"),
    "another zone": both(lambda x: e5.daily(x, "min", hours="instant", utc_offset=-9.5, min_samples=5), "t2m"),
    "days of the sun": both(lambda x: e5.daily(x, "mean", hours="hour_ending", utc_offset="solar"), "t2m"),
    "time last": both(
        lambda x: e5.daily(x.transpose("longitude", "time", "latitude"), "max", hours="instant"), "t2m"
    ),
    "persistent": both(lambda tx: e5.compound.persistent(tx > 22, 3), "tx"),
    "bootstrap": both(lambda tx: e5.bootstrap(e5.resample(tx, "mean", freq="MS"), n_resamples=99, seed=1)[1], "tx"),
}
SERIES = {"tx": TX, "tn": TN, "pr": PR, "t2m": HOURLY}


@functools.cache
def in_memory(name):
    function, needs = CALLS[name]
    return function(*(SERIES[key] for key in needs))


@st.composite
def cut(draw, length, most):
    """Sizes of chunks that make up a length."""
    borders = sorted(draw(st.sets(st.integers(1, length - 1), max_size=most)))
    return tuple(int(n) for n in np.diff([0, *borders, length]))


def known(result):
    """A result without the digests of maps: those of lazy ones are null, as nobody knows them before."""
    result = result.copy()
    for array in result.data_vars.values() if hasattr(result, "data_vars") else [result]:
        made = json.loads(array.attrs.get("era5fast_definition", "{}"))
        for part in filter(lambda part: isinstance(part, dict), made.values()):
            part.pop("sha256", None)
        array.attrs["era5fast_definition"] = json.dumps(made, sort_keys=True)
    return result


def bits(result):
    arrays = result.data_vars.values() if hasattr(result, "data_vars") else [result]
    return [array.values.tobytes() for array in arrays]


@settings(
    max_examples=EXAMPLES, deadline=None, derandomize=EXAMPLES == 60, suppress_health_check=[HealthCheck.too_slow]
)
@given(data=st.data(), name=st.sampled_from(sorted(CALLS)), threads=st.booleans())
def test_any_chunks_give_the_same_bits(data, name, threads):
    function, needs = CALLS[name]
    chunks = {"latitude": data.draw(cut(ROWS, 3)), "longitude": data.draw(cut(COLUMNS, 3))}
    lengths = {len(DAYS): data.draw(cut(len(DAYS), 6)), len(HOURS): data.draw(cut(len(HOURS), 12))}
    lazy = [SERIES[key].chunk({"time": lengths[SERIES[key].sizes["time"]], **chunks}) for key in needs]
    found = function(*lazy)
    assert all(chunked.is_lazy(x) for x in (found.data_vars.values() if hasattr(found, "data_vars") else [found]))
    found = found.compute(scheduler="threads" if threads else "sync")
    xr.testing.assert_identical(known(found), known(in_memory(name)))
    assert bits(found) == bits(in_memory(name))


# --- nothing is computed before it is asked for ---


def refuse(*args, **kwargs):
    raise AssertionError("something was computed")


@pytest.mark.parametrize("name", sorted(CALLS))
def test_a_call_computes_nothing(name):
    function, needs = CALLS[name]
    lazy = [SERIES[key].chunk({"time": 100, "latitude": 2}) for key in needs]
    with dask.config.set(scheduler=refuse):
        function(*lazy)


def test_results_say_what_those_in_memory_say():
    lazy = e5.percentile_doy(TX.chunk({"latitude": 1}), 90, window=15)
    assert (lazy.dims, lazy.shape, lazy.dtype, lazy.attrs, lazy.name) == (
        P90.dims,
        P90.shape,
        P90.dtype,
        P90.attrs,
        P90.name,
    )
    assert lazy.chunks == ((len(P90.dayofyear),), (1,) * ROWS, (COLUMNS,))


def definition(result):
    return json.loads(next(iter(result.data_vars.values())).attrs["era5fast_definition"])


def bare(x):
    """Without attributes; `drop_attrs` is not in every xarray that is allowed."""
    copy = x.copy()
    copy.attrs = {}
    return copy


def test_maps_in_memory_are_told_alike_beside_lazy_series():
    plain = np.full((ROWS, COLUMNS), 25.0)
    told = []
    for maps in (P90, P90.copy(data=P90.values + 5), plain, bare(P90)):
        found = definition(e5.spell_statistics(TX, maps, min_length=2))
        assert definition(e5.spell_statistics(TX.chunk({"latitude": 2}), maps, min_length=2)) == found
        told.append(found["threshold"])
    assert [part.get("diagnostic") for part in told] == ["percentile_doy", "percentile_doy", None, None]
    assert told[0]["sha256"] == told[3]["sha256"] == provenance.digest(P90)
    assert len({part["sha256"] for part in told}) == 3


def test_the_values_of_lazy_maps_are_unknown_where_the_result_is_lazy():
    x, maps = TX.chunk({"latitude": 2}), P90.chunk({"latitude": 1})
    assert definition(e5.spell_statistics(x, maps, min_length=2))["threshold"]["sha256"] is None
    assert definition(e5.spell_statistics(x, bare(maps), min_length=2))["threshold"] == {"sha256": None}


def test_digests_do_not_depend_on_chunks_nor_on_the_order_of_axes():
    seam = P90.assign_coords(longitude=(P90.longitude + 180) % 360 - 180).sortby("longitude")
    alike = [P90, P90[:, ::-1], P90.transpose("longitude", "latitude", "dayofyear"), seam, P90.astype("float64")]
    for maps in alike:
        assert provenance.digest(maps) == provenance.digest(P90)
        lazy = maps.chunk({"latitude": 2, "dayofyear": 100, "longitude": 3})
        assert provenance.lazy_digest(lazy).compute(scheduler="sync") == provenance.digest(P90)
    rows = b"".join(hashlib.sha256(row.astype("<f8").tobytes()).digest() for row in P90.sortby("latitude").values)
    assert provenance.digest(P90) == hashlib.sha256(rows).hexdigest()
    assert provenance.digest(np.array([0.0, -np.nan])) == provenance.digest(np.array([-0.0, np.nan]))
    assert provenance.digest(P90.where(P90.dayofyear < 365)) != provenance.digest(P90)


def test_coordinates_that_are_not_axes_stay():
    height = (("latitude", "longitude"), np.arange(ROWS * COLUMNS).reshape(ROWS, COLUMNS))
    x = TX.assign_coords(height=height, level=850)
    lazy = x.chunk({"longitude": 2}).assign_coords(height=(height[0], da.from_array(height[1])))
    xr.testing.assert_identical(e5.resample(lazy, "max").compute(), e5.resample(x, "max"))
    xr.testing.assert_identical(e5.percentile(lazy, 90).compute(), e5.percentile(x, 90))


ALONG_TIME = {
    "su": lambda x: e5.indices.su(x),
    "etccdi": lambda x: e5.etccdi(tx=x, indices=["su", "txx"]),
    "resample": lambda x: e5.resample(x, "max", freq="MS"),
    "daily": lambda x: e5.daily(x, "max"),
    "run_lengths": lambda x: e5.run_lengths(x, 25),
    "spell_statistics": lambda x: e5.spell_statistics(x, 25),
    "anomaly": lambda x: e5.anomaly(x, P90),
    "detrend": lambda x: e5.detrend(x),
    "bootstrap": lambda x: e5.bootstrap(x, n_resamples=20, seed=1).value,
    "humidex": lambda x: e5.humidex(x, dewpoint=x),
}


@pytest.mark.parametrize("name", ALONG_TIME)
def test_coordinates_along_time_stay_where_time_does(name):
    x = TX.assign_coords(
        expver=("time", np.where(np.arange(len(DAYS)) < 700, "0001", "0005")),
        season=("time", TX.time.dt.season.data),
        flag=(TX.dims, np.arange(TX.size).reshape(TX.shape)),
        height=(TX.dims[1:], np.arange(ROWS * COLUMNS).reshape(ROWS, COLUMNS)),
    )
    for chunks in ({"latitude": 2}, {"time": 50, "longitude": 3}):
        with dask.config.set(scheduler=refuse):
            lazy = ALONG_TIME[name](x.chunk(chunks))
        xr.testing.assert_identical(lazy.compute(), ALONG_TIME[name](x))


def test_latitudes_of_stations_may_be_lazy():
    stations = TX.isel(longitude=0).drop_vars("longitude").rename(latitude="station")
    x = stations.assign_coords(latitude=("station", TX.latitude.values)).drop_vars("station")
    assert x.chunk(station=1).latitude.chunks
    xr.testing.assert_identical(e5.indices.gsl(x.chunk(station=1)).compute(), e5.indices.gsl(x))


def test_other_names_and_orders_of_the_cells():
    other = TN.isel(latitude=slice(None, None, -1)).rename({"latitude": "lat", "longitude": "lon"})
    wanted = e5.correlation(TX, TN)
    for y in (other, other.chunk({"lat": 3})):
        xr.testing.assert_identical(e5.correlation(TX.chunk({"latitude": 2}), y).compute(), wanted)
    xr.testing.assert_identical(e5.correlation(TX, TN.chunk({"longitude": 2})).compute(), wanted)


def test_a_cell_and_a_calendar_of_its_own():
    times = xr.date_range("2001-01-01", periods=720, calendar="360_day", use_cftime=True)
    x = TX.isel(time=slice(720)).assign_coords(time=times)
    for one in (x, x.isel(latitude=0, longitude=0)):
        for function in (lambda a: e5.resample(a, "mean", freq="QS-DEC"), lambda a: e5.percentile_doy(a, 50)):
            xr.testing.assert_identical(function(one.chunk({"time": 77})).compute(), function(one))


def test_graphs_go_through_pickle():
    lazy = e5.etccdi(tx=TX.chunk({"latitude": 2, "time": 300}), base_period=("2001", "2002"))
    again = pickle.loads(pickle.dumps(lazy))
    xr.testing.assert_identical(again.compute(), e5.etccdi(tx=TX, base_period=("2001", "2002")))


# --- graphs ---


def tasks(x):
    return len(dict(x.__dask_graph__()))


def test_a_graph_grows_with_chunks_and_not_with_indices():
    data = {"tx": TX, "tn": TN, "pr": PR}
    lazy = {name: x.chunk({"latitude": 1, "longitude": 1}) for name, x in data.items()}
    blocks = ROWS * COLUMNS
    base = sum(tasks(x) for x in lazy.values())
    found = e5.etccdi(**lazy, base_period=("2001", "2002"))
    assert len(found.data_vars) == 27
    assert tasks(found) <= base + blocks * (1 + 27) + 1  # a pass, and a take for each index; what all of them know
    assert tasks(found.tx90p) <= base + blocks * 2 + 1


def test_27_indices_on_1000_chunks():
    x = xr.DataArray(
        da.zeros((800, 100, 10), chunks=(-1, 1, 1), dtype="float32"),
        {
            "time": DAYS[:1].repeat(800) + np.arange(800),
            "latitude": np.linspace(80, -80, 100),
            "longitude": range(10),
        },
        ("time", "latitude", "longitude"),
        attrs={"units": "degC"},
    )
    found = e5.etccdi(tx=x, tn=x, pr=x.assign_attrs(units="mm d-1"), base_period=("2001", "2002"))
    assert tasks(found) <= 1000 * 29 + 1


def test_days_in_chunks_of_days_are_one_task_each():
    x = HOURLY.isel(time=slice(21, 21 + 24 * 10)).chunk({"time": 24})
    found = e5.daily(x, "max", hours="instant")
    assert found.chunks[0] == (1,) * 10
    assert tasks(found) == tasks(x) + 10 * 2 + 1  # and what belongs to each chunk of time, and to all
    assert e5.daily(x.chunk({"time": 48}), "max", hours="instant").chunks[0] == (2,) * 5


def test_a_chain_along_time_is_cut_where_periods_begin():
    sizes, of_sample = (3, 3, 3, 3), np.array([0, 0, 0, 1, 1, 1, 1, 1, -1, 3, -1, -1], "int32")
    pieces = pieces_of(of_sample, np.ones(5, "int32"), sizes, lasting=False)
    assert [piece.finished for piece in pieces] == [1, 0, 2, 2]
    assert [piece.goes_on for piece in pieces] == [False, False, True, False]
    assert [piece.of_sample.tolist() for piece in pieces] == [[0, 0, 0], [0, 0, 0], [0, 0, -1], [0, -1, -1]]
    assert all(piece.head is None for piece in pieces)
    lasting = pieces_of(of_sample, np.ones(5, "int32"), sizes, lasting=True)
    assert [piece.finished for piece in lasting] == [1, 0, 2, 2]
    assert [piece.goes_on for piece in lasting] == [False, True, True, True]


@pytest.mark.parametrize("lazy", [TX.chunk({"time": 45}), TX.chunk({"time": 100, "latitude": 1})])
def test_months_are_in_even_chunks_that_zarr_takes(lazy, tmp_path):
    found = e5.resample(lazy, "mean", freq="MS")
    assert len(set(found.chunks[0][:-1])) == 1
    xr.testing.assert_identical(found.compute(), e5.resample(lazy.compute(), "mean", freq="MS"))
    found.to_dataset(name="t").to_zarr(tmp_path / "months.zarr")
    monthly = lazy.chunk({"time": (31, 28, 31, *[1] * (lazy.sizes["time"] - 90))})
    assert e5.resample(monthly, "mean", freq="MS").chunks[0][:3] == (1, 1, 1)  # as the user has cut them


def test_hours_that_end_at_midnight_go_to_the_chunk_before():
    x = HOURLY.isel(time=slice(21, 21 + 24 * 10)).chunk({"time": 24})
    found = e5.daily(x, "sum", hours="hour_ending")
    assert found.chunks[0] == (2,) * 5 + (1,)  # the first hour is of the day before; even chunks
    links = [key for key in dict(found.__dask_graph__()) if "link" in str(key)]
    assert not links
    xr.testing.assert_identical(found.compute(), e5.daily(x.compute(), "sum", hours="hour_ending"))
    assert (
        pieces_of(np.array([0, 0, 0, 0, 0, 1, 1, 1, 1], "int32"), np.ones(2, "int32"), (4, 5), lasting=True)[0].head
        is None
    )


# --- the core ---


def test_parts_of_a_series_in_the_core():
    from era5fast import _core

    seconds = HOURS.astype("datetime64[s]").astype("int64")
    values, sets = HOURLY.values, [["max", 0], ["mean", 5], ["sum", 0]]
    whole, starts = _core.scan("daily", sets, values, seconds, "standard", (0, 0), None)
    of_sample, begin, expected = _core.periods("daily", seconds, "standard", (0, 0))
    assert begin.tolist() == starts.tolist()
    assert set(expected.tolist()) == {24}
    rng = np.random.default_rng(7)
    for _ in range(20):
        sizes = np.diff([0, *np.sort(rng.choice(np.arange(1, len(HOURS)), 8, replace=False)), len(HOURS)])
        found, states, first = [], None, 0
        for piece in pieces_of(of_sample, expected, tuple(sizes), lasting=False):
            part = values[first : first + len(piece.of_sample)]
            e5.set_num_threads(int(rng.integers(1, 5)))
            out, after = _core.scan_part("daily", sets, part, piece.of_sample, piece.expected, piece.finished, states)
            assert (states is not None) == piece.goes_on
            found.append(out)
            states, first = after, first + len(part)
            if piece.head is not None:
                ahead, head = values[first : first + len(piece.head.of_sample)], piece.head
                out, states = _core.scan_part(
                    "daily", sets, ahead, head.of_sample, head.expected, head.finished, states
                )
                found.append(out)
        assert np.concatenate(found, axis=1).tobytes() == whole.tobytes()
    e5.set_num_threads(0)


def test_parts_that_do_not_fit_are_refused():
    from era5fast import _core

    part, of_sample, expected = np.zeros((3, 4)), np.zeros(3, "int32"), np.ones(1, "int32")
    for wrong, said in (
        ((part, of_sample[:2], expected, 1, None), "2 times"),
        ((part, of_sample, expected, -1, None), "negative"),
        ((part, of_sample, expected, 1, np.zeros(3, "uint8")), "states of 3 bytes"),
    ):
        with pytest.raises(ValueError, match=said):
            _core.scan_part("daily", [["max", 0]], *wrong)
    with pytest.raises(e5.errors.InternalError, match="of which 2 are finished"):
        _core.scan_part("daily", [["max", 0]], part, of_sample, expected, 2, None)


# --- tables, and functions that are made of others ---


@pytest.mark.parametrize("chunks", [{"latitude": 3}, {"latitude": 1, "longitude": 2, "time": 200}, {"longitude": 4}])
def test_tables_are_made_block_by_block(chunks):
    x = TX.chunk(chunks)
    normal = e5.percentile_doy(TX, 50, window=15)
    for limit, other in ((24, 24), (P90, P90), (P90, P90.chunk({"latitude": 1}))):
        pd.testing.assert_frame_equal(
            e5.spells(x, other, climatology=normal, min_days=2), e5.spells(TX, limit, climatology=normal, min_days=2)
        )
    ours, wanted = e5.marine_heatwaves(x, min_days=3), e5.marine_heatwaves(TX, min_days=3)
    assert len(wanted.events) > 20
    pd.testing.assert_frame_equal(ours.events, wanted.events)
    xr.testing.assert_identical(ours.years, wanted.years)
    xr.testing.assert_identical(ours.threshold.compute(), wanted.threshold)
    index = ((TX - TX.mean("time")) / TX.std("time")).assign_attrs(units="1")
    pd.testing.assert_frame_equal(e5.drought_events(index.chunk(chunks)), e5.drought_events(index))


def test_spells_of_a_single_series_and_of_none():
    x = TX.isel(latitude=1, longitude=2)
    pd.testing.assert_frame_equal(e5.spells(x.chunk({"time": 50}), 22), e5.spells(x, 22))
    pd.testing.assert_frame_equal(e5.spells(TX.chunk({"latitude": 1}), 99), e5.spells(TX, 99), check_dtype=False)


def test_regions_take_maps_as_they_come():
    shapely = pytest.importorskip("shapely")
    regions = e5.Regions.from_polygons({"a": shapely.box(0, 0, 60, 55), "b": shapely.box(60, -20, 200, 30)},
                                       TX.latitude, TX.longitude)  # fmt: skip
    for chunks in ({"time": 100}, {"time": 33, "latitude": 2, "longitude": 1}):
        for rules in ({"statistic": "mean"}, {"statistic": "share_above", "threshold": "25 degC"}):
            found = e5.regional(TX.chunk(chunks), regions, **rules)
            assert found.chunks is not None
            xr.testing.assert_identical(found.compute(), e5.regional(TX, regions, **rules))


def test_tests_draw_the_same_resamples_in_every_block():
    months = e5.resample(TX, "mean", freq="MS").fillna(0)
    lazy = months.chunk({"latitude": 1, "time": 5})
    for function in (
        lambda x: e5.bootstrap(x, n_resamples=200, seed=5),
        lambda x: e5.permutation_test(x, months + 1, n_resamples=200, seed=5),
    ):
        for found, wanted in zip(function(lazy), function(months), strict=True):
            if hasattr(wanted, "dims"):
                xr.testing.assert_identical(found.compute(), wanted)
            else:
                assert found == wanted
    free = e5.bootstrap(lazy, n_resamples=99)  # one seed for all blocks, and it is told
    xr.testing.assert_identical(free.low.compute(), e5.bootstrap(months, n_resamples=99, seed=free.seed).low)


# --- hints ---


def hints(function):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        function()
    return [hint for hint in caught if issubclass(hint.category, PerformanceHint)]


def test_chunks_of_time_are_put_together_once_and_it_is_said():
    cut = {name: x.chunk({"time": 100}) for name, x in (("tx", TX), ("tn", TN), ("pr", PR))}
    found = hints(lambda: e5.etccdi(**cut, base_period=("2001", "2002")))
    assert len(found) == 1
    assert "etccdi needs whole time" in str(found[0].message)
    assert found[0].filename == __file__
    whole = {name: x.chunk({"latitude": 1}) for name, x in (("tx", TX), ("tn", TN), ("pr", PR))}
    assert not hints(lambda: e5.etccdi(**whole, base_period=("2001", "2002")).compute())
    assert not hints(lambda: e5.resample(cut["tx"], "mean").compute())


def test_what_is_loaded_as_a_whole_is_said():
    wind = HOURLY.chunk({"time": 24})
    found = hints(lambda: e5.find_lows(wind))
    assert not found  # step by step
    found = hints(lambda: e5.label(wind > 280))
    assert [str(hint.message)[:13] for hint in found] == ["t2m is loaded"]


@pytest.mark.parametrize("chunks", [{"time": 7}, {"time": 24, "latitude": 1, "longitude": 2}, {"time": -1}])
def test_lows_are_found_slab_by_slab(chunks):
    maps = xr.DataArray(
        np.random.default_rng(4).normal(101300, 500, (48, 20, 40)),
        {"time": HOURLY.time[:48], "latitude": np.linspace(70, 20, 20), "longitude": np.linspace(0, 351, 40)},
        ("time", "latitude", "longitude"),
        attrs={"units": "Pa"},
        name="msl",
    )
    with dask.config.set({"array.chunk-size": maps[:11].nbytes}):
        found = e5.find_lows(maps.transpose("latitude", ...).chunk(chunks), min_depth="1 hPa")
    expected = e5.find_lows(maps, min_depth="1 hPa")
    assert len(expected) > 100
    pd.testing.assert_frame_equal(found, expected)
    assert found.attrs == expected.attrs


def test_warnings_about_the_data_come_once_and_at_the_call():
    lazy = TX.chunk({"latitude": 1})
    with pytest.warns(UserWarning, match="base period 1991 to 2002") as caught:
        found = e5.indices.tx90p(lazy, base_period=("1991", "2002"))
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found.compute()


def test_blocks_have_the_size_that_dask_is_set_to():
    x = xr.DataArray(
        da.zeros((2000, 90, 180), chunks=(1, 90, 180), dtype="float32"),
        {"time": np.datetime64("2001-01-01") + np.arange(2000)},
        ("time", "latitude", "longitude"),
    )
    with dask.config.set({"array.chunk-size": "16MiB"}):
        found = e5.percentile(x, 90)
    sizes = [rows * columns * 2000 * 4 for rows in found.chunks[0] for columns in found.chunks[1]]
    assert max(sizes) <= 16 << 20
    assert len(sizes) <= 3 * 8  # 130 MB


def test_a_tiny_size_of_dask_does_not_make_thousands_of_tasks():
    x = xr.DataArray(
        da.zeros((366, 61, 65), chunks=(60, 61, 65), dtype="float32"),
        {"time": np.datetime64("2024-01-01") + np.arange(366)},
        ("time", "latitude", "longitude"),
    )
    with dask.config.set({"array.chunk-size": "20KiB"}):
        found = e5.percentile_doy(x, 90, window=15)
    sizes = [rows * columns * 366 * 4 for rows in found.chunks[1] for columns in found.chunks[2]]
    assert max(sizes) <= 1 << 20
    assert len(sizes) <= 3 * 6  # 6 MB
    assert len(dict(found.__dask_graph__())) < 200


# --- what is refused, before anything is computed ---


def unknown_size():
    values = TX.chunk({"time": 100}).data
    return xr.DataArray(values[values[:, 0, 0] > 0], dims=TX.dims)


def in_chunks(sizes):
    return TX.copy(data=da.from_array(TX.values).rechunk({0: sizes}))


def several():
    half = len(DAYS) // 2
    kinds = (("2001-01-01", half, "noleap"), ("2004-01-01", len(DAYS) - half, "360_day"))
    return np.concatenate(
        [xr.date_range(first, periods=n, calendar=kind, use_cftime=True).values for first, n, kind in kinds]
    )


WRONG = {
    "unknown size along time": unknown_size,
    "chunk of size 0 along time": lambda: in_chunks((100, 0, len(DAYS) - 100)),
    "array of type object": lambda: TX.copy(data=TX.astype(object).data).chunk({"time": 10}),
    "no time axis": lambda: TX.rename(time="steps").drop_vars("steps").chunk({"latitude": 1}),
    "the dimension time has no coordinate": lambda: TX.drop_vars("time").chunk({"latitude": 1}),
    "times of several calendars: noleap and 360_day": lambda: TX.assign_coords(time=several()).chunk({"latitude": 1}),
    "times must increase": lambda: TX.isel(time=slice(None, None, -1)).chunk({"latitude": 1}),
}


@pytest.mark.parametrize("function", [lambda x: e5.percentile(x, 90), lambda x: e5.resample(x, "mean"), e5.indices.su,
                                      lambda x: e5.spells(x, 25)])  # fmt: skip
@pytest.mark.parametrize("what", sorted(WRONG))
def test_bad_input_is_refused_before_anything_is_computed(function, what):
    x = WRONG[what]()
    with dask.config.set(scheduler=refuse), pytest.raises(InputError, match=what):
        function(x)


def test_chunks_that_are_no_arrays_are_refused():
    data = SimpleNamespace(_meta=None)  # as old versions of dask have it where nobody said what the chunks are
    x = SimpleNamespace(dtype=TX.dtype, variable=SimpleNamespace(_data=data))
    with pytest.raises(InputError, match="no arrays of NumPy: dask says NoneType"):
        chunked.check(x, "x")


EXPRESSIONS = """
import dask, numpy as np, xarray as xr, era5fast as e5
days = np.arange("2001-01-01", "2002-01-01", dtype="datetime64[D]")
axes = {"time": days, "latitude": [50.0, 40.0], "longitude": [0.0, 1.0, 2.0]}
x = xr.DataArray(np.zeros((365, 2, 3), "f4"), axes, tuple(axes), "t2m", {"units": "K"}).chunk({"time": 100})
print(hasattr(x.data, "expr"))
calls = [
    lambda: e5.daily(x, "max", min_samples=1), lambda: e5.percentile(x, 90), lambda: e5.etccdi(tx=x, indices=["su"]),
    lambda: e5.etccdi(x.to_dataset(), tx="t2m", indices=["su"]), lambda: e5.find_events(x, above=300.0),
    lambda: e5.spells(x, 300.0), lambda: e5.convert_units(x, None, "degC"), lambda: e5.label(x > 0),
    lambda: e5.saturation_vapour_pressure(x), lambda: e5.area_mean(x), lambda: e5.compound.persistent(x > 0, 3),
    lambda: e5.great_circle(x, 0.0, 0.0, 0.0), lambda: e5.bootstrap(x, "std", 20), lambda: x.era5fast.percentile(90),
    lambda: e5.correlation(x.compute(), x), lambda: e5.find_events(x.compute(), above=x[0]),
]
for call in calls:
    try:
        call()
        print("taken")
    except e5.errors.InputError as error:
        print("query-planning" in error.hint)
"""


def test_arrays_of_query_planning_are_refused_with_a_way_out():
    environment = {**os.environ, "DASK_ARRAY__QUERY_PLANNING": "True"}
    command = [sys.executable, "-W", "ignore", "-c", EXPRESSIONS]
    run = subprocess.run(command, text=True, capture_output=True, env=environment, timeout=60)
    planned, *said = run.stdout.split()
    assert run.returncode == 0, run.stderr
    assert set(said) == {"True" if planned == "True" else "taken"}, said  # older versions of dask have no such mode


def test_operands_that_do_not_fit_are_refused_before_anything_is_computed():
    x = TX.chunk({"latitude": 1})
    cftimes = xr.date_range("2001-01-01", periods=len(DAYS), calendar="noleap", use_cftime=True)
    for function, what in (
        (lambda: e5.correlation(x, TN.assign_coords(time=cftimes).chunk()), "calendar"),
        (lambda: e5.correlation(x, TN.isel(time=slice(1, None)).chunk()), "other times"),
        (lambda: e5.correlation(x, TN.isel(latitude=slice(1, None)).chunk()), "latitude"),
        (lambda: e5.correlation(x, TN.assign_coords(longitude=TN.longitude + 1).chunk()), "longitude"),
        (lambda: e5.correlation(x, TN.values), "plain array"),
        (lambda: e5.spell_statistics(x, np.zeros((2, 2))), "2 cells along latitude"),
        (lambda: e5.indices.tx90p(x, base_period=("2005", "2004")), "base"),
        (lambda: e5.percentile(x, 101), "percentile"),
        (lambda: e5.indices.su(x.assign_attrs(units="m")), "is in m"),
        (lambda: e5.thornthwaite(e5.resample(TX, "mean", freq="MS").drop_vars("latitude").chunk()), "latitude"),
        (lambda: e5.percentile(da.zeros((3, 4)), 90, time=DAYS[:3]), "array of dask"),
    ):
        with dask.config.set(scheduler=refuse), pytest.raises(InputError, match=what):
            function()


# --- threads ---


def names_of_threads():
    found = []
    for task in Path("/proc/self/task").iterdir():
        try:
            found.append((task / "comm").read_text().strip())
        except OSError:
            continue  # it has ended
    return found


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted through /proc")
def test_threads_of_dask_borrow_those_of_the_pool():
    pool, callers = 3, 4
    x = xr.DataArray(
        da.random.default_rng(1).normal(20, 5, (800, 160, 32), chunks=(-1, 10, 16)).astype("float32"),
        {"time": np.datetime64("2001-01-01") + np.arange(800)},
        ("time", "latitude", "longitude"),
        attrs={"units": "degC"},
    )
    most, done = [0], threading.Event()

    def watch():
        while not done.is_set():
            most[0] = max(most[0], sum(name.startswith("e5-") for name in names_of_threads()))

    watcher = threading.Thread(target=watch)
    e5.set_num_threads(pool)
    try:
        watcher.start()
        e5.indices.tx90p(x, base_period=("2001", "2002")).compute(scheduler="threads", num_workers=callers)
    finally:
        done.set()
        watcher.join()
        e5.set_num_threads(0)
    # a thread whose job has just ended may not wait for the next one yet: then there is one more
    assert 0 < most[0] <= pool - 1 + 2 * callers


def test_lazy_and_not():
    lazy = TX.chunk({"time": 10})
    assert chunked.is_lazy(lazy)
    assert not any(map(chunked.is_lazy, (TX, TX.values, lazy.to_dataset(), lazy.data, "x.nc", None)))
    seen = chunked.outline(lazy)
    assert (seen.shape, seen.dtype, seen.strides if hasattr(seen, "strides") else seen.values.strides) == (
        TX.shape,
        TX.dtype,
        (0, 0, 0),
    )
    assert operator.eq(chunked.whole(lazy, ["latitude"], "it").chunks, lazy.chunks)
