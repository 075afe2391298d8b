"""One GRIB file as cfgrib sees it: its messages are looked at once, and all that is opened of it goes by that.

``cfgrib.open_datasets`` looks at every message once more for each variable, which takes longer than reading them.
"""

from __future__ import annotations

from typing import Any

import xarray as xr
from cfgrib import COMPUTED_KEYS, DatasetBuildError, FileStream, compute_index_keys, open_from_index
from cfgrib.messages import FileIndex
from cfgrib.xarray_plugin import ECCODES_LOCK, CfGribDataStore

from .grib_inventory import KEYS

__all__ = ["Store", "blocks", "index_of"]

_TIME = ("valid_time",)


class Store(CfGribDataStore):  # type: ignore[misc]
    """What xarray reads from: cfgrib's, of a dataset that is open already."""

    def __init__(self, dataset: Any) -> None:
        self.lock = ECCODES_LOCK
        self.ds = dataset


def index_of(path: str) -> Any:
    """What the messages of a file hold.

    Raises
    ------
    EOFError, gribapi.errors.GribInternalError
        If the file is damaged.
    OSError
        If it cannot be read.
    """
    keys = sorted({*compute_index_keys(_TIME), *KEYS})
    return FileIndex.from_fieldset(FileStream(path, errors="raise"), keys, COMPUTED_KEYS)


def blocks(index: Any, version: str | None) -> list[xr.Dataset]:
    """Every variable (of a version), lazy; of one variable several where its messages make no single block.

    Raises
    ------
    cfgrib.DatasetBuildError, ValueError
        If its messages do not fit together at all.
    """
    chosen = index if version is None else index.subindex({"experimentVersionNumber": version})
    return [block for number in sorted(chosen["paramId"]) for block in _blocks(chosen.subindex(paramId=number))]


def _blocks(index: Any) -> list[xr.Dataset]:
    try:
        return [xr.open_dataset(Store(open_from_index(index, time_dims=_TIME, errors="raise", squeeze=False)))]
    except DatasetBuildError as error:
        if len(error.args) < 3:
            raise
        parts = error.args[2]  # by which keys the messages may be told apart
    return [block for part in parts for block in _blocks(index.subindex(part))]
