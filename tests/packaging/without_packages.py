"""What era5fast does where no optional package can be imported: a program of its own, for test_without_packages.py.

    python tests/packaging/without_packages.py FILE

FILE is netCDF with a variable over time, latitude and longitude. Each row of the table of diagnostics and each other
function of arrays is called with arrays of NumPy. Prints JSON: checksums of all results by the name of the call, what
calls say that need a package, and exit codes of commands.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

#: What the extras bring, and what these bring along.
BLOCKED = {
    "xarray", "pandas", "dask", "distributed", "matplotlib", "netCDF4", "cftime", "cfgrib", "eccodes", "cf_xarray",
    "pint", "shapely", "geopandas", "pyarrow", "scipy", "zarr", "h5py",
}  # fmt: skip


class Blocker:
    """Finder before all others, in whose eyes no optional package is installed."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        """Refuse what is blocked; leave everything else to the other finders."""
        if name.partition(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


# --- one call of every function of arrays, with nothing but NumPy ---

LATITUDE = np.arange(80.0, 20.0, -20.0)
LONGITUDE = np.array([0.0, 20.0, 40.0, 60.0])
DAYS = np.arange("2001-01-01", "2003-01-01", dtype="datetime64[D]")
SPACE = {"latitude": LATITUDE, "longitude": LONGITUDE}
PLACE = {"time": DAYS, **SPACE, "progress": False}
NOW = {"progress": False}
SEED = 7


def series() -> dict[str, np.ndarray]:
    """Daily series of all that the rows of the table ask for."""
    rng = np.random.default_rng(SEED)
    shape = (len(DAYS), len(LATITUDE), len(LONGITUDE))
    season = -np.cos(np.arange(len(DAYS)) * 2 * np.pi / 365)[:, None, None]
    tx = (293 + 12 * season + 4 * rng.normal(size=shape)).astype("float32")
    pr = np.maximum(4 * rng.normal(size=shape), 0).astype("float32")
    humidity = np.clip(60 + 10 * rng.normal(size=shape), 1, 100).astype("float32")
    wind = (4 + np.abs(rng.normal(size=shape))).astype("float32")
    return {"tx": tx, "tn": tx - 9, "tg": tx - 4, "pr": pr, "humidity": humidity, "wind": wind}


#: Series for an operand of a row by its name; the others are temperatures.
OPERANDS = {"pr": "pr", "precipitation": "pr", "relative_humidity": "humidity", "wind_speed": "wind"}
OPERANDS |= {"tn": "tn", "tmin": "tn", "dewpoint": "tn", "net_radiation": "wind"}
#: Operands that are maps or numbers, and parameters without a default, of all rows that have them.
THRESHOLDS = {"threshold": 300.0, "above": 300.0, "cell_latitude": None, "cos_zenith": 0.5}
PARAMETERS = {"percentile": 90, "scale": 3, "freq": "MS", "window": 5, "threshold": 300.0}
#: What is special about a row.
CHOICES: dict[str, dict[str, Any]] = {
    "anomaly": {"normal": np.full((12, 3, 4), 290.0)},
    "daily": {"statistic": "max", "min_samples": 1},
    "etccdi": {"indices": ["su", "fd", "rx5day", "tx90p"], "base_period": ("2001", "2002"), "bootstrap": False},
    "heatwave_climatology": {"base_period": ("2001", "2002")},
    "hwmid": {"base_period": ("2001", "2002"), "freq": "YS"},
    "percentile_exceedance": {"bootstrap": False},
    "resample": {"statistic": "mean"},
    "find_events": {"percentile": None},
    "track": {"percentile": None},
}
MONTHLY = ("mann_kendall", "spei", "spi", "thornthwaite", "gev")


def call(row: dict[str, Any], data: dict[str, np.ndarray]) -> Any:
    """A row of the table, called by its public name."""
    import era5fast as e5

    own = CHOICES.get(row["name"], {})
    given: dict[str, Any] = {}
    for spec in row["operands"]:
        name = spec["name"]
        if name in own or name in THRESHOLDS:
            given[name] = own.get(name, THRESHOLDS.get(name))
        elif not spec["optional"] or name in data:
            given[name] = data[OPERANDS.get(name, name if name in data else "tx")]
    for spec in [*row["params"], *row["grouping_params"]]:
        if spec["name"] in own or (spec.get("default") is None and spec["name"] in PARAMETERS):
            given[spec["name"]] = own.get(spec["name"], PARAMETERS.get(spec["name"]))
    if row["kind"] == "pointwise":
        return getattr(e5, row["name"])(**given)
    place = dict(PLACE)
    if row["name"] in MONTHLY:
        months = np.arange("2001-01", "2003-01", dtype="datetime64[M]")
        first = np.searchsorted(DAYS, months)
        given = {key: x[first] if np.ndim(x) == 3 else x for key, x in given.items()}
        place["time"] = months
    return getattr(e5, row["name"])(**given, **place)


def others(data: dict[str, np.ndarray], file: str) -> dict[str, Callable[[], Any]]:
    """Calls of the public functions of arrays that are no rows of the table."""
    import era5fast as e5
    from era5fast import compound, fire, indices

    tx, hot = data["tx"], data["tx"] > 300
    own = {
        "area_mean": lambda: e5.area_mean(tx[0], latitude=LATITUDE),
        "bootstrap": lambda: e5.bootstrap(tx[:9], "std", 20, seed=SEED, **NOW),
        "convert_units": lambda: e5.convert_units(tx, "K", "degC", **NOW),
        "distance_matrix": lambda: e5.distance_matrix([50, 52], [3, 4]),
        "drought_events": lambda: e5.drought_events(tx - 300, **PLACE),
        "great_circle": lambda: e5.great_circle(LATITUDE, 0.0, 10.0, 20.0),
        "heatwaves": lambda: e5.heatwaves("hot_spell", tx=tx, time=DAYS, **NOW),
        "label": lambda: e5.label(hot).dense(),
        "marine_heatwaves": lambda: e5.marine_heatwaves(tx, base_period=("2001", "2002"), **PLACE).events,
        "permutation_test": lambda: e5.permutation_test(tx[:9], tx[9:18], 20, seed=SEED, **NOW),
        "ranks": lambda: compound.ranks(tx),
        "overwintered_drought_code": lambda: fire.overwintered_drought_code(tx, data["pr"]),
        "read": lambda: e5.read(file),
        "sample": lambda: e5.sample(tx, [50.0, 30.0], [5.0, 41.0], axes=(LATITUDE, LONGITUDE), **NOW),
        "spells": lambda: e5.spells(tx, 300.0, **PLACE),
        "spells of a list": lambda: e5.spells(tx, [300.0, 303.0], **PLACE),
        "likelihood_multiplication_factor": lambda: compound.likelihood_multiplication_factor(hot, data["pr"] > 5),
        "events of a file": lambda: e5.find_events(file, above=280.0, min_days=1, **NOW),
    }
    for row in indices._ROWS.values():
        name = indices._NAMES[row["name"]]
        arrays = [data[each] for each in row["operands"]]
        own[name] = lambda name=name, arrays=arrays: getattr(indices, name)(*arrays, **PLACE)
    return own


# --- what the others say, and what needs none of them ---


def refused(file: str, folder: Path) -> dict[str, tuple[str, Callable[[], Any]]]:
    """Calls that cannot do without a package: what is called → package, call."""
    import era5fast as e5

    data = series()
    events = e5.find_events(data["tx"], above=300.0, **PLACE)
    db = e5.EventDatabase(folder / "e.gpkg")
    db.add(events, kind="heatwave")
    square = {"type": "Polygon", "coordinates": [[[0, 25], [50, 25], [50, 75], [0, 75], [0, 25]]]}
    (folder / "tracks.csv").write_text("track,time,lat,lon\n1,2001-01-01,1,1\n")
    return {
        "open_dataset": ("xarray", lambda: e5.open_dataset(file)),
        "daily of a file": ("xarray", lambda: e5.daily(file, "max")),
        "etccdi of files": ("xarray", lambda: e5.etccdi(tx=file, indices=["su"])),
        "heatwaves of a file": ("xarray", lambda: e5.heatwaves("hot_spell", tx=file)),
        "cell_areas of a file": ("xarray", lambda: e5.storms.cell_areas(file)),
        "sample of a file": ("xarray", lambda: e5.sample(file, 40.0, 2.0)),
        "chunk_references": ("xarray", lambda: e5.chunk_references(file)),
        "to_dataarray": ("xarray", events.to_dataarray),
        "to_dataframe": ("pandas", events.to_dataframe),
        "states": ("pandas", lambda: events.states(0)),
        "query": ("pandas", db.query),
        "sql": ("pandas", lambda: db.sql("SELECT count(*) FROM event")),
        "find_lows": ("pandas", lambda: e5.find_lows(data["tx"], **PLACE)),
        "read_tracks": ("pandas", lambda: e5.read_tracks(folder / "tracks.csv")),
        "to_geodataframe": ("geopandas", events.to_geodataframe),
        "labels as netCDF": ("netCDF4", lambda: events.export(folder / "labels.nc")),
        "event_map": ("matplotlib", lambda: e5.plot.event_map),
        "regional": ("shapely", lambda: e5.regional(data["tx"], square, **PLACE)),
        "units": ("cf_xarray", lambda: e5.convert_units(data["tx"], "fathom", "m", **NOW)),
    }


def refusals(file: str) -> dict[str, str]:
    """What is called → class, package and text of the error."""
    said = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, (package, each) in refused(file, Path(folder)).items():
            try:
                each()
            except Exception as error:
                said[name] = f"{type(error).__name__}: {error}" if package in str(error) else f"other: {error!r}"
            else:
                said[name] = "nothing"
    return said


def command_line(file: str) -> dict[str, int]:
    """Command → exit code."""
    from era5fast import cli

    found = {}
    with tempfile.TemporaryDirectory() as folder:
        events = f"events -q {file} -o {folder}/e.gpkg --above 280K"
        for words in ("--version", "events --help", "doctor --offline", events, f"indices {file} -o {folder}/x.nc"):
            sys.argv[1:] = words.split()
            try:
                cli.main()
                code: Any = 0
            except SystemExit as end:
                code = end.code or 0
            found[" ".join(words.split()[:2])] = code
    return found


# --- what came of them ---


def digest(result: Any) -> str:
    """Checksum of all arrays of a result, which must be NumPy's own."""
    sha = hashlib.sha256()
    for part in parts(result):
        if part.dtype.names:
            columns = [part[name] for name in part.dtype.names]
        else:
            columns = [part]
        for column in columns:
            sha.update(np.ascontiguousarray(column).tobytes())
    return sha.hexdigest()


def parts(result: Any) -> list[np.ndarray]:
    """All arrays of a result: of a named tuple or a catalogue several."""
    if hasattr(result, "core"):
        table = result.core.table()
        return [table[name] for name in sorted(table)]
    if isinstance(result, tuple):
        return [part for each in result for part in parts(each)]
    if type(result).__module__.partition(".")[0] == "pandas":  # where it is not blocked
        return [result[name].to_numpy() for name in result.columns]
    assert isinstance(result, np.ndarray | np.generic | int | float), type(result)
    return [np.asarray(result)]


def results(file: str) -> dict[str, str]:
    """Name of each call → checksum of its result."""
    from era5fast import _core

    data = series()
    found = {}
    for row in _core.kernels():
        found[row["name"]] = digest(call(row, data))
    for name, each in others(data, file).items():
        found[name] = digest(each())
    return found


def main() -> None:
    """Block, call, and print what came of it as JSON."""
    sys.meta_path.insert(0, Blocker())
    file = sys.argv[1]
    found = {"results": results(file), "refusals": refusals(file)}
    with contextlib.redirect_stdout(sys.stderr):
        found["commands"] = command_line(file)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
