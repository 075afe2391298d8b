"""The weather generator: the same for every cut of a request, plausible, and hot where heat was planted."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from era5fast.testing import PlantedHeatwave, Weather
from era5fast.testing.lattice import Field, Layer, gaussian, spline_weights
from era5fast.testing.weather import VARIABLES

# Region and years that hold the heatwaves planted by default.
NORTH, WEST, SOUTH, EAST = 50.0, -5.0, 42.5, 5.0
YEARS = range(2011, 2021)
LATITUDE = np.arange(NORTH, SOUTH - 0.1, -0.25)
LONGITUDE = np.arange(WEST, EAST + 0.1, 0.25)
SUMMER = int(np.datetime64("2013-07-01").astype(int))


def days_of(first: str, last: str) -> np.ndarray:
    return np.arange(np.datetime64(first), np.datetime64(last) + 1).astype(np.int64)


@pytest.fixture(scope="module")
def weather() -> Weather:
    return Weather()


@pytest.fixture(scope="module")
def summer_maxima(weather) -> tuple[np.ndarray, np.ndarray]:
    """(days, temperatures of the warmest hours) of May to October of all demonstration years."""
    days = np.concatenate([days_of(f"{y}-05-25", f"{y}-10-05") for y in YEARS])
    values = weather.field("t2m", days, [13, 14, 15], LATITUDE, LONGITUDE)
    return days, values.reshape(len(days), 3, len(LATITUDE), len(LONGITUDE)).max(axis=1)


# --- the same for every cut


@pytest.mark.parametrize("name", VARIABLES)
def test_any_cut_gives_the_same_values(weather, name) -> None:
    days = np.arange(SUMMER, SUMMER + 40)
    hours = list(range(0, 24, 3))
    lat, lon = LATITUDE[::3], LONGITUDE[::3]
    whole = weather.field(name, days, hours, lat, lon).reshape(len(days), len(hours), len(lat), len(lon))
    one = weather.field(name, days[17:18], [hours[5]], lat[4:5], lon[7:8])
    np.testing.assert_array_equal(one[0, 0, 0], whole[17, 5, 4, 7])
    scattered = weather.field(name, days[[3, 4, 29]], hours[1::2], lat[::-2], lon + 360)
    np.testing.assert_array_equal(scattered.reshape(3, 4, -1, len(lon)), whole[[3, 4, 29], 1::2, ::-2])


def test_a_longer_block_of_days_changes_nothing(weather) -> None:
    """The generator works in blocks of days whose length depends on the size of the grid."""
    days = np.arange(SUMMER, SUMMER + 30)
    small = weather.field("t2m", days, [6], LATITUDE[:2], LONGITUDE[:2])
    large = weather.field("t2m", days, [6], LATITUDE, LONGITUDE)
    np.testing.assert_array_equal(small, large[:, :2, :2])


def test_the_same_seed_is_the_same_world(weather) -> None:
    arguments = ("t2m", [SUMMER], [12], LATITUDE, LONGITUDE)
    np.testing.assert_array_equal(weather.field(*arguments), Weather().field(*arguments))
    assert not np.array_equal(weather.field(*arguments), Weather(seed=7).field(*arguments))


def test_values_are_pinned(weather) -> None:
    """Another machine or library must not bring another world."""
    values = weather.field("t2m", [SUMMER], [0, 12], np.array([47.0]), np.array([-1.0, 3.0]))
    np.testing.assert_array_equal(values.ravel(), PINNED)


PINNED = np.array([288.673828125, 285.748046875, 297.154296875, 292.333984375], dtype=np.float32)


def test_an_unknown_variable_is_an_error(weather) -> None:
    with pytest.raises(KeyError):
        weather.field("snow_on_mars", [SUMMER], [0], LATITUDE, LONGITUDE)


# --- plausible


def test_warmer_by_day_in_summer_and_towards_the_equator(weather) -> None:
    year = days_of("2014-01-01", "2014-12-31")
    values = weather.field("t2m", year, [2, 14], np.array([60.0, 40.0, 20.0]), LONGITUDE[::8])
    values = values.reshape(len(year), 2, 3, -1).mean(axis=3)
    assert (np.diff(values.mean(axis=(0, 1))) > 5).all()
    assert (values[:, 1].mean(axis=0) > values[:, 0].mean(axis=0) + 2).all()
    january, july = values[:31].mean(axis=(0, 1)), values[181:212].mean(axis=(0, 1))
    assert (july - january > 3).all()
    assert values.min() > 220
    assert values.max() < 330


def test_the_warmest_hour_follows_the_sun(weather) -> None:
    days = days_of("2014-06-01", "2014-08-31")
    values = weather.field("t2m", days, range(24), np.array([45.0]), np.array([0.0, 90.0, 180.0]))
    warmest = values.reshape(len(days), 24, 3).mean(axis=0).argmax(axis=0)
    np.testing.assert_allclose((warmest + np.array([0, 6, 12])) % 24, 14.5, atol=1)


def test_southern_summer_is_in_january(weather) -> None:
    values = weather.field("t2m", days_of("2014-01-10", "2014-01-30"), [12], np.array([-35.0]), LONGITUDE)
    winter = weather.field("t2m", days_of("2014-07-10", "2014-07-30"), [12], np.array([-35.0]), LONGITUDE)
    assert values.mean() > winter.mean() + 5


def test_anomalies_fade_within_days_and_hundreds_of_kilometres(weather) -> None:
    winters = np.concatenate([days_of(f"{y}-01-01", f"{y}-02-15") for y in range(1990, 2020)])
    values = weather.field("t2m", winters, [12], np.array([45.0]), np.array([0.0, 3.0, 40.0]))[:, 0]
    anomaly = (values - values.mean(axis=0)).reshape(30, 46, 3)
    anomaly -= anomaly.mean(axis=0)

    def correlation(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])

    after = [correlation(anomaly[:, :-k, 0], anomaly[:, k:, 0]) for k in (1, 4, 12)]
    assert 0.75 < after[0] < 0.95
    assert 0.25 < after[1] < 0.55
    assert abs(after[2]) < 0.25
    assert 0.6 < correlation(anomaly[..., 0], anomaly[..., 1]) < 0.95
    assert abs(correlation(anomaly[..., 0], anomaly[..., 2])) < 0.25
    assert 2.5 < anomaly[..., 0].std() < 4.5


def test_rain_comes_in_spells_and_is_mostly_absent(weather) -> None:
    values = weather.field("tp", days_of("2014-01-01", "2014-12-31"), range(24), LATITUDE[::6], LONGITUDE[::6])
    wet = values > 0
    assert values.min() == 0
    assert 0.05 < wet.mean() < 0.25
    assert 0.3 < values.mean() * 8760 < 1.5  # metres a year
    assert wet[1:][wet[:-1]].mean() > 3 * wet.mean()
    assert values[wet].std() > 0.8 * values[wet].mean()  # at least as scattered as an exponential, nearly


def test_related_variables_agree(weather) -> None:
    arguments = ([SUMMER, SUMMER + 1], range(24), LATITUDE[::5], LONGITUDE[::5])
    t2m, d2m, high, low = (weather.field(name, *arguments) for name in ("t2m", "d2m", "mx2t", "mn2t"))
    assert (d2m <= t2m).all()
    assert (low <= t2m).all()
    assert (t2m <= high).all()
    np.testing.assert_array_equal(high[1:], np.maximum(t2m[1:], t2m[:-1]))


# --- planted heatwaves


def test_planted_days_are_above_the_percentile_of_their_date(weather, summer_maxima) -> None:
    """Hyndman-Fan type 8 over a five-day window of ten years, for every full day and every cell of the plateau."""
    days, maxima = summer_maxima
    for truth in weather.truth(LATITUDE, LONGITUDE):
        for day in truth.days:
            pooled = np.concatenate([maxima[around(days, day, y)] for y in YEARS])
            sample = np.sort(pooled[:, truth.cells], axis=0)
            position = (len(sample) + 1 / 3) * 0.9 + 1 / 3
            k = int(position)
            p90 = sample[k - 1] + (position - k) * (sample[k] - sample[k - 1])
            today = maxima[days == day.astype(int)][0][truth.cells]
            assert (today > p90 + 0.5).all(), truth.heatwave


def around(days: np.ndarray, day: np.datetime64, year: int) -> np.ndarray:
    same = int(np.datetime64(f"{year}-{str(day)[5:]}").astype(int))
    return np.flatnonzero(abs(days - same) <= 2)


def test_truth_names_days_and_cells(weather) -> None:
    truths = weather.truth(LATITUDE, LONGITUDE)
    assert len(truths) == 4
    for truth in truths:
        assert len(truth.days) == truth.heatwave.days >= 3
        assert truth.cells.shape == (31, 41)
        assert 50 < truth.cells.sum() < 400
        border = np.concatenate([truth.cells[[0, -1]].ravel(), truth.cells[:, [0, -1]].ravel()])
        assert not border.any()
    far = weather.truth([0.0], [100.0])
    assert not any(truth.cells.any() for truth in far)


def test_planted_dates_are_three_weeks_apart(weather) -> None:
    within = sorted(wave.start.timetuple().tm_yday for wave in weather.heatwaves)
    assert min(np.diff(within)) >= 21


def test_a_heatwave_replaces_the_anomaly_and_ends() -> None:
    wave = PlantedHeatwave(date(2013, 7, 5), 5, 46.0, 0.0, 150.0, 14.0)
    place = ([46.0], [0.0])
    during, other = ([int(np.datetime64(d).astype(int))] for d in ("2013-07-07", "2013-07-20"))
    hot, hotter, cold = (Weather(heatwaves=w) for w in ([wave], [replace(wave, amplitude_K=20.0)], []))
    hotter_by = hotter.field("t2m", during, [12], *place) - hot.field("t2m", during, [12], *place)
    assert hotter_by == pytest.approx(6, abs=0.01)
    assert hot.field("t2m", during, [12], *place) > cold.field("t2m", during, [12], *place)
    np.testing.assert_array_equal(hot.field("t2m", other, [12], *place), cold.field("t2m", other, [12], *place))
    np.testing.assert_array_equal(hot.field("tp", during, [12], *place), cold.field("tp", during, [12], *place))


# --- lattice


@pytest.mark.parametrize("fraction", [0.0, 0.3, 0.999])
def test_spline_weights_are_a_partition_of_one(fraction) -> None:
    weights = spline_weights(fraction)
    assert sum(weights) == pytest.approx(1)
    assert min(weights) >= 0


def test_noise_is_standard_and_independent() -> None:
    values = gaussian(1, 2, np.arange(40), np.arange(-20, 20), np.arange(40)).astype(np.float64)
    assert values.mean() == pytest.approx(0, abs=0.02)
    assert values.std() == pytest.approx(1, abs=0.02)
    for axis in range(3):
        near, far = np.delete(values, -1, axis=axis), np.delete(values, 0, axis=axis)
        assert np.corrcoef(near.ravel(), far.ravel())[0, 1] == pytest.approx(0, abs=0.02)
    other = gaussian(1, 3, np.arange(40), np.arange(-20, 20), np.arange(40))
    assert np.corrcoef(values.ravel(), other.ravel())[0, 1] == pytest.approx(0, abs=0.02)


def test_a_field_is_smooth_across_the_greenwich_meridian() -> None:
    field = Field(1, Layer(1, 10.0, 24, 0.0, 1.0), np.array([10.0]), np.arange(-2.0, 2.1, 0.1))
    steps = np.abs(np.diff(field.nodes(0, 5), axis=2))
    assert steps.max() < 0.06
