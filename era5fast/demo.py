"""The main job: from a request to a map of events, through every part of the package.

By default the data come from a look-alike of the Climate Data Store on this machine and are **synthetic**; with files
the chain begins at their daily series; live it asks the real service.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from . import diagnostics
from .client import Client, make_directory
from .database import EventDatabase
from .errors import Era5FastError, InputError
from .events import Events
from .request import Request
from .sources import expand, files_by_variable, open_core
from .variable_table import Row
from .variable_table import find as find_variable

__all__ = ["run"]

#: What the demonstration asks for: 33 × 41 cells of western Europe, ten years, hourly.
DATASET = "reanalysis-era5-single-levels"
AREA, GRID = [52.0, -10.0, 36.0, 10.0], 0.5
START, END = "2011-01-01", "2020-12-31"
SYNTHETIC = "SYNTHETIC DATA from a weather generator, not ERA5"

#: Records shorter than this many years pool more days around each calendar day, so that a percentile has a sample.
_LONG_RECORD = 10


@dataclass(frozen=True)
class Recipe:
    """What makes an event of a variable.

    Attributes
    ----------
    kind : str
        Kind of event in the database.
    statistic : str
        How hours become a day.
    min_days : int
        Days in a row.
    """

    kind: str
    statistic: Literal["max", "min", "mean", "sum"]
    min_days: int


_HEATWAVE = Recipe("heatwave", "max", 3)

#: By kind of variable, where the units do not say that it is a temperature.
_RECIPES = {
    "accumulation": Recipe("extreme precipitation", "sum", 1),
    "mean rate": Recipe("extreme precipitation", "mean", 1),
}


def _recipe(row: Row | None) -> Recipe:
    if row is None or row.units == "K":
        return _HEATWAVE
    return _RECIPES.get(row.kind, Recipe(f"high {row.netcdf}", "max", 1))


@dataclass
class Stages:
    """Seconds of each stage, printed as they end and again at the end."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextlib.contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.seconds[name] = time.monotonic() - began
        print(f"  {name:<26} {self.seconds[name]:7.2f} s", flush=True)

    def total(self) -> float:
        """Seconds of all stages together."""
        return sum(self.seconds.values())


def run(output: Path, data: Sequence[str] = (), live: bool = False, variable: str | None = None) -> Events:
    """Run the whole chain; writes ``events.gpkg`` and ``map.png`` into `output`.

    Parameters
    ----------
    output : Path
        Directory for all results; made when it does not exist.
    data : sequence of str
        Files to use instead of downloading any.
    live : bool
        Ask the real service instead of the look-alike.
    variable : str, optional
        Variable to take from `data`.

    Returns
    -------
    Events

    Raises
    ------
    Era5FastError
        One of its subclasses.
    """
    stages = Stages()
    make_directory(output)
    synthetic = not data and not live
    print(f"{SYNTHETIC}.\n" if synthetic else "", end="")
    paths = expand(list(data)) if data else _download(output / "data", live, stages)
    events, recipe = _diagnose(paths, variable, stages)
    with stages("database"):
        counts = EventDatabase(output / "events.gpkg").add(events, kind=recipe.kind)
    with stages("map"):
        _draw(events, recipe, output / "map.png", synthetic)
    print(_table(events, recipe))
    print(f"{counts.added} events added to {output / 'events.gpkg'}, {counts.known} were there already.")
    print(f"Map: {output / 'map.png'}. {stages.total():.1f} s in all." + (f" {SYNTHETIC}." if synthetic else ""))
    return events


# --- download ---


def _download(directory: Path, live: bool, stages: Stages) -> list[str]:
    plan = Request(DATASET, variable="2t", start=START, end=END, area=AREA, grid=GRID).split()
    if live:
        with stages("download"):
            return Client().fetch(plan, directory)
    with service(stages) as (url, key), stages("download"):
        return Client(url, key, max_jobs=4, poll_interval=0.1, poll_interval_min=0.05, journal=False).fetch(
            plan, directory
        )


@contextlib.contextmanager
def service(stages: Stages) -> Iterator[tuple[str, str]]:
    """Look-alike of the Climate Data Store in a process of its own; it ends with the block, or with this process."""
    with stages("start of the look-alike"):
        command = [sys.executable, "-m", "era5fast.testing", "--port", "0", "--parent", str(os.getpid())]
        # A session of its own: ctrl-C is for us, who then end it.
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise Era5FastError("the look-alike of the service did not start", hint=f"try: {' '.join(command)}")
        address = json.loads(line)
    try:
        yield address["url"], address["key"]
    finally:
        process.terminate()
        process.communicate()


# --- diagnose ---


def _diagnose(paths: Sequence[str], variable: str | None, stages: Stages) -> tuple[Events, Recipe]:
    name, row = _choose_variable(paths, variable)
    recipe = _recipe(row)
    _check_step(paths, name, row)
    with stages(f"read, daily {recipe.statistic}"):
        daily: Any = diagnostics.daily(paths, recipe.statistic, variable=name)
    years = daily.sizes["time"] / 365.25
    window = 5 if years >= _LONG_RECORD else 31
    if window > 5:
        length = f"{years:.1f} years" if years >= 1 else f"{daily.sizes['time']} days"
        print(f"  A record of {length}: thresholds pool {window} days around each calendar day.")
    with stages("90th percentile"):
        p90 = diagnostics.percentile_doy(daily, 90, window=window)
    with stages("events"):
        events = diagnostics.find_events(daily, above=p90, min_days=recipe.min_days)
    return events, recipe


def _check_step(paths: Sequence[str], name: str, row: Row | None) -> None:
    """Say what one value per day means, and refuse what cannot be made into days."""
    seconds = open_core(list(paths), name)[0].header()["seconds"]
    days = float(np.median(np.diff(seconds))) / 86400 if len(seconds) > 1 else np.inf
    if days > 1:
        raise InputError(f"{name}: one value in {days:.3g} days", hint="events need daily or hourly data")
    if days == 1 and row is not None and row.kind not in ("instant", "invariant"):
        print(f"  One hour's {row.kind} per day is no value of a day: the result says little.")
    elif days == 1:
        print("  The series has one value per day, which is taken for the day.")


def _choose_variable(paths: Sequence[str], variable: str | None) -> tuple[str, Row | None]:
    """Variable asked for, or the best known one of the files: temperature before precipitation before the rest."""
    if variable is None:
        names = list(files_by_variable(list(paths)))
        variable = next((n for n in ("t2m", "mx2t", "tp") if n in names), names[0])
        others = [name for name in names if name != variable]
        if others:
            print(f"  Taking {variable}; --variable chooses among {', '.join(others)} as well.")
    return variable, find_variable(variable)


# --- show ---


def _draw(events: Events, recipe: Recipe, path: Path, synthetic: bool) -> None:
    from .plot import event_map

    seconds = events.core.axes()["seconds"].astype("datetime64[s]")
    title = f"{len(events)} {recipe.kind} events, {str(seconds[0])[:10]} to {str(seconds[-1])[:10]}"
    event_map(events, path, title=title, note=SYNTHETIC if synthetic else "")


def _table(events: Events, recipe: Recipe, count: int = 10) -> str:
    table = events.strongest(count)
    head = f"\n{len(events)} {recipe.kind} events; the {len(table)} strongest by cumulative exceedance:\n\n"
    if len(events) == 0:
        return f"\nNo {recipe.kind} events: nothing lay above its threshold for {recipe.min_days} days in a row.\n"
    unit = (events.units or "1")[:10]
    names = ("max area", "peak", "mean", "cumulative")
    columns = f"{'start':<11}{'end':<11}{'days':>5}" + "{:>12}{:>11}{:>11}{:>20}  peak at\n".format(*names)
    units = f"{'':<27}{'km²':>12}{unit:>11}{unit:>11}{unit + ' km² days':>20}\n"
    return head + columns + units + "\n".join(_row(row) for _, row in table.iterrows()) + "\n"


def _row(row: Any) -> str:
    return (
        f"{_day(row['start']):<11}{_day(row['end']):<11}{row['duration_days']:>5}{row['area_max_km2']:>12,.0f}"
        f"{row['peak_exceedance']:>11.3g}{row['exceedance_mean']:>11.3g}{row['cumulative_intensity']:>20.3g}"
        f"  {abs(row['peak_latitude']):.2f}°{'N' if row['peak_latitude'] >= 0 else 'S'}"
        f" {abs(row['peak_longitude']):.2f}°{'E' if row['peak_longitude'] >= 0 else 'W'}"
    )


def _day(moment: Any) -> str:
    return (
        str(np.datetime_as_string(np.datetime64(moment), "D"))
        if not hasattr(moment, "calendar")
        else str(moment)[:10]
    )
