"""Two thousand stations: cells out of gridded files, normals of 1981–2010, anomalies, one text file each."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import netCDF4
import numpy as np
from comparison import Row, arguments, measure, show
from samples import CACHE

import era5fast as e5

STATIONS = 2000
BASE = ("1981", "2010")


def _grid(step: str, shape: tuple[int, int]) -> Path:
    """Precipitation of 1981–2020 on a grid of a quarter of a degree, one chunk a step, as the service packs it."""
    path = CACHE / f"stations_{step}_{shape[0]}x{shape[1]}.nc"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        _write(part, step, shape)
        part.replace(path)
    return path


def _write(path: Path, step: str, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(4)
    times = np.arange("1981-01", "2021-01", dtype=f"M8[{step}]").astype("M8[s]")
    with netCDF4.Dataset(path, "w") as file:
        axes = {
            "valid_time": times.astype("i8"),
            "latitude": 50 - 0.25 * np.arange(shape[0]),
            "longitude": 5 + 0.25 * np.arange(shape[1]),
        }
        for name, values in axes.items():
            file.createDimension(name, len(values))
            file.createVariable(name, values.dtype, (name,))[:] = values
        file["valid_time"].units = "seconds since 1970-01-01"
        file["latitude"].units, file["longitude"].units = "degrees_north", "degrees_east"
        rain = file.createVariable(
            "tp", "f4", tuple(axes), zlib=True, complevel=1, shuffle=True, chunksizes=(1, *shape)
        )
        rain.units = "m"
        for first in range(0, len(times), 480):
            rain[first : first + 480] = rng.gamma(0.5, 2e-3, (len(times[first : first + 480]), *shape)).astype("f4")


class _Work:
    """The same work both ways, on one grid."""

    def __init__(self, step: str, shape: tuple[int, int], folder: Path) -> None:
        self.path, self.folder, self.step = _grid(step, shape), folder, step
        rng = np.random.default_rng(5)
        self.lat = rng.uniform(50 - 0.25 * (shape[0] - 1), 50, STATIONS)
        self.lon = rng.uniform(5, 5 + 0.25 * (shape[1] - 1), STATIONS)
        self.group = {"M": "month", "D": "dayofyear"}[step]

    def ours(self) -> Path:
        out = self._empty("ours")
        series = e5.sample(self.path, self.lat, self.lon, progress=False)
        normal = e5.climatology(series, self.group, base_period=BASE, progress=False)
        anomaly = e5.anomaly(series, normal, progress=False)
        e5.write_csv(anomaly, out / "{station}.csv", columns=["prec_ano"], progress=False)
        return out

    def by_hand(self) -> Path:
        """Vectorised NumPy: the cells in one indexing, normals as sums over groups, text line by line."""
        out = self._empty("hand")
        with netCDF4.Dataset(self.path) as file:
            rows = np.abs(file["latitude"][:].data[:, None] - self.lat).argmin(0)
            columns = np.abs(file["longitude"][:].data[:, None] - self.lon).argmin(0)
            series = file["tp"][:].data[:, rows, columns]
            times = file["valid_time"][:].data.astype("M8[s]")
        days = times.astype("M8[D]")
        slot, slots = self._slots(days)
        base = days < np.datetime64(f"{int(BASE[1]) + 1}-01-01")
        normal = np.stack([series[base & (slot == k)].mean(0, dtype="f8") for k in range(slots)])
        anomaly = (series - normal[slot]).astype("f4")
        keys = np.datetime_as_string(days).tolist()
        for number, values in enumerate(np.ascontiguousarray(anomaly.T)):
            with (out / f"{number}.csv").open("w", encoding="utf-8") as text:
                text.write("time,prec_ano\n")
                text.writelines(map("%s,%.7g\n".__mod__, zip(keys, values.tolist(), strict=True)))
        return out

    def _slots(self, days: np.ndarray) -> tuple[np.ndarray, int]:
        months = days.astype("M8[M]").astype(int) % 12
        if self.step == "M":
            return months, 12
        year = days.astype("M8[Y]")
        slot = (days - year.astype("M8[D]")).astype(int)
        leap = (year + 1).astype("M8[D]") - year.astype("M8[D]") == np.timedelta64(366, "D")
        return np.where(leap & (slot >= 59), slot - 1, slot), 365  # 29 February counts as the day before it

    def _empty(self, name: str) -> Path:
        out = self.folder / f"{name}_{self.step}"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        return out


def _check(ours: Path, theirs: Path) -> str:
    files = sorted(path.name for path in ours.iterdir())
    assert files == sorted(path.name for path in theirs.iterdir())
    for name in files[::97]:
        mine, other = ((folder / name).read_text().splitlines() for folder in (ours, theirs))
        assert [line.split(",")[0] for line in mine] == [line.split(",")[0] for line in other]
        values = [np.array([float(line.split(",")[1]) for line in lines[1:]]) for lines in (mine, other)]
        np.testing.assert_allclose(*values, atol=1e-8)
    return f"{len(files)} files of {len(mine)} lines, values within 1e-8 m"


def _write_only(values: np.ndarray, times: np.ndarray, folder: Path) -> tuple[Callable[[], Path], Callable[[], Path]]:
    """The files alone, against pandas."""
    import pandas as pd
    import xarray as xr

    series = xr.DataArray(values, {"time": times}, dims=("station", "time"), name="x")

    def ours() -> Path:
        e5.write_csv(series, folder / "files_ours" / "{station}.csv", progress=False)
        return folder / "files_ours"

    def theirs() -> Path:
        out = folder / "files_pandas"
        out.mkdir(exist_ok=True)
        table = pd.DataFrame(values.T, index=pd.Index(times, name="time"))
        for number in table:
            table[number].to_csv(out / f"{number}.csv", header=["x"])
        return out

    return ours, theirs


def rows(quick: bool, folder: Path) -> list[Row]:
    """Monthly and daily series, the whole way, and the files alone."""
    grids = {"M": (41, 61), "D": (9, 13)} if quick else {"M": (161, 241), "D": (41, 61)}
    found = []
    for step, shape in grids.items():
        work = _Work(step, shape, folder)
        name = "monthly" if step == "M" else "daily"
        found.append(Row(f"{STATIONS} stations, {name}", "NumPy by hand", work.ours, work.by_hand, _check))
    times = np.arange("1981-01", "2021-01", dtype="M8[M]").astype("M8[ns]")
    values = np.random.default_rng(6).standard_normal((STATIONS, len(times)))
    ours, theirs = _write_only(values, times, folder)
    found.append(Row("their files alone, monthly", "pandas.to_csv", ours, theirs, _check))
    return found


if __name__ == "__main__":
    given = arguments(__doc__)
    with tempfile.TemporaryDirectory() as temporary:
        results = measure(rows(given.quick, Path(temporary)), given.rounds)
    show("Two thousand stations, 1981–2020", results)
