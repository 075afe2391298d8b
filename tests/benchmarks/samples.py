"""Data of the benchmarks: synthetic, made once, kept in ``build/bench``."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from pathlib import Path

import numpy as np

from era5fast.testing import Weather
from era5fast.testing.catalogue import DATASETS
from era5fast.testing.netcdf import write_file
from era5fast.testing.request import Selection

CACHE = Path(__file__).resolve().parents[2] / "build" / "bench"
REGION = (50.0, -5.0, 40.0, 10.0)  # 41 × 61 cells of a quarter of a degree
EUROPE = (70.0, -25.0, 30.0, 45.0)  # 161 × 281 cells
_EPOCH = date(1970, 1, 1)
_LAST_DAY = 10**6  # so that no day counts as preliminary


def hourly_years(years: Sequence[int]) -> list[Path]:
    """Hourly 2 m temperature of a region, one file per year, in the layout of the service."""
    return _hourly({f"{year}": (date(year, 1, 1), date(year + 1, 1, 1)) for year in years})


def hourly_months(years: Sequence[int]) -> list[Path]:
    """The same values in one file per month."""
    firsts = [date(year, month, 1) for year in years for month in range(1, 13)]
    following = [*firsts[1:], date(max(years) + 1, 1, 1)]
    return _hourly({f"{first:%Y_%m}": (first, after) for first, after in zip(firsts, following, strict=True)})


def _hourly(spans: dict[str, tuple[date, date]]) -> list[Path]:
    """Files of these names, each of some days."""
    files = {CACHE / f"t2m_{name}.nc": span for name, span in spans.items()}
    missing = {path: span for path, span in files.items() if not path.exists()}
    if missing:
        print(f"making {len(missing)} files in {CACHE}", flush=True)
        with ProcessPoolExecutor(2) as pool:
            list(pool.map(_write, missing, [REGION] * len(missing), missing.values()))
    return list(files)


def hourly_month() -> Path:
    """Hourly 2 m temperature of a continent in one file: 134 MB, about 54 MB compressed."""
    path = CACHE / "t2m_europe.nc"
    if not path.exists():
        _write(path, EUROPE, (date(2019, 7, 1), date(2019, 8, 1)))
    return path


def large_object(size: int) -> Path:
    """A netCDF file of about `size` random bytes."""
    return _once(CACHE / f"object_{size}.nc", lambda path: _write_object(path, size))


def daily_series(years: int) -> tuple[np.ndarray, np.ndarray]:
    """Daily temperatures of 41 × 61 cells with seasons and memory, and their times."""
    rng = np.random.default_rng(1)
    time = np.arange("1991-01-01", f"{1991 + years}-01-01", dtype="datetime64[D]")
    values = rng.standard_normal((len(time), 41, 61), dtype="float32")
    for day in range(1, len(time)):
        values[day] += np.float32(0.7) * values[day - 1]
    season = 10 * np.sin(2 * np.pi * np.arange(len(time)) / 365.25)
    values *= 3
    values += (season[:, None, None] + 285).astype("float32")
    return values, time


def smooth_field(shape: tuple[int, int, int]) -> np.ndarray:
    """Noise that hangs together over some steps and cells, like weather; variance 1."""
    from scipy import ndimage

    field = np.random.default_rng(2).standard_normal(shape, dtype="float32")
    field = ndimage.gaussian_filter(field, (1.5, 4, 4), output="float32")
    field /= field.std()
    return field


def _once(path: Path, write: Callable[[Path], None]) -> Path:
    """Write under another name first, so that a file that exists is whole."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}.part")
        write(part)
        part.replace(path)
    return path


def _write(path: Path, area: tuple[float, float, float, float], span: tuple[date, date]) -> None:
    dataset = DATASETS["reanalysis-era5-single-levels"]
    variable = dataset.by_name["2m_temperature"]
    days = tuple(range((span[0] - _EPOCH).days, (span[1] - _EPOCH).days))
    selection = Selection(dataset, (variable,), days, tuple(range(24)), area, (0.25, 0.25), "netcdf", False)
    _once(path, lambda part: write_file(Weather(), selection, [variable], part, _LAST_DAY))


def _write_object(path: Path, size: int) -> None:
    import netCDF4

    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("byte", size)
        file.createVariable("bytes", "u1", ("byte",), contiguous=True)[:] = np.frombuffer(os.urandom(size), "u1")
