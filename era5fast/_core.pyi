"""The native core as the package sees it; see csrc/python/. Users call the package, not this."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

_Progress = Callable[[int, int, str | None], None] | None

class File:
    def header(self) -> dict[str, Any]: ...
    def read(
        self, name: str, bounds: Sequence[tuple[int, int]] | None = None, progress: _Progress = None, /
    ) -> np.ndarray: ...
    def explain(self, name: str, /) -> str | None: ...

class Dataset:
    def header(self) -> dict[str, Any]: ...
    def read(self, first: int, steps: int, progress: _Progress = None, /) -> np.ndarray: ...

class Events:
    def __len__(self) -> int: ...
    def table(self) -> dict[str, np.ndarray]: ...
    def runs(self) -> dict[str, np.ndarray]: ...
    def states(self) -> dict[str, np.ndarray]: ...
    def outline(self, i: int, /) -> bytes: ...
    def axes(self) -> dict[str, Any]: ...

def set_num_threads(n: int, /) -> None: ...
def get_num_threads() -> int: ...
def statuses() -> list[tuple[str, str, bool, str]]: ...
def decode_time(values: Any, units: str, calendar: str | None, /) -> np.ndarray: ...
def dates(days: Any, calendar: str | None, /) -> np.ndarray: ...
def slots(days: Any, calendar: str | None, count: int, /) -> np.ndarray: ...
def variable(name: str, /) -> dict[str, Any] | None: ...
def variables() -> list[dict[str, Any]]: ...
def open_file(path: Any, /) -> File: ...
def open_dataset(paths: Sequence[Any], variable: str | None, /) -> Dataset: ...
def kernels() -> list[dict[str, Any]]: ...
def scan(
    name: str,
    params: Sequence[Any],
    source: Any,
    seconds: Any,
    calendar: str,
    rule: int,
    utc_offset: int,
    progress: _Progress,
    /,
) -> tuple[np.ndarray, np.ndarray]: ...
def sweep(
    name: str, params: Sequence[Any], array: np.ndarray, seconds: Any, calendar: str, progress: _Progress, /
) -> np.ndarray: ...
def field(
    name: str,
    params: Sequence[Any],
    values: Any,
    threshold: Any,
    slot: Any,
    seconds: Any,
    latitude: Any,
    longitude: Any,
    calendar: str,
    progress: _Progress,
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
    sources: tuple[tuple[str, int, str, str], ...],
    busy_seconds: float,
    progress: _Progress,
    /,
) -> tuple[int, int, int]: ...
def fetch(
    url: str,
    key: str,
    user_agent: str,
    ca_file: str | None,
    max_jobs: int,
    max_transfers: int,
    patience: float,
    poll_first: float,
    poll_cap: float,
    pace: float,
    overwrite: int,
    items: tuple[tuple[str, str, str], ...],
    progress: _Progress,
    /,
) -> list[dict[str, Any]]: ...
