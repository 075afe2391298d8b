"""Names of files: readable, and different for different requests.

All that a name says comes from the request itself, so that the same request has the same name everywhere and two
requests never share one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from . import periods, region
from .dataset_table import DATASETS, LEVELS, Dataset
from .fields import Fields, fields_of
from .variable_table import by_param_id, table

__all__ = ["file_name"]

_EXTENSIONS = {"netcdf": "nc", "grib": "grib", "csv": "csv"}
_MOST_LETTERS = 150
_LONGEST = 6  # variables or hours that are listed one by one
#: Values of the archive's keywords that a name does not mention; levels say their type by their unit.
_USUAL = {
    "class": ("ea",),
    "expver": ("1",),
    "levtype": ("pl", "ml", "pt", "pv"),
    "type": ("an",),
    "stream": ("oper",),
}
_PLAIN = {"frequency": (["1_hourly"],), "time_zone": (["utc+00:00"],)}
_SAID_ELSEWHERE = {
    "dataset",
    "product_type",
    "area",
    "grid",
    "data_format",
    "class",
    "expver",
    "levtype",
    "type",
    "stream",
}


def file_name(dataset: str, inputs: dict[str, Any]) -> str:
    """Name of the file with the answer to a request.

    Parameters
    ----------
    dataset : str
        Dataset of the service.
    inputs : dict
        The request.

    Returns
    -------
    str
        For instance ``era5_t2m_50N-10W-35N-5E_2003-06.nc``.

    Examples
    --------
    >>> from era5fast.names import file_name
    >>> file_name("reanalysis-era5-single-levels", {"product_type": ["reanalysis"], "variable": ["2m_temperature"],
    ...           "date": ["2003-06-01/2003-06-30"], "time": ["12:00"], "data_format": "netcdf"})
    'era5_t2m_12utc_2003-06.nc'
    """
    box = fields_of(dataset, inputs)
    row = DATASETS.get(dataset)
    name = _unknown(dataset, inputs) if box is None or row is None else _told(row, box)
    plain = re.sub(r"[^A-Za-z0-9._+-]", "-", name).lstrip(".")
    if plain == name and len(name) <= _MOST_LETTERS:
        return name
    stem, _, extension = plain.rpartition(".")
    return f"{stem[: _MOST_LETTERS - 20]}_{periods.fingerprint(name)}.{extension[:8]}"


def _told(row: Dataset, box: Fields) -> str:
    """Name that tells what is in the file."""
    shared = json.loads(box.context)
    parts = [
        row.prefix,
        _product(row, shared),
        _variables(row, box),
        _levels(row, box, shared),
        region.label(shared.get("area")),
        _grid(shared.get("grid")),
        _others(row, shared),
        _hours(row, box, shared),
        _stamp(box),
    ]
    extension = _EXTENSIONS.get(shared["data_format"][0], shared["data_format"][0])
    if "download_format" in shared:
        extension = "zip"
    return f"{'_'.join(filter(None, parts))}.{extension}"


def _unknown(dataset: str, inputs: dict[str, Any]) -> str:
    text = json.dumps(inputs, sort_keys=True, default=str)
    chosen = str(inputs.get("data_format", inputs.get("format", "grib")))
    prefix = DATASETS[dataset].prefix if dataset in DATASETS else dataset
    row = inputs.get("variable", "")
    names = _short(row if isinstance(row, list) else [row]) if row else ""
    extension = "zip" if prefix.endswith("series") else _EXTENSIONS.get(chosen, "grib")
    return "_".join(filter(None, [prefix, names, periods.fingerprint(dataset, text)])) + f".{extension}"


def _product(row: Dataset, shared: dict[str, Any]) -> str:
    chosen = shared.get("product_type", [])
    if not row.product_types or chosen == [row.product_types[0]]:
        return ""
    return "-".join(chosen).replace("monthly_averaged_", "").replace("_", "-")


def in_files(variable: str) -> str:
    """Name that a variable of requests has in files; where it is not known, the name itself.

    Parameters
    ----------
    variable : str
        Name in requests, such as ``"2m_temperature"``, or number of a parameter.
    """
    if variable.isdigit() and (row := by_param_id(int(variable))) is not None:
        return row.netcdf
    return next((row.netcdf for row in table() if row.request and row.request == variable), variable)


def _short(names: Sequence[str]) -> str:
    return _listed([in_files(name) for name in names], list(names))


def _variables(row: Dataset, box: Fields) -> str:
    if row.family != "archive":
        rows = {r.request: r.netcdf for r in reversed(table()) if row.reanalysis in r.reanalyses}
        return _listed([rows.get(name, name.replace("_", "-")) for name in box.variables], list(box.variables))
    known = [by_param_id(int(name)) if name.isdigit() else None for name in box.variables]
    pairs = zip(known, box.variables, strict=True)
    return _listed([found.netcdf if found is not None else name for found, name in pairs], list(box.variables))


def _listed(labels: list[str], values: list[str]) -> str:
    if len(labels) <= _LONGEST:
        return "-".join(labels)
    return f"{'-'.join(labels[:2])}-and-{len(labels) - 2}-more-{periods.fingerprint(*values)}"


def _levels(row: Dataset, box: Fields, shared: dict[str, Any]) -> str:
    kind = "pl" if row.level == "pl" else shared.get("levtype", [""])[0]
    if box.levels == ("",):
        return ""
    known = [str(level) for level in LEVELS.get(kind, ())]
    unit = {"pl": "hPa", "pt": "K"}.get(kind, kind)
    first = known.index(box.levels[0]) if box.levels[0] in known else -1
    run = first >= 0 and list(box.levels) == known[first : first + len(box.levels)]
    if run and len(box.levels) > 2:
        return f"{box.levels[0]}to{box.levels[-1]}{unit}"
    if len(box.levels) <= _LONGEST:
        return f"{'-'.join(box.levels)}{unit}"
    return f"{len(box.levels)}{unit}-{periods.fingerprint(*box.levels)}"


def _grid(grid: Sequence[float] | None) -> str:
    if grid is None:
        return ""
    return "x".join(f"{x:g}" for x in dict.fromkeys(grid)) + "deg"


def _others(row: Dataset, shared: dict[str, Any]) -> str:
    """Keys that few requests have."""
    said = []
    if row.family == "archive":
        for key, usual in _USUAL.items():
            said += [text for text in shared.get(key, []) if text not in usual]
    if row.family == "daily":
        said += [text.removeprefix("daily_") for text in shared.get("daily_statistic", [])]
    skip = _SAID_ELSEWHERE | {"daily_statistic", "download_format"}
    rare = {key: value for key, value in shared.items() if key not in skip and value not in _PLAIN.get(key, ())}
    if rare:
        said += [periods.fingerprint(json.dumps(rare, sort_keys=True))]
    return "-".join(said).replace("_", "-")


def _hours(row: Dataset, box: Fields, shared: dict[str, Any]) -> str:
    if box.style == "daily":
        return ""
    if box.style == "monthly" and box.mask == 1 and "by_hour_of_day" not in "".join(shared.get("product_type", [])):
        return ""
    if box.style == "forecast":
        usual = (0x1FFE << 19) | 0x1FFE
        return "" if box.mask == usual else f"{box.mask.bit_count()}steps-{periods.fingerprint(hex(box.mask))}"
    every = 3 if "ensemble" in "".join(shared.get("product_type", [])) else 1
    if box.mask == sum(1 << hour for hour in range(0, 24, every)):
        return ""
    hours = [f"{hour:02d}" for hour in range(24) if box.mask >> hour & 1]
    if len(hours) <= _LONGEST:
        return f"{'-'.join(hours)}utc"
    return f"{len(hours)}hours-{periods.fingerprint(*hours)}"


def _stamp(box: Fields) -> str:
    return periods.month_stamp(box.days) if box.style == "monthly" else periods.stamp(box.days)
