"""What is installed here: this package, its core and the libraries that it met, and the packages it works with."""

from __future__ import annotations

import importlib.metadata
import json
import locale
import os
import platform
import sys
from pathlib import Path
from typing import Any, TextIO

__all__ = ["NEEDED", "describe", "loaded_copies", "show_versions", "version_of"]

#: Packages that are always there, and those that bring something; names as the package index has them.
NEEDED = ("numpy", "tqdm", "click", "platformdirs", "PyYAML", "certifi")
_WELCOME = (
    "xarray",
    "pandas",
    "dask",
    "distributed",
    "netCDF4",
    "h5py",
    "h5netcdf",
    "zarr",
    "cfgrib",
    "eccodes",
    "findlibs",
    "matplotlib",
    "shapely",
    "geopandas",
    "pyarrow",
    "pyogrio",
    "rasterio",
    "rioxarray",
    "pyproj",
    "pint",
    "cf-xarray",
    "cftime",
    "threadpoolctl",
    "xclim",
    "cdsapi",
    "ipywidgets",
)
_MAPS = "/proc/self/maps"


def version_of(name: str) -> str | None:
    """Version of an installed package, without importing it; None where it is not there."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def loaded_copies(library: str) -> list[str]:
    """Files of a library that this process has loaded; empty where the system does not say.

    Parameters
    ----------
    library : str
        How the names of its files begin: ``"libsqlite3"``.
    """
    try:
        with open(_MAPS, encoding="utf-8", errors="replace") as maps:
            paths = {line.split(maxsplit=5)[5].strip() for line in maps if line.count("/") > 0}
    except (OSError, IndexError):
        return []
    return sorted(path for path in paths if Path(path).name.startswith(library) and ".so" in Path(path).name)


def describe() -> dict[str, Any]:
    """All of it, in three parts: ``system``, ``core`` and ``packages``, each by name."""
    return {"system": _system(), "core": _core(), "packages": _packages()}


def _system() -> dict[str, str]:
    from . import __version__

    return {
        "era5fast": f"{__version__} ({Path(__file__).parent})",
        "python": f"{platform.python_version()} ({sys.executable})",
        "OS": platform.system(),
        "OS release": platform.release(),
        "machine": platform.machine(),
        "byte order": sys.byteorder,
        "LC_ALL": os.environ.get("LC_ALL", ""),
        "LANG": os.environ.get("LANG", ""),
        "locale": ".".join(part or "?" for part in locale.getlocale()),
    }


def _core() -> dict[str, str]:
    from . import _core as core

    rows = {one["name"]: f"{one['loaded']} ({one['path'] or 'built in'})" for one in core.libraries()}
    instructions = core.isa()
    return {
        "module": core.__file__ or "",
        "instructions": instructions,
        "threads": str(core.get_num_threads()),
        **rows,
        "TLS": core.tls(),
    }


def _packages() -> dict[str, str | None]:
    return {name: version_of(name) for name in (*NEEDED, *_WELCOME)}


def show_versions(as_json: bool | str | os.PathLike[str] = False, file: TextIO | None = None) -> None:
    """Print the versions of this package, of the libraries that it uses, and of the packages it works with.

    Nothing in it is private but the names of folders. ``era5fast doctor`` also looks for what is wrong.

    Parameters
    ----------
    as_json : bool or path
        Print JSON instead of a table; a path writes it there.
    file : text file, optional
        Where to print; standard output by default.

    Raises
    ------
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import era5fast as e5
    >>> e5.show_versions()
    INSTALLED VERSIONS
    ------------------
    era5fast: ...
    """
    found = describe()
    if as_json is not False and as_json is not True:
        with open(as_json, "w", encoding="utf-8") as target:
            print(json.dumps(found, indent=2), file=target)
        return
    out = sys.stdout if file is None else file
    if as_json:
        print(json.dumps(found, indent=2), file=out)
        return
    print("INSTALLED VERSIONS\n------------------", file=out)
    for part in found.values():
        for name, value in part.items():
            print(f"{name}: {value}", file=out)
        print(file=out)
