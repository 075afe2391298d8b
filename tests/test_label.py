"""Labels of a mask: equal to the slow twin, to scipy and to cc3d; seam, poles, gaps in time, threads, layouts."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import cc3d
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from reference.label import label as slow_label
from scipy import ndimage

import era5fast as e5
from era5fast.errors import InputError
from era5fast.labels import label

pytestmark = pytest.mark.native

LATITUDE = np.array([90.0, 45, 0, -45, -90])
LONGITUDE = np.arange(0, 360, 40.0)


def axes(rows, columns, pole_first, pole_last):
    """A grid with those poles, or none."""
    south, north = -90.0 if pole_last else -80.0, 90.0 if pole_first else 80.0
    return {"latitude": np.linspace(north, south, rows), "longitude": np.arange(columns) * 1.0}


@settings(max_examples=150, deadline=None)
@given(
    mask=hnp.arrays(bool, st.tuples(st.integers(1, 4), st.integers(2, 5), st.integers(1, 9))),
    connectivity=st.sampled_from([6, 10, 18, 26]),
    periodic=st.booleans(),
    poles=st.tuples(st.booleans(), st.booleans()),
    data=st.data(),
)
def test_equals_the_slow_twin(mask, connectivity, periodic, poles, data):
    steps, rows, columns = mask.shape
    linked = np.array(data.draw(st.lists(st.booleans(), min_size=steps, max_size=steps)))
    pole_rows = frozenset(row for row, on in zip((0, rows - 1), poles, strict=True) if on)
    expected = 1 + slow_label(mask, connectivity, linked=linked, periodic=periodic, pole_rows=pole_rows)
    got = label(mask, connectivity, periodic=periodic, linked=linked, **axes(rows, columns, *poles))
    np.testing.assert_array_equal(got.dense(), expected)
    assert len(got) == expected.max(initial=0)


def random_mask(density, shape=(12, 41, 150), seed=3):
    return np.random.default_rng(seed).random(shape) < density


@pytest.mark.parametrize("density", [0.03, 0.1, 0.3, 0.5, 0.9])
@pytest.mark.parametrize(("connectivity", "rank"), [(6, 1), (18, 2), (26, 3)])
def test_equals_scipy_and_cc3d(density, connectivity, rank):
    mask = random_mask(density)
    labels = label(mask, connectivity)
    expected, n = ndimage.label(mask, ndimage.generate_binary_structure(3, rank))
    np.testing.assert_array_equal(labels.dense(), expected)  # scipy numbers by first cell too
    theirs, their_n = cc3d.connected_components(mask, connectivity=connectivity, binary_image=True, return_N=True)
    assert len(labels) == n == their_n
    pairs = np.unique(np.stack([labels.dense().ravel(), theirs.ravel()]), axis=1)
    assert pairs.shape[1] == n + 1  # one of theirs to each of ours


@pytest.mark.parametrize("columns", [63, 1024, 1025, 2500])
@pytest.mark.parametrize(("connectivity", "rank"), [(6, 1), (18, 2), (26, 3)])
def test_wide_rows_equal_scipy(columns, connectivity, rank):
    """Lines are looked through some words at a time; contacts that others imply are left out."""
    noise = np.random.default_rng(5).standard_normal((4, 6, columns))
    for field in (noise, ndimage.gaussian_filter(noise, (1, 1, 3))):
        for share in (0.2, 0.5, 0.8):
            mask = field > np.quantile(field, share)
            expected, _ = ndimage.label(mask, ndimage.generate_binary_structure(3, rank))
            np.testing.assert_array_equal(label(mask, connectivity).dense(), expected)


def test_ten_neighbours_equal_scipy():
    structure = np.zeros((3, 3, 3), bool)
    structure[1] = structure[:, 1, 1] = True
    mask = random_mask(0.3)
    np.testing.assert_array_equal(label(mask, 10).dense(), ndimage.label(mask, structure)[0])


@pytest.mark.parametrize("connectivity", [4, 8])
def test_one_map(connectivity):
    mask = random_mask(0.4)[0]
    labels = label(mask, connectivity)
    np.testing.assert_array_equal(
        labels.dense(), ndimage.label(mask, ndimage.generate_binary_structure(2, connectivity // 4))[0]
    )
    assert labels.shape == mask.shape


@pytest.mark.parametrize("connectivity", [6, 10, 18, 26])
def test_any_number_of_threads_and_any_layout(connectivity):
    mask = random_mask(0.3, (9, 30, 70))
    wanted = {"periodic": True, **axes(30, 70, True, True)}
    expected = label(mask, connectivity, **wanted).dense()
    wide = np.zeros((18, 60, 140), "uint8")
    wide[1::2, ::2, 1::2] = mask * np.uint8(200)
    layouts = [
        mask.view("uint8") * 3,
        np.asfortranarray(mask),
        wide[1::2, ::2, 1::2],
        np.ascontiguousarray(mask[::-1, ::-1, ::-1])[::-1, ::-1, ::-1],
        np.ascontiguousarray(mask.transpose(2, 0, 1)).transpose(1, 2, 0),
    ]
    try:
        for threads in (1, 2, 5):
            e5.set_num_threads(threads)
            for layout in layouts:
                np.testing.assert_array_equal(label(layout, connectivity, **wanted).dense(), expected)
    finally:
        e5.set_num_threads(0)


def globe(*cells):
    mask = np.zeros((3, 5, 9), bool)
    for cell in cells:
        mask[cell] = True
    return mask


def count(mask, connectivity=26):
    return len(e5.label(mask, connectivity, latitude=LATITUDE, longitude=LONGITUDE))


def test_diagonal_pairs_over_the_seam():
    assert count(globe((0, 1, 8), (0, 2, 0))) == 1
    assert count(globe((0, 1, 8), (0, 2, 0)), 6) == 2
    assert count(globe((0, 1, 8), (1, 1, 0)), 18) == 1
    assert count(globe((0, 1, 8), (1, 2, 0)), 18) == 2
    assert count(globe((0, 1, 8), (1, 2, 0))) == 1
    assert len(label(globe((0, 1, 8), (0, 2, 0)))) == 2  # no grid, no seam


def test_polar_caps_are_one_point():
    assert count(globe((0, 0, 0), (0, 0, 4))) == 1
    assert count(globe((0, 0, 0), (1, 0, 4)), 6) == 1
    assert count(globe((0, 4, 0), (0, 4, 4))) == 1
    assert count(globe((0, 1, 0), (0, 1, 4))) == 2  # rows beside the pole do not touch across it


def test_an_object_round_the_globe():
    ring = globe()
    ring[0, 2] = True
    assert count(ring) == 1
    assert count(ring, 6) == 1
    ring[0, 2, 4] = False  # held together by the seam alone
    assert count(ring) == 1
    assert len(label(ring)) == 2


def test_the_seam_is_touched_at_a_later_step_only():
    mask = globe((0, 2, 1), (0, 2, 7), (1, 2, 1), (1, 2, 7), (2, 2, 0), (2, 2, 8))
    assert count(mask[:2]) == 2
    assert count(mask) == 1


def test_runs_are_those_of_the_dense_labels():
    mask = random_mask(0.4, (4, 7, 130))
    labels = label(mask, 18, periodic=True)
    painted = np.zeros(mask.shape, "int32")
    runs = labels.runs()
    for time, row, first, n, component in zip(*runs.values(), strict=True):
        assert not painted[time, row, first : first + n].any()
        painted[time, row, first : first + n] = component
    np.testing.assert_array_equal(painted, labels.dense())
    order = np.lexsort([runs["first"], runs["row"], runs["time"]])
    np.testing.assert_array_equal(order, np.arange(len(order)))


def test_a_dataarray_brings_its_grid_and_its_times():
    time = np.array(["2000-01-01", "2000-01-02", "2000-01-04"], "datetime64[ns]")
    coords = {"time": time, "latitude": LATITUDE, "longitude": LONGITUDE}
    mask = xr.DataArray(globe((0, 1, 8), (1, 1, 0), (2, 1, 0)), coords, tuple(coords), attrs={"units": "K"})
    labels = label(mask)
    assert len(labels) == 2  # over the seam, but not over the missing day
    dense = labels.dense()
    assert dense.dims == mask.dims
    assert dense.attrs["units"] == "1"
    assert int(dense[0, 1, 8]) == int(dense[1, 1, 0]) == 1
    assert len(label(mask, linked=[True, True, True])) == 1
    assert len(label(mask, periodic=False)) == 3


def test_nothing_at_all():
    assert len(label(np.zeros((2, 3, 4), bool))) == 0
    for shape in [(0, 3, 4), (2, 0, 4), (2, 3, 0)]:
        labels = label(np.zeros(shape, bool))
        assert len(labels) == 0
        assert labels.dense().shape == shape
        assert labels.runs()["time"].size == 0


@pytest.mark.parametrize(
    ("mask", "wrong"),
    [
        (np.zeros((2, 3, 4)), {}),
        (np.zeros(4, bool), {}),
        (np.zeros((2, 3, 4), bool), {"connectivity": 8}),
        (np.zeros((3, 4), bool), {"connectivity": 26}),
        (np.zeros((2, 3, 4), bool), {"latitude": [1, 2, 3]}),
        (np.zeros((2, 3, 4), bool), {"latitude": [1, 2], "longitude": [1, 2, 3, 4]}),
        (np.zeros((2, 3, 4), bool), {"latitude": [1, 2, 300], "longitude": [1, 2, 3, 4]}),
        (np.zeros((2, 3, 4), bool), {"latitude": ["a", "b", "c"], "longitude": [1, 2, 3, 4]}),
        (np.zeros((2, 3, 4), bool), {"linked": [True]}),
        (np.zeros((2, 3, 4), bool), {"linked": [2, 3]}),
    ],
)
def test_bad_input_is_refused(mask, wrong):
    with pytest.raises(InputError):
        label(mask, **wrong)


def test_any_threads_may_ask_for_the_runs():
    labels = label(random_mask(0.4, shape=(20, 200, 400)), 26)
    with ThreadPoolExecutor(4) as threads:
        tables = [called.result() for called in [threads.submit(labels.runs) for _ in range(8)]]
    time, row, column = labels.dense().nonzero()
    for table in tables:
        cells = [np.repeat(table[name], table["count"]) for name in ("time", "row", "component")]
        np.testing.assert_array_equal(cells, [time, row, labels.dense()[time, row, column]])


@pytest.mark.parametrize("shape", [(5, 6, 9), (6, 9)])
@pytest.mark.parametrize("labelled", [False, True])
def test_labels_go_through_pickle(shape: tuple[int, ...], labelled: bool) -> None:
    mask: Any = np.random.default_rng(1).random(shape) > 0.6
    if labelled:
        dims = ("time", "latitude", "longitude")[-len(shape) :]
        axes = {"latitude": np.arange(6.0), "longitude": np.arange(9) * 40.0}
        days = {"time": np.array(["2001-01-01", "2001-01-02", "2001-01-03", "2001-01-05", "2001-01-06"], "M8[ns]")}
        coords = {**axes, **(days if len(shape) == 3 else {})}
        mask = xr.DataArray(mask, coords, dims, "hot", {"history": "made by hand"})
    found = label(mask)
    again = pickle.loads(pickle.dumps(found))
    assert (len(again), again.shape) == (len(found), found.shape)
    assert type(again.dense()) is type(found.dense())
    assert np.array_equal(again.dense(), found.dense())
    if labelled:
        xr.testing.assert_identical(again.dense(), found.dense())
        assert '"mask": "hot"' in again.dense().attrs["era5fast_definition"]
    assert len(pickle.dumps(found)) < 4000
