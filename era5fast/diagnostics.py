"""The diagnostics: one function per row of the core's table.

Nothing here is written by hand for one diagnostic. The row gives name, operands, parameters, defaults and texts; the
kind of the kernel decides how it is called. ``python -m era5fast.diagnostics`` prints the type stub.
"""

from __future__ import annotations

import ast
import inspect
import re
import tempfile
from collections import namedtuple
from collections.abc import Callable
from numbers import Real
from typing import Any

import numpy as np

from . import _core, attributes, definitions, provenance, solar_days, zones
from .axis_names import TIME_NAMES, find_axis
from .chunked.arrays import is_lazy_call
from .doubts import say_if_fraction
from .errors import InputError, warn
from .field import HINT_OF_TIME, Field, check_days, one_variable
from .grouping import grouping_of
from .memory import memory_budget, telling_what_is_too_large
from .operands import Operands, bind
from .parameter_sets import LISTABLE, Cases, sets_of
from .progress import Progress
from .several import Axis, is_list
from .times import DAY, dates_of, usual_step

#: Those of single values stand in ``pointwise``.
#: All but those that have functions of other modules: era5fast.pointwise, era5fast.indices.
_ROWS = [row for row in _core.kernels() if row["kind"] != "pointwise" and row["name"] != "etccdi"]

__all__ = [row["name"] for row in _ROWS]

#: What a row without outputs gives.
_OUTPUT = {"name": "x", "units": "x", "doc": None, "standard_name": "x"}

#: Those that count days, and those that count steps of a day or longer, such as months.
_OF_DAYS = (
    "excess_heat",
    "fire_weather",
    "heatwave_aspects",
    "heatwave_climatology",
    "hwmid",
    "percentile_doy",
    "percentile_exceedance",
)
_OF_DAYS_OR_LONGER = ("spell_statistics",)


# --- running a row ---


def _run_scan(row: dict[str, Any], given: dict[str, Any]) -> Any:
    if row["grouping"] == "day" and is_list(given["utc_offset"]):
        x = given[row["operands"][0]["name"]]
        return zones.in_each(
            row["name"], x, given["utc_offset"], lambda zone: _run_scan(row, {**given, "utc_offset": zone})
        )
    if is_lazy_call(row, given):
        from .chunked.folds import scan

        return scan(row, given, _scan)
    return _scan(row, given)


def _scan(row: dict[str, Any], given: dict[str, Any]) -> Any:
    operands = Operands(row, given)
    field = operands.field
    grouping = grouping_of(row, given, field)
    sets, lists = sets_of(row, given, operands)

    def scan(source: Any, grouping: Any) -> tuple[np.ndarray, np.ndarray]:
        return _core.scan(row["name"], sets, source, field.seconds, field.calendar, grouping, progress)

    if row["grouping"] == "day":
        _say_if_daily(given, field)
    with (
        Progress(row["name"], given["progress"]) as progress,
        operands.reading(),
        telling_what_is_too_large(row["name"]),
    ):
        if row["grouping"] == "day" and given["utc_offset"] == "solar":
            rule = grouping[0] if grouping else 0
            out, starts = solar_days.scan(field, lambda part, offset: scan(part, (rule, offset)))
        else:
            out, starts = scan(operands.sources[0], grouping)
    return _results(row, given, operands, out, starts, lists)


def _say_if_daily(given: dict[str, Any], field: Field) -> None:
    """Say it where there is one value a day already: the sum of one hour is no total of a day.

    Totals since midnight are: their stamp at 00 holds the whole day.
    """
    if len(field.seconds) < 2 or usual_step(field.seconds) < DAY or given["hours"] == "since_midnight":
        return
    clock = f"{field.seconds[0] % DAY // 3600:02d}:{field.seconds[0] % 3600 // 60:02d}"
    if "sum" in np.atleast_1d(np.asarray(given["statistic"], dtype=object)).tolist():
        warn(f"daily: the data have one value a day, at {clock}: what is added up is that hour, not the day")


def _run_series(row: dict[str, Any], given: dict[str, Any]) -> Any:
    if is_lazy_call(row, given):
        from .chunked.rows import series

        return series(row, given, _series)
    return _series(row, given)


def _series(row: dict[str, Any], given: dict[str, Any], *, silent: bool = False) -> Any:
    """A row of independent cells; `silent` is one of many blocks, of which the user hears once."""
    operands = Operands(row, given)
    field = operands.field
    if row["name"] in _OF_DAYS or row["name"] in _OF_DAYS_OR_LONGER:
        check_days(field, row["name"], longer=row["name"] in _OF_DAYS_OR_LONGER)
    sets, lists = sets_of(row, given, operands)
    order, choices = operands.arrangement(len(sets), given.get("cases"))
    grouping = _grouping_of_sets(row, given, field, len(sets), order)
    if not silent:
        warn_of_short_base(given.get("base_period"), field)
        say_if_fraction(given.get("percentile"), row["name"])
    with (
        Progress(row["name"], given["progress"]) as progress,
        operands.reading(),
        telling_what_is_too_large(row["name"]),
    ):
        out, starts = _core.sweep(
            row["name"],
            [sets[i] for i in order],
            operands.sources,
            field.seconds,
            field.calendar,
            grouping,
            memory_budget(),
            tempfile.gettempdir(),
            progress,
            choices,
        )
    if row["name"] == "percentile_doy" and not silent:
        _warn_of_few_values(given, field)
    return _results(row, given, operands, out, starts, lists)


def _grouping_of_sets(
    row: dict[str, Any], given: dict[str, Any], field: Field, sets: int, order: list[int]
) -> tuple[Any, ...] | None:
    """Grouping of a row; where cases have other rules for missing data, with the rule of each set of parameters."""
    grouping, cases = grouping_of(row, given, field), given.get("cases")
    if grouping is None or cases is None or not any("missing" in case for case in cases.values):
        return grouping
    rules = [grouping_of(row, {**given, **case}, field) for case in cases.values]
    return (*grouping[:2], [(rules[i * len(rules) // sets] or grouping)[2] for i in order])


def _run_field(row: dict[str, Any], given: dict[str, Any]) -> Any:
    from .catalogue import EventCatalogue
    from .find import Search

    made_here = _take_percentile(row, given)
    search = Search(row, given)
    field = search.field
    with Progress(row["name"], given["progress"]) as progress:
        core = search.run(progress)
    given["made_of"] = {**provenance.of_operands(row, given, search.digests), **made_here}
    return EventCatalogue(
        core, definition=_definition(row, given, field), name=field.name, attrs=field.attrs, paths=field.paths
    )


def _take_percentile(row: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Where the threshold is to be a percentile of the series, compute it and put it into its place.

    Returns how it was made: nobody can have changed its values, which need not be told, and so events of a part of a
    grid are of the same definition as those of all of it.
    """
    percentile = given["percentile"]
    if percentile is None:
        return {}
    if given["above"] is not None or given["below"] is not None:
        raise InputError(f"{row['name']}: percentile= makes the threshold: pass no above= and no below=")
    side = "below" if isinstance(percentile, Real) and percentile < 50 else "above"
    percentile_doy = globals()["percentile_doy"]
    extra = {**_extra(given), "progress": given["progress"]}
    given[side] = percentile_doy(
        given["x"], percentile, window=given["window"], base_period=given["base_period"], **extra
    )
    made = attributes.made_by(getattr(given[side], "attrs", {}), None)
    return {} if made is None else {side: made}


_RUNNERS = {"scan": _run_scan, "series": _run_series, "field": _run_field}


def warn_of_short_base(base_period: Any, field: Field) -> None:
    """Say it when the series does not cover the base period: thresholds then rest on fewer years than asked for.

    Raises
    ------
    InputError
        If no year of the series lies in it.
    """
    if not isinstance(base_period, tuple | list) or len(base_period) != 2 or len(field.seconds) == 0:
        return
    first, last = dates_of(field.seconds[[0, -1]], field.calendar)[:, 0]
    wanted = [str(date)[:4] for date in base_period]
    if not all(year.isdigit() for year in wanted) or int(wanted[0]) > int(wanted[1]):
        return
    begin, end = (int(year) for year in wanted)
    if last < begin or first > end:
        raise InputError(
            f"the base period {begin} to {end} lies outside of the data, which are of {first} to {last}",
            hint=f"choose one inside, like base_period=('{first}', '{last}')",
        )
    if first > begin or last < end:
        message = f"the base period {begin} to {end} is covered from {max(first, begin)} to {min(last, end)} only"
        warn(message)


def _warn_of_few_values(given: dict[str, Any], field: Field) -> None:
    """Say it when a percentile rests on so few values that it is the largest or the smallest of them."""
    dates, base = dates_of(field.seconds, field.calendar), given["base_period"]
    if isinstance(base, tuple | list) and len(base) == 2 and all(str(date)[:4].isdigit() for date in base):
        first, last = (int(str(date)[:4]) for date in base)
        dates = dates[(dates[:, 0] >= first) & (dates[:, 0] <= last)]
    if len(dates) == 0:
        return
    of_a_day = np.median(np.unique(dates[:, 1] * 100 + dates[:, 2], return_counts=True)[1])
    values = min(int(of_a_day * np.max(given["window"])), len(dates))
    shares = [float(p) / 100 for p in np.atleast_1d(given["percentile"]) if 0 < p < 100]
    if any(values * min(share, 1 - share) < 1 - 1e-9 for share in shares):
        message = (
            f"a percentile of {values} values is the largest or the smallest of them, and hardly any lies beyond: "
            "pool more days with window=, or more years with base_period="
        )
        warn(message)


# --- results ---


def _results(
    row: dict[str, Any],
    given: dict[str, Any],
    operands: Operands,
    out: np.ndarray,
    starts: np.ndarray | None,
    lists: list[tuple[str, np.ndarray]],
) -> Any:
    """What the core gave, (sets, outputs × rows, *cells), in the form the data came in."""
    field = operands.field
    lists = _in_front(row, operands.axes, lists, given.get("cases"))
    outputs = row["outputs"] or [_OUTPUT]
    cells = out.shape[2:]
    out = out.reshape(*(len(values) for _, values in lists), len(outputs), out.shape[1] // len(outputs), *cells)
    first, rows = row["result_dims"].split()[0].format(**given), out.shape[len(lists) + 1]
    axes: list[tuple[str, Any]] = list(lists)
    if first == "time":
        axes.append((first, None if starts is None else field.dates(starts)))
    elif first in ("dayofyear", "month"):
        axes.append((first, np.arange(1, rows + 1)))
    elif first == "season":
        axes.append((first, np.array(["DJF", "MAM", "JJA", "SON"])))
    elif first not in ("latitude", "longitude"):
        axes.append((first, None))
    if len(axes) == len(lists):  # one map
        out = out.reshape(*out.shape[: len(lists) + 1], *cells)
    about = {axis.name: axis.attrs for axis in operands.axes}
    about |= {
        name: _about_parameter(row, name, values, operands.units) for name, values in lists if name not in about
    }
    parts = [
        field.wrap(
            np.take(out, i, axis=len(lists)) if len(outputs) > 1 else out.squeeze(len(lists)),
            axes,
            _attributes(row, given, operands, output),
            None if output["name"] == "x" else output["name"],
            about,
        )
        for i, output in enumerate(outputs)
    ]
    return parts[0] if len(outputs) == 1 else _together(row, parts, field)


def _in_front(
    row: dict[str, Any], axes: list[Axis], lists: list[tuple[str, np.ndarray]], cases: Cases | None
) -> list[tuple[str, np.ndarray]]:
    """Dimensions of operands that hold several maps, and behind them those of parameters given as lists."""
    if cases is not None and cases.name in (axis.name for axis in axes):
        lists = lists[1:]  # each case has its own map
    parameters = {name for name, _ in lists}
    if twice := [axis.name for axis in axes if axis.name in parameters]:
        raise InputError(
            f"{row['name']}: {twice[0]} is a list and a dimension of the thresholds at once",
            hint=f"rename the dimension: threshold.rename({twice[0]}=…)",
        )
    return [*((axis.name, axis.values) for axis in axes), *lists]


def _about_parameter(row: dict[str, Any], name: str, values: np.ndarray, own: str | None) -> dict[str, Any]:
    """Attributes of the axis of a parameter that was given as a list."""
    spec = next((spec for spec in row["params"] if spec["name"] == name), None)
    if spec is None:
        return attributes.of_result(name.capitalize(), None)  # cases
    unit = _output_units(spec["units"], own) or ("1" if values.dtype.kind in "fiu" else None)
    return attributes.of_result(_title(spec["doc"]), unit if values.dtype.kind in "fiu" else None)


def _together(row: dict[str, Any], parts: list[Any], field: Field) -> Any:
    """Several outputs: a Dataset, or a named tuple of arrays."""
    names = [output["name"] for output in row["outputs"]]
    if not field.labelled:
        return namedtuple(row["name"].title().replace("_", ""), names)(*parts)
    import xarray as xr

    return xr.Dataset(
        dict(zip(names, parts, strict=True)), attrs=attributes.of_dataset(_title(row["summary"]), parts)
    )


# --- what a result says about itself ---


def _definition(row: dict[str, Any], given: dict[str, Any], field: Field) -> dict[str, Any]:
    """Name and parameters of a diagnostic, and the definitions of what went into it."""
    names = [p["name"] for p in row["params"] + row["grouping_params"]]
    cases = given.get("cases")
    values = {name: given[name] if cases is None else cases.of(name, given[name]) for name in names}
    definition: dict[str, Any] = {"diagnostic": row["name"], **{name: _plain(of) for name, of in values.items()}}
    if cases is not None:
        definition[cases.name] = cases.labels
    definition[row["operands"][0]["name"]] = field.made_by()
    # Those of a block are handed over, as it has but a part of the operands.
    return {**definition, **(given["made_of"] if "made_of" in given else provenance.of_operands(row, given))}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | list | np.ndarray):
        return [_plain(v) for v in value]
    return (
        value.item() if isinstance(value, np.generic) else value if isinstance(value, int | float) else _text(value)
    )


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _attributes(
    row: dict[str, Any], given: dict[str, Any], operands: Operands, output: dict[str, Any]
) -> dict[str, Any]:
    """CF attributes of a result."""
    field = operands.field
    if not field.labelled:
        return {}
    unit = _output_units(output["units"], operands.units)
    if output["units"] in (spec["name"] for spec in row["operands"][1:]):
        unit = operands.units_of(output["units"])
    if output["units"] == "x" and given.get("statistic") == "sum":
        unit = _units_of_sum(unit, field)
    if unit == "d" and (usual_step(field.seconds) != DAY or given.get("statistic") in _NO_LENGTHS):
        unit = "1"  # what counts steps counts days where steps are days
    same = output["units"] != "x" or unit == operands.units
    if output["units"] == "x" and unit is not None and field.is_difference():
        unit = f"delta {unit}"
    return attributes.of_result(
        _long_name(row, given, field, output),
        unit,
        inputs=_inputs(row, given, operands),
        standard_name=output["standard_name"] if same else None,
        cell_methods=_cell_methods(row, given, field),
        definition=_definition(row, given, field),
    )


#: Statistics of runs that are no lengths in time.
_NO_LENGTHS = ("count", "first", "last")


def _inputs(row: dict[str, Any], given: dict[str, Any], operands: Operands) -> list[dict[str, Any]]:
    """Attributes of all operands that have any, in the units that the core saw."""
    own = operands.field.attrs if operands.units is None else {**operands.field.attrs, "units": operands.units}
    others = [getattr(given[spec["name"]], "attrs", None) for spec in row["operands"][1:]]
    return [own, *(attrs for attrs in others if attrs)]


def _long_name(row: dict[str, Any], given: dict[str, Any], field: Field, output: dict[str, Any]) -> str:
    title = _title(output["doc"] or row["summary"])
    values = {name: "" if is_list(value) else value for name, value in given.items() if f"{{{name}}}" in title}
    title = attributes.filled(title, {**values, **_method_of(given)})
    own = field.attrs.get("long_name", field.name)
    return f"{title}: {own}" if own and output["name"] == "x" else title


def _method_of(given: dict[str, Any]) -> dict[str, str]:
    """Name of the statistic, where the diagnostic has one and not a list of them."""
    statistic = given.get("statistic")
    return {"statistic": attributes.method(statistic)} if isinstance(statistic, str) else {}


def _title(text: str) -> str:
    return text.rstrip(".")


def _cell_methods(row: dict[str, Any], given: dict[str, Any], field: Field) -> str:
    own, methods = field.attrs.get("cell_methods"), row["cell_methods"]
    if methods == "x":
        return str(own or "")
    if not methods or isinstance(given.get("statistic"), list | tuple | np.ndarray):
        return ""
    step = methods.format(**_method_of(given))
    of_days = row["grouping"] == "frequency" and own is not None and usual_step(field.seconds) == DAY
    return attributes.compose(own, f"{step} over days" if of_days else step)


def _output_units(wanted: str | None, own: str | None) -> str | None:
    """Units of an output; ``x`` in them stands for those of the first operand."""
    words = (wanted or "").split()
    if "x" not in words:
        return wanted
    if own is None:
        return None
    if words[0] == "x" and len(words) > 1:
        return attributes.product(own, " ".join(words[1:]))
    return " ".join(own if word == "x" else word for word in words)


def _units_of_sum(unit: str | None, field: Field) -> str | None:
    """Units of a sum over steps: of days of mm/day it is mm; where the step is no such time, those of the values."""
    per = {3600: r"(h|hr|hour)", DAY: r"(d|day)"}.get(usual_step(field.seconds))
    amount = re.sub(rf"\s*(/\s*{per}|\sper\s{per}|\s{per}(\*\*|\^)?-1)$", "", unit) if per and unit else unit
    return amount or unit


# --- making functions from rows ---

#: May be a list of its numbers, but not of its word.
_ZONE = "utc_offset"

#: Parameters that every diagnostic has: name, default, type, documentation.
_COMMON: list[tuple[str, Any, str, str]] = [
    ("time", None, "array of datetime64 or cftime dates, optional", "Times of a plain array, one per step."),
    ("latitude", None, "array, optional", "Latitudes of a plain array."),
    ("longitude", None, "array, optional", "Longitudes of a plain array."),
    ("calendar", None, "str, optional", "CF calendar of plain ``datetime64`` times."),
    ("variable", None, "str, optional", "Variable to take, where files or a Dataset hold several."),
    ("progress", True, "bool", "Show a progress bar on terminals and in notebooks."),
]


def _extra(given: dict[str, Any]) -> dict[str, Any]:
    """What the user said about a plain array or files."""
    return {name: given[name] for name, *_ in _COMMON[:-1]}


_TYPES = {
    "integer": "int",
    "number": "float",
    "choice": "str",
    "choices": "sequence of str",
    "flag": "bool",
    "period": "tuple of two dates, optional",
    "frequency": "str",
    "months": "sequence of int, optional",
}


def _signature(row: dict[str, Any]) -> inspect.Signature:
    kind = inspect.Parameter
    parameters = []
    for operand in row["operands"]:
        default = None if operand["optional"] else kind.empty
        parameters.append(kind(operand["name"], kind.POSITIONAL_OR_KEYWORD, default=default))
    for spec in row["params"] + row["grouping_params"]:
        default = kind.empty if spec["default"] is None else ast.literal_eval(spec["default"])
        # After an optional operand nothing can be required by position.
        how = kind.KEYWORD_ONLY if default is kind.empty and parameters[-1].default is not kind.empty else None
        parameters.append(kind(spec["name"], how or kind.POSITIONAL_OR_KEYWORD, default=default))
    parameters.sort(key=lambda parameter: parameter.kind)
    if definitions.names(row["name"]):
        parameters.append(kind("definition", kind.KEYWORD_ONLY, default=None))
    parameters += [kind(name, kind.KEYWORD_ONLY, default=default) for name, default, _, _ in _COMMON]
    return inspect.Signature(parameters)


def _param_lines(spec: dict[str, Any]) -> list[str]:
    choices = "{" + ", ".join(spec["choices"].split()) + "}" if spec["choices"] else ""
    kind = " or ".join(filter(None, (_TYPES["number"] if spec["type"] == "number" else "", choices)))
    kind = kind or _TYPES[spec["type"]]
    kind += " or sequence of float" if spec["name"] == _ZONE else ""
    default = "" if spec["default"] in (None, "None") else f", default {spec['default'].strip(chr(39))}"
    return [f"{spec['name']} : {kind}{default}", f"    {spec['doc']}"]


def _docstring(row: dict[str, Any]) -> str:
    lines = [row["summary"], "", "Parameters", "----------"]
    for operand in row["operands"]:
        series = operand["dims"].startswith("time")
        kind = "DataArray, ndarray or paths" if series else "float, DataArray or ndarray"
        kind += ", optional" if operand["optional"] else ""
        lines += [f"{operand['name']} : {kind} ({', '.join(operand['dims'].split())})", f"    {operand['doc']}"]
    for spec in row["params"] + row["grouping_params"]:
        lines += _param_lines(spec)
    if known := definitions.names(row["name"]):
        several = " or a list of these" if row["kind"] == "series" else ""
        lines += [f"definition : {{{', '.join(known)}}}{several}, optional"]
        lines += ["    Whose rules are followed where nothing else is said; None: the defaults above."]
    for name, _, kind, doc in _COMMON:
        lines += [f"{name} : {kind}", f"    {doc}"]
    several = len(row["outputs"]) > 1
    returns = "Dataset or named tuple of ndarrays" if several else "DataArray or ndarray"
    returns = "EventCatalogue" if row["kind"] == "field" else f"{returns}, as `{row['operands'][0]['name']}`"
    lines += ["", "Returns", "-------", returns, f"    {row['result']}"]
    if row["kind"] in ("scan", "series"):
        lines += ["    Parameters given as lists add a dimension each, in front: all values in one read."]
    if several:
        lines += ["", *(f"    - ``{output['name']}``: {output['doc'].rstrip('.')}" for output in row["outputs"])]
    lines += [
        "",
        "Raises",
        "------",
        "InputError",
        "    If a parameter is out of range, or times, axes, calendars or units do not fit.",
    ]
    lines += ["", "Notes", "-----", *row["notes"].splitlines()]
    lines += ["", "References", "----------", row["references"], ""]
    return "\n".join(lines)


def _make_function(row: dict[str, Any]) -> Callable[..., Any]:
    signature = _signature(row)
    runner = _RUNNERS[row["kind"]]

    def function(*args: Any, **kwargs: Any) -> Any:
        given = bind(row["name"], signature, args, kwargs)
        if _is_of_each_variable(row, given):
            return _of_each_variable(row, given, lambda x: function(**{**given, row["operands"][0]["name"]: x}))
        for i, spec in enumerate(row["operands"]):
            given[spec["name"]] = one_variable(given[spec["name"]], given["variable"] if i == 0 else None)
        if given.get("definition") is not None:
            _follow(row, given, set(signature.bind(*args, **kwargs).arguments))
        return runner(row, given)

    function.__name__ = function.__qualname__ = row["name"]
    function.__doc__ = _docstring(row)
    function.__signature__ = signature  # type: ignore[attr-defined]
    return function


def _is_of_each_variable(row: dict[str, Any], given: dict[str, Any]) -> bool:
    """Whether the data are a Dataset of several variables, none is named, and each of them can have a result."""
    first, *others = (given[spec["name"]] for spec in row["operands"])
    alone = row["kind"] in ("scan", "series") and len(row["outputs"]) < 2 and all(other is None for other in others)
    return alone and given["variable"] is None and len(getattr(first, "data_vars", ())) > 1


def _of_each_variable(row: dict[str, Any], given: dict[str, Any], function: Callable[[Any], Any]) -> Any:
    """A Dataset of the results of all variables that have a time axis; the others stay, as they do in xarray."""
    import xarray as xr

    ds = given[row["operands"][0]["name"]]
    of_time = [name for name, x in ds.data_vars.items() if find_axis(x, TIME_NAMES) is not None]
    if not of_time:
        raise InputError(f"{row['name']}: no variable of the Dataset has a time axis", hint=HINT_OF_TIME)
    parts = {name: function(ds[name]) if name in of_time else ds[name] for name in ds.data_vars}
    about = attributes.of_dataset(_title(row["summary"]), [parts[name] for name in of_time])
    return xr.Dataset(parts, attrs=about)


def _follow(row: dict[str, Any], given: dict[str, Any], named: set[str]) -> None:
    """Put what a definition says into the place of the parameters that the user has not named; a list makes cases."""
    wanted = given["definition"]
    if not is_list(wanted):
        given.update(_said_by(row, given, wanted, named))
        return
    if row["kind"] != "series":
        raise InputError(f"{row['name']}: definition is one text, not a list")
    if len(wanted) == 0:
        raise InputError(f"{row['name']}: definition is an empty list")
    given["cases"] = Cases("definition", list(wanted), [_said_by(row, given, each, named) for each in wanted])


def _said_by(row: dict[str, Any], given: dict[str, Any], definition: Any, named: set[str]) -> dict[str, Any]:
    """Parameters that a definition decides.

    Raises
    ------
    InputError
        If there is no such definition, or it does not go with the other parameters.
    """
    said = definitions.parameters(row["name"], definition)
    definitions.check(row["name"], definition, given)
    return {name: value for name, value in said.items() if name not in named}


def in_cases(name: str, cases: Cases, *args: Any, **kwargs: Any) -> Any:
    """Call a diagnostic of series for several cases, which become a dimension, in one read.

    Parameters
    ----------
    name : str
        Name of the diagnostic.
    cases : Cases
        The parameters that differ.
    *args, **kwargs
        As for the diagnostic. An operand may be a :class:`~era5fast.several.Several` whose axis has the name of the
        cases: each then has its own.
    """
    row = next(row for row in _ROWS if row["name"] == name)
    given = bind(name, _signature(row), args, kwargs)
    return _run_series(row, {**given, "cases": cases})


globals().update({row["name"]: _make_function(row) for row in _ROWS})


# --- the type stub ---


_STUB_TYPES = {
    "integer": "int",
    "number": "float",
    "flag": "bool",
    "period": "tuple[str | int, str | int] | None",
    "frequency": "str",
    "months": "Sequence[int] | int | None",
}


def _annotation(spec: dict[str, Any], lists: bool) -> str:
    words = ", ".join(_literal(word) for word in (spec["choices"] or "").split())
    if spec["type"] == "choices":
        return f"Sequence[Literal[{words}]] | Literal[{words}]"
    text = "str" if spec["units"] else ""  # with units of its own
    none = "None" if spec["type"] == "number" and spec["default"] == "None" else ""
    kind = " | ".join(filter(None, (_STUB_TYPES.get(spec["type"]), text, f"Literal[{words}]" if words else "", none)))
    if spec["name"] == _ZONE:
        return f"{kind} | Sequence[float]"
    return f"{kind} | Sequence[{kind}]" if lists and spec["type"] in LISTABLE else kind


def _stub_line(row: dict[str, Any]) -> str:
    annotations = {"progress": "bool", "calendar": "str | None", "variable": "str | None"}
    specs = {spec["name"]: spec for spec in row["params"]}
    grouping = {spec["name"]: spec for spec in row["grouping_params"]}
    parts = []
    for parameter in inspect.signature(globals()[row["name"]]).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in parts:
            parts.append("*")
        name = parameter.name
        if name == "definition":
            words = ", ".join(_literal(word) for word in definitions.names(row["name"]))
            kind = f"Literal[{words}] | None" + (f" | Sequence[Literal[{words}]]" if row["kind"] == "series" else "")
        elif name in specs:
            kind = _annotation(specs[name], lists=row["kind"] in ("scan", "series"))
        else:
            kind = _annotation(grouping[name], lists=False) if name in grouping else annotations.get(name, "Any")
        parts.append(f"{name}: {kind}" + ("" if parameter.default is parameter.empty else " = ..."))
    result = "EventCatalogue" if row["kind"] == "field" else "Any"
    return f"def {row['name']}(\n    " + ",\n    ".join(parts) + f",\n) -> {result}: ..."


def _literal(word: str) -> str:
    return word if word.isdigit() else f'"{word}"'


def stub() -> str:
    """Text of ``diagnostics.pyi``: the functions of this module for type checkers and editors."""
    head = [
        "from collections.abc import Sequence",
        "from typing import Any, Literal",
        "",
        "from .catalogue import EventCatalogue",
        "from .field import Field",
        "from .parameter_sets import Cases",
        "",
        "__all__ = [" + ", ".join(f'"{name}"' for name in __all__) + "]",
        "",
        "def warn_of_short_base(base_period: Any, field: Field) -> None: ...",
        "def in_cases(name: str, cases: Cases, *args: Any, **kwargs: Any) -> Any: ...",
    ]
    return "\n".join([*head, "def stub() -> str: ...", *map(_stub_line, _ROWS)]) + "\n"


if __name__ == "__main__":
    print(stub(), end="")
