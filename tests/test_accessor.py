"""The accessor: what it offers, what it says, that it gives what the functions give, and that it is there in time."""

from __future__ import annotations

import copy
import inspect
import pickle
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from conftest import ROOT
from shapely import box

import era5fast as e5
from era5fast import accessor, diagnostics, indices, pointwise
from era5fast.errors import InputError
from tests.samples import field, write

pytestmark = pytest.mark.native

# --- when it is there

#: Programs, each of which ends with an accessor on xarray's data.
ORDERS = {
    "era5fast first": "import era5fast, xarray",
    "xarray first": "import xarray, era5fast",
    "a part of xarray": "import era5fast; from xarray.core.dataset import Dataset; import xarray",
    "by another package": "import era5fast; import cf_xarray; import sys; xarray = sys.modules['xarray']",
    "by us": "import era5fast; era5fast.open_dataset(PATH); import sys; xarray = sys.modules['xarray']",
    "by name": "import era5fast, importlib; xarray = importlib.import_module('xarray')",
    "looked for before": "import era5fast, importlib.util; importlib.util.find_spec('xarray'); import xarray",
    "in a thread": "import era5fast, threading as t; t = t.Thread(target=__import__, args=('xarray',)); t.start(); "
    "import xarray; t.join()",
    "a module of ours first": "import era5fast.xarray_engine, xarray",
    "by the engine": "import xarray; xarray.open_dataset(PATH, engine='era5fast')",
    "by the engine among others": "import xarray; xarray.backends.list_engines()",
}


def run(program: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-c", program],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("order", ORDERS)
def test_it_is_there_in_every_order_of_imports(order: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.nc", field(3))
    program = f"PATH = {str(path)!r}\n{ORDERS[order]}\n"
    assert run(program + "print(xarray.Dataset.era5fast.__name__, xarray.DataArray.era5fast.__name__)") == (
        "DatasetAccessor DataArrayAccessor"
    )


def test_importing_us_imports_none_of_the_others() -> None:
    others = "{'xarray', 'pandas', 'dask', 'matplotlib', 'threadpoolctl'}"
    assert run(f"import era5fast, sys; print({others} & set(sys.modules))") == "set()"


def test_beside_xarray_nothing_of_ours_is_loaded_before_it_is_asked_for() -> None:
    program = "import xarray, era5fast, sys; print(sorted(name for name in sys.modules if 'era5fast.' in name))"
    assert run(program) == "['era5fast.accessor', 'era5fast.companions']"


def test_nothing_of_ours_stays_in_the_machinery_of_imports() -> None:
    program = """
import sys, era5fast
ours = [f for f in sys.meta_path if type(f).__module__ == "era5fast.companions"]
import xarray, threadpoolctl
left = [f for f in sys.meta_path if type(f).__module__ == "era5fast.companions"]
print(len(ours), len(left), vars(xarray.__loader__).get("exec_module"), type(xarray.__loader__).__name__)
import importlib
importlib.reload(xarray)
"""
    assert run(program) == "1 0 None SourceFileLoader"


def test_an_import_that_failed_can_be_repeated(tmp_path: Path) -> None:
    (tmp_path / "xarray.py").write_text("raise ImportError('not yet')")
    program = f"""
import sys, era5fast
sys.path.insert(0, {str(tmp_path)!r})
try:
    import xarray
except ImportError as error:
    print(error)
del sys.path[0]
import xarray
print(xarray.Dataset.era5fast.__name__)
"""
    assert run(program).splitlines() == ["not yet", "DatasetAccessor"]


#: Editions that know nothing of what they are told, and what they are asked for.
OLD = {"threadpoolctl": "LibController", "xarray": "register_dataarray_accessor"}


@pytest.mark.parametrize("name", OLD)
@pytest.mark.parametrize("order", ["import era5fast, {0}", "import {0}, era5fast"])
def test_an_old_companion_is_told_in_the_log_and_imported_all_the_same(order: str, name: str, tmp_path: Path) -> None:
    (tmp_path / f"{name}.py").write_text("__version__ = '0.1'")
    program = f"""
import io, logging, sys
sys.path.insert(0, {str(tmp_path)!r})
told = io.StringIO()
logging.basicConfig(stream=told, level=logging.INFO)
{order.format(name)}
print({name}.__version__, told.getvalue())
"""
    version, _, line = run(program).partition(" ")
    assert version == "0.1"
    assert f"{name} cannot be told of era5fast: AttributeError" in line
    assert OLD[name] in line


# --- what it offers

HOLDERS = (xr.Dataset, xr.DataArray)
WRITTEN = {
    *("etccdi", "heatwaves", "spells", "marine_heatwaves", "drought_events", "find_lows", "find_highs", "label"),
    *("events_from_labels", "sample", "regional", "convert_units", "bootstrap", "permutation_test", "write_csv"),
    *("klawa_ulbrich_index", "blocked_cells", "persistent"),
}


@pytest.mark.parametrize("holder", HOLDERS)
def test_the_whole_package_is_offered(holder: Any) -> None:
    offered = set(dir(holder.era5fast))
    made = {*diagnostics.__all__, *pointwise.__all__, *indices.__all__} - {"ufunc", "CORE"}
    assert len(made) > 70
    assert offered >= {*made, *WRITTEN, "plot"}
    assert not offered & {"great_circle", "distance_matrix", "Client", "ufunc", "CORE", "retrieve", "check"}


#: Public functions that work on no data of xarray's.
ELSEWHERE = {
    *("chunk_references", "explain", "map_files", "open_dataset", "read", "read_points", "read_tracks", "report"),
    *("distance_matrix", "great_circle", "link_points", "retrieve", "variable", "variables", "show_versions"),
    *("get_cache_bytes", "get_num_threads", "set_cache_bytes", "set_num_threads", "leftovers", "remove_leftovers"),
}


def test_no_function_is_forgotten() -> None:
    """What is public and works on data stands in a module that the accessor knows (accessor._FUNCTIONS)."""
    public = {name for name in e5.__all__ if inspect.isfunction(getattr(e5, name))}
    assert public - set(dir(xr.Dataset.era5fast)) == ELSEWHERE


CLASSES = (accessor.DataArrayAccessor, accessor.DatasetAccessor, accessor._ArrayPlots, accessor._DatasetPlots)


@pytest.mark.parametrize("offering", CLASSES)
def test_signatures_and_docstrings_agree(offering: Any) -> None:
    """What is documented can be passed, and what can be passed is documented."""
    names = [name for name in dir(offering) if not name.startswith("_") and name != "plot"]
    assert len(names) > 1
    for name in names:
        method = getattr(offering, name)
        signature = inspect.signature(method)
        assert next(iter(signature.parameters)) == "self", name
        assert not {"time", "calendar", "variable", "out"} & set(signature.parameters), name
        text = method.__doc__ or ""
        assert re.search(rf"As :func:`era5fast\.\w+\.(\w+\.)?{name}`;", text), name
        assert re.match(r"\S.*\.\n\n", text), f"{name} has no summary"
        assert ">>>" not in text, f"examples of the function, which is called otherwise: {name}"
        section = re.search(r"Parameters\n----------\n(.*?)(\n\n|\Z)", text, re.DOTALL)
        entries = re.findall(r"^(\S.*?)(?: : .*)?$", section.group(1), re.MULTILINE) if section else []
        documented = [each.lstrip("*") for entry in entries for each in entry.split(", ")]
        assert sorted(documented) == sorted(set(signature.parameters) - {"self"}), name


def test_help_reads_as_that_of_the_function() -> None:
    text = xr.DataArray.era5fast.daily.__doc__
    assert text.startswith(
        "Daily maximum, minimum, mean or sum of hourly data.\n\nAs :func:`era5fast.diagnostics.daily`;"
    )
    assert "\nx : " not in text
    assert "paths" not in xr.Dataset.era5fast.daily.__doc__.partition("Returns")[0]
    assert str(inspect.signature(xr.Dataset.era5fast.daily)).startswith("(self, /, x, statistic, ")
    assert str(inspect.signature(xr.DataArray.era5fast.daily)).startswith("(self, /, statistic, ")


def test_tab_completion(hourly: xr.Dataset) -> None:
    from IPython.core.completer import provisionalcompleter
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell()
    shell.user_ns["ds"] = hourly

    def completed(text: str) -> set[str]:
        with provisionalcompleter():
            return {each.text for each in shell.Completer.completions(text, len(text))}

    assert completed("ds.era5fast.tx") == {"tx10p", "tx90p", "txn", "txx"}
    assert completed("ds.t2m.era5fast.plot.ev") == {"event_line"}


def test_what_does_not_exist_is_an_attribute_error(hourly: xr.Dataset) -> None:
    with pytest.raises(AttributeError, match="no function 'dayly' on data"):
        _ = hourly.era5fast.dayly
    with pytest.raises(AttributeError, match="no function 'great_circle'"):
        _ = hourly.t2m.era5fast.great_circle
    assert not hasattr(hourly.era5fast, "_repr_html_")
    assert "daily, " in repr(hourly.era5fast)


# --- that it gives what the functions give


@pytest.fixture
def hourly() -> xr.Dataset:
    """Twenty days of hours."""
    rng = np.random.default_rng(1)
    axes = {
        "time": xr.date_range("2001-06-01", periods=480, freq="h", use_cftime=False),
        "latitude": ("latitude", [50.0, 49.0, 48.0], {"units": "degrees_north"}),
        "longitude": ("longitude", [5.0, 6.0, 7.0, 8.0], {"units": "degrees_east"}),
    }
    cells = rng.normal(290, 8, (480, 3, 4)).astype("float32")
    dims = ("time", "latitude", "longitude")
    values = {"t2m": cells, "d2m": cells - 4, "u10": cells - 290, "v10": 290 - cells}
    units = {"t2m": "K", "d2m": "K", "u10": "m s-1", "v10": "m s-1"}
    return xr.Dataset({name: (dims, x, {"units": units[name]}) for name, x in values.items()}, axes)


@pytest.fixture
def daily(hourly: xr.Dataset) -> xr.Dataset:
    """Three years of days under their usual names."""
    rng = np.random.default_rng(2)
    days = xr.date_range("2001-01-01", "2003-12-31", freq="D", use_cftime=False)
    mean = 10 + 12 * np.sin(2 * np.pi * (np.arange(days.size) - 100) / 365.25)[:, None, None]
    values = mean + rng.normal(0, 4, (days.size, 3, 4))
    dims = ("time", "latitude", "longitude")
    axes = {"time": days, "latitude": hourly.latitude, "longitude": hourly.longitude}
    series = {"tx": values + 5, "tn": values - 5, "tg": values, "pr": rng.gamma(0.4, 6, values.shape)}
    return xr.Dataset(
        {name: (dims, x, {"units": "mm d-1" if name == "pr" else "degC"}) for name, x in series.items()}, axes
    )


BASE = ("2001", "2003")

#: What is called on a Dataset, and the same with the functions: of `daily` and `hourly`.
CALLS: dict[str, tuple[Callable[[xr.Dataset, xr.Dataset], Any], Callable[[xr.Dataset, xr.Dataset], Any]]] = {
    "daily": (lambda d, h: h.era5fast.daily("t2m", "max"), lambda d, h: e5.daily(h.t2m, "max")),
    "several": (lambda d, h: h.era5fast.daily("t2m", ["min", "max"]), lambda d, h: e5.daily(h.t2m, ["min", "max"])),
    "by name": (lambda d, h: h.era5fast.daily(x="t2m", statistic="max"), lambda d, h: e5.daily(h.t2m, "max")),
    "an array": (lambda d, h: h.era5fast.daily(h.d2m, "max"), lambda d, h: e5.daily(h.d2m, "max")),
    "the only one": (lambda d, h: h[["t2m"]].era5fast.daily(statistic="min"), lambda d, h: e5.daily(h.t2m, "min")),
    "percentile_doy": (
        lambda d, h: d.era5fast.percentile_doy("tx", 90, window=5, base_period=BASE),
        lambda d, h: e5.percentile_doy(d.tx, 90, window=5, base_period=BASE),
    ),
    "an index": (lambda d, h: d.era5fast.tx90p(base_period=BASE), lambda d, h: indices.tx90p(d.tx, base_period=BASE)),
    "an index of a variable": (lambda d, h: d.era5fast.fd("tg"), lambda d, h: indices.fd(d.tg)),
    "an index of two": (lambda d, h: d.era5fast.dtr(freq="MS"), lambda d, h: indices.dtr(d.tx, d.tn, freq="MS")),
    "an index called id": (lambda d, h: d.era5fast.id_(), lambda d, h: indices.id_(d.tx)),
    "of the mean": (lambda d, h: d.drop_vars("tg").era5fast.gsl(), lambda d, h: indices.gsl(tx=d.tx, tn=d.tn)),
    "etccdi": (
        lambda d, h: d.era5fast.etccdi(indices=["fd", "rx1day"], freq="MS"),
        lambda d, h: e5.etccdi(d, indices=["fd", "rx1day"], freq="MS"),
    ),
    "rules of etccdi": (
        lambda d, h: d.era5fast.etccdi(indices="su", summer_above=30),
        lambda d, h: e5.etccdi(d, indices="su", summer_above=30),
    ),
    "heat_index": (lambda d, h: h.era5fast.heat_index(), lambda d, h: e5.heat_index(h.t2m, dewpoint=h.d2m)),
    "heat_index by names": (
        lambda d, h: h.era5fast.heat_index("t2m", dewpoint="d2m"),
        lambda d, h: e5.heat_index(h.t2m, dewpoint=h.d2m),
    ),
    "wind_speed": (lambda d, h: h.era5fast.wind_speed(), lambda d, h: e5.wind_speed(h.u10, h.v10)),
    "hargreaves": (
        lambda d, h: d.era5fast.hargreaves(),
        lambda d, h: e5.hargreaves(d.tn, d.tx),
    ),
    "heatwaves": (lambda d, h: d.era5fast.heatwaves("china"), lambda d, h: e5.heatwaves("china", tx=d.tx)),
    "spells": (
        lambda d, h: d.era5fast.spells("tx", "20 degC", min_days=2),
        lambda d, h: e5.spells(d.tx, "20 degC", min_days=2),
    ),
    "spells above a variable": (
        lambda d, h: d.assign(limit=d.tx.mean("time", keep_attrs=True)).era5fast.spells("tx", "limit"),
        lambda d, h: e5.spells(d.tx, d.tx.mean("time", keep_attrs=True)),
    ),
    "sample": (lambda d, h: d.era5fast.sample("pr", [48.9], [6.2]), lambda d, h: e5.sample(d.pr, [48.9], [6.2])),
    "regional": (
        lambda d, h: d.era5fast.regional("tx", [box(5, 48, 8, 50)]),
        lambda d, h: e5.regional(d.tx, [box(5, 48, 8, 50)]),
    ),
    "convert_units": (
        lambda d, h: h.era5fast.convert_units("t2m", "K", "degC"),
        lambda d, h: e5.convert_units(h.t2m, "K", "degC"),
    ),
    "find_events": (
        lambda d, h: d.era5fast.find_events("tx", above="20 degC").to_dataframe(),
        lambda d, h: e5.find_events(d.tx, above="20 degC").to_dataframe(),
    ),
    "marine_heatwaves": (
        lambda d, h: d.rename(tx="sst").era5fast.marine_heatwaves().years,
        lambda d, h: e5.marine_heatwaves(d.tx.rename("sst")).years,
    ),
    "of an array": (lambda d, h: h.t2m.era5fast.daily("max"), lambda d, h: e5.daily(h.t2m, "max")),
    "two arrays": (lambda d, h: d.tx.era5fast.dtr(d.tn), lambda d, h: indices.dtr(d.tx, d.tn)),
    "the mean of an array": (
        lambda d, h: d.tx.rename("t").era5fast.gsl(),
        lambda d, h: indices.gsl(d.tx.rename("t")),
    ),
    "etccdi of an array": (lambda d, h: d.tx.era5fast.etccdi(indices="su"), lambda d, h: e5.etccdi(d, indices="su")),
    "heatwaves of an array": (
        lambda d, h: d.tx.era5fast.heatwaves("china"),
        lambda d, h: e5.heatwaves("china", tx=d.tx),
    ),
    "a chain": (
        lambda d, h: h.era5fast.daily("t2m", "max").era5fast.su(freq="MS"),
        lambda d, h: indices.su(e5.daily(h.t2m, "max"), freq="MS"),
    ),
}


@pytest.mark.filterwarnings("ignore:a percentile of", "ignore:the base period")
@pytest.mark.parametrize("call", CALLS)
def test_it_gives_what_the_function_gives(call: str, daily: xr.Dataset, hourly: xr.Dataset) -> None:
    ours, wanted = (each(daily, hourly) for each in CALLS[call])
    if isinstance(wanted, xr.Dataset | xr.DataArray):
        xr.testing.assert_identical(ours, wanted)
    else:
        assert len(wanted) > 0
        assert ours.equals(wanted)


def test_pictures_and_tables(daily: xr.Dataset, tmp_path: Path) -> None:
    cell = daily.isel(latitude=0, longitude=0)
    axes = cell.era5fast.plot.event_line("tx", 20.0)
    assert len(axes.lines) == len(e5.plot.event_line(cell.tx, 20.0).lines) > 0
    assert cell.tx.era5fast.plot.event_line(20.0).lines
    assert {"event_line", "hovmoeller"} <= set(dir(cell.era5fast.plot))
    points = daily[["tx", "pr"]].stack(station=("latitude", "longitude")).reset_index("station")
    files = points.transpose("station", "time").era5fast.write_csv(tmp_path / "{station}.csv")
    assert Path(files[0]).read_text().startswith("time,tx,pr\n")


# --- what is refused, and what it survives


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda d, h: h.era5fast.daily("max"), TypeError, "daily.. missing a required argument: 'statistic'"),
        (lambda d, h: h.era5fast.daily("t3m", "max"), InputError, "no variable 't3m'.*t2m, d2m"),
        (lambda d, h: h.era5fast.daily(statistics="max"), TypeError, "daily.. "),
        (lambda d, h: h.era5fast.daily("t2m", "max", time=1), TypeError, "unexpected keyword argument 'time'"),
        (lambda d, h: h.era5fast.dtr(), InputError, "dtr: which variable is tn.*t2m, d2m, u10, v10: say tn='…'"),
        (
            lambda d, h: h[["t2m"]].era5fast.heat_index(),
            InputError,
            "which variable is relative_humidity or dewpoint",
        ),
        (lambda d, h: h.era5fast.bootstrap(), InputError, "which variable of the Dataset"),
        (lambda d, h: h.t2m.era5fast.etccdi(), InputError, "among t2m.*say which variable is which|Say which"),
        (lambda d, h: h.t2m.era5fast.heatwaves("china"), InputError, "tx"),
        (lambda d, h: h.era5fast.wind_speed(u="u99"), InputError, "no variable 'u99'"),
    ],
)
def test_what_is_refused(call: Any, error: type[Exception], said: str, daily: xr.Dataset, hourly: xr.Dataset) -> None:
    with pytest.raises(error, match=f"(?s){said}"):
        call(daily, hourly)


def test_data_that_were_asked_can_be_pickled_and_copied(hourly: xr.Dataset) -> None:
    for data in (hourly, hourly.t2m):
        assert data.era5fast is data.era5fast
        for copied in (pickle.loads(pickle.dumps(data)), copy.deepcopy(data), copy.copy(data)):
            assert copied.era5fast.daily
            xr.testing.assert_identical(copied, data)
        assert pickle.loads(pickle.dumps(data.era5fast))._data.identical(data)
