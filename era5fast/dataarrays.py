"""What the user has as one DataArray: one of his own, a variable of a Dataset, or of files, which stays on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .errors import InputError
from .field import one_variable
from .other_grids import else_of_other_cells
from .sources import expand, is_paths

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["as_dataarray", "is_labelled", "opened"]


def is_labelled(x: Any) -> bool:
    """Whether something is a DataArray, and no Dataset."""
    return hasattr(x, "dims") and hasattr(x, "coords") and not hasattr(x, "data_vars")


def as_dataarray(x: Any, variable: str | None = None, name: str = "x") -> xr.DataArray:
    """A DataArray of whatever the user has.

    Parameters
    ----------
    x : DataArray, Dataset, path or sequence of paths
        What he has; a quantity of pint in it becomes numbers with units as an attribute.
    variable : str, optional
        Which variable of a Dataset or of files is meant; None: the only one.
    name : str
        What it is, for messages.

    Raises
    ------
    InputError
        If it is something else, or if there are several variables and none is named.
    """
    if is_paths(x):
        x = _of_files(x, variable)
        variable = None  # the only one; in the files it may have another of its names
    array = one_variable(x, variable)
    if not is_labelled(array):
        raise InputError(
            f"{name} is no DataArray but {type(x).__name__}", hint="a DataArray, a Dataset or file names are needed"
        )
    return array.astype(bool) if array.attrs.get("dtype") == "bool" else array  # as xarray keeps masks in files


def opened(x: Any) -> Any:
    """The variable of a Dataset or of files, lazy; anything else as it is.

    Raises
    ------
    InputError
        If there are several variables, or files hold none.
    """
    return as_dataarray(x) if is_paths(x) else one_variable(x)


def _of_files(paths: Any, variable: str | None) -> Any:
    from .reader import open_dataset

    wanted = None if variable is None else [variable]
    return else_of_other_cells(lambda: open_dataset(paths, wanted), expand(paths), variable)
