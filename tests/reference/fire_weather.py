"""The Canadian Forest Fire Weather Index system for one cell, from the equations of Van Wagner (1987)."""

from __future__ import annotations

from math import exp, log, nan

HOURS = {
    -90: [11.5, 10.5, 9.2, 7.9, 6.8, 6.2, 6.5, 7.4, 8.7, 10, 11.2, 11.8],
    -30: [10.1, 9.6, 9.1, 8.5, 8.1, 7.8, 7.9, 8.3, 8.9, 9.4, 9.9, 10.2],
    -15: [9] * 12,
    15: [7.9, 8.4, 8.9, 9.5, 9.9, 10.2, 10.1, 9.7, 9.1, 8.6, 8.1, 7.8],
    30: [6.5, 7.5, 9, 12.8, 13.9, 13.9, 12.4, 10.9, 9.4, 8, 7, 6],
}
FACTORS = {
    -90: [6.4, 5.0, 2.4, 0.4, -1.6, -1.6, -1.6, -1.6, -1.6, 0.9, 3.8, 5.8],
    -15: [1.39] * 12,
    15: [-1.6, -1.6, -1.6, 0.9, 3.8, 5.8, 6.4, 5.0, 2.4, 0.4, -1.6, -1.6],
}


def of_band(table: dict[int, list[float]], latitude: float, month: int) -> float:
    return table[max(edge for edge in table if latitude >= edge)][month - 1]


def fine_fuel(before: float, t: float, h: float, w: float, rain: float) -> float:
    m = 147.2 * (101 - before) / (59.5 + before)
    if rain > 0.5:
        r = rain - 0.5
        extra = 0.0015 * (m - 150) ** 2 * r**0.5 if m > 150 else 0
        m = min(m + 42.5 * r * exp(-100 / (251 - m)) * (1 - exp(-6.93 / r)) + extra, 250)
    common = 0.18 * (21.1 - t) * (1 - exp(-0.115 * h))
    dry = 0.942 * h**0.679 + 11 * exp((h - 100) / 10) + common
    wet = 0.618 * h**0.753 + 10 * exp((h - 100) / 10) + common

    def rate(x: float) -> float:
        return (0.424 * (1 - x**1.7) + 0.0694 * w**0.5 * (1 - x**8)) * 0.581 * exp(0.0365 * t)

    if m > dry:
        m = dry + (m - dry) * 10 ** -rate(h / 100)
    elif m < wet:
        m = wet - (wet - m) * 10 ** -rate((100 - h) / 100)
    return min(max(59.5 * (250 - m) / (147.2 + m), 0), 101)


def duff(before: float, t: float, h: float, rain: float, hours: float, form: str) -> float:
    p = before
    if rain > 1.5:
        r = 0.92 * rain - 1.27
        own = form == "van_wagner"
        m = 20 + (exp(5.6348 - p / 43.43) if own else 280 / exp(0.023 * p))
        b = 100 / (0.5 + 0.3 * p) if p <= 33 else 14 - 1.3 * log(p) if p <= 65 else 6.2 * log(p) - 17.2
        m += 1000 * r / (48.77 + b * r)
        p = max(0, (244.72 if own else 43.43 * 5.6348) - 43.43 * log(m - 20))
    return max(0, p + 100 * 1.894 * (max(t, -1.1) + 1.1) * (100 - h) * hours * 1e-6)


def drought(before: float, t: float, rain: float, factor: float) -> float:
    d = before
    if rain > 2.8:
        q = 800 * exp(-d / 400) + 3.937 * (0.83 * rain - 1.27)
        d = max(0, 400 * log(800 / q))
    return d + 0.5 * max(0, 0.36 * (max(t, -2.8) + 2.8) + factor)


def build_up(p: float, d: float) -> float:
    if p == d == 0:
        return 0.0
    if p <= 0.4 * d:
        return 0.8 * p * d / (p + 0.4 * d)
    return max(0, p - (1 - 0.8 * d / (p + 0.4 * d)) * (0.92 + (0.0114 * p) ** 1.7))


def indices(fine: float, p: float, d: float, w: float) -> tuple[float, float, float, float]:
    """Initial spread, build-up and fire weather index, and the daily severity rating."""
    m = 147.2 * (101 - fine) / (59.5 + fine)
    spread = 0.208 * exp(0.05039 * w) * 91.9 * exp(-0.1386 * m) * (1 + m**5.31 / 4.93e7)
    u = build_up(p, d)
    f = 0.626 * u**0.809 + 2 if u <= 80 else 1000 / (25 + 108.64 * exp(-0.023 * u))
    b = 0.1 * spread * f
    fire = b if b <= 1 else exp(2.72 * (0.434 * log(b)) ** 0.647)
    return spread, u, fire, 0.0272 * fire**1.77


def fire_weather(
    days: list[tuple[int, float, float, float, float]],
    latitude: float,
    start: tuple[float, float, float] = (85, 6, 15),
    form: str = "van_wagner",
) -> list[tuple[float, ...]]:
    """Seven values a day, of (month, temperature in °C, humidity in %, wind in km/h, rain in mm) of each."""
    fine, p, d = start
    found: list[tuple[float, ...]] = []
    for month, t, humidity, w, rain in days:
        if any(x != x for x in (t, humidity, w, rain)):
            found.append((nan,) * 7)
            continue
        h = min(humidity, 100)
        fine = fine_fuel(fine, t, h, w, rain)
        p = duff(p, t, h, rain, of_band(HOURS, latitude, month), form)
        d = drought(d, t, rain, of_band(FACTORS, latitude, month))
        found.append((fine, p, d, *indices(fine, p, d, w)))
    return found
