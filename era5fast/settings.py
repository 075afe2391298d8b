"""Waits and limits of the client: where they are looked for, and what they may be.

Every setting is a row of the core's table: an argument, an environment variable ``ERA5FAST_<NAME>``, a key of the
table ``[client]`` in the configuration file, or the default, in that order.
"""

from __future__ import annotations

import functools
import math
import os
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from . import _core
from .errors import ConfigError
from .wording import did_you_mean, warn_once

__all__ = ["Row", "config_path", "resolve", "rows"]

#: What may stand behind a number, by the unit of the setting.
_UNITS = {
    "s": {"ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0},
    "B/s": {
        **{unit: 1e3**power for power, unit in enumerate(("B", "kB", "MB", "GB", "TB"))},
        **{unit: 1024.0**power for power, unit in enumerate(("KiB", "MiB", "GiB", "TiB"), 1)},
    },
}
_LONG = {
    **dict.fromkeys(("sec", "second", "seconds"), "s"),
    **dict.fromkeys(("m", "minute", "minutes"), "min"),
    **dict.fromkeys(("hour", "hours"), "h"),
    **dict.fromkeys(("day", "days"), "d"),
}
_PATTERN = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)\s*([a-z]*)(/s)?\s*", re.ASCII | re.IGNORECASE)
#: Variables of the environment that are no settings of the client.
_OTHER_VARIABLES = ("ERA5FAST_CONFIG", "ERA5FAST_DEBUG", "ERA5FAST_ISA", "ERA5FAST_JOURNAL", "ERA5FAST_NUM_THREADS")


class Row(NamedTuple):
    """One setting: its name, default, smallest and largest value, unit (s, B/s, count or factor) and meaning."""

    name: str
    default: float
    lowest: float
    highest: float
    unit: str
    meaning: str

    @property
    def is_whole(self) -> bool:
        """Whether only whole numbers make sense."""
        return self.unit == "count"


@functools.cache
def rows() -> dict[str, Row]:
    """All settings by name, as the core has them."""
    return {row["name"]: Row(**row) for row in _core.fetch_settings()}


def config_path() -> Path:
    """Where the configuration file lies, whether there is one or not.

    ``$ERA5FAST_CONFIG``, else ``config.toml`` in the user's configuration folder.
    """
    if path := os.environ.get("ERA5FAST_CONFIG"):
        return Path(path).expanduser()
    from platformdirs import user_config_path

    return user_config_path("era5fast") / "config.toml"


def resolve(**arguments: Any) -> dict[str, float]:
    """Find the value of every setting: argument, environment, configuration file, default.

    Parameters
    ----------
    **arguments
        Settings by name: numbers in the unit of the setting, or texts with a unit such as ``"90 s"``, ``"5 min"``,
        ``"24 h"`` or ``"10 MB"``. None is as if it were not given.

    Returns
    -------
    dict of str to float
        One number for every setting: seconds, bytes per second, or counts.

    Raises
    ------
    TypeError
        If an argument is no setting.
    ConfigError
        If a value is no number, has a wrong unit, or is out of range; it names the place, the setting and the range.
        Also if the configuration file cannot be read, or ``ERA5FAST_CONFIG`` names one that is not there.

    Notes
    -----
    Variables of the environment and lines of the file that look like a setting and are none are warned of once.
    """
    table = rows()
    for name in arguments:
        if name not in table:
            raise TypeError(f"there is no setting {name!r}{_near(name, table)}")
    _tell_unknown_variables(table)
    values = {row.name: row.default for row in table.values()}
    path = config_path()
    for name, value in _from_file(path, table).items():
        values[name] = _value(table[name], value, str(path))
    for row in table.values():
        variable = f"ERA5FAST_{row.name.upper()}"
        if text := os.environ.get(variable):
            values[row.name] = _value(row, text, f"the environment variable {variable}")
        if (given := arguments.get(row.name)) is not None:
            values[row.name] = _value(row, given, f"the argument {row.name}")
    return values


def _near(name: str, among: Iterable[str]) -> str:
    hint = did_you_mean(name, among)
    return f"; {hint}" if hint else ""


def _tell_unknown_variables(table: dict[str, Row]) -> None:
    """A misspelt variable of the environment would be without effect, and nobody would know."""
    known = [*(f"ERA5FAST_{name.upper()}" for name in table), *_OTHER_VARIABLES]
    for name in os.environ:
        if name.startswith("ERA5FAST_") and name not in known:
            warn_once(f"environment: there is no variable {name}{_near(name, known)}")


def _from_file(path: Path, table: dict[str, Row]) -> dict[str, Any]:
    """The settings of the configuration file; where none is named and none is there, there are none."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        if os.environ.get("ERA5FAST_CONFIG"):
            hint = "make the file, or take the variable away"
            raise ConfigError(f"ERA5FAST_CONFIG names {path}, which is not there", hint=hint) from error
        return {}
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:  # not UTF-8, or not TOML
        raise ConfigError(f"{path} is no configuration file: {error}", hint="it is written in TOML") from error
    client = document.pop("client", {})
    if not isinstance(client, dict):
        raise ConfigError(f"{path}: client must be a table, written [client]")
    for name, value in document.items():
        warn_once(f"{path}: {_misplaced(name, value, table)}")
    for name in client:
        if name not in table:
            warn_once(f"{path}: there is no setting {name!r}{_near(name, table)}")
    return {name: value for name, value in client.items() if name in table}


def _misplaced(name: str, value: Any, table: dict[str, Row]) -> str:
    """What is wrong with something outside the one table that is read."""
    if not isinstance(value, dict):
        return f"{name!r} stands outside [client] and has no effect" + ("" if name in table else _near(name, table))
    return f"the table [{name}] has no effect; settings stand in [client]"


def _value(row: Row, given: Any, place: str) -> float:
    """A value as a number, or a :class:`ConfigError` that says where it stands."""
    number = _number(row, given)
    whole = number is None or not row.is_whole or number.is_integer()
    if number is None or not whole or not row.lowest <= number <= row.highest:
        shown = repr(given) if len(repr(given)) <= 40 else f"{repr(given)[:39]}…"
        kind = "be a whole number" if row.is_whole else "lie"
        raise ConfigError(
            f"{place}: {row.name} must {kind} between {row.lowest:g} and {row.highest:g}{_unit(row)}, not {shown}",
            hint=f"{row.meaning} (default {row.default:g}){_known_units(row)}",
        )
    return number


def _unit(row: Row) -> str:
    return f" {row.unit}" if row.unit in _UNITS else ""


def _known_units(row: Row) -> str:
    return f"; units: {', '.join(_UNITS[row.unit])}" if row.unit in _UNITS else "; it has no unit"


def _number(row: Row, given: Any) -> float | None:
    if isinstance(given, str):
        return _number_of_text(row, given)
    if isinstance(given, bool):
        return None
    try:
        number = float(given)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _number_of_text(row: Row, text: str) -> float | None:
    """``"5 min"`` → 300.0; None where it cannot be read or the unit is of another kind."""
    match = _PATTERN.fullmatch(text)
    if match is None:
        return None
    number, unit = float(match[1]), match[2].lower()
    units = {name.lower(): size for name, size in _UNITS.get(row.unit, {}).items()}
    if match[3] and row.unit != "B/s":
        return None
    factor = units.get(_LONG.get(unit, unit)) if unit else 1.0
    return None if factor is None else number * factor
