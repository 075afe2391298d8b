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
from typing import Any

from . import diagnostics
from .catalogue import EventCatalogue
from .catalogue_display import ranking
from .client import Client, make_directory
from .database import EventDatabase
from .errors import Era5FastError
from .event_recipe import Recipe, choose_variable, days_per_step, recipe_of, window_of
from .request import Request
from .sources import expand
from .variable_table import find as find_variable
from .wording import counted

__all__ = ["run"]

#: What the demonstration asks for: 33 × 41 cells of western Europe, ten years, hourly.
DATASET = "reanalysis-era5-single-levels"
AREA, GRID = [52.0, -10.0, 36.0, 10.0], 0.5
START, END = "2011-01-01", "2020-12-31"
SYNTHETIC = "SYNTHETIC DATA from a weather generator, not ERA5"


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


def run(output: Path, data: Sequence[str] = (), live: bool = False, variable: str | None = None) -> EventCatalogue:
    """Run the whole chain; writes ``events.gpkg``, ``map.png`` and ``events.html`` into `output`.

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
    EventCatalogue

    Raises
    ------
    Era5FastError
        One of its subclasses.
    """
    stages = Stages()
    make_directory(output)
    synthetic = not data and not live
    print(f"{SYNTHETIC}.\n" if synthetic else "", end="")
    with _journal(output / "journal.sqlite") if synthetic else contextlib.nullcontext():
        paths = expand(list(data)) if data else _download(output / "data", live, stages)
        events, recipe = _diagnose(paths, variable, stages)
        with stages("database"):
            db = EventDatabase(output / "events.gpkg")
            counts = db.add(events, kind=recipe.kind)
    with stages("map"):
        _draw(events, db, recipe, output, synthetic)
    print(_table(events, recipe))
    print(f"{counted(counts.added, 'event')} added to {output / 'events.gpkg'}, {counts.known} were there already.")
    page = f"; for the browser: {output / 'events.html'}" if len(events) > 0 else ""
    print(f"Map: {output / 'map.png'}{page}.")
    print(f"{stages.total():.1f} s in all." + (f" {SYNTHETIC}." if synthetic else ""))
    return events


# --- download ---


def _download(directory: Path, live: bool, stages: Stages) -> list[str]:
    plan = Request(DATASET, variable="2t", start=START, end=END, area=AREA, grid=GRID).split()
    if live:
        with stages("download"):
            return Client().fetch(plan, directory)
    with service(stages) as (url, key), stages("download"):
        return Client(url, key, max_jobs=4, poll_interval=0.1, poll_interval_min=0.05).fetch(plan, directory)


@contextlib.contextmanager
def _journal(path: Path) -> Iterator[None]:
    """Downloads are noted in a journal of their own meanwhile: those from a look-alike are not the user's."""
    before = os.environ.get("ERA5FAST_JOURNAL")
    os.environ["ERA5FAST_JOURNAL"] = str(path)
    try:
        yield
    finally:
        del os.environ["ERA5FAST_JOURNAL"]
        if before is not None:
            os.environ["ERA5FAST_JOURNAL"] = before


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


def _diagnose(paths: Sequence[str], variable: str | None, stages: Stages) -> tuple[EventCatalogue, Recipe]:
    name, note = choose_variable(paths, variable)
    _tell(note)
    row = find_variable(name)
    recipe = recipe_of(row)
    _tell(days_per_step(paths, name, row)[1])
    with stages(f"read, daily {recipe.statistic}"):
        daily: Any = diagnostics.daily(paths, recipe.statistic, variable=name)
    window, note = window_of(daily.sizes["time"])
    _tell(note)
    with stages("90th percentile"):
        p90 = diagnostics.percentile_doy(daily, 90, window=window)
    with stages("events"):
        events = diagnostics.find_events(daily, above=p90, min_days=recipe.min_days)
    return events, recipe


def _tell(note: str) -> None:
    if note:
        print(f"  {note}")


# --- show ---


def _draw(events: EventCatalogue, db: EventDatabase, recipe: Recipe, output: Path, synthetic: bool) -> None:
    from .plot import event_map, explorer

    seconds = events.core.axes()["seconds"].astype("datetime64[s]")
    title = f"{len(events)} {recipe.kind} events, {str(seconds[0])[:10]} to {str(seconds[-1])[:10]}"
    event_map(events, output / "map.png", title=title, note=SYNTHETIC if synthetic else "")
    if len(events) > 0:
        explorer(db, output / "events.html", title=f"{title} · {SYNTHETIC}" if synthetic else title, progress=False)


def _table(events: EventCatalogue, recipe: Recipe, count: int = 10) -> str:
    table = events.strongest(count)
    if len(events) == 0:
        return f"\nNo {recipe.kind} events: nothing lay above its threshold for {recipe.min_days} days in a row.\n"
    head = f"\n{len(events)} {recipe.kind} events; the {len(table)} strongest by cumulative exceedance:\n\n"
    return f"{head}{ranking(table, events.units)}\n"
