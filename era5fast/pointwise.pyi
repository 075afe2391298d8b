from typing import Any, Literal

import numpy as np

def stub() -> str: ...
def ufunc(name: str, choice: str | None = None) -> np.ufunc: ...
def saturation_vapour_pressure(
    temperature: Any,
    *,
    formula: Literal["bolton80", "murray67", "steadman84", "tetens30", "wmo08", "buck81", "aerk96", "sonntag90", "its90", "goffgratch46"] = ...,
) -> Any: ...
def vapour_pressure(
    temperature: Any,
    relative_humidity: Any,
    *,
    formula: Literal["bolton80", "murray67", "steadman84", "tetens30", "wmo08", "buck81", "aerk96", "sonntag90", "its90", "goffgratch46"] = ...,
) -> Any: ...
def relative_humidity(
    temperature: Any,
    dewpoint: Any,
    *,
    formula: Literal["bolton80", "murray67", "steadman84", "tetens30", "wmo08", "buck81", "aerk96", "sonntag90", "its90", "goffgratch46"] = ...,
) -> Any: ...
def dewpoint(
    temperature: Any,
    relative_humidity: Any,
) -> Any: ...
def heat_index(
    temperature: Any,
    relative_humidity: Any = ...,
    *,
    definition: Literal["nws", "thermofeel", "metpy", "xclim", "simplified"] = ...,
    dewpoint: Any = ...,
) -> Any: ...
def humidex(
    temperature: Any,
    dewpoint: Any = ...,
    *,
    definition: Literal["masterton", "thermofeel", "xclim"] = ...,
    relative_humidity: Any = ...,
) -> Any: ...
def apparent_temperature(
    temperature: Any,
    relative_humidity: Any = ...,
    wind_speed: Any = ...,
    *,
    dewpoint: Any = ...,
) -> Any: ...
def wbgt_simple(
    temperature: Any,
    relative_humidity: Any = ...,
    *,
    dewpoint: Any = ...,
) -> Any: ...
def wet_bulb(
    temperature: Any,
    relative_humidity: Any = ...,
    *,
    dewpoint: Any = ...,
) -> Any: ...
def wind_chill(
    temperature: Any,
    wind_speed: Any,
    *,
    definition: Literal["canada", "us", "thermofeel"] = ...,
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
) -> Any: ...
def mean_radiant_temperature(
    ssrd: Any,
    ssr: Any,
    fdir: Any,
    strd: Any,
    str: Any,
    cos_zenith: Any,
) -> Any: ...
def wind_speed(
    u: Any,
    v: Any,
) -> Any: ...
def wind_direction(
    u: Any,
    v: Any,
    *,
    definition: Literal["wmo", "xclim"] = ...,
) -> Any: ...
