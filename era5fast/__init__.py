"""Extreme weather events out of ERA5: request, download, diagnose, keep.

The whole way from a request to the Climate Data Store to a database of events::

    import era5fast as e5

    plan = e5.Request("reanalysis-era5-single-levels", variable="2t", start="1991-01-01", end="2020-12-31",
                      area=[50, -10, 35, 5]).split()
    files = e5.Client().fetch(plan, "data/")
    tx = e5.daily(files, "max")
    p90 = e5.percentile_doy(tx, 90, window=5, base_period=("1991", "2020"))
    events = e5.find_events(tx, above=p90, min_days=3)
    e5.EventDatabase("events.gpkg").add(events, kind="heatwave")

Names are loaded when they are first used, so that importing the package costs little.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from importlib import import_module
from typing import Any

from . import companions

#: Where each public name lives: one row per name.
_HOME = {
    "Client": "client",
    "EventCatalogue": "catalogue",
    "EventDatabase": "database",
    "Executor": "pool",
    "Plan": "plan",
    "Regions": "regions",
    "Request": "request",
    "ThreadPool": "pool",
    "Tracks": "point_tracks",
    "anomaly": "diagnostics",
    "apparent_temperature": "pointwise",
    "area_mean": "rasters",
    "bootstrap": "resampling",
    "chunk_references": "chunk_manifest",
    "climatology": "diagnostics",
    "convert_units": "units",
    "correlation": "diagnostics",
    "daily": "diagnostics",
    "detrend": "diagnostics",
    "dewpoint": "pointwise",
    "distance_matrix": "points",
    "drought_events": "drought",
    "etccdi": "indices",
    "events_from_labels": "labelled_masks",
    "excess_heat": "diagnostics",
    "explain": "reader",
    "find_events": "diagnostics",
    "find_highs": "lows",
    "find_lows": "lows",
    "fire_weather": "diagnostics",
    "get_cache_bytes": "cache",
    "get_num_threads": "threads",
    "gev": "diagnostics",
    "gpd": "diagnostics",
    "great_circle": "points",
    "hargreaves": "diagnostics",
    "heat_index": "pointwise",
    "heatwave_aspects": "diagnostics",
    "heatwave_climatology": "diagnostics",
    "heatwaves": "heatwave_kinds",
    "humidex": "pointwise",
    "hwmid": "diagnostics",
    "label": "labels",
    "leftovers": "journal",
    "link_points": "point_tracks",
    "mann_kendall": "diagnostics",
    "map_files": "small_files",
    "marine_heatwaves": "spell_table",
    "mean_radiant_temperature": "pointwise",
    "net_radiation": "diagnostics",
    "open_dataset": "reader",
    "penman_monteith": "diagnostics",
    "percentile": "diagnostics",
    "percentile_doy": "diagnostics",
    "percentile_exceedance": "diagnostics",
    "permutation_test": "resampling",
    "read": "reader",
    "read_points": "track_tables",
    "read_tracks": "track_tables",
    "regional": "regions",
    "relative_humidity": "pointwise",
    "remove_leftovers": "journal",
    "report": "quality",
    "resample": "diagnostics",
    "retrieve": "client",
    "run_lengths": "diagnostics",
    "sample": "points",
    "saturation_vapour_pressure": "pointwise",
    "set_cache_bytes": "cache",
    "set_num_threads": "threads",
    "show_versions": "installation",
    "spell_statistics": "diagnostics",
    "spells": "spell_table",
    "thornthwaite": "diagnostics",
    "track": "diagnostics",
    "utci": "pointwise",
    "vapour_pressure": "pointwise",
    "spei": "diagnostics",
    "spi": "diagnostics",
    "variable": "variable_requests",
    "variables": "variable_requests",
    "wbgt": "pointwise",
    "wbgt_simple": "pointwise",
    "wet_bulb": "pointwise",
    "wind_chill": "pointwise",
    "wind_direction": "pointwise",
    "wind_speed": "pointwise",
    "write_csv": "stations",
}
_MODULES = (
    "blocking",
    "catalogue",
    "cdsapi",
    "client",
    "compound",
    "config",
    "database",
    "diagnostics",
    "doctor",
    "drought",
    "errors",
    "fire",
    "indices",
    "journal",
    "plot",
    "pointwise",
    "pool",
    "reader",
    "request",
    "storms",
    "testing",
)

__all__ = sorted(_HOME)


def _load_core() -> Any:
    """Import the native core in such a way that it keeps to its own libraries.

    ``findlibs`` puts what the wheels of ecCodes bring (other versions of libcurl, libldap, SQLite) before everybody
    else's, and a program in which these are mixed ends in a crash. So where it was imported first, the core looks in
    its own libraries first. Systems that have no such mode, like macOS, do not mix them. Nor is it used where the
    user puts libraries of his own before all others: an allocator or a sanitizer must serve the core as well.

    SQLite is the exception: of two copies in one process each takes away the locks of the other. Python's own is
    loaded first, and the loader then gives it to the core as well.
    """
    with suppress(ImportError):  # a Python without SQLite
        import_module("_sqlite3")
    flags = sys.getdlopenflags()
    if "findlibs" in sys.modules and "LD_PRELOAD" not in os.environ:
        sys.setdlopenflags(flags | getattr(os, "RTLD_DEEPBIND", 0))
    try:
        return import_module(f"{__name__}._core")
    finally:
        sys.setdlopenflags(flags)


def __getattr__(name: str) -> Any:
    if name == "_core":
        return _load_core()
    if name == "__version__":
        from importlib.metadata import PackageNotFoundError, version

        found = "0+unknown"
        with suppress(PackageNotFoundError):  # built in place and not installed
            found = version("era5fast")
        globals()[name] = found  # every result tells it in its history: the files of the package are read once
        return found
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    if name in _HOME:
        value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name, obj=sys.modules[__name__])


def __dir__() -> list[str]:
    ours = {name for name in globals() if name.startswith("__")}  # not what this file needs for itself
    return sorted({*ours, *_HOME, *_MODULES, "__version__"})


companions.meet()
