"""Indices of climate extremes: the 27 of the ETCCDI, and some of their kin, any number of them in one read.

Every index is a function of its own, named as the ETCCDI names it (``fd``, ``su``, ``tx90p``, ``rx5day``, …);
:func:`etccdi` computes many at once. They are rows of the core's table, nothing here is written for one of them.

``definition`` says whose rules are followed where programs disagree: ``"etccdi"`` (those of climdex.pcic),
``"xclim"`` or ``"cdo"``; each rule can be set by itself as well.
"""

from __future__ import annotations

import ast
import functools
import inspect
import itertools
import re
import tempfile
from collections import namedtuple
from collections.abc import Callable, Iterable, Sequence
from numbers import Real
from typing import Any

import numpy as np

from . import _core, attributes, definitions, units
from .chunked.arrays import is_lazy
from .diagnostics import warn_of_short_base
from .errors import InputError
from .field import Field, as_field, check_days
from .grouping import grouping_of
from .memory import memory_budget, telling_what_is_too_large
from .operands import Operands, bind, scaled
from .progress import Progress
from .several import check_distinct, is_list
from .sources import files_by_variable, is_paths

_KERNEL = next(row for row in _core.kernels() if row["name"] == "etccdi")
_ROWS = {row["name"]: row for row in _core.indices()}
_PARAMS = {spec["name"]: spec for spec in _KERNEL["params"] if spec["name"] != "indices"}
_GROUPING = {spec["name"]: spec for spec in _KERNEL["grouping_params"]}
_SERIES = ("tx", "tn", "tg", "pr")

#: The 27 core indices: the table begins with them.
CORE = tuple(_ROWS)[:27]

#: Names of functions; ``id`` is Python's own.
_NAMES = {name: "id_" if name == "id" else name for name in _ROWS}
__all__ = ["CORE", "etccdi", *_NAMES.values()]

#: What the series are called in data sets, in the order in which they are looked for.
CALLED = {
    "tx": ("tx", "tasmax", "tmax", "t2m_max", "t2mmax", "mx2t"),
    "tn": ("tn", "tasmin", "tmin", "t2m_min", "t2mmin", "mn2t"),
    "tg": ("tg", "tas", "tavg", "tmean", "t2m_mean"),
    "pr": ("pr", "rr", "tp", "precip", "precipitation", "prcp"),
}
_COMMON = ("time", "latitude", "longitude", "calendar", "progress")

#: What the series have over each day, where they do not say it.
_WITHIN = {"tx": "maximum", "tn": "minimum", "tg": "mean", "pr": "sum"}


def _default(spec: dict[str, Any]) -> Any:
    return ast.literal_eval(spec["default"])


_DEFAULTS = {name: _default(spec) for name, spec in {**_PARAMS, **_GROUPING}.items()}


# --- units ---


class _Units:
    """How the units of the data become those of the indices."""

    def __init__(self, fields: dict[str, Field]) -> None:
        self.temperature = self._of(fields, ("tx", "tn", "tg"), "degC")
        self.rain = self._of(fields, ("pr",), "mm d-1")
        #: Units of the rain of a day: a rate, or an amount.
        self.rain_units = "mm d-1"
        if self.rain is not None and not units.is_depth_rate(self.rain):
            self.rain_units = "mm"
            units.check(self.rain, "mm", "pr")

    @staticmethod
    def _of(fields: dict[str, Field], names: tuple[str, ...], wanted: str) -> str | None:
        given = {name: fields[name] for name in names if name in fields}
        if not given:
            return None
        found = {name: units.of(f.attrs) if f.labelled else wanted for name, f in given.items()}
        for name, unit in found.items():
            if unit is None or wanted == "degC":
                units.check(unit, wanted, name)
        return next(iter(found.values()))

    def source(self, name: str, field: Field, source: Any) -> Any:
        """Source of a series in the units of the first of its kind."""
        if self.temperature is None or name not in ("tx", "tn", "tg") or not field.labelled:
            return source
        return scaled(source, units.factor(str(units.of(field.attrs)), self.temperature))

    def threshold(self, spec: dict[str, Any], value: Any) -> Any:
        """A threshold in the units of the data; of a list, each of them."""
        what = f"etccdi: {spec['name']}"
        if is_list(value):
            return [self.threshold(spec, v) for v in value]
        temperature = spec["units"] == "degC"
        given = self.temperature if temperature else self.rain
        if given is None:
            return _default(spec)  # no series to compare it with
        own = "degC" if temperature else self.rain_units
        if not isinstance(value, str | Real):
            raise InputError(f"{what} must be a number, text like '25 {own}' or a list of these, not {value!r}")
        text = value if isinstance(value, str) else f"{float(value)!r} {own}"
        return units.quantity(text, given, what)

    def result(self, row: dict[str, Any]) -> tuple[float, float]:
        """Scale and offset that bring a result into the units of its row."""
        unit = row["units"]
        if unit in ("degC", "delta K", "K d"):
            assert self.temperature is not None
            return units.factor(self.temperature, "degC", difference=unit != "degC")
        if unit in ("mm", "mm d-1"):
            assert self.rain is not None
            return units.factor(self.rain, self.rain_units)
        return 1.0, 0.0


# --- one call ---


def _run(series: dict[str, Any], names: Iterable[str], given: dict[str, Any], common: dict[str, Any]) -> Any:
    """Indices of series, lazily where one of these is lazy; a dict of name → result."""
    if any(is_lazy(x) for x in series.values()):
        return _run_lazily(series, list(names), given, {**common, "progress": False})
    return _compute(series, names, given, common)


def _run_lazily(series: dict[str, Any], names: list[str], given: dict[str, Any], common: dict[str, Any]) -> Any:
    from .chunked.blocks import map_cells
    from .chunked.rows import beside, time_of

    call = functools.partial(_of_block, names, given, common)
    name = names[0] if len(names) == 1 else "etccdi"
    silent = functools.partial(call, silent=True)
    together = beside(series)
    times = tuple({time_of(x) for x in together.values()})
    return map_cells(silent, together, name=name, whole_dims=times, told=call)


def _of_block(
    names: list[str], given: dict[str, Any], common: dict[str, Any], series: dict[str, Any], *, silent: bool = False
) -> Any:
    return _compute(series, names, dict(given), common, silent=silent)


def _compute(
    series: dict[str, Any],
    names: Iterable[str],
    given: dict[str, Any],
    common: dict[str, Any],
    *,
    silent: bool = False,
) -> Any:
    """Compute indices of series in memory; a dict of name → result. `silent`: the user has heard it before."""
    wanted = [name for name in _ROWS if name in set(names)]
    row, fields, operands = _operands(series, common)
    check_days(operands.field, wanted[0] if len(wanted) == 1 else "etccdi")
    chosen, axis = _follow(given.pop("definition"), given)
    params = _merged(chosen)
    _check_frequency(wanted, params["freq"])
    _check_units(wanted, params)
    unit, field = _Units(fields), operands.field
    sets, rules = [], []
    for each in chosen:
        values = {**each, "indices": wanted}
        values |= {name: unit.threshold(spec, each[name]) for name, spec in _PARAMS.items() if spec["units"]}
        own, lists = _sets(values, each)
        frequency, months, missing = grouping_of(_KERNEL, values, field) or ()
        rules += [missing] * len(own)
        sets += own
    lists = [*axis, *lists]
    if not silent and any("base_period=" in _ROWS[name]["params"] for name in wanted):
        warn_of_short_base(params["base_period"], field)
    held = dict(zip(row, operands.sources, strict=True))
    held |= {name: unit.source(name, fields[name], held[name]) for name in fields}
    sources = [held.get(name) for name in (*_SERIES, "hemisphere")]
    with Progress("indices", common["progress"]) as progress, operands.reading(), telling_what_is_too_large("etccdi"):
        out, starts = _core.sweep(
            "etccdi",
            sets,
            sources,
            field.seconds,
            field.calendar,
            (frequency, months, rules),
            memory_budget(),
            tempfile.gettempdir(),
            progress,
        )
    assert starts is not None
    shape = (*(len(of) for _, of in lists), len(wanted), len(starts), *out.shape[2:])
    out = np.moveaxis(out.reshape(shape), len(lists), 0)
    axes = [*lists, ("time", field.dates(starts))]
    return {name: _result(name, out[i], fields, axes, unit, params) for i, name in enumerate(wanted)}


def _follow(definition: Any, given: dict[str, Any]) -> tuple[list[dict[str, Any]], list[tuple[str, Any]]]:
    """Parameters of each definition, and the dimension that a list of these makes."""
    if not is_list(definition):
        return [definitions.apply("etccdi", definition, given, _DEFAULTS)], []
    if len(definition) == 0:
        raise InputError("etccdi: definition is an empty list")
    chosen = [definitions.apply("etccdi", each, given, _DEFAULTS) for each in definition]
    return chosen, [("definition", np.asarray(definition))]


def _merged(chosen: list[dict[str, Any]]) -> dict[str, Any]:
    """Parameters of all definitions: a list where they differ."""
    first = chosen[0]
    return {
        name: value if all(each[name] is value or each[name] == value for each in chosen)
        else [each[name] for each in chosen]
        for name, value in first.items()
    }  # fmt: skip


def _check_units(names: list[str], params: dict[str, Any]) -> None:
    """Refuse definitions of which one counts days where another gives shares of them."""
    if not is_list(params["percent_of"]) or "days" not in params["percent_of"]:
        return
    if mixed := [name for name in names if "percent_of" in _ROWS[name]["params"]]:
        raise InputError(
            f"{', '.join(mixed)}: these definitions give days and percent, which cannot be one result",
            hint="say which for all of them: percent_of='days', 'valid' or 'all'",
        )


def _sets(values: dict[str, Any], params: dict[str, Any]) -> tuple[list[list[Any]], list[tuple[str, Any]]]:
    """All sets of parameter values, and name and values of those that the user gave as lists."""
    lists = [
        (name, np.asarray(params[name]))
        for name, spec in _PARAMS.items()
        if spec["type"] != "period" and is_list(values[name])
    ]
    if empty := [name for name, of in lists if of.size == 0]:
        raise InputError(f"etccdi: {empty[0]} is an empty list")
    for name, of in lists:
        check_distinct(of.tolist(), f"etccdi: {name}")
    several = {name for name, _ in lists}
    choices = [
        values[spec["name"]] if spec["name"] in several else [values[spec["name"]]] for spec in _KERNEL["params"]
    ]
    return [list(chosen) for chosen in itertools.product(*choices)], lists


def _operands(series: dict[str, Any], common: dict[str, Any]) -> tuple[list[str], dict[str, Field], Operands]:
    """The series that are there, and the latitude of each cell where it is known."""
    specs = [{**spec, "units": None} for spec in _KERNEL["operands"] if series.get(spec["name"]) is not None]
    if not specs:
        raise InputError("etccdi: no data: tx, tn, tg or pr is needed")
    extra = {**{key: common[key] for key in _COMMON}, "variable": None}
    names = [spec["name"] for spec in specs]
    operands = Operands({**_KERNEL, "operands": specs}, {**extra, **_on_common_days(names, series, extra)})
    fields = dict(zip(names, operands.fields, strict=True))
    latitude = operands.field.latitude_of_cells()
    if latitude is not None:
        operands.sources.append(latitude)
        names.append("hemisphere")
    return names, fields, operands


def _on_common_days(names: list[str], series: dict[str, Any], extra: dict[str, Any]) -> dict[str, Field]:
    """The series as fields, cut to the times that all of them have."""
    about = {key: extra[key] for key in ("time", "latitude", "longitude", "calendar")}
    fields = {name: as_field(series[name], **about) for name in names}
    times = [each.seconds for each in fields.values()]
    if all(np.array_equal(times[0], other) for other in times[1:]):
        return fields
    common = functools.reduce(np.intersect1d, times)
    if len(common) == 0:
        raise InputError(f"{' and '.join(names)} have no day in common", hint="daily values have one time of the day")
    return {name: each.at(np.isin(each.seconds, common)) for name, each in fields.items()}


def _check_frequency(names: list[str], freq: Any) -> None:
    yearly = isinstance(freq, str) and freq.startswith("YS")
    if wrong := [name for name in names if _ROWS[name]["monthly"] == "year" and not yearly]:
        raise InputError(f"{', '.join(wrong)}: defined for years only, not for freq={freq!r}", hint="freq='YS'")


def _result(
    name: str,
    values: np.ndarray,
    fields: dict[str, Field],
    axes: list[tuple[str, Any]],
    unit: _Units,
    params: dict[str, Any],
) -> Any:
    row = _ROWS[name]
    scale, offset = unit.result(row)
    if (scale, offset) != (1.0, 0.0):
        values = values * scale + offset
    field = next(iter(fields.values()))
    attrs = _attributes(row, {key: fields[key] for key in fields if key in _used(row, fields)}, params)
    about = {
        key: attributes.of_result(_PARAMS[key]["doc"].rstrip("."), _units_of_list(key, of))
        if key in _PARAMS
        else attributes.of_result("Whose rules were followed", None)
        for key, of in axes[:-1]
    }
    return field.wrap(np.ascontiguousarray(values), axes, attrs, name, about)


def _used(row: dict[str, Any], fields: dict[str, Field]) -> set[str]:
    """Names of the series that an index is made of."""
    return _needs(row["name"], set(fields))


def _units_of_list(name: str, values: np.ndarray) -> str | None:
    return (_PARAMS[name]["units"] or "1") if values.dtype.kind in "fiu" else None


def _attributes(row: dict[str, Any], fields: dict[str, Field], params: dict[str, Any]) -> dict[str, Any]:
    """CF attributes of an index."""
    first = next(iter(fields.values()))
    if not first.labelled:
        return {}
    shares = dict(item.split("=") for item in row["params"].split())
    days = row["units"] == "%" and "percent_of" in shares and params["percent_of"] == "days"
    used = {key: params[of] for key, of in shares.items()} | {key: params[key] for key in _GROUPING}
    made_of = {name: field.made_by() for name, field in fields.items()}
    series = row["operands"][0]
    within = fields[series].attrs.get("cell_methods") if series in fields else None
    return attributes.of_result(
        _title(row, params),
        "1" if days else row["units"],
        inputs=[field.attrs for field in fields.values()],
        standard_name=row["standard_name"],
        cell_methods=attributes.compose(within, row["cell_methods"], _WITHIN[series]),
        definition={"diagnostic": row["name"], **used, **made_of},
    )


def _title(row: dict[str, Any], params: dict[str, Any]) -> str:
    """Title of an index with the values of its parameters; the name of a parameter where it has several."""
    values = {own: _in_words(of, params[of]) for own, of in (item.split("=") for item in row["params"].split())}
    return attributes.filled(row["title"], values)


def _in_words(name: str, value: Any) -> str:
    if is_list(value):
        return name
    if isinstance(value, str) or not isinstance(value, Real):
        return str(value)
    unit = _PARAMS[name]["units"]
    if unit is not None:
        return f"{value:g} {unit.removesuffix(' d-1')}"
    return _ordinal(float(value)) if name in _PERCENTILES else f"{value:g}"


_PERCENTILES = ("low", "high", "very_wet", "extremely_wet")


def _ordinal(number: float) -> str:
    """A number like 90th or 1st."""
    whole = number.is_integer() and int(number) % 100 not in (11, 12, 13)
    return f"{number:g}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(int(number) % 10, 'th') if whole else 'th' }"


def _gather(results: dict[str, Any], params: dict[str, Any], about: dict[Any, Any]) -> Any:
    """Several results: a Dataset, or a named tuple of arrays."""
    if not hasattr(next(iter(results.values())), "dims"):
        return namedtuple("Indices", list(results))(*results.values())
    import xarray as xr

    call = {"diagnostic": "etccdi", "indices": list(results), **params}
    attrs = attributes.of_dataset("Indices of climate extremes", results.values(), call, about)
    return xr.Dataset(results, attrs=attrs)


# --- where the series are ---


def _find_series(data: Any, series: dict[str, Any]) -> dict[str, Any]:
    """Series by name out of a Dataset or out of files; what is given by itself goes before."""
    if data is None:
        return series
    if is_paths(data):
        return {**_in_files(data, series), **{name: x for name, x in series.items() if _is_data(x)}}
    if not hasattr(data, "data_vars"):
        raise InputError(
            f"a Dataset or file names are needed, not {type(data).__name__}",
            hint="pass series by name: tx=…, tn=…, pr=…",
        )
    names = _chosen([str(name) for name in data.data_vars], series)
    return {**{name: data[called] for name, called in names.items()}, **_others(series, names)}


def _is_data(x: Any) -> bool:
    return x is not None and not isinstance(x, str)


def _others(series: dict[str, Any], found: dict[str, str]) -> dict[str, Any]:
    return {name: x for name, x in series.items() if x is not None and name not in found}


def _chosen(there: list[str], series: dict[str, Any]) -> dict[str, str]:
    """Series → name of the variable, as the user says or as it is usually called."""
    found = {}
    for name in _SERIES:
        said = series.get(name)
        if isinstance(said, str):
            if said not in there:
                raise InputError(f"no variable '{said}' for {name}", hint=f"there are {', '.join(there)}")
            found[name] = said
        elif said is None and (called := next((c for c in CALLED[name] if c in there), None)):
            found[name] = called
    if not found and not any(_is_data(x) for x in series.values()):
        raise InputError(
            f"no daily temperature or precipitation among {', '.join(there)}",
            hint="say which variable is which, like tx='t2m'",
        )
    return found


def _in_files(paths: Any, series: dict[str, Any]) -> dict[str, Any]:
    held = files_by_variable(paths)
    return {name: as_field(held[called], variable=called) for name, called in _chosen(list(held), series).items()}


# --- functions ---


def etccdi(
    data: Any = None,
    *,
    tx: Any = None,
    tn: Any = None,
    tg: Any = None,
    pr: Any = None,
    indices: str | Iterable[str] | None = None,
    base_period: tuple[Any, Any] | None = None,
    freq: str = "YS",
    definition: str | Sequence[str] = "etccdi",
    time: Any = None,
    latitude: Any = None,
    longitude: Any = None,
    calendar: str | None = None,
    progress: bool = True,
    **rules: Any,
) -> Any:
    """Compute any number of indices of climate extremes in one read of the data.

    Parameters
    ----------
    data : Dataset or paths, optional
        Daily data in which the series are found by their usual names (``tx``, ``tasmax``, ``mx2t``, …).
    tx, tn, tg, pr : DataArray, ndarray, paths or str, optional
        Daily maximum, minimum and mean temperature, and precipitation; a str names a variable of `data`. Without `tg`
        it is (tx + tn) / 2. Plain arrays are in °C and mm. Of series that cover different days, those count that all
        of them have: the precipitation of ERA5 begins a day earlier than its temperatures.
    indices : str or sequence of str, optional
        Names of indices; None: all of the 27 that the data and `freq` allow.
    base_period : tuple of two years or dates, optional
        Base period of percentiles; None: all of the data.
    freq : str
        Period of each value: 'YS', 'YS-JUL', 'QS-DEC', 'MS', …; the growing season has years only.
    definition : {'etccdi', 'climdex', 'xclim', 'cdo'} or a list of these
        Whose rules are followed where programs disagree; several in one read make one more dimension.
    time, latitude, longitude : array, optional
        Axes of plain arrays. The growing season needs latitudes: south of the equator it begins in July.
    calendar : str, optional
        CF calendar of plain ``datetime64`` times.
    progress : bool
        Show a progress bar on terminals and in notebooks.
    **rules
        Parameters of single indices (``summer_above=30``, ``nn=50``, ``spells="own"``, ``missing="any"``, ``months``,
        …): see their functions. Those of one value may be lists: one more dimension.

    Returns
    -------
    Dataset, or named tuple of ndarrays
        One variable per index, (time, latitude, longitude), float64.

    Raises
    ------
    InputError
        If an index lacks its series, units are missing or wrong, or a rule is not known.

    Notes
    -----
    Fixed thresholds are rounded to the precision of the data, in their units, before they are compared: a day of
    exactly 0 °C is no frost day, also as float32 in K.

    References
    ----------
    Zhang et al. 2011, WIREs Clim. Change 2, 851. Klein Tank et al. 2009, WMO-TD 1500.
    """
    if unknown := set(rules) - set(_DEFAULTS):
        raise InputError(
            f"etccdi: no rule is called {', '.join(sorted(unknown))}", hint=f"rules are {', '.join(_DEFAULTS)}"
        )
    series = _find_series(data, {"tx": tx, "tn": tn, "tg": tg, "pr": pr})
    there = {name for name, x in series.items() if x is not None}
    located = latitude is not None or not any(isinstance(x, np.ndarray) for x in series.values())
    wanted = _wanted(indices, there, freq, located)
    given = {**rules, "base_period": base_period, "freq": freq, "definition": definition}
    common = {"time": time, "latitude": latitude, "longitude": longitude, "calendar": calendar, "progress": progress}
    return _gather(_run(series, wanted, dict(given), common), given, dict(getattr(data, "attrs", {})))


def _needs(name: str, there: set[str]) -> set[str]:
    """Series that an index needs; the mean temperature may be made of the two others."""
    needs = set(_ROWS[name]["operands"])
    return (needs - {"tg"}) | {"tx", "tn"} if "tg" in needs and "tg" not in there else needs


def _is_single(indices: Any) -> bool:
    return isinstance(indices, str) or not isinstance(indices, Iterable) or getattr(indices, "ndim", 1) == 0


def _wanted(indices: Any, there: set[str], freq: Any, located: bool) -> list[str]:
    if indices is not None:
        names = [indices] if _is_single(indices) else list(indices)
        if unknown := [name for name in names if not isinstance(name, str) or name not in _ROWS]:
            raise InputError(
                f"no index is called {', '.join(map(str, unknown))}", hint=f"there are {', '.join(_ROWS)}"
            )
        if not names:
            raise InputError("no index is wanted: the list is empty")
        return names
    yearly = isinstance(freq, str) and freq.startswith("YS")
    names = [name for name in CORE if _needs(name, there) <= there]
    names = [name for name in names if yearly or _ROWS[name]["monthly"] == "any"]
    return [name for name in names if name != "gsl" or located]


def _signature(row: dict[str, Any]) -> inspect.Signature:
    kind = inspect.Parameter
    needed = row["operands"]
    optional = ["tx", "tn"] if needed == ["tg"] else []
    parameters = [kind(n, kind.POSITIONAL_OR_KEYWORD, default=None if optional else kind.empty) for n in needed]
    parameters += [kind(name, kind.KEYWORD_ONLY, default=None) for name in optional]
    for item in row["params"].split():
        parameters.append(kind(item.split("=")[0], kind.KEYWORD_ONLY, default=None))
    parameters.append(kind("freq", kind.KEYWORD_ONLY, default="YS"))
    parameters += [kind(name, kind.KEYWORD_ONLY, default=None) for name in ("months", "missing")]
    parameters.append(kind("definition", kind.KEYWORD_ONLY, default="etccdi"))
    for name in _COMMON:
        parameters.append(kind(name, kind.KEYWORD_ONLY, default=True if name == "progress" else None))
    return inspect.Signature(parameters)


def _in_its_words(error: InputError, name: str, params: dict[str, str]) -> InputError:
    """The error with the names of the function that was called in place of those of the common row."""
    what = error.what.replace("etccdi: ", f"{name}: ", 1)
    for own, of in params.items():
        what = re.sub(rf"(?<=^{name}: ){of}\b", own, what)
    return InputError(what, hint=error.hint)


_TYPES = {"integer": "int", "number": "float", "flag": "bool", "period": "tuple of two years or dates"}
_SERIES_DOCS = {spec["name"]: spec["doc"] for spec in _KERNEL["operands"]}
_IN_WORDS = {"1": "without units", "d": "in days"}


def _docstring(row: dict[str, Any]) -> str:
    lines = [f"{_title(row, _DEFAULTS)}.", "", "Parameters", "----------"]
    for name in row["operands"] if row["operands"] != ["tg"] else ["tg", "tx", "tn"]:
        lines += [f"{name} : DataArray, ndarray or paths (time, ...)", f"    {_SERIES_DOCS[name]}"]
    for name, of in [item.split("=") for item in row["params"].split()]:
        spec = _PARAMS[of]
        kind = "{" + ", ".join(spec["choices"].split()) + "}" if spec["choices"] else _TYPES[spec["type"]]
        unit = f" In {spec['units'].replace('mm d-1', 'mm')}, or text with units." if spec["units"] else ""
        default = _default(spec)
        several = f" Of a list the dimension is called {of}." if spec["type"] != "period" else ""
        lines += [f"{name} : {kind}, optional", f"    {spec['doc']}{unit} By itself: {default}.{several}"]
    lines += ["freq : str", f"    {_GROUPING['freq']['doc']}"]
    lines += ["months : sequence of int, optional", f"    {_GROUPING['months']['doc']}"]
    lines += ["missing : float or {any, etccdi, wmo, none}, optional", f"    {_GROUPING['missing']['doc']}"]
    lines += ["definition : {" + ", ".join(definitions.names("etccdi")) + "}"]
    lines += ["    Whose rules are followed where nothing else is said."]
    lines += ["time, latitude, longitude, calendar, progress", "    As in :func:`etccdi`."]
    units = row["units"].removeprefix("delta ")
    lines += [
        "",
        "Returns",
        "-------",
        "DataArray or ndarray",
        f"    One value per period and cell, {_IN_WORDS.get(units, f'in {units}')}.",
    ]
    return "\n".join(lines) + "\n"


def _make_function(row: dict[str, Any]) -> Callable[..., Any]:
    signature = _signature(row)
    params = dict(item.split("=") for item in row["params"].split())

    def function(*args: Any, **kwargs: Any) -> Any:
        values = bind(_NAMES[row["name"]], signature, args, kwargs)
        series = {name: values[name] for name in _SERIES if name in values}
        given = {of: values[name] for name, of in params.items() if values[name] is not None}
        given |= {name: values[name] for name in ("months", "missing") if values[name] is not None}
        given |= {"freq": values["freq"], "definition": values["definition"]}
        try:
            return _run(series, [row["name"]], given, {name: values[name] for name in _COMMON})[row["name"]]
        except InputError as error:
            raise _in_its_words(error, row["name"], params) from error

    function.__name__ = function.__qualname__ = _NAMES[row["name"]]
    function.__doc__ = _docstring(row)
    function.__signature__ = signature  # type: ignore[attr-defined]
    return function


globals().update({_NAMES[name]: _make_function(row) for name, row in _ROWS.items()})
