"""What is known about ERA5 variables: names, GRIB code, units, kind of value, levels, and how each is asked for."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from . import _core
from .errors import InputError
from .wording import bare, did_you_mean

__all__ = ["Row", "explain", "find", "lookup", "matches", "names_in_files", "standard_name_of", "table"]

_LEVELS = {"sfc": "one level (surface)", "pl": "pressure levels", "ml": "model levels"}

#: What a value at a stamp means, by kind; ERA5-Land's accumulations are different, see `_LAND_SUMS`.
_STAMPS = {
    "instant": "the state at the stamp",
    "accumulation": "the sum of the hour that ends at the stamp (three hours for the ensemble)",
    "mean rate": "the mean of the hour that ends at the stamp (three hours for the ensemble)",
    "maximum": "the highest value of the hour that ends at the stamp (three hours for the ensemble)",
    "minimum": "the lowest value of the hour that ends at the stamp (three hours for the ensemble)",
    "invariant": "constant in time",
}
_LAND_SUMS = "in ERA5-Land the sum since 00 UTC: stamp 00 holds the whole day before"

#: What people trip over, by parameter id.
_NOTES = {
    31: "missing over land",
    34: "a foundation temperature without a diurnal cycle; missing over land",
    43: "categories: never average or interpolate",
    29: "categories: never average or interpolate",
    30: "categories: never average or interpolate",
    49: "the gust to use for storms; 'i10fg' is only that of the last model step",
    60: "1e-6 is one potential vorticity unit",
    129: "divide by 9.80665 for metres; on a single level it is the height of the ground",
    134: "at the ground, not reduced to sea level",
    135: "negative where air ascends",
    141: "metres of water, not of snow",
    152: "the logarithm of the surface pressure, stored as model level 1 only",
    157: "can exceed 100",
    168: "there is no relative humidity at 2 m: compute it from this and the temperature",
    172: "a fraction; land where above 0.5",
    182: "negative where water evaporates",
    202: "its files say stepType 'max'",
    228: "rain and snow as water; times 1000 for millimetres",
    3066: "metres of snow; what ERA5 calls snow_depth is metres of water",
    228029: "the gust of the last model step, no extreme of the hour: use 'fg10' for storms",
    228101: "the service has exchanged three fields: this one holds transpiration",
    228102: "the service has exchanged three fields: this one holds evaporation from bare soil",
    228103: "the service has exchanged three fields: this one holds evaporation from open water",
    228227: "its files say stepType 'max'",
    228251: "negative where water would evaporate",
    260015: "categories: 0 none, 1 rain, 3 freezing rain, 5 snow, 6 wet snow, 7 rain and snow, 8 ice pellets",
}

#: Quantities that exist at the surface as well as on levels: parameter ids.
_FAMILIES = {
    "temperature": (130, 167, 168, 235, 34, 201, 202, 139),
    "wind": (131, 132, 165, 166, 228246, 228247, 49),
    "humidity": (133, 157, 168, 137),
    "pressure": (134, 151, 152),
    "geopotential": (129,),
    "precipitation": (228, 142, 143, 144, 235055),
}
#: Everyday words for such a quantity.
_EVERYDAY = {"rain": "precipitation", "rainfall": "precipitation", "winds": "wind", "windspeed": "wind"}


#: Names of the CF table, by parameter id, of variables of which files that were GRIB do not know that they have one.
_STANDARD_NAMES = {
    31: "sea_ice_area_fraction",
    34: "sea_surface_temperature",
    49: "wind_speed_of_gust",
    134: "surface_air_pressure",
    141: "lwe_thickness_of_surface_snow_amount",
    142: "lwe_thickness_of_stratiform_precipitation_amount",
    143: "lwe_thickness_of_convective_precipitation_amount",
    144: "lwe_thickness_of_snowfall_amount",
    151: "air_pressure_at_mean_sea_level",
    164: "cloud_area_fraction",
    165: "eastward_wind",
    166: "northward_wind",
    167: "air_temperature",
    168: "dew_point_temperature",
    169: "integral_wrt_time_of_surface_downwelling_shortwave_flux_in_air",
    175: "integral_wrt_time_of_surface_downwelling_longwave_flux_in_air",
    201: "air_temperature",
    202: "air_temperature",
    228: "lwe_thickness_of_precipitation_amount",
    228246: "eastward_wind",
    228247: "northward_wind",
}


def standard_name_of(param_id: object) -> str | None:
    """Name that a variable has in the CF table, by its GRIB parameter id; None where none is known."""
    try:
        return _STANDARD_NAMES.get(int(param_id))  # type: ignore[call-overload]
    except (TypeError, ValueError):
        return None


@dataclass(frozen=True, repr=False)
class Row:
    """One ERA5 variable.

    Attributes
    ----------
    request : str
        Name in a request to the Climate Data Store, e.g. ``2m_temperature``; empty where only the archive has it.
    netcdf : str
        Name in a netCDF file, e.g. ``t2m``.
    short_name : str
        GRIB short name, e.g. ``2t``.
    param_id : int
        GRIB parameter id, e.g. 167.
    units : str
        Units as written in files.
    kind : str
        What a value at a time stamp means: ``instant``, ``accumulation``, ``mean rate``, ``maximum``, ``minimum`` or
        ``invariant``.
    level : str
        Level types it exists on: ``sfc``, ``pl``, ``ml``.
    old_netcdf : str
        Name in files made before October 2024, or an empty text where it is the same.
    hours : str
        Stamps that make a day: ``instant`` (00 to 23) or ``hour_ending`` (01 to 23 and 00 of the next day).
    source : str
        ``analysis``, ``forecast`` (from 06 and 18 UTC) or ``wave model`` (on its own grid).
    reanalyses : str
        ``era5``, ``land`` (ERA5-Land) or both.
    """

    request: str
    netcdf: str
    short_name: str
    param_id: int
    units: str
    kind: str
    level: str
    old_netcdf: str
    hours: str
    source: str = "analysis"
    reanalyses: str = "era5"

    @property
    def step_type(self) -> str:
        """Group in which the service delivers the variable; one netCDF answer holds one group."""
        return {"accumulation": "accum", "mean rate": "avg", "maximum": "max", "minimum": "max"}.get(
            self.kind, "instant"
        )

    @property
    def stream(self) -> str:
        """Part of the archive: ``oper``, or ``wave`` for the wave model."""
        return "wave" if self.source == "wave model" else "oper"

    @property
    def time_stamp(self) -> str:
        """What a value at a time stamp means, in words."""
        text = _STAMPS[self.kind]
        return f"{text}; {_LAND_SUMS}" if self.kind == "accumulation" and "land" in self.reanalyses else text

    @property
    def old_layout_name(self) -> str:
        """Name in a netCDF file made before October 2024."""
        return self.old_netcdf or self.netcdf

    @property
    def name(self) -> str:
        """Name in a request, or the short name where there is none."""
        return self.request or self.short_name

    def __repr__(self) -> str:
        return explain(self)


@functools.cache
def table() -> tuple[Row, ...]:
    """All rows, in the order of the core's table."""
    return tuple(Row(**row) for row in _core.variables())


def _number(name: str) -> int | None:
    """Parameter id behind "167", "130.128" or "246.228", or None."""
    match = re.fullmatch(r"(\d{1,6})(?:\.(\d{1,3}))?", name.strip())
    if match is None:
        return None
    parameter, group = int(match[1]), int(match[2] or 128)
    return parameter if match[2] is None or group == 128 else group * 1000 + parameter


def names_of(row: Row) -> tuple[str, ...]:
    """All names of a row, without empty ones."""
    return tuple(dict.fromkeys(filter(None, (row.request, row.netcdf, row.short_name, row.old_netcdf))))


@functools.cache
def _by_name() -> dict[str, tuple[Row, ...]]:
    found: dict[str, tuple[Row, ...]] = {}
    for row in table():
        for name in dict.fromkeys(map(bare, names_of(row))):
            found[name] = (*found.get(name, ()), row)
    return found


def matches(name: str) -> tuple[Row, ...]:
    """All variables with a name or parameter id, in the order of the table."""
    number = _number(name)
    if number is not None:
        return tuple(row for row in table() if row.param_id == number)
    return _by_name().get(bare(name), ())


def find(name: str) -> Row | None:
    """Row by any of its exact names, or None."""
    row = _core.variable(name)
    return Row(**row) if row is not None else None


def names_in_files(name: str) -> tuple[str, ...]:
    """Names under which a variable may stand in a file, the likeliest first after the one that was given."""
    row = find(name)
    names = (row.netcdf, row.old_netcdf, row.short_name, row.request) if row is not None else ()
    return (name, *(other for other in names if other))


def by_param_id(param_id: int, level: str = "") -> Row | None:
    """Row by GRIB parameter id, of a level type where one is given; None when unknown."""
    rows = [row for row in table() if row.param_id == param_id]
    return next((row for row in rows if level in row.level), rows[0] if rows else None)


def stream_of(request: str) -> str:
    """Part of the archive of a variable by its name in a request: ``oper`` where it is not known."""
    return next((row.stream for row in matches(request) if row.request == request), "oper")


def lookup(name: str | int, *, level: str | None = None, reanalysis: str | None = None) -> Row:
    """Row of a variable by any of its names or its GRIB parameter id; see :func:`era5fast.variable`."""
    rows = matches(str(name))
    if not rows:
        everything = dict.fromkeys(n for row in table() for n in names_of(row))
        listed = "names are those of requests, files or GRIB; e5.variables() lists them"
        hint = _usual(str(name)) or did_you_mean(str(name), everything, listed)
        raise InputError(f"no ERA5 variable is called '{name}'", hint=hint)
    fitting = [r for r in rows if (level is None or level in r.level.split())]
    fitting = [r for r in fitting if reanalysis is None or reanalysis in r.reanalyses.split()]
    if not fitting:
        where = " and ".join(filter(None, (level and _LEVELS.get(level, level), reanalysis)))
        raise InputError(
            f"no variable called '{name}' on {where}", hint=f"{rows[0].name} is on {_level_text(rows[0])}"
        )
    exact = [r for r in fitting if str(name).lower() in names_of(r)]
    return (exact or fitting)[0]


def _usual(name: str) -> str:
    """What is most often meant by the word for a quantity: at the surface first."""
    family = _FAMILIES.get(_EVERYDAY.get(bare(name), bare(name)), ())
    rows = [row for param_id in family if (row := by_param_id(param_id)) is not None]
    names = [row.name for row in sorted(rows, key=lambda row: row.level != "sfc")]
    return f"did you mean {' or '.join(map(repr, names[:4]))}?" if names else ""


def check_choice(
    *, kind: str | None = None, level: str | None = None, reanalysis: str | None = None, units: str | None = None
) -> None:
    """Refuse a kind, level, reanalysis or units that the table does not know; None is everything."""
    known = sorted({row.units for row in table()})
    for word, allowed in ((kind, _STAMPS), (level, _LEVELS), (reanalysis, ("era5", "land")), (units, known)):
        if word is not None and word not in allowed:
            raise InputError(f"'{word}' is none of {', '.join(allowed)}", hint=did_you_mean(str(word), allowed))


# --- the text of one variable ---


def _level_text(row: Row) -> str:
    return " and ".join(_LEVELS[level] for level in row.level.split())


def _key(row: Row) -> tuple[int, str, str]:
    return row.param_id, row.level, row.reanalyses


def _shared(row: Row) -> str:
    """Other variables that share a name with this one, in words."""
    others = {
        id(other): f"'{name}' is also {other.name} ({_level_text(other)}, {other.reanalyses}, id {other.param_id})"
        for name in names_of(row)
        for other in _by_name()[bare(name)]
        if _key(other) != _key(row)
    }
    return "; ".join(others.values())


def _relatives(row: Row) -> str:
    family = next((ids for ids in _FAMILIES.values() if row.param_id in ids), ())
    others = [other for i in family if i != row.param_id and (other := by_param_id(i)) is not None]
    if not others:
        return ""
    form = "has one level" if row.level == "sfc" else "is 3-D"
    listed = ", ".join(f"{o.netcdf} ({o.name}{', 3-D' if o.level != 'sfc' else ''})" for o in others)
    return f"surface or 3-D? this one {form}; others: {listed}"


def _ways(row: Row) -> list[str]:
    levels = "" if row.level == "sfc" else ", levels=..."
    lines = []
    if row.request:
        homes = ["reanalysis-era5-pressure-levels"] if "pl" in row.level else []
        homes += ["reanalysis-era5-single-levels"] if row.level == "sfc" and "era5" in row.reanalyses else []
        homes += ["reanalysis-era5-land"] if "land" in row.reanalyses else []
        where = " or ".join(repr(home) for home in homes)
        lines += [f"Climate Data Store: {where}, variable '{row.request}'; see .cds_request(date{levels})"]
    if "era5" in row.reanalyses:
        kind = "fc" if row.source == "forecast" else "an"
        types = " or ".join(sorted(row.level.split()))
        stream = ", stream wave" if row.stream == "wave" else ""
        lines += [
            f"archive: 'reanalysis-era5-complete', param {row.param_id}, levtype {types}, type {kind}{stream}; "
            f"see .mars_request(date{levels})"
        ]
    return lines


def explain(row: Row) -> str:
    """Text that says what a variable is and how to ask for it."""
    old = f" ({row.old_netcdf} before October 2024)" if row.old_netcdf else ""
    note = _NOTES.get(row.param_id, "")
    source = "from the " + ("forecast of ERA5-Land" if row.reanalyses == "land" else row.source)
    lines = [
        f"{row.name}: {row.netcdf} in files{old}, {row.short_name} in GRIB, parameter {row.param_id}, {row.units}",
        f"on {_level_text(row)}, {source}",
        f"a value is {row.time_stamp}",
        *([f"note: {note}"] if note else []),
        *([shared] if (shared := _shared(row)) else []),
        *([relatives] if (relatives := _relatives(row)) else []),
        *_ways(row),
    ]
    return "\n  ".join(lines)
