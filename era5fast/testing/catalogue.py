"""What the look-alike offers: variables, data sets, licences. One row each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .weather import VARIABLES as COMPUTED


@dataclass(frozen=True)
class Variable:
    """One variable as it is asked for and as it is written.

    Parameters
    ----------
    request_name : str
        Name in a request.
    name : str
        Name in the netCDF file.
    short_name : str
        Short name of the GRIB table.
    param_id : int
        Number of the GRIB table.
    long_name, units : str
        Attributes in the netCDF file.
    data_type : {"an", "fc"}
        Analysis or forecast.
    step_type : {"instant", "accum", "max"}
        Decides into which file of an answer it goes. The archive calls minima "max" as well.
    """

    request_name: str
    name: str
    short_name: str
    param_id: int
    long_name: str
    units: str
    data_type: str
    step_type: str


@dataclass(frozen=True)
class Licence:
    """A licence and its revision."""

    id: str
    revision: int
    label: str


@dataclass(frozen=True)
class Dataset:
    """A data set of the look-alike: a *process* in the words of the protocol.

    Parameters
    ----------
    id, title, description : str
        As shown to the user.
    variables : tuple of Variable
        What may be asked for.
    licences : tuple of Licence
        What must have been accepted.
    first_year : int
        First year with data.
    """

    id: str
    title: str
    description: str
    variables: tuple[Variable, ...]
    licences: tuple[Licence, ...]
    first_year: int = 1940
    product_types: tuple[str, ...] = ("reanalysis",)
    by_name: dict[str, Variable] = field(init=False, repr=False, compare=False, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {v.request_name: v for v in self.variables})


_ROWS = (
    ("2m_temperature", "t2m", "2t", 167, "2 metre temperature", "K", "an", "instant"),
    ("2m_dewpoint_temperature", "d2m", "2d", 168, "2 metre dewpoint temperature", "K", "an", "instant"),
    ("10m_u_component_of_wind", "u10", "10u", 165, "10 metre U wind component", "m s**-1", "an", "instant"),
    ("10m_v_component_of_wind", "v10", "10v", 166, "10 metre V wind component", "m s**-1", "an", "instant"),
    ("mean_sea_level_pressure", "msl", "msl", 151, "Mean sea level pressure", "Pa", "an", "instant"),
    ("total_precipitation", "tp", "tp", 228, "Total precipitation", "m", "fc", "accum"),
    (
        "maximum_2m_temperature_since_previous_post_processing",
        "mx2t",
        "mx2t",
        201,
        "Maximum temperature at 2 metres since previous post-processing",
        "K",
        "fc",
        "max",
    ),
    (
        "minimum_2m_temperature_since_previous_post_processing",
        "mn2t",
        "mn2t",
        202,
        "Minimum temperature at 2 metres since previous post-processing",
        "K",
        "fc",
        "max",
    ),
)
VARIABLES = tuple(Variable(*row) for row in _ROWS if row[1] in COMPUTED)

COPERNICUS = Licence("licence-to-use-copernicus-products", 12, "Licence to use Copernicus Products")

DATASETS: dict[str, Dataset] = {
    d.id: d
    for d in (
        Dataset(
            "reanalysis-era5-single-levels",
            "ERA5 hourly data on single levels (synthetic look-alike)",
            "SYNTHETIC weather in the layout of ERA5, computed on the spot by era5fast.testing.",
            VARIABLES,
            (COPERNICUS,),
        ),
    )
}

HOURS = tuple(f"{h:02d}:00" for h in range(24))
DATA_FORMATS = ("grib", "netcdf")
DOWNLOAD_FORMATS = ("unarchived", "zip")

_TITLES = {
    "product_type": "Product type",
    "variable": "Variable",
    "year": "Year",
    "month": "Month",
    "day": "Day",
    "time": "Time",
    "date": "Date",
    "area": "Sub-region extraction",
    "grid": "Grid",
    "data_format": "Data format",
    "download_format": "Download format",
}


def title(key: str) -> str:
    """Text for a key of a request, as shown in forms and labels."""
    return _TITLES.get(key, key)


def choices(dataset: Dataset, last_year: int) -> dict[str, list[str]]:
    """All values each key with a fixed set of values may have."""
    return {
        "product_type": list(dataset.product_types),
        "variable": [v.request_name for v in dataset.variables],
        "year": [str(y) for y in range(dataset.first_year, last_year + 1)],
        "month": [f"{m:02d}" for m in range(1, 13)],
        "day": [f"{d:02d}" for d in range(1, 32)],
        "time": list(HOURS),
        "data_format": list(DATA_FORMATS),
        "download_format": list(DOWNLOAD_FORMATS),
    }


def inputs_form(dataset: Dataset, last_year: int) -> dict[str, Any]:
    """Description of the inputs of a data set, in the style of the process description."""
    form: dict[str, Any] = {}
    for key, values in choices(dataset, last_year).items():
        one: dict[str, Any] = {"type": "string", "enum": values}
        single = key.endswith("_format")
        form[key] = {"title": title(key), "schema": one if single else {"type": "array", "items": one}}
    form["data_format"]["schema"]["default"] = "grib"
    form["download_format"]["schema"]["default"] = "unarchived"
    form["area"] = {
        "title": title("area"),
        "schema": {
            "type": "array",
            "minItems": 4,
            "maxItems": 4,
            "items": {"type": "number"},
            "default": [90, -180, -90, 180],
        },
    }
    return form
