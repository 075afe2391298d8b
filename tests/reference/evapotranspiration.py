"""Potential evapotranspiration of one cell, step by step, from FAO-56 and Thornthwaite's paper."""

from __future__ import annotations

import math

NAN = math.nan


def declination(day: float, sun: str) -> float:
    if sun == "fao56":
        return 0.409 * math.sin(2 * math.pi * day / 365 - 1.39)
    angle = 2 * math.pi * (day - 1) / 365
    sines, cosines = (0.070257, 0.000907, 0.001480), (-0.399912, -0.006758, -0.002697)
    waves = zip(sines, cosines, (1, 2, 3), strict=True)
    return 0.006918 + sum(s * math.sin(n * angle) + c * math.cos(n * angle) for s, c, n in waves)


def sunset(latitude: float, day: float, sun: str) -> float:
    """Angle of the hour of sunset."""
    x = -math.tan(math.radians(latitude)) * math.tan(declination(day, sun))
    return math.acos(min(1, max(-1, x)))


def hours(latitude: float, day: float, sun: str = "fao56") -> float:
    return 24 / math.pi * sunset(latitude, day, sun)


def top(latitude: float, day: float, sun: str = "fao56") -> float:
    """Radiation at the top of the atmosphere, MJ m⁻² d⁻¹."""
    if sun == "fao56":
        flux = 24 * 60 * 0.0820 * (1 + 0.033 * math.cos(2 * math.pi * day / 365))
    else:
        angle = 2 * math.pi * (day - 1) / 365
        distance = 1.000110 + 0.034221 * math.cos(angle) + 0.001280 * math.sin(angle)
        flux = 1361 * 0.0864 * (distance + 0.000719 * math.cos(2 * angle) + 0.000077 * math.sin(2 * angle))
    phi, delta, omega = math.radians(latitude), declination(day, sun), sunset(latitude, day, sun)
    across = omega * math.sin(phi) * math.sin(delta) + math.cos(phi) * math.cos(delta) * math.sin(omega)
    return flux / math.pi * across


def mean_over(function, latitude: float, days: range, sun: str, stretch: float = 1) -> float:
    """Mean of `hours` or `top` over days of the year, counted from 1."""
    return sum(function(latitude, 1 + (day - 1) * stretch, sun) for day in days) / len(days)


def vapour_pressure(t: float) -> float:
    return 0.6108 * math.exp(17.27 * t / (t + 237.3))


def hargreaves(tmin: float, tmax: float, radiation: float, mean: float | None = None) -> float:
    mean = (tmin + tmax) / 2 if mean is None else mean
    if math.isnan(tmin + tmax + mean):
        return NAN
    return max(0, 0.0023 * (mean + 17.8) * math.sqrt(max(0, tmax - tmin)) * 0.408 * radiation)


def net_radiation(
    solar: float, radiation: float, tmin: float, tmax: float, dewpoint: float, pressure: float
) -> float:
    if math.isnan(solar + tmin + tmax + dewpoint + pressure):
        return NAN
    height = 293 / 0.0065 * (1 - (pressure / 101.3) ** (1 / 5.26))
    share = max(0.3, min(1, solar / ((0.75 + 2e-5 * height) * radiation))) if radiation > 0 else 0.5
    emitted = 4.903e-9 * ((tmin + 273.16) ** 4 + (tmax + 273.16) ** 4) / 2
    lost = emitted * (0.34 - 0.14 * math.sqrt(vapour_pressure(dewpoint))) * (1.35 * share - 0.35)
    return 0.77 * solar - lost


def penman_monteith(tmin: float, tmax: float, dewpoint: float, wind: float, radiation: float, pressure: float = 101.3,
                    heat: float = 0, wind_height: float = 10) -> float:  # fmt: skip
    mean = (tmin + tmax) / 2
    wind *= 4.87 / math.log(67.8 * wind_height - 5.42)
    slope, gamma = 4098 * vapour_pressure(mean) / (mean + 237.3) ** 2, 0.000665 * pressure
    deficit = (vapour_pressure(tmin) + vapour_pressure(tmax)) / 2 - vapour_pressure(dewpoint)
    over = 0.408 * slope * (radiation - heat) + gamma * 900 / (mean + 273) * wind * deficit
    return over / (slope + gamma * (1 + 0.34 * wind))


def heat_of_months(means: list[float]) -> list[float]:
    """Heat that the ground takes up in each of a row of months, by those beside it."""
    found = []
    for i, mean in enumerate(means):
        before = means[i - 1] if i > 0 else NAN
        after = means[i + 1] if i + 1 < len(means) else NAN
        if not math.isnan(before) and not math.isnan(after):
            found.append(0.07 * (after - before))
        elif not math.isnan(after):
            found.append(0.14 * (after - mean))
        else:
            found.append(0.0 if math.isnan(before) else 0.14 * (mean - before))
    return found


def thornthwaite(series: list[float], daylight: list[float], days: list[float], by_year: bool) -> list[float]:
    """Whole years of monthly means; hours of daylight, and days over which a month spreads."""

    def heat(months: list[float]) -> float:
        return sum((max(t, 0) / 5) ** 1.514 for t in months) if not any(map(math.isnan, months)) else NAN

    normal = []
    for month in range(12):
        known = [t for t in series[month::12] if not math.isnan(t)]
        normal.append(sum(known) / len(known) if known else NAN)
    found = []
    for i, t in enumerate(series):
        index = heat(series[i // 12 * 12 : i // 12 * 12 + 12] if by_year else normal)
        a = 6.75e-7 * index**3 - 7.71e-5 * index**2 + 0.01792 * index + 0.49239
        if math.isnan(t) or math.isnan(index):
            found.append(NAN)
        else:
            found.append(16 * daylight[i] / 12 * (10 * t / index) ** a / days[i] if t > 0 else 0.0)
    return found
