"""Events in lazy fields: the tables, numbers and ids of the field in memory, for any chunks of any operand."""

from __future__ import annotations

import os
import pickle
import warnings
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import era5fast as e5
from era5fast import _core
from era5fast.errors import InputError, PerformanceHint

dask = pytest.importorskip("dask")
dask_array = pytest.importorskip("dask.array")

pytestmark = [pytest.mark.native, pytest.mark.filterwarnings("ignore::era5fast.errors.PerformanceHint")]

#: Random chunkings that are tried; the environment may ask for more.
EXAMPLES = int(os.environ.get("ERA5FAST_TEST_CHUNKINGS", "15"))

STEPS, ROWS, COLUMNS = 60, 7, 12
TABLES = ("table", "runs", "states", "blobs", "links")


@pytest.fixture(autouse=True)
def small_slabs():
    """Chunks as small as those of a large record beside the memory: of some steps."""
    with dask.config.set({"array.chunk-size": "4KiB", "scheduler": "threads", "num_workers": 2}):
        yield


def world(seed: int = 0, *, dtype: str = "float32") -> xr.DataArray:
    """A globe with poles, values that last, holes, and days that are missing."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(STEPS, ROWS, COLUMNS))
    for t in range(1, STEPS):
        values[t] = 0.6 * values[t - 1] + 0.8 * values[t]
    values[rng.random(values.shape) < 0.02] = np.nan
    days = np.delete(np.arange(STEPS + 3), [11, 12, 37])
    coords = {
        "time": np.datetime64("2003-12-01", "ns") + days * np.timedelta64(1, "D"),
        "latitude": np.linspace(90, -90, ROWS),
        "longitude": np.arange(COLUMNS) * 30.0,
    }
    return xr.DataArray(values.astype(dtype), coords, tuple(coords), "t2m", {"units": "K"})


def day_maps(value: float) -> xr.DataArray:
    """A threshold for each day of the year."""
    rng = np.random.default_rng(1)
    x = world()
    coords = {"dayofyear": np.arange(1, 367), "latitude": x["latitude"], "longitude": x["longitude"]}
    values = value + 0.2 * rng.normal(size=(366, ROWS, COLUMNS))
    return xr.DataArray(values, coords, tuple(coords), attrs={"units": "K"})


def check_same(got: e5.EventCatalogue, wanted: e5.EventCatalogue) -> None:
    """Every bit of every table."""
    for name in TABLES:
        ours, theirs = getattr(got.core, name)(), getattr(wanted.core, name)()
        for column, values in theirs.items():
            assert ours[column].tobytes() == values.tobytes(), f"{name}.{column}"
    assert got.core.geometry() == wanted.core.geometry()
    assert got.definition_json == wanted.definition_json
    assert (got.name, got.units, got.period) == (wanted.name, wanted.units, wanted.period)


#: What is asked, and of which operands: those that are DataArrays are cut at random too.
CALLS: list[tuple[Any, dict[str, Any]]] = [
    (e5.find_events, {"above": 0.9, "min_days": 1}),
    (e5.find_events, {"above": 0.5, "min_days": 3, "max_gap": 2}),
    (e5.find_events, {"below": day_maps(-0.8), "min_days": 2, "closing_km": 2500.0, "opening_km": 1500.0}),
    (e5.find_events, {"above": day_maps(0.7), "core": 1.5, "climatology": day_maps(0), "areas": "wgs84"}),
    (e5.find_events, {"above": world(2), "min_days": 2, "where": world(3) > -1, "min_daily_area_km2": 3e6}),
    (e5.find_events, {"where": world(4) > 0.6, "min_days": 2, "min_duration": 3, "links": False}),
    (e5.track, {"above": 0.8, "overlap": 0.3, "max_missing": 2}),
]


@st.composite
def chunks(draw: st.DrawFn, x: xr.DataArray) -> dict[Any, tuple[int, ...]]:
    """Sizes of chunks along each dimension."""
    found = {}
    for dim, length in x.sizes.items():
        cuts = draw(st.sets(st.integers(1, max(length - 1, 1)), max_size=6)) - {length}
        edges = [0, *sorted(cuts), length]
        found[dim] = tuple(np.diff(edges).tolist())
    return found


@pytest.fixture(scope="module")
def in_memory() -> list[e5.EventCatalogue]:
    return [search(world(), **options) for search, options in CALLS]


@given(st.data())
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_chunks_give_the_bits_of_the_field_in_memory(in_memory, data) -> None:
    which = data.draw(st.integers(0, len(CALLS) - 1))
    search, options = CALLS[which]
    lazy = {
        name: value.chunk(data.draw(chunks(value)))
        if isinstance(value, xr.DataArray) and data.draw(st.booleans())
        else value
        for name, value in options.items()
    }
    x = world().chunk(data.draw(chunks(world())))
    order = data.draw(st.permutations(x.dims))
    with dask.config.set({"array.chunk-size": data.draw(st.sampled_from(["400B", "4KiB", "1MiB"]))}):
        check_same(search(x.transpose(*order), **lazy), in_memory[which])


def test_the_calls_find_something(in_memory) -> None:
    assert all(len(events) >= 5 for events in in_memory)
    assert len({len(events) for events in in_memory}) > 4


@pytest.mark.parametrize("dtype", ["float64", "float16", "int16", "bool", ">f4"])
def test_types(dtype: str) -> None:
    x = world(dtype="float64").fillna(-5)
    x = x > 0.8 if dtype == "bool" else (x * 100).astype(dtype)
    limit = None if dtype == "bool" else 80
    wanted = e5.find_events(x, limit, min_days=2)
    check_same(e5.find_events(x.chunk(time=7, longitude=5), limit, min_days=2), wanted)


def test_a_percentile_stays_lazy_and_is_the_same() -> None:
    time = np.datetime64("2001-01-01", "ns") + np.arange(730) * np.timedelta64(1, "D")
    values = np.random.default_rng(0).normal(size=(730, 3, 4)).astype("float32")
    coords = {"time": time, "latitude": [2.0, 1.0, 0.0], "longitude": [0.0, 1.0, 2.0, 3.0]}
    x = xr.DataArray(values, coords, tuple(coords), "t2m", {"units": "K"})
    options = {"percentile": 90, "window": 15, "min_days": 2}
    check_same(e5.find_events(x.chunk(time=100, latitude=2), **options), e5.find_events(x, **options))


def test_a_field_of_masked_blocks() -> None:
    x = world()
    holes = np.random.default_rng(5).random(x.shape) < 0.1
    blocks = dask_array.from_array(np.ma.masked_array(x.values, holes), chunks=(9, 4, 12), asarray=False)
    lazy = x.copy(data=blocks)
    check_same(e5.find_events(lazy, 0.8, min_days=2), e5.find_events(x.where(~holes), 0.8, min_days=2))


def test_only_the_maps_of_a_slab_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """No task is given the record, nor all maps of a threshold: what bounds the memory."""
    seen: list[tuple[int, int, int]] = []
    whole = _core.field_slab

    def watched(*args: Any) -> bytes:
        maps = args[4][0][0]
        seen.append((len(args[2]), args[7] - args[6], len(maps)))
        return whole(*args)

    monkeypatch.setattr(_core, "field_slab", watched)
    e5.find_events(world().chunk(time=5, latitude=3), day_maps(0.7).chunk(dayofyear=40), min_days=3, max_gap=1)
    steps, slabs, maps = np.array(seen).T
    assert slabs.sum() == STEPS
    assert max(slabs) <= 12
    assert max(steps - slabs) == 2 * 3  # min_days − 1 + max_gap on either side
    assert max(maps) <= max(steps)


def test_a_field_that_is_no_longer_needed_is_not_computed_twice() -> None:
    computed: list[int] = []

    def block(number: np.ndarray) -> np.ndarray:
        computed.append(int(number.ravel()[0]))
        return world().values[4 * computed[-1] : 4 * computed[-1] + 4]

    numbers = dask_array.arange(STEPS // 4, chunks=1)[:, None, None]
    blocks = numbers.map_blocks(
        block, chunks=((4,) * (STEPS // 4), ROWS, COLUMNS), dtype="float32", meta=np.empty((0, 0, 0), "float32")
    )
    e5.find_events(world().copy(data=blocks), 0.8, min_days=3, max_gap=3)
    assert sorted(computed) == list(range(STEPS // 4))


def test_thresholds_of_a_field_in_memory_are_loaded() -> None:
    limits = day_maps(0.7)
    check_same(e5.find_events(world(), limits.chunk(dayofyear=30)), e5.find_events(world(), limits))


def test_chunks_that_hold_long_parts_of_maps_are_told() -> None:
    x = world().chunk(time=-1, longitude=3)
    with dask.config.set({"array.chunk-size": "400B"}), pytest.warns(PerformanceHint, match="chunks of 60 steps"):
        e5.find_events(x, 0.8)
    with dask.config.set({"array.chunk-size": "400B"}), warnings.catch_warnings():
        warnings.simplefilter("error")
        e5.find_events(world().chunk(time=-1), 0.8)


@pytest.mark.parametrize(
    ("change", "options", "text"),
    [
        (lambda x: x, {}, "above which threshold"),
        (lambda x: x, {"above": day_maps(0)[:, :3].chunk(dayofyear=9)}, "above has"),
        (lambda x: x, {"above": world(2)[1:].chunk(time=9)}, "above has other times"),
        (lambda x: x.astype(object), {"above": 1}, "type object"),
        (lambda x: x.isel(longitude=slice(None, None, -1)), {"above": 1}, "eastward"),
        (lambda x: x.drop_vars("latitude"), {"above": 1}, "the grid is not known"),
        (lambda x: x.isel(latitude=0), {"above": 1}, "maps over time|grid is not known"),
        (lambda x: x.drop_vars("time"), {"above": 1}, "time"),
    ],
    ids=["no threshold", "cells", "times", "object", "westward", "no latitude", "two dimensions", "no times"],
)
def test_what_cannot_work_is_refused_before_anything_is_computed(
    change: Any, options: dict[str, Any], text: str
) -> None:
    def never(block: np.ndarray) -> np.ndarray:
        raise AssertionError("computed")

    x = world()
    blocks = dask_array.from_array(x.values, chunks=(9, 4, 5)).map_blocks(never, dtype=x.dtype, meta=x.values[:0])
    with pytest.raises((InputError, KeyError), match=text):
        e5.find_events(change(x.copy(data=blocks)), **options)


# --- the core ---


def slab(question: dict[str, Any], first: int, end: int) -> bytes:
    x, n = question["x"], len(question["x"])
    around = _core.field_around("find_events", question["params"])
    low, high = max(first - around, 0), min(end + around, n)
    limit = (np.full((1, *x.shape[1:]), 0.8), None, 1.0, 0.0)
    linked = np.ones(high - low, bool)
    axes = question["latitude"], question["longitude"]
    limits = (limit, None, None, None)
    return _core.field_slab(
        "find_events", question["params"], x[low:high], False, limits, linked, first - low, end - low, *axes
    )


@pytest.fixture
def question() -> dict[str, Any]:
    x = world()
    params = [3, 1, 0.0, 0.0, 0.0, "26", 0.0, 1, "sphere", True]
    return {"x": x.values, "params": params, "latitude": x["latitude"].values, "longitude": x["longitude"].values}


def joined(question: dict[str, Any], slabs: list[Any], steps: int = STEPS) -> Any:
    seconds = np.arange(steps) * 86400
    axes = question["latitude"], question["longitude"]
    return _core.field_join(
        "find_events", question["params"], slabs, False, seconds, *axes, "standard", 1 << 20, "/tmp", None
    )


def test_slabs_lend_their_bytes_in_any_form(question) -> None:
    slabs = [slab(question, 0, 20), slab(question, 20, 20), slab(question, 20, 60)]
    wanted = joined(question, slabs).table()
    forms = [bytearray(slabs[0]), memoryview(slabs[1]), np.frombuffer(slabs[2], "uint8")]
    found = joined(question, forms).table()
    assert len(wanted["start"]) > 5
    assert all(found[name].tobytes() == column.tobytes() for name, column in wanted.items())


@pytest.mark.parametrize("wrong", ["missing", "twice", "order", "damaged", "other"])
def test_slabs_that_are_no_record(question, wrong: str) -> None:
    slabs = [slab(question, 0, 20), slab(question, 20, 60)]
    if wrong == "missing":
        slabs = slabs[:1]
    elif wrong == "twice":
        slabs = [*slabs, slabs[0]]
    elif wrong == "order":
        slabs = [slabs[1][:40], slabs[0]]
    elif wrong == "damaged":
        slabs[1] = slabs[1][:-1]
    else:
        question["latitude"] = question["latitude"][:-1]
    with pytest.raises(InputError, match="slab"):
        joined(question, slabs)
    with pytest.raises(TypeError):
        joined(question, [1])


def test_a_slab_of_steps_that_there_are_not(question) -> None:
    with pytest.raises((InputError, ValueError)):
        slab({**question, "x": question["x"][:30]}, 20, 40)


def test_a_catalogue_of_a_lazy_field_goes_through_pickle() -> None:
    found = e5.find_events(world().chunk(time=9), 0.8)
    check_same(pickle.loads(pickle.dumps(found)), found)


def test_what_a_lazy_threshold_is_made_of_is_read_once() -> None:
    """The digest of the maps that goes into the definition comes out of the pass that finds the events."""
    x, reads = world(), []

    def read(values: np.ndarray) -> np.ndarray:
        if values.size:
            reads.append(values.shape)
        return values

    source = x.chunk({"time": -1, "latitude": 2})
    lazy = source.copy(data=source.data.map_blocks(read, dtype=x.dtype, meta=np.empty((0, 0, 0), x.dtype)))
    for change in (0.0, 0.25):
        reads.clear()
        thresholds = [(e5.percentile_doy(each, 70) + change).assign_attrs(units="K") for each in (lazy, x)]
        with dask.config.set({"array.chunk-size": "4kiB", "scheduler": "sync"}):
            found = e5.find_events(lazy, above=thresholds[0])
        assert len(reads) == len(source.chunks[1])
        check_same(found, e5.find_events(x, above=thresholds[1]))
