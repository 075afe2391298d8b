"""The native core as the package sees it; see csrc/python/. Users call the package, not this."""

import os
from collections.abc import Callable, Sequence
from typing import Any, Literal, Self, final, overload

import numpy as np

_Progress = Callable[[int, int, str | None], None] | None
_Download = tuple[str, str, str, str, int, str, str, bool, float]
_Source = tuple[str, int, str, str, _Download | None]

@final
class File:
    def header(self) -> dict[str, Any]: ...
    def read(
        self,
        name: str,
        picks: Sequence[tuple[int, int] | np.ndarray] | None = None,
        stored: bool = False,
        out: np.ndarray | None = None,
        progress: _Progress = None,
    ) -> np.ndarray: ...
    def texts(self, name: str, /) -> list[str]: ...
    def characters(self, name: str, /) -> np.ndarray: ...
    # Reading the variable (also its texts) needs the locks of netCDF-C; asking does not.
    def by_library(self, name: str, /) -> bool: ...
    def explain(self, name: str, /) -> str | None: ...
    def chunks(self, name: str, /) -> dict[str, Any]: ...

@final
class Dataset:
    def header(self) -> dict[str, Any]: ...
    def read(
        self,
        picks: Sequence[tuple[int, int] | np.ndarray] | None = None,
        out: np.ndarray | None = None,
        progress: _Progress = None,
    ) -> np.ndarray: ...
    def by_library(self) -> bool: ...

@final
class Events:
    def __len__(self) -> int: ...
    def table(self) -> dict[str, np.ndarray]: ...
    def runs(self) -> dict[str, np.ndarray]: ...
    def states(self) -> dict[str, np.ndarray]: ...
    def blobs(self) -> dict[str, np.ndarray]: ...
    def links(self) -> dict[str, np.ndarray]: ...
    def outline(self, i: int, /) -> bytes: ...
    def geometry(self) -> bytes: ...
    def axes(self) -> dict[str, Any]: ...

@final
class Journal:
    def __new__(cls, path: str | os.PathLike[str] | None, service: str, owner: str) -> Self: ...
    def jobs(self, unfinished: bool = False) -> list[dict[str, Any]]: ...
    def files(self, directory: str | os.PathLike[str] | None = None) -> list[dict[str, Any]]: ...
    def forget(self, job_id: str, /) -> None: ...
    def counted(self, path: str | os.PathLike[str], finished: float, missing: str, asked: float = 0.0, /) -> None: ...
    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *unused: object) -> None: ...

@final
class Labels:
    def __len__(self) -> int: ...
    def dense(self) -> np.ndarray: ...
    def runs(self) -> dict[str, np.ndarray]: ...

def set_num_threads(n: int, /) -> None: ...
def get_num_threads() -> int: ...
def set_cache_bytes(n: int, /) -> None: ...
def get_cache_bytes() -> tuple[int, int]: ...
def available_memory() -> int: ...
def new_array(shape: Sequence[int], dtype: Any, /) -> np.ndarray: ...
def libraries() -> list[dict[str, str]]: ...
def tls() -> str: ...
def isa() -> str: ...
def isa_names() -> list[str]: ...
def is_shared_disk(path: str | bytes | os.PathLike[str], /) -> bool: ...
def statuses() -> list[tuple[str, str, bool, str]]: ...
def decode_time(values: Any, units: str, calendar: str | None, /) -> np.ndarray: ...
def dates(days: Any, calendar: str | None, /) -> np.ndarray: ...
def holes(seconds: Any, /) -> tuple[int, int, int]: ...
def slots(days: Any, calendar: str | None, count: int, /) -> np.ndarray: ...
def variable(name: str, /) -> dict[str, Any] | None: ...
def variables() -> list[dict[str, Any]]: ...
def unpack(path: Any, directory: Any, progress: _Progress, /) -> list[str]: ...
@overload
def open_file(path: Any, library: Literal[True] = True) -> File: ...
@overload
def open_file(path: Any, library: bool) -> File | None: ...  # None: the header needs netCDF-C, and so its locks
def open_dataset(paths: Sequence[Any], variable: str | None, library: bool = True) -> Dataset | None: ...
def grid(latitude: Any, longitude: Any, /) -> dict[str, Any]: ...
def regional(
    source: Any,
    first: np.ndarray,
    cell: np.ndarray,
    weight: np.ndarray,
    beyond: np.ndarray,
    sets: list[tuple[int, float, float]],
    progress: _Progress,
    /,
) -> np.ndarray: ...
def extrema(
    source: Any,
    latitude: Any,
    longitude: Any,
    highest: bool,
    around: int,
    search: float,
    merge: float,
    reach: float,
    depth: float,
    progress: _Progress,
    /,
) -> dict[str, np.ndarray]: ...
def point_tracks(
    step: np.ndarray,
    latitude: np.ndarray,
    longitude: np.ndarray,
    distance: float,
    gap: int,
    progress: _Progress,
    /,
) -> np.ndarray: ...
def label(
    mask: np.ndarray,
    linked: Any,
    connectivity: int,
    latitude: Any,
    longitude: Any,
    periodic: int,
    /,
) -> Labels: ...
def run_columns() -> list[tuple[str, str, str]]: ...
def runs(
    source: Any,
    seconds: Any,
    calendar: str,
    threshold: tuple[np.ndarray, np.ndarray],
    stay: tuple[np.ndarray, np.ndarray] | None,
    climatology: tuple[np.ndarray, np.ndarray] | None,
    searches: Sequence[tuple[tuple[int, int, int, int], tuple[bool, bool, bool, bool], tuple[int, int, int]]],
    budget: int,
    directory: str,
    progress: _Progress,
    /,
) -> list[np.ndarray]: ...
def kernels() -> list[dict[str, Any]]: ...
def indices() -> list[dict[str, Any]]: ...
def ufunc(name: str, choice: int, called: str, /) -> np.ufunc: ...
def scan(
    name: str,
    sets: Sequence[Sequence[Any]],
    source: Any,
    seconds: Any,
    calendar: str,
    grouping: tuple[Any, ...] | None,
    progress: _Progress,
    /,
) -> tuple[np.ndarray, np.ndarray]: ...
def periods(
    name: str, seconds: Any, calendar: str, grouping: tuple[Any, ...] | None, /
) -> tuple[np.ndarray, np.ndarray, np.ndarray]: ...
def scan_part(
    name: str,
    sets: Sequence[Sequence[Any]],
    source: Any,
    of_sample: np.ndarray,
    expected: np.ndarray,
    finished: int,
    states: np.ndarray | None,
    /,
) -> tuple[np.ndarray, np.ndarray | None]: ...
def sweep(
    name: str,
    sets: Sequence[Sequence[Any]],
    operands: Sequence[Any],
    seconds: Any,
    calendar: str,
    grouping: tuple[Any, ...] | None,
    budget: int,
    directory: str,
    progress: _Progress,
    choices: np.ndarray | None = ...,
    /,
) -> tuple[np.ndarray, np.ndarray | None]: ...
def field(
    name: str,
    params: Sequence[Any],
    source: Any,
    below: bool,
    limits: tuple[Any, Any, Any, Any],
    seconds: Any,
    latitude: Any,
    longitude: Any,
    calendar: str,
    budget: int,
    directory: str,
    progress: _Progress,
    /,
) -> Events: ...
def field_slab(
    name: str,
    params: Sequence[Any],
    source: Any,
    below: bool,
    limits: tuple[Any, Any, Any, Any],
    linked: np.ndarray,
    first: int,
    end: int,
    latitude: Any,
    longitude: Any,
    /,
) -> bytes: ...
def field_join(
    name: str,
    params: Sequence[Any],
    slabs: Sequence[Any],
    below: bool,
    seconds: Any,
    latitude: Any,
    longitude: Any,
    calendar: str,
    budget: int,
    directory: str,
    progress: _Progress,
    /,
) -> Events: ...
def field_around(name: str, params: Sequence[Any], /) -> int: ...
def events(
    tables: tuple[dict[str, np.ndarray], ...],
    geometry: bytes,
    latitude: Any,
    longitude: Any,
    seconds: Any,
    calendar: str,
    step_days: float,
    below: bool,
    wgs84: bool,
    /,
) -> Events: ...
def store_add(
    path: Any,
    events: Events,
    kind: str,
    variable: str,
    units: str,
    definition: str,
    program: str,
    libraries: str,
    sources: tuple[_Source, ...],
    cells: bool,
    busy_seconds: float,
    progress: _Progress,
    /,
) -> tuple[int, int, int]: ...
def store_add_tracks(
    path: Any,
    first: Any,
    seconds: Any,
    latitude: Any,
    longitude: Any,
    value: Any,
    step: Any,
    speed: Any,
    direction: Any,
    displacement: Any,
    calendar: str,
    kind: str,
    variable: str,
    units: str,
    definition: str,
    program: str,
    libraries: str,
    sources: tuple[_Source, ...],
    busy_seconds: float,
    progress: _Progress,
    /,
) -> tuple[int, int, int]: ...
def store_schema() -> list[tuple[int, str, list[str]]]: ...
def store_lock(path: Any, busy_seconds: float, /) -> int: ...
def store_unlock(lock: int, /) -> None: ...
def decode_cells(runs: bytes, /) -> dict[str, np.ndarray]: ...
def fetch(
    http: dict[str, Any],
    settings: dict[str, float],
    items: Sequence[tuple[str | None, str | None, str | None, dict[str, Any] | None, str | None, int, bool, bool]],
    overwrite: int,
    dismiss: bool,
    journal: Journal | None,
    progress: Callable[[int, int, str | None, dict[str, int]], object] | None,
    /,
) -> list[dict[str, Any]]: ...
def read_state(target: str | bytes | os.PathLike[str], /) -> dict[str, Any] | None: ...
def fetch_settings() -> list[dict[str, Any]]: ...
def ask(
    http: dict[str, Any],
    settings: dict[str, float],
    method: str,
    path: str,
    body: str | None,
    progress: _Progress,
    /,
) -> str: ...
def head(http: dict[str, Any], settings: dict[str, float], url: str, progress: _Progress, /) -> dict[str, Any]: ...
def linear(
    x: np.ndarray, scale: float, offset: float, nodata: float, out: np.ndarray, progress: _Progress, /
) -> None: ...
def row_sums(x: np.ndarray, nodata: float, progress: _Progress, /) -> tuple[np.ndarray, np.ndarray]: ...
def great_circle(lat1: Any, lon1: Any, lat2: Any, lon2: Any, /) -> np.ndarray: ...
def distance_matrix(lat1: Any, lon1: Any, lat2: Any, lon2: Any, progress: _Progress, /) -> np.ndarray: ...
def sample(
    maps: np.ndarray,
    row: Any,
    column: Any,
    weight: Any,
    skip_missing: bool,
    out: np.ndarray,
    first: int,
    progress: _Progress,
    /,
) -> None: ...
def write_csv(
    paths: list[str],
    header: bytes,
    keys: bytes,
    key_end: np.ndarray,
    columns: list[np.ndarray],
    progress: _Progress,
    /,
) -> None: ...
def bootstrap(
    values: Any,
    statistic: int,
    interval: int,
    confidence: float,
    ddof: float,
    count: int,
    key: int,
    progress: _Progress,
    /,
) -> np.ndarray: ...
def permutation(
    values: Any, part: int, paired: bool, count: int, all: bool, key: int, progress: _Progress, /
) -> np.ndarray: ...
