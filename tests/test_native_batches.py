"""Native functions in pools: many calls at once, with the results of single ones; and bars."""

import functools
import os
import signal
import threading

import numpy as np
import pytest
import xarray as xr

import era5fast as e5
from era5fast.errors import InputError
from era5fast.pool import AsyncResult, Executor, Pool, ThreadPool
from era5fast.pool.native import batch_of, is_native

pytestmark = [pytest.mark.native, pytest.mark.usefixtures("nothing_hangs")]

RNG = np.random.default_rng(0)
CELSIUS = functools.partial(e5.convert_units, given="K", wanted="degC", progress=False)
POINTS = [tuple(RNG.uniform(-80, 80, 4).tolist()) for _ in range(50)]


@pytest.fixture(params=[ThreadPool, Pool])
def pool(request):
    with request.param(2) as made:
        yield made


def arrays(dtype="f8", shapes=((7,), (3, 5), (0,), (40,))):
    return [RNG.uniform(260, 320, shape).astype(dtype) for shape in shapes]


def check_same(results, expected):
    assert len(results) == len(expected)
    for mine, single in zip(results, expected, strict=True):
        assert type(mine) is type(single)
        assert np.asarray(mine).dtype == np.asarray(single).dtype
        np.testing.assert_array_equal(mine, single)


CASES = [
    (e5.great_circle, POINTS),
    (e5.great_circle, [(np.float64(a), b, c, d) for a, b, c, d in POINTS]),
    (e5.great_circle, [(1, 2, 3, 4), (5, 6, 7, 8)]),
    (e5.heat_index, [(t, t * 0 + 50) for t in arrays(shapes=((7,), (3, 5), (40,)))]),
    (e5.heat_index, [(t, t * 0 + 50) for t in arrays("f4", shapes=((7,), (3, 5), (40,)))]),
    (e5.heat_index, [(t, 50.0) for t in arrays("f4", shapes=((7,), (3, 5)))]),
    (e5.heat_index, [(300.0, 40.0), (310.0, 60.0)]),
    (e5.convert_units, [(t, "K", "degC") for t in arrays(shapes=((7,), (3, 5), (0,)))]),
    (e5.convert_units, [(np.asfortranarray(t), "K", "degC") for t in arrays(shapes=((7, 2), (3, 5)))]),
    # not at once, and still right
    (e5.convert_units, [(RNG.uniform(size=3), "K", "degC"), (RNG.uniform(size=3), "degC", "K")]),
    (e5.convert_units, [(t, "K", "degC") for t in (RNG.uniform(size=3), RNG.uniform(size=3).astype("f4"))]),
    (e5.convert_units, [(t, "K", "degC") for t in arrays(shapes=((), (3,)))]),
    (e5.convert_units, [(np.arange(3, dtype="i2"), "K", "degC"), ([1.0, 2.0], "K", "degC")]),
    (e5.convert_units, [(RNG.uniform(size=100_000), "K", "degC")] * 2),
    (e5.great_circle, [("47°30'N", "8°E", 0, 0), (1.0, 2.0, 3.0, 4.0)]),
    (e5.heat_index, [(np.array([300.0]), np.array([50.0, 60.0]))] * 2),
]


@pytest.mark.parametrize(("function", "calls"), CASES)
@pytest.mark.parametrize("way", ["starmap", "starmap_async", "executor"])
def test_results_are_those_of_single_calls(function, calls, way):
    expected = [function(*call) for call in calls]
    with ThreadPool(2) as pool, Executor(2) as executor:
        if way == "executor":
            check_same(list(executor.map(function, *zip(*calls, strict=True))), expected)
        elif way == "starmap":
            check_same(pool.starmap(function, iter(calls)), expected)
        else:
            check_same(pool.starmap_async(function, calls).get(), expected)


@pytest.mark.parametrize("items", [arrays(), arrays("f4"), [280.0, 290.0], [xr.DataArray([280.0], name="t")] * 3])
def test_functions_of_one_argument(pool, items):
    expected = [CELSIUS(item) for item in items]
    check_same(pool.map(CELSIUS, items), expected)
    check_same(pool.map_async(CELSIUS, iter(items)).get(), expected)
    check_same(list(pool.imap(CELSIUS, items, 2)), expected)
    check_same(list(pool.imap(CELSIUS, items)), expected)


def test_many_calls_are_one(monkeypatch):
    """Of the core there are two: the first call alone, which shows the type of a result, and all of them."""
    called = []
    real = e5._core.great_circle
    monkeypatch.setattr(e5._core, "great_circle", lambda *args: called.append(args[0].size) or real(*args))
    with ThreadPool(2) as pool:
        pool.starmap(e5.great_circle, POINTS)
    assert called == [1, 50]


def test_an_error_is_that_of_its_call(pool):
    calls = [*POINTS, (95.0, 0.0, 0.0, 0.0)]
    with pytest.raises(InputError) as single:
        e5.great_circle(*calls[-1])
    with pytest.raises(InputError) as caught:
        pool.starmap(e5.great_circle, calls)
    assert str(caught.value) == str(single.value)
    assert pool.starmap(e5.great_circle, []) == []


def test_an_executor_gives_what_came_before_an_error():
    with Executor(2) as executor:
        results = executor.map(e5.great_circle, [1.0, 2.0, 95.0], [0.0] * 3, [0.0] * 3, [0.0] * 3)
        assert [next(results), next(results)] == [e5.great_circle(lat, 0, 0, 0) for lat in (1.0, 2.0)]
        with pytest.raises(InputError):
            next(results)
        assert list(executor.map(e5.great_circle, [], [], [], [])) == []


def test_callbacks_and_kinds_of_results(pool):
    seen = []
    result = pool.map_async(CELSIUS, [280.0, 290.0], callback=seen.append)
    values = result.get()
    assert seen == [values]
    failed = []
    result = pool.starmap_async(e5.great_circle, [(95.0, 0.0, 0.0, 0.0)] * 2, error_callback=failed.append)
    with pytest.raises(InputError):
        result.get()
    assert [type(error) for error in failed] == [InputError]
    if isinstance(pool, ThreadPool):
        assert isinstance(result, AsyncResult)


@pytest.mark.parametrize("way", ["apply_async", "submit", "imap", "imap_unordered"])
def test_calls_asked_for_one_by_one_are_gathered(monkeypatch, way):
    sizes = []
    real = e5._core.linear
    monkeypatch.setattr(e5._core, "linear", lambda *args: sizes.append(args[0].size) or real(*args))
    items = RNG.uniform(260, 320, 200).tolist()
    expected = [CELSIUS(item) for item in items]
    sizes.clear()
    go = threading.Event()
    with ThreadPool(1) as pool, Executor(1) as executor:
        blocked = pool.apply_async(go.wait, (20,)), executor.submit(go.wait, 20)
        if way == "apply_async":
            asked = [pool.apply_async(CELSIUS, (item,)) for item in items]
            go.set()
            results = [result.get(20) for result in asked]
        elif way == "submit":
            asked = [executor.submit(CELSIUS, item) for item in items]
            assert asked[3].cancel()
            go.set()
            results = [expected[i] if i == 3 else future.result(20) for i, future in enumerate(asked)]
        else:
            iterator = getattr(pool, way)(CELSIUS, items)
            while len(iterator._fed) < 200:
                assert not blocked[0].ready()
            go.set()
            results = list(iterator)
    check_same(results, expected)
    assert len(sizes) == 2
    assert sizes[0] == 1  # which shows the type of a result


def test_a_gathered_call_has_its_own_error_and_keywords(pool):
    given = [(95.0, 0.0, 0.0, 0.0) if i % 10 == 3 else point for i, point in enumerate(POINTS)]
    asked = [pool.apply_async(e5.great_circle, point) for point in given]
    for point, result in zip(given, asked, strict=True):
        if point[0] == 95:
            with pytest.raises(InputError):
                result.get(20)
        else:
            assert result.get(20) == e5.great_circle(*point)
    wanted = ["degC", "degF", "K", "degC"]
    asked = [pool.apply_async(e5.convert_units, (300.0, "K"), {"wanted": unit}) for unit in wanted]
    check_same([result.get(20) for result in asked], [e5.convert_units(300.0, "K", unit) for unit in wanted])
    weird = pool.apply_async(e5.convert_units, (300.0,), {"given": "K", "wanted": "degC", "nodata": np.ones(2)})
    with pytest.raises(InputError):
        weird.get(20)


def test_gathered_calls_wait_in_a_worker_of_their_own():
    with ThreadPool(1) as pool:

        def nested():
            asked = [pool.apply_async(e5.great_circle, point) for point in POINTS]
            return [result.get(20) for result in reversed(asked)]

        assert pool.apply_async(nested).get(20) == [e5.great_circle(*point) for point in reversed(POINTS)]


def test_native_functions_need_no_process():
    field = xr.DataArray(RNG.uniform(size=(48, 2)), {"time": np.arange("2001-01-01", "2001-01-03", dtype="M8[h]")},
                         dims=("time", "x"))  # fmt: skip
    daily = functools.partial(e5.daily, statistic="max", progress=False)
    with Pool(1) as pool:
        for worker in pool._pool:
            os.kill(worker.pid, signal.SIGSTOP)
        expected = daily(field)
        for result in (
            *pool.map(daily, [field] * 2),
            *pool.imap(daily, [field]),
            *pool.imap_unordered(daily, [field]),
            *pool.map_async(daily, [field]).get(20),
            *pool.starmap(daily, [(field,)]),
            *pool.starmap_async(daily, [(field,)]).get(20),
            pool.apply(daily, (field,)),
        ):
            xr.testing.assert_identical(result, expected)
        seen = []
        assert pool.apply_async(e5.great_circle, POINTS[0], callback=seen.append).get(20) == seen[0]
        for worker in pool._pool:
            os.kill(worker.pid, signal.SIGCONT)
        assert pool.map(abs, [-1]) == [1]
        pool.close()
        with pytest.raises(ValueError, match="not running"):
            pool.apply_async(e5.great_circle, POINTS[0])
        pool.join()
    assert is_native(daily)
    assert not any(map(is_native, (abs, square, e5.Client, functools.partial(square), Pool.map)))


def test_a_closed_pool_refuses_a_batch(pool):
    pool.close()
    with pytest.raises(ValueError, match="not running"):
        pool.starmap(e5.great_circle, POINTS)


def test_what_is_native():
    for function in (e5.great_circle, CELSIUS, e5.retrieve):
        assert batch_of(function) is not None
    assert batch_of(len) is None
    assert batch_of(functools.partial(len)) is None


# --- bars


def square(x):
    return x * x


def power(x, y):
    return x**y


def test_progress_is_shown(pool, monkeypatch):
    told, labels = [], []

    class Bar:
        def __init__(self, label):
            labels.append(label)

        def __enter__(self):
            return lambda done, total, stage: told.append((done, total))

        def __exit__(self, *exception):
            pass

    monkeypatch.setattr("era5fast.progress.Progress", Bar)
    monkeypatch.setattr("era5fast.pool.watching._LOOK", 1e-4)
    n = 20_000
    assert pool.map(square, range(n), progress=True) == [x * x for x in range(n)]
    assert pool.starmap(power, [(2, 3), (3, 2)], 1, progress=True) == [8, 9]
    assert labels == ["square", "power"]
    assert told == sorted(told, key=lambda pair: -pair[1])  # first those of many calls
    done = [number for number, total in told if total == n]
    assert done == sorted(done)
    assert 0 <= done[0] <= done[-1] <= n


def test_progress_counts_the_calls_that_were_begun():
    go = threading.Event()
    with ThreadPool(2) as pool:
        result = pool.map_async(lambda x: go.wait(20), range(100), 10)
        while result.counts()[0] < 20:  # a chunk for each worker
            assert not result.ready()
        assert result.counts() == (20, 100)
        go.set()
        result.get()
        assert result.counts() == (100, 100)


def test_errors_pass_a_bar(pool):
    with pytest.raises(TypeError):
        pool.map(square, [1, None], progress=True)
    assert pool.map(square, [], progress=True) == []
