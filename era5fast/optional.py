"""Packages that only some calls need: imported here when such a call begins, or named together with their extra."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from .errors import MissingPackageError

__all__ = ["need"]

#: Package → the extra that brings it: one row per package.
_EXTRAS = {
    "cf_xarray": "units",
    "cfgrib": "grib",
    "dask": "dask",
    "geopandas": "geo",
    "matplotlib": "demo",
    "netCDF4": "demo",
    "pandas": "xarray",
    "pyarrow": "geo",
    "shapely": "regions",
    "xarray": "xarray",
}


def need(package: str, what: str, otherwise: str = "") -> Any:
    """Import a package without which a call cannot do its work.

    Parameters
    ----------
    package : str
        Its name, as it is imported; or that of a module in it.
    what : str
        What needs it, in the plural, for the message: ``"results of files"``.
    otherwise : str
        What does without it, for the hint.

    Returns
    -------
    module
        What `package` names.

    Raises
    ------
    MissingPackageError
        If it cannot be imported; the hint says how to install it.
    """
    name = package.partition(".")[0]
    try:
        import_module(name)
        return import_module(package)
    except (ImportError, RuntimeError) as error:  # RuntimeError: cfgrib does not find the library of ecCodes
        is_absent = isinstance(error, ModuleNotFoundError) and error.name == name
        why = "" if is_absent else f", which cannot be imported ({error})"
        hint = f"pip install 'era5fast[{_EXTRAS[name]}]'{'; ' if otherwise else ''}{otherwise}"
        missing = MissingPackageError(f"{what} need the package {name}{why}", hint=hint)
        missing.name = name
        raise missing from error
