"""Heat, cold, humidity and wind of one moment, from their definitions.

One function per diagnostic, in its default definition and in the units of the package. The 210 terms of the UTCI are
not written down a second time: there the tests take other people's programs.
"""

from __future__ import annotations

import math

ZERO = 273.15


def saturation_vapour_pressure(temperature: float) -> float:
    """Pressure in Pa over water, by Bolton."""
    t = temperature - ZERO
    return 611.2 * math.exp(17.67 * t / (t + 243.5))


def vapour_pressure(temperature: float, relative_humidity: float) -> float:
    return relative_humidity / 100 * saturation_vapour_pressure(temperature)


def relative_humidity(temperature: float, dewpoint: float) -> float:
    return 100 * saturation_vapour_pressure(dewpoint) / saturation_vapour_pressure(temperature)


def dewpoint(temperature: float, relative_humidity: float) -> float:
    logarithm = math.log(vapour_pressure(temperature, relative_humidity) / 611.2)
    return 243.5 * logarithm / (17.67 - logarithm) + ZERO


def heat_index(temperature: float, relative_humidity: float) -> float:
    """As the National Weather Service describes it."""
    t, r = (temperature - ZERO) * 9 / 5 + 32, relative_humidity
    simple = 0.5 * (t + 61 + 1.2 * (t - 68) + 0.094 * r)
    index = (simple + t) / 2
    if index >= 80:
        index = -42.379 + 2.04901523 * t + 10.14333127 * r - 0.22475541 * t * r - 6.83783e-3 * t**2
        index += -5.481717e-2 * r**2 + 1.22874e-3 * t**2 * r + 8.5282e-4 * t * r**2 - 1.99e-6 * t**2 * r**2
        if r < 13 and 80 <= t <= 112:
            index -= (13 - r) / 4 * math.sqrt((17 - abs(t - 95)) / 17)
        if r > 85 and 80 <= t <= 87:
            index += (r - 85) / 10 * (87 - t) / 5
    return (index - 32) * 5 / 9 + ZERO


def humidex(temperature: float, dewpoint: float) -> float:
    return temperature + 5 / 9 * (6.11 * math.exp(5417.7530 * (1 / 273.16 - 1 / dewpoint)) - 10)


def _steadman(temperature: float, relative_humidity: float) -> float:
    """Vapour pressure in hPa."""
    t = temperature - ZERO
    return relative_humidity / 100 * 6.105 * math.exp(17.27 * t / (237.7 + t))


def apparent_temperature(temperature: float, relative_humidity: float, wind_speed: float) -> float:
    return temperature + 0.33 * _steadman(temperature, relative_humidity) - 0.70 * wind_speed - 4.00


def wbgt(temperature: float, natural_wet_bulb: float, globe: float) -> float:
    return 0.7 * natural_wet_bulb + 0.2 * globe + 0.1 * temperature


def wbgt_simple(temperature: float, relative_humidity: float) -> float:
    return 0.567 * (temperature - ZERO) + 0.393 * _steadman(temperature, relative_humidity) + 3.94 + ZERO


def wet_bulb(temperature: float, relative_humidity: float) -> float:
    t, r = temperature - ZERO, relative_humidity
    bulb = t * math.atan(0.151977 * (r + 8.313659) ** 0.5) + math.atan(t + r) - math.atan(r - 1.676331)
    return bulb + 0.00391838 * r**1.5 * math.atan(0.023101 * r) - 4.686035 + ZERO


def wind_chill(temperature: float, wind_speed: float) -> float:
    t, v = temperature - ZERO, wind_speed * 3.6
    if t > 0:
        return math.nan
    if v < 5:
        return t + (-1.59 + 0.1345 * t) / 5 * v + ZERO
    return 13.12 + 0.6215 * t - 11.37 * v**0.16 + 0.3965 * t * v**0.16 + ZERO


def mean_radiant_temperature(
    ssrd: float, ssr: float, fdir: float, strd: float, net: float, cos_zenith: float
) -> float:
    """`net` is the net thermal radiation."""
    beam = fdir / cos_zenith if cos_zenith > 0.1 else fdir
    elevation = math.degrees(math.asin(cos_zenith))
    share = 0.308 * math.cos(math.radians(elevation * (0.998 - elevation**2 / 50000)))
    solar = 0.5 * (ssrd - fdir) + 0.5 * (ssrd - ssr) + share * beam
    return ((0.5 * strd + 0.5 * (strd - net) + 0.7 / 0.97 * solar) / 5.67e-8) ** 0.25


def wind_speed(u: float, v: float) -> float:
    return math.sqrt(u * u + v * v)


def wind_direction(u: float, v: float) -> float:
    if u == v == 0:
        return 0.0
    degrees = math.degrees(math.atan2(-u, -v))
    return degrees if degrees > 0 else degrees + 360
