"""Waits and limits of the client: where they are looked for, and what they may be.

Every setting is a row of the core's table: an argument, an environment variable ``ERA5FAST_<NAME>``, a key of the
table ``[client]`` in the configuration file, or the default, in that order.
"""

from __future__ import annotations

import difflib
import functools
import logging
import math
import os
import re
import sys
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

from . import _core
from .errors import ConfigError

__all__ = ["Row", "config_path", "resolve", "rows", "show_debug"]

log = logging.getLogger("era5fast")

#: Units that may stand behind a number: seconds, then bytes.
_UNITS = {
    **dict.fromkeys(("", "s", "sec", "second", "seconds"), 1.0),
    **dict.fromkeys(("m", "min", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hour", "hours"), 3600.0),
    **dict.fromkeys(("d", "day", "days"), 86400.0),
    "ms": 1e-3,
    **{unit: 1e3**power for power, unit in enumerate(("b", "kb", "mb", "gb", "tb"))},
    **{unit: 1024.0**power for power, unit in enumerate(("kib", "mib", "gib", "tib"), 1)},
}
_BYTES = {unit for unit in _UNITS if unit.endswith("b")}
_PATTERN = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)\s*([a-z]*)(?:/s)?\s*", re.ASCII | re.IGNORECASE)
_warned: set[tuple[str, str]] = set()


class Row(NamedTuple):
    """One setting: its name, default, smallest and largest value, and what it means, with its unit."""

    name: str
    default: float
    lowest: float
    highest: float
    meaning: str


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
    """
    table = rows()
    for name in arguments:
        if name not in table:
            raise TypeError(f"there is no setting {name!r}{_near(name, table)}")
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


def show_debug(wanted: bool | None = None) -> None:
    """Let the logger ``era5fast`` tell every call of the service, without secrets.

    Parameters
    ----------
    wanted : bool, optional
        Whether to do that; by default when the environment variable ``ERA5FAST_DEBUG`` is 1. False leaves the logger
        as it is.

    Notes
    -----
    Where nobody has set up logging, the lines go to standard error.
    """
    if wanted is None:
        wanted = os.environ.get("ERA5FAST_DEBUG", "").lower() in ("1", "true", "yes", "on")
    if not wanted:
        return
    log.setLevel(logging.DEBUG)
    if not log.hasHandlers():
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        log.addHandler(handler)


def _near(name: str, table: dict[str, Row]) -> str:
    found = difflib.get_close_matches(name, table, n=1)
    return f"; did you mean {found[0]!r}?" if found else ""


def _from_file(path: Path, table: dict[str, Row]) -> dict[str, Any]:
    """The settings of the configuration file; an absent one has none."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:  # not UTF-8, or not TOML
        raise ConfigError(f"{path} is no configuration file: {error}", hint="it is written in TOML") from error
    client = document.get("client", {})
    if not isinstance(client, dict):
        raise ConfigError(f"{path}: client must be a table, written [client]")
    for name in client:
        if name not in table and (str(path), name) not in _warned:
            _warned.add((str(path), name))
            log.warning("%s: there is no setting %r%s", path, name, _near(name, table))
    return {name: value for name, value in client.items() if name in table}


def _value(row: Row, given: Any, place: str) -> float:
    """A value as a number, or a :class:`ConfigError` that says where it stands."""
    number = _number(row, given)
    if number is None or not row.lowest <= number <= row.highest:
        shown = repr(given) if len(repr(given)) <= 40 else f"{repr(given)[:39]}…"
        raise ConfigError(
            f"{place}: {row.name} must lie between {row.lowest:g} and {row.highest:g}, not {shown}",
            hint=f"{row.meaning} (default {row.default:g})",
        )
    return number


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
    unit = match[2].lower()
    of_bytes = row.meaning.startswith("bytes")
    of_time = not of_bytes and "seconds" in row.meaning
    fits = not unit or (of_bytes and unit in _BYTES) or (of_time and unit not in _BYTES)
    if unit not in _UNITS or not fits:
        return None
    return float(match[1]) * _UNITS[unit]
