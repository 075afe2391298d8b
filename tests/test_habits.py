"""What people do beside us: threadpoolctl, NumPy's ways, flox and numbagg, many files through xarray, pictures."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest
import threadpoolctl
import xarray as xr
from conftest import ROOT

import era5fast as e5
from era5fast import _core, indices, pointwise, ufuncs
from era5fast.errors import InputError
from tests.samples import LAYOUTS, field, hours, write

pytestmark = [pytest.mark.native, pytest.mark.filterwarnings("ignore:.* needs whole time")]


# --- threads


@pytest.fixture
def three_threads() -> Any:
    before = e5.get_num_threads()
    e5.set_num_threads(3)
    yield
    e5.set_num_threads(before)


def ours() -> list[dict[str, Any]]:
    return [each for each in threadpoolctl.threadpool_info() if each["user_api"] == "era5fast"]


@pytest.mark.usefixtures("three_threads")
def test_threadpoolctl_shows_and_limits_our_pool() -> None:
    (info,) = ours()
    assert (info["num_threads"], info["internal_api"], info["version"]) == (3, "era5fast", e5.__version__)
    assert Path(info["filepath"]).parent.name == "era5fast"
    with threadpoolctl.threadpool_limits(2, user_api="era5fast"):
        assert e5.get_num_threads() == 2
        with threadpoolctl.threadpool_limits({"era5fast": 1}):
            assert e5.get_num_threads() == ours()[0]["num_threads"] == 1
        assert e5.get_num_threads() == 2
    assert e5.get_num_threads() == 3
    with threadpoolctl.threadpool_limits(1):  # of every library
        assert e5.get_num_threads() == 1
    with threadpoolctl.threadpool_limits(1, user_api="blas"):
        assert e5.get_num_threads() == 3


@pytest.mark.usefixtures("three_threads")
def test_values_do_not_depend_on_the_limit() -> None:
    x = xr.DataArray(field(48), dims=("time", "y", "x"), coords={"time": hours(48).astype("M8[s]").astype("M8[ns]")})
    wanted = e5.daily(x, "mean")
    for n in (1, 2, 5):
        with threadpoolctl.threadpool_limits(n, user_api="era5fast"):
            xr.testing.assert_identical(e5.daily(x, "mean"), wanted)


def run(program: str, **environment: str) -> str:
    known = {name: value for name, value in os.environ.items() if name != "ERA5FAST_NUM_THREADS"}
    told = {"env": {**known, **environment}, "cwd": ROOT, "capture_output": True, "text": True}
    done = subprocess.run([sys.executable, "-c", program], check=False, **told)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("order", ["threadpoolctl, era5fast as e5", "era5fast as e5, threadpoolctl"])
def test_the_pool_is_known_in_every_order_of_imports(order: str) -> None:
    program = f"""
import {order}
def ours():
    return [each["num_threads"] for each in threadpoolctl.threadpool_info() if each["user_api"] == "era5fast"]
print(ours(), end=" ")
e5.get_num_threads()
print(ours(), end=" ")
with threadpoolctl.threadpool_limits(1, user_api="era5fast"):
    print(e5.get_num_threads(), end=" ")
e5.set_num_threads(4)
print(ours())
"""
    assert run(program, ERA5FAST_NUM_THREADS="2") == "[] [2] 1 [4]"


def test_another_library_with_the_name_of_our_core_is_left_alone(tmp_path: Path) -> None:
    """The file name alone would be that of many an extension."""
    from era5fast.thread_control import PoolController

    core = Path(e5._core.__file__)
    foreign = PoolController(filepath=os.fspath(core), prefix="_core.", parent=None)
    assert hasattr(foreign.dynlib, "PyInit__core")
    assert PoolController.filename_prefixes == ("_core.",)
    program = f"""
import shutil, sys, importlib.util, threadpoolctl, era5fast
era5fast.get_num_threads()
copy = shutil.copy({os.fspath(core)!r}, {os.fspath(tmp_path)!r})
import ctypes
other = ctypes.CDLL(copy)
print([each["filepath"] for each in threadpoolctl.threadpool_info() if each["user_api"] == "era5fast"])
"""
    assert run(program) == str([os.fspath(core)])


# --- NumPy's ways


@pytest.fixture
def warm() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    temperature = rng.normal(295, 6, (4, 5)).astype("float32")
    return temperature, temperature - rng.uniform(0, 9, (4, 5)).astype("float32")


def test_out_and_where(warm: tuple[np.ndarray, np.ndarray]) -> None:
    wanted = e5.relative_humidity(*warm)
    single, double = np.zeros((4, 5), "float32"), np.zeros((4, 5))
    assert e5.relative_humidity(*warm, out=single) is single
    assert e5.relative_humidity(*warm, out=double) is double
    np.testing.assert_array_equal(single, wanted)
    np.testing.assert_array_equal(double.astype("float32"), wanted)
    mask = np.arange(20).reshape(4, 5) % 3 == 0
    part = e5.relative_humidity(*warm, where=mask)
    assert part.dtype == np.float32
    np.testing.assert_array_equal(part, np.where(mask, wanted, np.nan))
    single[:] = -1
    e5.relative_humidity(*warm, out=single, where=mask)
    np.testing.assert_array_equal(single, np.where(mask, wanted, -1))
    strided = np.zeros((8, 10), "float32")[::2, ::2]
    np.testing.assert_array_equal(e5.relative_humidity(*warm, out=strided), wanted)


def test_out_takes_what_humidity_given_otherwise_makes(warm: tuple[np.ndarray, np.ndarray]) -> None:
    out = np.empty((4, 5), "float32")
    e5.heat_index(warm[0], dewpoint=warm[1], out=out)
    np.testing.assert_array_equal(out, e5.heat_index(warm[0], dewpoint=warm[1]))


@pytest.mark.parametrize("name", [name for name in pointwise.__all__ if name != "ufunc"])
def test_every_function_of_single_values_has_them(name: str) -> None:
    function = getattr(e5, name)
    needed = [spec["name"] for spec in pointwise._ROWS[name]["operands"]]
    values = [
        np.full((2, 3), {"K": 290.0, "%": 50.0}.get(spec["units"], 2.0)) for spec in pointwise._ROWS[name]["operands"]
    ]
    out = np.full((2, 3), -7.0)
    mask = np.array([True, False, True])
    assert function(**dict(zip(needed, values, strict=True)), out=out, where=mask) is out
    np.testing.assert_array_equal(out[:, 1], -7.0)
    np.testing.assert_array_equal(out[:, ::2], function(*values)[:, ::2])


@pytest.mark.parametrize(
    ("keywords", "said"),
    [
        ({"out": np.empty((2, 2))}, "do not fit"),
        ({"out": np.empty((4, 5), int)}, "Cannot cast"),
        ({"out": [1, 2]}, "do not fit"),
        ({"where": np.ones((4, 5))}, "an array of bool"),
        ({"where": np.ones(3, bool)}, "do not fit"),
    ],
)
def test_what_does_not_fit_is_refused(warm: tuple[np.ndarray, np.ndarray], keywords: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        e5.relative_humidity(*warm, **keywords)


def test_labelled_data_have_where_of_their_own(warm: tuple[np.ndarray, np.ndarray]) -> None:
    labelled = [xr.DataArray(each, dims=("y", "x"), attrs={"units": "K"}) for each in warm]
    for keywords in ({"out": np.empty((4, 5))}, {"where": warm[0] > 290}):
        with pytest.raises(InputError, match=r"out= and where= are for plain arrays. Result.where|result.where"):
            e5.relative_humidity(*labelled, **keywords)


@pytest.mark.parametrize("dtype", [str, object, complex])
def test_labelled_arrays_that_are_no_numbers_are_refused(dtype: type) -> None:
    x = xr.DataArray(np.full((4, 3), 300.0), dims=("time", "cell"), attrs={"units": "K"})
    for wrong in (x.astype(dtype), x.chunk().astype(dtype)):
        with pytest.raises(InputError, match="temperature"):
            e5.relative_humidity(wrong, x)


def test_out_and_where_are_for_plain_arrays() -> None:
    x = xr.DataArray(np.full((4, 3), 300.0), dims=("time", "cell"), attrs={"units": "K"})
    with pytest.raises(InputError, match=r"^relative_humidity: out= and where= are for plain arrays"):
        e5.relative_humidity(x, x, out=x.values)


def test_ufuncs_go_through_pickle() -> None:
    for row in (row for row in _core.kernels() if row["kind"] == "pointwise"):
        choices = row["params"][0]["choices"].split() if row["params"] else [None]
        for choice in choices:
            function = pointwise.ufunc(row["name"], choice)
            assert pickle.loads(pickle.dumps(function)) is function
    code = "import pickle, sys; print(pickle.load(sys.stdin.buffer)(3.0, 4.0))"
    there = [sys.executable, "-c", code]
    told = subprocess.run(there, input=pickle.dumps(pointwise.ufunc("wind_speed")), capture_output=True, check=True)
    assert told.stdout.split() == [b"5.0"]
    with pytest.raises(AttributeError, match="no attribute 'wind_speeds'"):
        _ = ufuncs.wind_speeds


def test_true_ufuncs_are_behind_them(warm: tuple[np.ndarray, np.ndarray]) -> None:
    function = pointwise.ufunc("relative_humidity")
    assert isinstance(function, np.ufunc)
    wanted = e5.relative_humidity(*warm)
    np.testing.assert_array_equal(function(*warm), wanted)
    np.testing.assert_array_equal(function(*warm, dtype="float64").astype("float32"), wanted)
    with pytest.raises(TypeError, match="casting rule"):
        function(*warm, out=np.empty((4, 5), "float32"), dtype="float64", casting="no")


def test_arrays_of_dask_stay_lazy(warm: tuple[np.ndarray, np.ndarray]) -> None:
    lazy = [da.from_array(each, chunks=2) for each in warm]
    found = e5.relative_humidity(*lazy)
    assert isinstance(found, da.Array)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found.compute(), e5.relative_humidity(*warm))
    mask = lazy[0] > 295
    np.testing.assert_array_equal(
        e5.relative_humidity(*lazy, where=mask).compute(), e5.relative_humidity(*warm, where=warm[0] > 295)
    )
    mixed = e5.relative_humidity(lazy[0], warm[1])
    assert isinstance(mixed, da.Array)


class Metres(np.lib.mixins.NDArrayOperatorsMixin):
    """An array of somebody else's that follows NumPy's protocols, and keeps its own kind."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = np.asarray(values)
        self.dtype, self.shape, self.ndim = self.values.dtype, self.values.shape, self.values.ndim

    def astype(self, dtype: Any, copy: bool = True) -> Metres:
        return Metres(self.values.astype(dtype, copy=copy))

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **keywords: Any) -> Any:
        if "refused" in keywords:
            return NotImplemented
        plain = [each.values if isinstance(each, Metres) else each for each in inputs]
        return Metres(getattr(ufunc, method)(*plain, **keywords))

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        def plain(each: Any) -> Any:
            return each.values if isinstance(each, Metres) else each

        found = function(*map(plain, args), **kwargs)
        return Metres(found) if isinstance(found, np.ndarray) else found


def test_arrays_of_others_keep_their_kind(warm: tuple[np.ndarray, np.ndarray]) -> None:
    found = e5.relative_humidity(Metres(warm[0]), Metres(warm[1]))
    assert isinstance(found, Metres)
    np.testing.assert_array_equal(found.values, e5.relative_humidity(*warm))
    part = e5.relative_humidity(Metres(warm[0]), warm[1], where=warm[0] > 295)
    np.testing.assert_array_equal(part.values, e5.relative_humidity(*warm, where=warm[0] > 295))


def test_quantities_with_units_that_we_cannot_see_are_refused(warm: tuple[np.ndarray, np.ndarray]) -> None:
    """Their numbers alone would be taken for kelvin."""
    import pint

    registry = pint.UnitRegistry()
    with pytest.raises(InputError, match="magnitude"):
        e5.relative_humidity(registry.Quantity(warm[0], "degF"), registry.Quantity(warm[1], "degF"))


def test_masked_values_are_missing(warm: tuple[np.ndarray, np.ndarray]) -> None:
    """As everywhere in the package: NaN takes the place of what is masked, whatever lies under the mask."""
    hidden = np.ma.masked_array(warm[0], mask=warm[0] > 298)
    hidden.data[hidden.mask] = 1e20
    found = e5.relative_humidity(hidden, warm[1])
    assert type(found) is np.ndarray
    np.testing.assert_array_equal(np.isnan(found), hidden.mask)


# --- reductions of others


@pytest.fixture
def series() -> xr.DataArray:
    """Hours of sixty days with some holes."""
    x = xr.DataArray(field(60 * 24).astype("float64"), dims=("time", "latitude", "longitude"), name="t2m")
    times = hours(60 * 24).astype("M8[s]").astype("M8[ns]")
    places = {"latitude": np.linspace(50, 48, 5), "longitude": np.arange(7.0)}
    return x.assign_coords(time=times, **places).assign_attrs(units="K")


@pytest.mark.parametrize("statistic", ["min", "max", "mean", "sum"])
def test_grouped_reductions_agree_with_flox(series: xr.DataArray, statistic: str) -> None:
    from flox.xarray import xarray_reduce

    day = series.time.dt.floor("D").rename("day")
    theirs = xarray_reduce(series, day, func=statistic, skipna=False).rename(day="time")
    found = e5.daily(series, statistic)
    np.testing.assert_allclose(found, theirs.transpose(*found.dims), rtol=1e-13)
    plain = series.resample(time="D").reduce(getattr(np, statistic))  # xarray's own way
    np.testing.assert_allclose(found, plain.transpose(*found.dims), rtol=1e-13)


def test_quantiles_agree_with_those_of_xarray(series: xr.DataArray) -> None:
    """Whichever of NumPy and numbagg it takes for them."""
    with xr.set_options(use_numbagg=False):
        theirs = series.quantile([0.1, 0.5, 0.9], "time", skipna=True)
    found = e5.percentile(series, [10, 50, 90], type=7)
    np.testing.assert_allclose(found.values.reshape(theirs.shape), theirs, rtol=1e-12)


# --- many files


@pytest.mark.parametrize("parallel", [False, True])
def test_many_files_through_xarray(parallel: bool, tmp_path: Path) -> None:
    paths = [
        write(tmp_path / f"{i}.nc", field(48, seed=i), hours(48, f"2001-01-{2 * i + 1:02}"), **LAYOUTS["chunked"])
        for i in range(5)
    ]
    told = {"engine": "era5fast", "parallel": parallel, "chunks": {"latitude": 3}, "combine": "by_coords"}
    ds = xr.open_mfdataset([str(path) for path in paths], **told)
    assert ds.t2m.chunks is not None
    found = ds.era5fast.daily("t2m", "max").compute()
    np.testing.assert_allclose(found, e5.daily(paths, "max"), rtol=1e-6)
    netcdf4 = xr.open_mfdataset([str(path) for path in paths], engine="netcdf4", combine="by_coords")
    xr.testing.assert_identical(ds.compute(), netcdf4.compute())


# --- what becomes of results


@pytest.fixture
def results(series: xr.DataArray) -> dict[str, xr.DataArray | xr.Dataset]:
    tx = e5.daily(series, "max")
    return {
        "daily": tx,
        "several": e5.daily(series, ["min", "max"]),
        "percentiles": e5.percentile_doy(tx, 90, window=5),
        "index": indices.txx(tx, freq="MS"),
        "indices": e5.etccdi(tx=tx, indices=["su", "txx", "txn"], freq="MS"),
        "trend": e5.mann_kendall(tx),
        "single values": e5.saturation_vapour_pressure(series),
        "units": e5.convert_units(series, "K", "degC"),
        "points": e5.sample(series, [49.2, 48.1], [2.0, 5.0]),
    }


@pytest.mark.filterwarnings("ignore:a percentile of")
def test_results_are_written_and_read_again(results: dict[str, Any], tmp_path: Path) -> None:
    for name, result in results.items():
        path = tmp_path / f"{name.replace(' ', '_')}.nc"
        result.to_netcdf(path)
        opening = xr.open_dataset if isinstance(result, xr.Dataset) else xr.open_dataarray
        for engine in ("netcdf4", "era5fast"):
            with opening(path, engine=engine) as found:
                xr.testing.assert_equal(found, result)
                assert found.attrs.get("units") == result.attrs.get("units"), name


@pytest.mark.filterwarnings("ignore:a percentile of")
def test_results_are_drawn_by_xarray(results: dict[str, Any]) -> None:
    import matplotlib.pyplot as plt

    drawn = {
        "map": lambda: results["daily"].isel(time=0).plot(),
        "line": lambda: results["daily"].isel(latitude=0, longitude=0).plot(),
        "lines": lambda: results["several"].isel(latitude=0, longitude=0).plot(x="time"),
        "histogram": lambda: results["units"].plot(),
        "days of the year": lambda: results["percentiles"].isel(latitude=0, longitude=0).plot(),
        "steps": lambda: results["index"].isel(latitude=0, longitude=0).plot.step(),
        "maps": lambda: results["index"].plot(col="time"),
        "trend": lambda: next(iter(results["trend"].data_vars.values())).plot(),
        "points": lambda: results["points"].plot.line(x="time"),
    }
    for name, draw in drawn.items():
        assert draw() is not None, name
        axes = plt.gcf().axes
        assert any(each.has_data() for each in axes), name
        plt.close("all")


def test_results_work_with_hvplot(results: dict[str, Any]) -> None:
    pytest.importorskip("hvplot")
    import holoviews
    import hvplot.xarray  # noqa: F401, gives data the attribute

    assert isinstance(results["daily"].isel(latitude=0, longitude=0).hvplot.line(x="time"), holoviews.Curve)
    assert isinstance(results["daily"].isel(time=0).hvplot.image(x="longitude", y="latitude"), holoviews.Image)
    assert results["indices"].isel(latitude=0, longitude=0).hvplot.line(x="time") is not None


# --- axes with names of their own


@pytest.fixture(scope="module")
def oddly_named() -> xr.DataArray:
    rng = np.random.default_rng(6)
    axes = {
        "date": np.datetime64("2001-01-01") + np.arange(730),
        "north": ("north", np.linspace(60, 40, 5), {"units": "degrees_north"}),
        "east": ("east", np.arange(6.0), {"standard_name": "longitude"}),
    }
    about = {"units": "K", "standard_name": "air_temperature"}
    return xr.DataArray(rng.normal(290, 8, (730, 5, 6)), axes, ("date", "north", "east"), "t2m", about)


OF_AXES = {
    "daily": lambda x: e5.daily(x, "max"),
    "resample": lambda x: e5.resample(x, "mean", freq="MS"),
    "percentile_doy": lambda x: e5.percentile_doy(x, [90]),
    "solar": lambda x: e5.daily(x, "max", utc_offset="solar"),
    "etccdi": lambda x: e5.etccdi(tx=x, tn=x - 5, base_period=("2001", "2002")).su,
    "correlation": lambda x: e5.correlation(x, x**2).correlation,
    "area_mean": e5.area_mean,
    "sample": lambda x: e5.sample(x, [46.2], [3.3]),
    "label": lambda x: e5.label(x > 300).dense(),
    "find_events": lambda x: e5.find_events(x, above=300, progress=False).to_dataframe(),
    "find_lows": e5.find_lows,
}


@pytest.mark.parametrize("chunks", [None, {"date": 100, "north": 2}])
@pytest.mark.parametrize("name", OF_AXES)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_axes_are_known_by_what_their_coordinates_say(name: str, chunks: Any, oddly_named: xr.DataArray) -> None:
    own = {"date": "time", "north": "latitude", "east": "longitude"}
    found = OF_AXES[name](oddly_named if chunks is None else oddly_named.chunk(chunks))
    expected = OF_AXES[name](oddly_named.rename(own))
    if not isinstance(found, xr.DataArray):
        assert found.equals(expected)
        return
    assert found.rename({key: value for key, value in own.items() if key in found.dims}).dims == expected.dims
    np.testing.assert_array_equal(found.values, expected.values)


def test_maps_under_usual_names_lie_beside_data_under_others(oddly_named: xr.DataArray) -> None:
    normal = e5.climatology(oddly_named.rename(north="lat", east="lon"))
    xr.testing.assert_equal(e5.anomaly(oddly_named, normal), e5.anomaly(oddly_named, e5.climatology(oddly_named)))


def test_axes_that_nothing_tells_or_that_two_are_have_no_place(oddly_named: xr.DataArray) -> None:
    bare = oddly_named.drop_attrs().assign_coords(date=np.arange(730))
    with pytest.raises(InputError, match=r"no time axis .*holds dates"):
        e5.daily(bare, "max")
    twice = oddly_named.isel(date=slice(5), north=slice(5)).rename(north="other")
    twice = twice.assign_coords(other=twice.date.values)
    with pytest.raises(InputError, match="no time axis"):
        e5.daily(twice, "max")
