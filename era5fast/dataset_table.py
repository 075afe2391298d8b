"""The ERA5 datasets of the Climate Data Store: one row each, with the keys they take and how they are best asked."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from .errors import InputError
from .wording import did_you_mean

__all__ = ["DATASETS", "Dataset", "dataset"]

PRESSURE_LEVELS = (
    1, 2, 3, 5, 7, 10, 20, 30, 50, 70, 100, 125, 150, 175, 200, 225, 250, 300, 350, 400, 450, 500, 550, 600, 650, 700,
    750, 775, 800, 825, 850, 875, 900, 925, 950, 975, 1000,
)  # fmt: skip
MODEL_LEVELS = tuple(range(1, 138))
ISENTROPIC_LEVELS = (265, 275, 285, 300, 315, 320, 330, 350, 370, 395, 430, 475, 530, 600, 700, 850)

#: Levels that exist, by level type of the archive.
LEVELS = {"pl": PRESSURE_LEVELS, "ml": MODEL_LEVELS, "pt": ISENTROPIC_LEVELS, "pv": (2000,), "sfc": ()}

_ENSEMBLE = ("ensemble_members", "ensemble_mean", "ensemble_spread")
_HOURLY = ("reanalysis", *_ENSEMBLE)
_MONTHLY = (
    "monthly_averaged_reanalysis",
    "monthly_averaged_reanalysis_by_hour_of_day",
    "monthly_averaged_ensemble_members",
    "monthly_averaged_ensemble_members_by_hour_of_day",
)
_STATISTICS = ("daily_statistic", "time_zone", "frequency")


@dataclass(frozen=True)
class Dataset:
    """A dataset and what its requests look like.

    Attributes
    ----------
    name : str
        Name at the service.
    prefix : str
        With what the names of its files begin.
    family : str
        ``hourly``, ``monthly``, ``daily`` (statistics computed on request), ``series`` (one point) or ``archive``
        (MARS keywords, from tape).
    level : str
        ``sfc`` or ``pl``; empty where a request chooses.
    reanalysis : str
        ``era5`` or ``land``.
    first_day : date
        Where it begins.
    grid, wave_grid : float
        Native spacing in degrees.
    product_types : tuple of str
        Products; empty where the dataset has no such key.
    cuts : tuple of str
        Periods by which requests are cut, the longest first: ``decade``, ``year``, ``month``, ``day``, or ``all``
        for none.
    limits : dict of str to int
        Fields that one request may ask for, by format, when the service cannot be asked. The numbers change without
        notice; these keep some reserve.
    keys : tuple of str
        Further keys that a request may have.
    takes_grid : bool
        Whether the service interpolates to another grid.
    formats : tuple of str
        What it delivers.
    """

    name: str
    prefix: str
    family: str
    level: str
    reanalysis: str
    first_day: dt.date
    grid: float
    wave_grid: float
    product_types: tuple[str, ...]
    cuts: tuple[str, ...]
    limits: dict[str, int]
    keys: tuple[str, ...] = ()
    takes_grid: bool = True
    formats: tuple[str, ...] = ("netcdf", "grib")

    def native_grid(self, product: str, stream: str) -> float:
        """Spacing in degrees of a product in which nothing is interpolated."""
        coarse = 2.0 if "ensemble" in product else 1.0
        return (self.wave_grid if stream == "wave" else self.grid) * coarse


_ERA5, _LAND = dt.date(1940, 1, 1), dt.date(1950, 1, 1)
_SINGLE = {"netcdf": 16_000, "grib": 60_000}
_ARCHIVE_KEYS = ("stream", "type", "expver", "level_type", "step", "number")
_YEARS, _MONTHS, _DECADES = ("year", "month"), ("month",), ("decade", "year", "month")

DATASETS = {
    row.name: row
    for row in (
        Dataset("reanalysis-era5-single-levels", "era5", "hourly", "sfc", "era5", _ERA5, 0.25, 0.5, _HOURLY, _YEARS,
                _SINGLE),
        Dataset("reanalysis-era5-pressure-levels", "era5", "hourly", "pl", "era5", _ERA5, 0.25, 0.5, _HOURLY, _YEARS,
                _SINGLE),
        Dataset("reanalysis-era5-land", "era5land", "hourly", "sfc", "land", _LAND, 0.1, 0.1, (), _YEARS,
                {"netcdf": 3_000, "grib": 12_000}),
        Dataset("reanalysis-era5-single-levels-monthly-means", "era5monthly", "monthly", "sfc", "era5", _ERA5, 0.25,
                0.5, _MONTHLY, _DECADES, {"netcdf": 1_000, "grib": 10_000}),
        Dataset("reanalysis-era5-pressure-levels-monthly-means", "era5monthly", "monthly", "pl", "era5", _ERA5, 0.25,
                0.5, _MONTHLY, _DECADES, {"netcdf": 1_000, "grib": 10_000}),
        Dataset("reanalysis-era5-land-monthly-means", "era5landmonthly", "monthly", "sfc", "land", _LAND, 0.1, 0.1,
                ("monthly_averaged_reanalysis", "monthly_averaged_reanalysis_by_hour_of_day"), _DECADES,
                {"netcdf": 1_000, "grib": 10_000}),
        Dataset("derived-era5-single-levels-daily-statistics", "era5daily", "daily", "sfc", "era5", _ERA5, 0.25, 0.5,
                _HOURLY, _MONTHS, {"netcdf": 400}, _STATISTICS, False, ("netcdf",)),
        Dataset("derived-era5-pressure-levels-daily-statistics", "era5daily", "daily", "pl", "era5", _ERA5, 0.25, 0.5,
                _HOURLY, _MONTHS, {"netcdf": 400}, _STATISTICS, False, ("netcdf",)),
        Dataset("derived-era5-land-daily-statistics", "era5landdaily", "daily", "sfc", "land", _LAND, 0.1, 0.1,
                (), _MONTHS, {"netcdf": 400}, _STATISTICS, False, ("netcdf",)),
        Dataset("reanalysis-era5-single-levels-timeseries", "era5series", "series", "sfc", "era5", _ERA5, 0.25, 0.25,
                (), ("all",), {}, ("location",), False, ("netcdf", "csv")),
        Dataset("reanalysis-era5-land-timeseries", "era5landseries", "series", "sfc", "land", _LAND, 0.1, 0.1,
                (), ("all",), {}, ("location",), False, ("netcdf", "csv")),
        Dataset("reanalysis-era5-complete", "era5complete", "archive", "", "era5", _ERA5, 0.25, 0.5,
                (), _MONTHS, {}, _ARCHIVE_KEYS),
        Dataset("reanalysis-era5.1-complete", "era51complete", "archive", "", "era5", dt.date(2000, 1, 1), 0.25, 0.5,
                (), _MONTHS, {}, _ARCHIVE_KEYS),
    )
}  # fmt: skip


def dataset(name: str) -> Dataset:
    """Row of a dataset.

    Raises
    ------
    InputError
        If the table has none of that name; the hint has near names.
    """
    if name not in DATASETS:
        hint = did_you_mean(str(name), list(DATASETS), "for other datasets use a plain request, client.retrieve()")
        raise InputError(f"no ERA5 dataset is called '{name}'", hint=hint)
    return DATASETS[name]
