"""Import packages that bring libraries of their own in a given order, then read and write with each of them.

    python tests/packaging/one_order.py era5fast netCDF4 h5py rasterio pyogrio sqlite3

Each package is used as soon as it is there, so that its libraries are loaded when its turn comes, and all are used
again when all have come.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

PACKAGES = ("era5fast", "netCDF4", "h5py", "rasterio", "pyogrio", "sqlite3")
VALUES = np.arange(30 * 4 * 5, dtype="float32").reshape(30, 4, 5)
DAYS = np.arange("2003-06-01", "2003-07-01", dtype="datetime64[D]")
PLACES = {"latitude": [50.0, 49, 48, 47], "longitude": [0.0, 1, 2, 3, 4]}


def use_era5fast(era5fast: Any, folder: Path) -> None:
    """Find events, keep them, ask for them; read a file whose header needs netCDF-C and HDF5."""
    events = era5fast.find_events(VALUES, 500.0, min_days=2, time=DAYS, **PLACES)
    database = era5fast.EventDatabase(folder / "events.gpkg")
    database.add(events, kind="heatwave")
    assert len(database.query()) == len(events) > 0
    path = folder / "values.nc"
    if path.exists():
        assert "netCDF-C" in era5fast._core.open_file(path).explain("values")
        assert (era5fast.read(path, "values") == VALUES).all()


def use_netcdf4(netcdf4: Any, folder: Path) -> None:
    """Write a compressed file, read it again."""
    with netcdf4.Dataset(folder / "values.nc.part", "w") as file:
        for name, length in zip(("time", "latitude", "longitude"), VALUES.shape, strict=True):
            file.createDimension(name, length)
        file.createVariable("time", "i8", ("time",))[:] = np.arange(len(DAYS))
        file["time"].units = f"days since {DAYS[0]}"
        for name, values in PLACES.items():
            file.createVariable(name, "f8", (name,))[:] = values
        file.createVariable("colour", file.createEnumType("i1", "colours", {"red": 0}), ())  # nobody reads it easily
        file.createVariable("values", "f4", ("time", "latitude", "longitude"), zlib=True)[:] = VALUES
    os.replace(folder / "values.nc.part", folder / "values.nc")
    with netcdf4.Dataset(folder / "values.nc") as file:
        assert (file["values"][:] == VALUES).all()


def use_h5py(h5py: Any, folder: Path) -> None:
    """Write and read; read what netCDF4 wrote."""
    with h5py.File(folder / "values.h5", "w") as file:
        file.create_dataset("values", data=VALUES, compression="gzip", shuffle=True)
    for path in (folder / "values.h5", folder / "values.nc"):
        if path.exists():
            with h5py.File(path) as file:
                assert (file["values"][:] == VALUES).all()


def use_rasterio(rasterio: Any, folder: Path) -> None:
    """Write and read a GeoTIFF."""
    shape = {"height": VALUES.shape[1], "width": VALUES.shape[2], "count": 1, "dtype": "float32"}
    place = rasterio.transform.from_origin(0, 50, 1, 1)
    with rasterio.open(folder / "map.tif", "w", driver="GTiff", crs="EPSG:4326", transform=place, **shape) as file:
        file.write(VALUES[0], 1)
    with rasterio.open(folder / "map.tif") as file:
        assert (file.read(1) == VALUES[0]).all()


def use_pyogrio(pyogrio: Any, folder: Path) -> None:
    """Write and read a GeoPackage; look at the events."""
    point = np.array([bytes.fromhex("0101000000000000000000f03f0000000000000040")], dtype=object)
    fields, names = [np.array([1.5])], ["value"]
    pyogrio.raw.write(folder / "point.gpkg", point, fields, names, geometry_type="Point", crs="EPSG:4326")
    assert pyogrio.raw.read(folder / "point.gpkg")[3][0].tolist() == [1.5]
    if (folder / "events.gpkg").exists():
        assert pyogrio.read_info(folder / "events.gpkg", layer="event")["features"] > 0


def use_sqlite3(sqlite3: Any, folder: Path) -> None:
    """Write and read a database; look at the events."""
    connection = sqlite3.connect(folder / "numbers.db")
    with connection:
        connection.execute("CREATE TABLE IF NOT EXISTS number (value)")
        connection.execute("INSERT INTO number VALUES (1.5)")
    assert connection.execute("SELECT max(value) FROM number").fetchone() == (1.5,)
    connection.close()
    if (folder / "events.gpkg").exists():
        connection = sqlite3.connect(folder / "events.gpkg")
        assert connection.execute("SELECT count(*) FROM event").fetchone()[0] > 0
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.close()


USES = dict(zip(PACKAGES, (use_era5fast, use_netcdf4, use_h5py, use_rasterio, use_pyogrio, use_sqlite3), strict=True))


def main(order: list[str]) -> None:
    """Import and use one after another, then use all in turn."""
    warnings.simplefilter("ignore")  # what others warn of is their business
    logging.getLogger("era5fast").setLevel(logging.ERROR)  # the variable that nobody reads easily
    with tempfile.TemporaryDirectory() as folder:
        modules = {}
        for name in order:
            modules[name] = import_module(name)
            USES[name](modules[name], Path(folder))
        for name, module in modules.items():
            USES[name](module, Path(folder))


if __name__ == "__main__":
    main(sys.argv[1:])
