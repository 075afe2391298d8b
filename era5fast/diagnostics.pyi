from typing import Any, Literal

from .events import Events

DEFINITION: str

def stub() -> str: ...
def daily(
    x: Any,
    statistic: Literal["max", "min", "mean", "sum"],
    min_samples: int = ...,
    hours: Literal["auto", "instant", "hour_ending", "since_midnight"] = ...,
    utc_offset: float = ...,
    *,
    time: Any = ...,
    latitude: Any = ...,
    longitude: Any = ...,
    calendar: str | None = ...,
    variable: str | None = ...,
    progress: bool = ...,
) -> Any: ...
def resample(
    x: Any,
    statistic: Literal["max", "min", "mean", "sum"],
    min_samples: int = ...,
    freq: Literal["YS", "MS", "all"] = ...,
    *,
    time: Any = ...,
    latitude: Any = ...,
    longitude: Any = ...,
    calendar: str | None = ...,
    variable: str | None = ...,
    progress: bool = ...,
) -> Any: ...
def percentile_doy(
    x: Any,
    percentile: float,
    window: int = ...,
    base_period: tuple[str | int, str | int] | None = ...,
    type: int = ...,
    neighbours: Literal["wrap", "real"] = ...,
    leap_day: Literal["drop", "stretch"] = ...,
    *,
    time: Any = ...,
    latitude: Any = ...,
    longitude: Any = ...,
    calendar: str | None = ...,
    variable: str | None = ...,
    progress: bool = ...,
) -> Any: ...
def find_events(
    x: Any,
    above: Any,
    min_days: int = ...,
    min_area_km2: float = ...,
    connectivity: Literal[6, 10, 18, 26] = ...,
    *,
    time: Any = ...,
    latitude: Any = ...,
    longitude: Any = ...,
    calendar: str | None = ...,
    variable: str | None = ...,
    progress: bool = ...,
) -> Events: ...
