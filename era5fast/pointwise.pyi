from typing import Any, Literal

import numpy as np

__all__ = ["saturation_vapour_pressure", "vapour_pressure", "relative_humidity", "dewpoint", "heat_index", "humidex", "apparent_temperature", "wbgt", "wbgt_simple", "wet_bulb", "wind_chill", "utci", "mean_radiant_temperature", "wind_speed", "wind_direction", "ufunc"]
INSTEAD: dict[str, dict[str, str]]
def stub() -> str: ...
def ufunc(name: str, choice: str | None = None) -> np.ufunc: ...
def saturation_vapour_pressure(
    temperature: Any,
    *,
    formula: Literal["bolton80", "murray67", "steadman84", "tetens30", "wmo08", "buck81", "aerk96", "sonntag90", "its90", "goffgratch46"] = ...,
    out: Any = ...,
    where: Any = ...,
) -> Any: ...
def vapour_pressure(
    temperature: Any,
    relative_humidity: Any,
    *,
    formula: Literal["bolton80", "murray67", "steadman84", "tetens30", "wmo08", "buck81", "aerk96", "sonntag90", "its90", "goffgratch46"] = ...,
    out: Any = ...,
    where: Any = ...,
) -> Any: ...
def relative_humidity(
    temperature: Any,
    dewpoint: Any,
    *,
    formula: Literal["bolton80", "murray67", "steadman84", "tetens30", "wmo08", "buck81", "aerk96", "sonntag90", "its90", "goffgratch46"] = ...,
    out: Any = ...,
    where: Any = ...,
) -> Any: ...
def dewpoint(
    temperature: Any,
    relative_humidity: Any,
    *,
    out: Any = ...,
    where: Any = ...,
) -> Any: ...
def heat_index(
    temperature: Any,
    relative_humidity: Any = ...,
    *,
    definition: Literal["nws", "thermofeel", "metpy", "xclim", "simplified"] = ...,
    dewpoint: Any = ...,
    out: Any = ...,
    where: Any = ...,
) -> Any: ...
def humidex(
    temperature: Any,
    dewpoint: Any = ...,
    *,
    definition: Literal["masterton", "thermofeel", "xclim"] = ...,
    relative_humidity: Any = ...,
    out: Any = ...,
    where: Any = ...,
) -> Any: ...
def apparent_temperature(
    temperature: Any,
    relative_humidity: Any = ...,
    wind_speed: Any = ...,
    *,
    dewpoint: Any = ...,
    out: Any = ...,
    where: Any = ...,
) -> Any: ...
def wbgt(
    temperature: Any,
    natural_wet_bulb: Any,
    globe: Any,
    *,
    out: Any = ...,
    where: Any = ...,
) -> Any: ...
def wbgt_simple(
    temperature: Any,
    relative_humidity: Any = ...,
    *,
    dewpoint: Any = ...,
    out: Any = ...,
    where: Any = ...,
) -> Any: ...
def wet_bulb(
    temperature: Any,
    relative_humidity: Any = ...,
    *,
    dewpoint: Any = ...,
    out: Any = ...,
    where: Any = ...,
) -> Any: ...
def wind_chill(
    temperature: Any,
    wind_speed: Any,
    *,
    definition: Literal["canada", "us", "thermofeel"] = ...,
    out: Any = ...,
    where: Any = ...,
) -> Any: ...
def utci(
    temperature: Any,
    mean_radiant_temperature: Any,
    wind_speed: Any,
    vapour_pressure: Any = ...,
    *,
    definition: Literal["broede", "xclim", "thermofeel"] = ...,
    dewpoint: Any = ...,
    relative_humidity: Any = ...,
    out: Any = ...,
    where: Any = ...,
) -> Any: ...
def mean_radiant_temperature(
    ssrd: Any,
    ssr: Any,
    fdir: Any,
    strd: Any,
    str: Any,
    cos_zenith: Any,
    *,
    out: Any = ...,
    where: Any = ...,
) -> Any: ...
def wind_speed(
    u: Any,
    v: Any,
    *,
    out: Any = ...,
    where: Any = ...,
) -> Any: ...
def wind_direction(
    u: Any,
    v: Any,
    *,
    definition: Literal["wmo", "xclim"] = ...,
    out: Any = ...,
    where: Any = ...,
) -> Any: ...
