"""Time on all calendars: dates, days of the year, units and slots as cftime has them."""

from __future__ import annotations

import contextlib
import datetime

import cftime
import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import era5fast as e5
from era5fast import _core, times
from era5fast.errors import InputError
from tests.reference import doy_window

pytestmark = [pytest.mark.native, pytest.mark.filterwarnings("ignore:this date/calendar/year zero")]

CALENDARS = ["standard", "proleptic_gregorian", "noleap", "all_leap", "360_day", "julian"]
SYNONYMS = {"gregorian": "standard", "365_day": "noleap", "366_day": "all_leap"}
DAY = 86400
EPOCH = "seconds since 1970-01-01"

calendars = st.sampled_from(CALENDARS)
day_numbers = st.integers(-1_500_000, 1_500_000)  # years −2100 to 6000


def test_times_of_several_calendars_are_refused() -> None:
    dates = [cftime.DatetimeNoLeap(2001, 1, 1), cftime.DatetimeGregorian(2001, 1, 2), datetime.date(2001, 1, 3)]
    for mixed in (dates[:2], [dates[0], dates[2]]):
        with pytest.raises(InputError, match="times of several calendars: noleap and"):
            times.decode_times(np.array(mixed, dtype=object), None)


def cftime_date(seconds, calendar: str):
    return cftime.num2date(seconds, EPOCH, calendar=calendar, has_year_zero=True)


def numbers_of(date: cftime.datetime) -> tuple[int, int, int, int]:
    """Year, month, day and day of the year; cftime counts the ten days that 1582 did not have."""
    left_out = (
        10 if date.calendar == "standard" and (1582, 10, 5) < (date.year, date.month, date.day) < (1583,) else 0
    )
    return date.year, date.month, date.day, date.dayofyr - left_out


# --- dates ---


@given(calendars, st.lists(day_numbers, min_size=1, max_size=20))
def test_dates_equal_those_of_cftime(calendar: str, days: list[int]) -> None:
    expected = [numbers_of(cftime_date(day * DAY, calendar)) for day in days]
    assert np.array_equal(_core.dates(days, calendar), expected)


@pytest.mark.parametrize("calendar", CALENDARS)
def test_every_day_around_the_turns_of_calendars(calendar: str) -> None:
    # the reform of 1582, the century years, the leap years around 2000, and the year 0
    days = np.r_[-142500:-140500, -26000:-25000, 10500:11500, -720000:-718000]
    expected = [numbers_of(date) for date in cftime_date(days * DAY, calendar)]
    assert np.array_equal(_core.dates(days, calendar), expected)


@pytest.mark.parametrize(("name", "meant"), SYNONYMS.items())
def test_calendars_have_other_names(name: str, meant: str) -> None:
    days = np.arange(0, 5000, 17)
    assert np.array_equal(_core.dates(days, name), _core.dates(days, meant))
    assert np.array_equal(_core.dates(days, None), _core.dates(days, "standard"))


def test_no_such_calendar() -> None:
    for call in (
        lambda: _core.dates([1], "mayan"),
        lambda: _core.slots([1], "mayan", 365),
        lambda: _core.decode_time([1.0], "days since 1970-01-01", "mayan"),
        lambda: e5.daily(np.zeros(1), "max", time=np.array(["2001-01-01"], "M8[D]"), calendar="mayan"),
    ):
        with pytest.raises(InputError, match='unknown calendar "mayan"'):
            call()


# --- units ---

UNITS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": DAY}
EPOCHS = ["1900-01-01", "1970-01-01 00:00:00", "2001-02-28 12:30:00.0", "1582-10-15", "1850-1-1 6:00", "0001-01-01"]


@given(calendars, st.sampled_from(list(UNITS)), st.sampled_from(EPOCHS), st.data())
def test_stored_numbers_decode_as_in_cftime(calendar: str, unit: str, epoch: str, data: st.DataObject) -> None:
    limit = 10**10 // UNITS[unit]
    numbers = data.draw(st.lists(st.integers(-limit, limit), min_size=1, max_size=5))
    units = f"{unit} since {epoch}"
    dates = cftime.num2date(numbers, units, calendar=calendar, has_year_zero=True)
    expected = cftime.date2num(dates, EPOCH, calendar=calendar, has_year_zero=True)
    assert np.array_equal(_core.decode_time(np.array(numbers, "f8"), units, calendar), expected)


@given(calendars, st.integers(0, 10**9), st.sampled_from(["hours", "days"]))
def test_floats_are_rounded_to_seconds(calendar: str, seconds: int, unit: str) -> None:
    stored = seconds / UNITS[unit]
    assert _core.decode_time([stored], f"{unit} since 1970-01-01", calendar) == [seconds]


@pytest.mark.parametrize(
    ("units", "text"),
    [
        ("days", "no time unit"),
        ("since 1970-01-01", "no time unit"),
        ("days since", "no time unit|no date"),
        ("days since yesterday", "no date and time"),
        ("days since 1970-13-01", "no date and time"),
        ("days since 1970-02-30", "has no day"),
        ("days since 1970-01-01 25:00", "no date and time"),
        ("months since 1970-01-01", "no fixed length.*Rewrite"),
        ("years since 1970-01-01", "no fixed length"),
        ("fortnights since 1970-01-01", 'unknown unit "fortnights"'),
        ("days since 1970-01-01 rubbish", "no date and time"),
        ("", "no time unit"),
        ("x" * 100_000, "no time unit"),
    ],
    ids=lambda text: text[:30],
)
def test_units_that_are_none(units: str, text: str) -> None:
    with pytest.raises(InputError, match=text):
        _core.decode_time([0.0], units, "standard")


@given(st.text(max_size=60).filter(lambda text: "\0" not in text), st.floats())
def test_any_units_and_numbers_are_decoded_or_refused(units: str, number: float) -> None:
    for text in (units, f"days since {units}", f"{units} since 2000-01-01", f"hours since 2000-01-01{units}"):
        with contextlib.suppress(InputError):
            assert _core.decode_time([number], text, None).dtype == "int64"


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf, 1e300, 2.0**63])
def test_numbers_that_are_no_time(number: float) -> None:
    with pytest.raises(InputError, match="out of range"):
        _core.decode_time([number], "days since 1970-01-01", "standard")


# --- slots ---


@pytest.mark.parametrize("calendar", CALENDARS)
@pytest.mark.parametrize("leap_day", ["drop", "stretch"])
def test_slot_of_every_day(calendar: str, leap_day: str) -> None:
    count = doy_window.result_slots(calendar, leap_day)
    days = np.arange(-800, 800)
    dates = cftime_date(days * DAY, calendar)
    # A calendar with one length of years has one set of slots.
    expected = [doy_window.slot_of_day(date, calendar, leap_day) for date in dates]
    assert np.array_equal(_core.slots(days, calendar, count), expected)


@pytest.mark.parametrize(
    ("calendar", "count"), [("standard", 360), ("noleap", 366), ("360_day", 365), ("standard", 0)]
)
def test_count_of_slots_that_does_not_fit(calendar: str, count: int) -> None:
    with pytest.raises(InputError, match=f"threshold of {count} days does not fit the calendar '{calendar}'"):
        _core.slots([0], calendar, count)


# --- to Python and back ---


@given(calendars, st.lists(st.integers(-(10**10), 10**11), min_size=1, max_size=10))
def test_dates_of_users_survive_the_round_trip(calendar: str, seconds: list[int]) -> None:
    dates = times.encode_times(np.array(seconds), calendar)
    assert dates.dtype.kind == "M" or {date.calendar for date in dates} == {calendar}
    back, name = times.decode_times(dates, calendar)
    assert back.tolist() == seconds
    assert name == calendar or dates.dtype.kind == "M"


@pytest.mark.parametrize("calendar", ["standard", "proleptic_gregorian"])
def test_far_years_become_cftime(calendar: str) -> None:
    near, far = times.encode_times(np.array([0]), calendar), times.encode_times(np.array([0, 10**11]), calendar)
    assert near.dtype == "datetime64[ns]"
    assert far.dtype.kind == "O"
    assert far[1].year == 5138
    assert times.encode_times(np.array([], int), calendar).dtype == "datetime64[ns]"


LENGTHS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9, "D": DAY * 10**9}


@given(st.sampled_from(list(LENGTHS)), st.integers(-(10**6), 10**6))
def test_datetime64_of_any_unit(unit: str, number: int) -> None:
    seconds, calendar = times.decode_times(np.array([np.datetime64(number, unit)]), None)
    assert calendar == "proleptic_gregorian"
    assert abs(int(seconds[0]) * 10**9 - number * LENGTHS[unit]) <= 5 * 10**8 + 10**3


def test_fractions_of_a_second_are_noise() -> None:
    noon = np.datetime64("1950-07-01T12:00:00", "ns")
    stamps = noon + np.array([-13_000, 0, 13_000])
    assert set(times.decode_times(stamps, None)[0]) == {int(noon.astype("datetime64[s]").astype("int64"))}
    late = cftime.DatetimeNoLeap(1950, 7, 1, 11, 59, 59, 999_987)
    on_time = cftime.DatetimeNoLeap(1950, 7, 1, 12)
    assert np.array_equal(*(times.decode_times(np.array([date]), None)[0] for date in (late, on_time)))


def test_dates_of_other_kinds() -> None:
    day = 11323 * DAY
    for dates in (
        ["2001-01-01"],
        [datetime.date(2001, 1, 1)],
        [datetime.datetime(2001, 1, 1)],
        np.array(["2001-01-01"], "datetime64[M]"),
        np.datetime64("2001-01-01"),
    ):
        assert times.decode_times(dates, None)[0].tolist() == [day]


@pytest.mark.parametrize(
    ("dates", "text"),
    [
        ([1, 2], "cannot read times of type int64"),
        ([1.5], "cannot read times of type float64"),
        (["noon"], "cannot read times"),
        ([None], "NaT|cannot read"),
        ([object()], "cannot read times"),
        (np.array(["NaT"], "M8[s]"), "NaT"),
    ],
)
def test_what_is_no_date(dates: object, text: str) -> None:
    with pytest.raises(InputError, match=text):
        times.decode_times(dates, None)


def test_times_are_labels_in_a_calendar_without_leap_days() -> None:
    days = np.arange("1899-12-30", "2105-01-01", dtype="M8[D]")
    dates = [str(day) for day in days if not str(day).endswith("02-29")]
    seconds, calendar = times.decode_times(np.array(dates, "M8[h]") + np.timedelta64(6, "h"), "noleap")
    assert [date.strftime("%Y-%m-%dT%H") for date in times.encode_times(seconds, calendar)] == [
        f"{date}T06" for date in dates
    ]
    with pytest.raises(InputError, match="29 February"):
        times.decode_times(days, "365_day")


@pytest.mark.parametrize("calendar", ["360_day", "all_leap", "366_day", "julian"])
def test_dates_that_datetime64_cannot_name(calendar: str) -> None:
    with pytest.raises(InputError, match="cannot name all dates") as caught:
        times.decode_times(np.array(["2001-01-01"], "M8[D]"), calendar)
    assert "cftime" in str(caught.value.hint)


def test_the_calendar_of_labelled_data_is_their_own() -> None:
    x = xr.DataArray(np.zeros((48, 1, 1)), dims=("time", "latitude", "longitude"))
    x = x.assign_coords(time=np.datetime64("2001-01-01", "ns") + np.arange(48) * np.timedelta64(1, "h"))
    assert e5.daily(x, "max", calendar="standard").sizes["time"] == 2
    with pytest.raises(InputError, match="the calendar of the data is proleptic_gregorian, not noleap"):
        e5.daily(x, "max", calendar="noleap")
