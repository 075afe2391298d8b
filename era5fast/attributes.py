"""Attributes of results, as the CF conventions have them: what every labelled result says about itself.

``long_name``, ``units`` as UDUNITS spells them, ``standard_name`` where the table of the conventions has one,
``cell_methods`` after those of the data, the definition that goes into the database, and ``history``: that of the
data and one line with the time, the version and the parameters of the call. Where the environment says
``SOURCE_DATE_EPOCH``, as for all reproducible files, it is the time.

Of the other attributes of the data those that are still true are kept as xarray keeps them: with
``xarray.set_options(keep_attrs=True)``, which is the default since version 2025.11; with ``keep_attrs=False`` the
history of the data goes, too.
"""

from __future__ import annotations

import datetime
import functools
import json
import os
import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from .variable_table import standard_name_of

__all__ = [
    "CONVENTIONS",
    "DEFINITION",
    "as_before",
    "compose",
    "filled",
    "is_difference",
    "of_mask",
    "made_by",
    "method",
    "of_axis",
    "of_dataset",
    "of_result",
    "product",
    "squared",
    "tidy_coordinates",
    "udunits",
]

CONVENTIONS = "CF-1.11"

#: Attribute that carries the definition of a result from one diagnostic to the next, and into the database.
DEFINITION = "era5fast_definition"

#: Attribute and value that tell a difference of two temperatures from a temperature (CF 1.11, section 3.1.2).
_METADATA = "units_metadata"
_DIFFERENCE = "temperature: difference"
_ON_SCALE = "temperature: on_scale"

#: Attributes of data that are not true of what is made of them, or that only their file can have.
_OF_THE_DATA = {
    "_FillValue",
    "actual_range",
    "add_offset",
    "ancillary_variables",
    "cell_measures",
    "cell_methods",
    "coordinates",
    "flag_masks",
    "flag_meanings",
    "flag_values",
    "grid_mapping",
    "history",
    "long_name",
    "missing_value",
    "scale_factor",
    "standard_name",
    "units",
    _METADATA,
    "valid_max",
    "valid_min",
    "valid_range",
    DEFINITION,
}

#: Standard names that have one of their anomaly.
_ANOMALIES = {
    "air_pressure",
    "air_temperature",
    "brightness_temperature",
    "geopotential_height",
    "sea_water_temperature",
    "surface_temperature",
}

#: Attributes of axes, by name.
_AXES: dict[str, dict[str, str]] = {
    "time": {"standard_name": "time", "long_name": "time", "axis": "T"},
    "latitude": {"standard_name": "latitude", "long_name": "latitude", "units": "degrees_north", "axis": "Y"},
    "longitude": {"standard_name": "longitude", "long_name": "longitude", "units": "degrees_east", "axis": "X"},
    "dayofyear": {"long_name": "day of the year", "units": "1"},
    "month": {"long_name": "month of the year", "units": "1"},
    "season": {"long_name": "season"},
    "year": {"long_name": "calendar year", "units": "1"},
    "region": {"long_name": "name of the region"},
    "station": {"long_name": "name of the station"},
}


# --- a result ---


def of_result(
    long_name: str,
    unit: str | None,
    *,
    inputs: Iterable[Mapping[Any, Any]] = (),
    standard_name: str | None = None,
    cell_methods: str = "",
    definition: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Attributes of a result.

    Parameters
    ----------
    long_name : str
        What it is.
    unit : str or None
        Units, in any spelling; ``"delta K"`` for a difference; None where nobody knows them.
    inputs : iterable of mapping
        Attributes of the data that went in, the most important first.
    standard_name : str, optional
        Of the CF table; ``"x"`` for that of the first of the data, ``"x_anomaly"`` for that of its anomaly.
    cell_methods : str
        As :func:`compose` makes them.
    definition : mapping, optional
        Name of the diagnostic, as ``"diagnostic"``, and all of its parameters.

    Returns
    -------
    dict
        Attributes, in the order in which they are read best.
    """
    first = next(iter(given := [dict(attrs) for attrs in inputs]), {})
    keeps = _keeps_attrs()
    kept = {key: value for key, value in first.items() if _is_still_true(key)} if keeps is True else {}
    texts = [] if keeps is False else given
    own = {
        "standard_name": _standard_name(standard_name, first),
        "long_name": long_name,
        "units": None if unit is None else udunits(unit.removeprefix("delta ")),
        _METADATA: None if unit is None else _metadata(unit, first),
        "cell_methods": cell_methods or None,
        DEFINITION: None if definition is None else json.dumps(definition, sort_keys=True, default=str),
        "history": None if definition is None else _history(texts, definition),
    }
    return {**kept, **{key: value for key, value in own.items() if value is not None}}


def _is_still_true(key: Any) -> bool:
    """Whether an attribute of data is true of what is made of them: what GRIB says is of its messages."""
    return key not in _OF_THE_DATA and not str(key).startswith("GRIB_")


def as_before(attrs: Mapping[Any, Any], definition: Mapping[str, Any], **changed: str) -> dict[Any, Any]:
    """Attributes of values that stay what they were, such as those of some of the cells, or in other units.

    Parameters
    ----------
    attrs : mapping
        Attributes of the data.
    definition : mapping
        As for :func:`of_result`; only the history tells it.
    **changed
        Attributes that are others now.

    Returns
    -------
    dict
        All of them, with the line of this call in the history.
    """
    kept = {} if _keeps_attrs() is False else {**attrs}
    own = {key: attrs[key] for key in ("long_name", "units", _METADATA) if key in attrs}
    kept.pop("standard_name", None)
    if (name := _own_name(attrs)) is not None:
        own = {"standard_name": name, **own}
    history = _history([kept] if kept else [], definition)
    return {**kept, **own, **changed, "history": history}


def of_dataset(
    title: str,
    arrays: Iterable[Any],
    definition: Mapping[str, Any] | None = None,
    given: Mapping[Any, Any] | None = None,
) -> dict[Any, Any]:
    """Attributes of a Dataset of results.

    Parameters
    ----------
    title : str
        What it holds.
    arrays : iterable of DataArray
        Its variables, which know the history of the data.
    definition : mapping, optional
        Of the call that made all of them; None: the first variable tells it.
    given : mapping, optional
        Attributes of the Dataset that it was made of.

    Returns
    -------
    dict
        ``Conventions``, ``title`` and ``history``, and of those of the data what is kept.
    """
    *before, last = str(next(iter(arrays)).attrs.get("history", "")).split("\n")
    keeps, given = _keeps_attrs(), given or {}
    told = [] if keeps is False else [line for line in str(given.get("history", "")).split("\n") if line]
    lines = [*dict.fromkeys([*told, *before]), last if definition is None else _line(definition)]
    own = {"Conventions": CONVENTIONS, "title": title, "history": "\n".join(lines)}
    kept = {key: value for key, value in given.items() if keeps is True and _is_still_true(key)}
    return {**kept, **own}


def of_axis(name: str) -> dict[str, str]:
    """Attributes of an axis that we make, by its name; none where it says everything."""
    return dict(_AXES.get(name, {}))


def filled(title: str, values: Mapping[str, Any]) -> str:
    """A title with values in place of their names in braces.

    Examples
    --------
    >>> filled("{statistic} of each period, {freq}", {"statistic": "mean", "freq": "MS"})
    'Mean of each period, MS'
    """
    text = " ".join(re.sub(r"\{(\w+)\}", lambda name: str(values.get(name[1], "")), title).split())
    return text[:1].upper() + text[1:]


def tidy_coordinates(result: Any) -> Any:
    """Mend the coordinates of a result in place, and return it: its file is to name nothing that is not in it.

    Bounds of coordinates are variables that a DataArray cannot have; axes have no missing values.
    """
    for coordinate in result.coords.values():
        attrs = coordinate.variable.attrs
        if not {"bounds", "climatology"}.isdisjoint(attrs):
            coordinate.variable.attrs = {k: v for k, v in attrs.items() if k not in ("bounds", "climatology")}
        encoding = coordinate.variable.encoding
        if coordinate.dtype.kind == "f" or not {"bounds", "climatology"}.isdisjoint(encoding):
            kept = {k: v for k, v in encoding.items() if k not in ("bounds", "climatology")}
            coordinate.variable.encoding = {**kept, "_FillValue": None} if coordinate.dtype.kind == "f" else kept
    return result


def made_by(attrs: Mapping[Any, Any], name: Any) -> Any:
    """Definition of the diagnostic that made data with such attributes; where it was none of ours, their name."""
    made = attrs.get(DEFINITION)
    return (None if name is None else str(name)) if made is None else json.loads(made)


def is_difference(attrs: Mapping[Any, Any]) -> bool:
    """Whether values are differences of temperatures: 1 °C is 1 K then."""
    return attrs.get(_METADATA) == _DIFFERENCE


def of_mask(attrs: Mapping[Any, Any]) -> dict[Any, Any]:
    """Attributes of a comparison, which newer xarrays leave as they were: yes and no have no units, whatever it says.

    Parameters
    ----------
    attrs : mapping
        Attributes of a variable of true and false.

    Returns
    -------
    dict
        The same, with 1 in the place of units, where it has any.
    """
    found = {key: value for key, value in attrs.items() if key != _METADATA}
    return {**found, "units": "1"} if "units" in found else found


def _keeps_attrs() -> Any:
    """What the user wants of xarray: True, False or "default", as for those who have not even loaded it."""
    xr: Any = sys.modules.get("xarray")  # untyped: older xarrays have no types for it
    if xr is None:
        return "default"
    said = xr.get_options()["keep_attrs"]
    return True if said == "default" and _keeps_by_default(xr.__version__) else said


@functools.cache
def _keeps_by_default(version: str) -> bool:
    """Whether a version of xarray keeps attributes where nobody says whether."""
    year, month = [*re.findall(r"\d+", version), "0", "0"][:2]
    return (int(year), int(month)) >= (2025, 11)


def _standard_name(wanted: str | None, attrs: Mapping[Any, Any]) -> str | None:
    own = _own_name(attrs)
    if wanted == "x":
        return own
    if wanted == "x_anomaly":
        return f"{own}_anomaly" if own in _ANOMALIES else own if str(own).endswith("_anomaly") else None
    return wanted


def _own_name(attrs: Mapping[Any, Any]) -> str | None:
    """Standard name of data: files that were GRIB say "unknown" of many variables that have one."""
    own = attrs.get("standard_name")
    return own if own not in (None, "", "unknown") else standard_name_of(attrs.get("GRIB_paramId"))


# --- units ---

#: What UDUNITS cannot read, or takes for something else (C is a coulomb, mb a millibarn), and what is meant.
_TEXTS = {
    "(0 - 1)": "1",
    "0 - 1": "1",
    "0-1": "1",
    "-": "1",
    "ln(Pa)": "1",
    "m of water equivalent": "m",
    "Degree true": "degree",
    "degree true": "degree",
}
_WORDS = {
    "C": "degC",
    "F": "degF",
    "deg": "degree",
    "deg_C": "degC",
    "deg_F": "degF",
    "deg_K": "K",
    "degree_centigrade": "degC",
    "degrees_centigrade": "degC",
    "dimensionless": "1",
    "fraction": "1",
    "~": "1",
    "pct": "%",
    "permille": "1e-3",
    "‰": "1e-3",
    "gpm": "m",
    "geopotential_meter": "m",
    "geopotential_metre": "m",
    "kn": "knot",
    "kmh": "km h-1",
    "mb": "hPa",
}
#: Degrees of a scale in two words: angles times coulombs, or farads, for who reads a product.
_DEGREES = re.compile(
    r"(?:\b[Dd]eg(?:ree)?s?(?:\.\s*|\s+)|°\s+)(?:(C|[Cc]elsius)|(F|[Ff]ahrenheit)|(?:K|[Kk]elvins?))(?![^\W\d])"
)
_WORD = re.compile(r"°?[^\W\d]+|[~‰]")
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻·", "0123456789- ")
_TEMPERATURE = re.compile(
    r"K|[°℃℉][CFK]?|deg(ree)?s?_?([CFK]|[Cc]elsius|[Ff]ahrenheit|[Kk]elvin)|[Kk]elvins?|[Cc]elsius|[Ff]ahrenheit"
)
_CELSIUS = re.compile(r"℃|°C|deg(ree)?s?_?(C|[Cc]elsius)|[Cc]elsius")


@functools.lru_cache(maxsize=256)
def udunits(text: str) -> str:
    """Units as UDUNITS can read them; what it can read already stays as it is.

    Examples
    --------
    >>> udunits("(0 - 1)"), udunits("kg m⁻²"), udunits("m s**-1"), udunits("C"), udunits("°C")
    ('1', 'kg m-2', 'm s**-1', 'degC', '°C')
    """
    text = one_word(_TEXTS.get(text.strip(), text.strip()).translate(_SUPERSCRIPTS))
    if re.match(r"\(?code table", text, re.IGNORECASE):
        return "1"
    return _WORD.sub(lambda word: _WORDS.get(word[0], word[0]), text)


def one_word(text: str) -> str:
    """Units with the degrees of temperature as one word.

    Examples
    --------
    >>> one_word("degrees Celsius"), one_word("mm deg. C-1"), one_word("degree north")
    ('degC', 'mm degC-1', 'degree north')
    """
    return _DEGREES.sub(lambda found: "degC" if found[1] else "degF" if found[2] else "K", text)


def product(unit: str, other: str) -> str:
    """Units times others; a degree Celsius is a kelvin there."""
    unit = udunits(unit)
    return other if unit == "1" else f"{'K' if _CELSIUS.fullmatch(unit) else unit} {other}"


def squared(unit: str) -> str:
    """Units of squares; a degree Celsius is a kelvin there."""
    unit = udunits(unit)
    if unit == "1":
        return unit
    return "K2" if _CELSIUS.fullmatch(unit) else f"{unit}2" if unit.isalpha() else f"({unit})2"


def _metadata(unit: str, attrs: Mapping[Any, Any]) -> str | None:
    """Whether a result in units of temperature is a difference; None of one that is in others, or of differences."""
    if _TEMPERATURE.fullmatch(udunits(unit.removeprefix("delta "))) is None:
        return None
    return _DIFFERENCE if unit.startswith("delta ") else None if is_difference(attrs) else _ON_SCALE


# --- cell methods ---

_METHODS = {"max": "maximum", "min": "minimum", "std": "standard_deviation", "var": "variance"}
_PART = re.compile(r"((?:[A-Za-z_]\w*:\s+)+)((?:(?![A-Za-z_]\w*:\s)[^(])*(?:\([^)]*\))?)")
_TIMES = {"time", "valid_time"}


def method(statistic: Any) -> str:
    """Name that a statistic has in cell methods."""
    return _METHODS.get(str(statistic), str(statistic))


def compose(before: Any, after: str, within: str = "") -> str:
    """Cell methods after one more step.

    Parameters
    ----------
    before : str or None
        Cell methods of the data.
    after : str
        The step, such as ``"time: mean"``, ``"area: mean"``, or ``"time: sum over days"``, which says of what
        the data have over time that it is within days.
    within : str
        What the data have over time where they do not say it, such as ``"maximum"``.

    Returns
    -------
    str
        Cell methods of the result.

    Examples
    --------
    >>> compose("time: maximum", "time: sum over days")
    'time: maximum within days time: sum over days'
    >>> compose("time: mean", "area: mean")
    'time: mean area: mean'
    """
    before = str(before or "")
    if not after.startswith("time:"):
        return " ".join(filter(None, [before, after]))
    in_time, others = [], []
    for names, what in _PART.findall(before):
        if _TIMES.isdisjoint(name.rstrip(":") for name in names.split()):
            others.append(f"{names}{what}".strip())
        else:
            in_time.append(what.strip())
    return " ".join([*others, _in_time(in_time, after, within)])


def _in_time(before: list[str], after: str, within: str) -> str:
    """Cell methods along time: what was done, and the step."""
    over = re.search(r" over (days|years)$", after)
    nested = any(" over " in what or " within " in what for what in before)
    done = [what for what in before if what != "point"]
    if " within " in after:
        return after
    if over is None or nested:
        same = [after.removeprefix("time: ")] == done
        return after if same else " ".join([*(f"time: {what}" for what in done), after])
    inner = done[-1] if done else within
    return f"time: {inner} within {over[1]} {after}" if inner else after


# --- history ---


def _history(inputs: list[dict[Any, Any]], definition: Mapping[str, Any]) -> str:
    """Histories of the data, each line once, and the line of this call."""
    lines = dict.fromkeys(line for attrs in inputs for line in str(attrs.get("history", "")).split("\n") if line)
    return "\n".join([*lines, _line(definition, told=bool(lines))])


def _line(definition: Mapping[str, Any], *, told: bool = True) -> str:
    """The line of a call; what went into it was told by others, or is told here."""
    from . import __version__

    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    zone = datetime.UTC
    now = datetime.datetime.fromtimestamp(int(epoch), zone) if epoch.isdecimal() else datetime.datetime.now(zone)
    return f"{now:%Y-%m-%dT%H:%M:%SZ} era5fast {__version__}: {_call(definition, told)}"


def _call(definition: Mapping[str, Any], told: bool) -> str:
    """A definition as the call that it stands for."""
    given = [f"{key}={_argument(value, told)}" for key, value in definition.items() if key not in _NO_ARGUMENTS]
    return f"{definition['diagnostic']}({', '.join(given)})"


#: Parts of a definition that were not passed: the name, and the content of what was.
_NO_ARGUMENTS = ("diagnostic", "sha256")


def _argument(value: Any, told: bool) -> str:
    if not isinstance(value, Mapping):
        return repr(value)
    if "diagnostic" not in value:
        return f"<{str(value.get('sha256') or '')[:12]}>"
    return f"{value['diagnostic']}(…)" if told else _call(value, told)
