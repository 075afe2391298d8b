"""Pictures of the reference, drawn with matplotlib from small made-up data: one function per picture.

The name of a function is that of what it shows, with ``__`` for the point of a module; its docstring is the caption.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parents[1]
FOLDER = "generated/pictures"

_DRAWN: dict[str, Callable[[Any], Any]] = {}


def _picture(draw: Callable[[Any], Any]) -> Callable[[Any], Any]:
    _DRAWN[draw.__name__.replace("__", ".")] = draw
    return draw


def picture_of(name: str) -> str | None:
    """File of the picture of a name, beside the pages; None where there is none."""
    return f"{FOLDER}/{name}.png" if name in _DRAWN else None


def caption_of(name: str) -> str:
    """What a picture shows, in one sentence."""
    return " ".join(inspect.getdoc(_DRAWN[name]).split())


def make_pictures() -> None:
    """Draw all that are not there, or older than this file."""
    changed = Path(__file__).stat().st_mtime
    folder = DOCS / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.png"):
        if path.stem not in _DRAWN:
            path.unlink()
    for name, draw in _DRAWN.items():
        path = folder / f"{name}.png"
        if not path.exists() or path.stat().st_mtime < changed:
            _draw(draw, path)


def _draw(draw: Callable[[Any], Any], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    style = {
        "font.size": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.prop_cycle": plt.cycler(color=["#1f4e79", "#c0392b", "#e08e0b", "#2e7d5b", "#6c4f9e"]),
        "legend.frameon": False,
        "savefig.dpi": 130,
    }
    with plt.rc_context(style):
        figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
        figure = draw(axes) or figure
        figure.savefig(path)
        plt.close("all")


# --- data


@cache
def _daily() -> Any:
    """Thirty years of daily maxima in °C at one place: seasons, a trend, and weather that lasts some days."""
    import numpy as np
    import pandas as pd
    import xarray as xr

    rng = np.random.default_rng(7)
    days = pd.date_range("1991-01-01", "2020-12-31", name="time")
    weather = np.zeros(len(days))
    noise = rng.normal(0, 2.3, len(days))
    for i in range(1, len(days)):
        weather[i] = 0.78 * weather[i - 1] + noise[i]
    season = 16 - 10 * np.cos(2 * np.pi * (days.day_of_year.to_numpy() - 20) / 365.25)
    values = season + weather + 0.04 * (np.arange(len(days)) / 365.25)
    return xr.DataArray(values, {"time": days}, name="tx", attrs={"units": "degC", "long_name": "Daily maximum"})


@cache
def _rain() -> Any:
    """Thirty years of daily rain in mm at the same place."""
    import numpy as np

    rng = np.random.default_rng(3)
    days = _daily()
    wet = rng.random(len(days)) < 0.3 + 0.15 * np.sin(np.arange(len(days)) / 700)
    return days.copy(data=np.where(wet, rng.gamma(0.8, 7, len(days)), 0)).rename("pr").assign_attrs(units="mm")


@cache
def _maps() -> Any:
    """Twenty days of a map in °C on which a hot area grows, wanders, splits and fades."""
    import numpy as np
    import pandas as pd
    import xarray as xr

    latitude, longitude = np.arange(58, 36, -0.5), np.arange(-12, 24, 0.5)
    y, x = np.meshgrid(latitude, longitude, indexing="ij")
    days = pd.date_range("2003-08-01", periods=20, name="time")
    fields = []
    for i in range(len(days)):
        strength, apart = np.sin(np.pi * (i + 2) / 24), max(0, i - 8) * 0.9
        width = (1 + 2.4 * strength) * np.array([1.6, 1.0])
        parts = [
            np.exp(
                -((x - 3 - 0.4 * i - side * apart) ** 2 / width[0] ** 2 + (y - 47 - 0.12 * i) ** 2 / width[1] ** 2)
                / 1.5
            )
            for side in (-1, 1)
        ]
        fields.append(22 + 15 * strength * np.maximum(*parts))
    axes = {"time": days, "latitude": latitude, "longitude": longitude}
    return xr.DataArray(np.array(fields), axes, name="tx", attrs={"units": "degC", "long_name": "Daily maximum"})


@cache
def _events() -> Any:
    """Heatwaves of thirty summers on a coarse map."""
    import numpy as np
    import xarray as xr

    import era5fast as e5

    rng = np.random.default_rng(5)
    tx = _daily().sel(time=slice("2001", "2015"))
    latitude, longitude = np.arange(56, 40, -1.0), np.arange(-10, 20, 1.0)
    rough = rng.normal(0, 1, (len(tx) + 8, len(latitude) + 6, len(longitude) + 6))
    kernel = np.ones(9) / 3
    smooth = np.apply_along_axis(np.convolve, 0, rough, kernel, "valid")
    for axis in (1, 2):
        smooth = np.apply_along_axis(np.convolve, axis, smooth, np.ones(7) / 2.6, "valid")
    axes = {"time": tx.time, "latitude": latitude, "longitude": longitude}
    field = xr.DataArray(tx.values[:, None, None] + 2.2 * smooth, axes, name="tx", attrs=tx.attrs)
    p90 = e5.percentile_doy(field, 90, window=15)
    return field, p90, e5.find_events(field, above=p90, min_days=3, min_area_km2=5e4)


def _summer(axes: Any, x: Any, **line: Any) -> None:
    axes.plot(x.time, x, **line)
    axes.set_ylabel("°C")
    axes.tick_params(axis="x", rotation=0)


def _months(axes: Any) -> None:
    from matplotlib.dates import ConciseDateFormatter

    axes.xaxis.set_major_formatter(ConciseDateFormatter(axes.xaxis.get_major_locator()))


# --- daily values, percentiles, normals


@_picture
def daily(axes: Any) -> Any:
    """Four days of hourly temperature and their daily maximum, minimum and mean."""
    import numpy as np
    import pandas as pd
    import xarray as xr

    import era5fast as e5

    hours = pd.date_range("2003-08-01", periods=97, freq="h", name="time")
    t = np.arange(len(hours))
    values = 24 + 0.04 * t - 6 * np.cos(2 * np.pi * (t - 3) / 24) + np.random.default_rng(0).normal(0, 0.3, len(t))
    x = xr.DataArray(values, {"time": hours}, name="t2m", attrs={"units": "degC"})
    axes.plot(x.time, x, color="0.65", label="hourly")
    for statistic in ("max", "mean", "min"):
        day = e5.daily(x, statistic, progress=False)[:4]
        colour = f"C{('min', 'max', 'mean').index(statistic)}"
        axes.hlines(day, day.time, day.time + _days(1), colors=colour, linewidth=2.5, label=statistic)
    axes.set_ylabel("°C")
    axes.legend(ncols=4, loc="upper left")
    axes.set_ylim(top=39)
    _months(axes)


@_picture
def resample(axes: Any) -> Any:
    """Daily values of three years, and their monthly means and maxima."""
    import era5fast as e5

    x = _daily().sel(time=slice("2001", "2003"))
    axes.plot(x.time, x, color="0.8", linewidth=0.7, label="daily")
    for statistic in ("mean", "max"):
        month = e5.resample(x, statistic, freq="MS", progress=False)
        axes.step(month.time, month, where="post", label=f"monthly {statistic}")
    axes.set_ylabel("°C")
    axes.set_ylim(top=44)
    axes.legend(ncols=3, loc="upper left")
    _months(axes)


@_picture
def percentile_doy(axes: Any) -> Any:
    """All days of thirty years by their day of the year, and the 10th, 50th and 90th percentile of 15 days."""
    import era5fast as e5

    x = _daily()
    axes.plot(x.time.dt.dayofyear, x, ".", markersize=1, color="0.8", rasterized=True)
    for q in (90, 50, 10):
        p = e5.percentile_doy(x, q, window=15, progress=False)
        axes.plot(p.dayofyear, p, label=f"{q}th percentile")
    axes.set(xlabel="day of the year", ylabel="°C", xlim=(1, 366))
    axes.legend(ncols=3, loc="lower center")


@_picture
def percentile_exceedance(axes: Any) -> Any:
    """Share of warm days of each year; without the bootstrap the rate jumps at the ends of the base period."""
    import era5fast as e5

    for bootstrap in (True, False):
        share = e5.percentile_exceedance(
            _daily(), 90, base_period=("1996", "2010"), bootstrap=bootstrap, progress=False
        )
        share = share.percent if hasattr(share, "percent") else share[next(iter(share.data_vars))]
        axes.plot(share.time, share, "o-" if bootstrap else "o--", markersize=4, label=f"bootstrap={bootstrap}")
    axes.axvspan(*_span("1996-01-01", "2010-12-31"), color="0.93", zorder=0)
    axes.set_ylabel("% of days")
    axes.legend()
    _months(axes)


def _days(count: int) -> Any:
    import numpy as np

    return np.timedelta64(count, "D")


def _span(start: str, end: str) -> tuple[Any, Any]:
    import numpy as np

    return np.datetime64(start), np.datetime64(end)


@_picture
def anomaly(axes: Any) -> Any:
    """Monthly means less the normal of their month."""
    import era5fast as e5

    x = e5.resample(_daily(), "mean", freq="MS", progress=False).sel(time=slice("2001", "2012"))
    departure = e5.anomaly(x, e5.climatology(x, "month", progress=False), progress=False)
    axes.bar(departure.time, departure, width=_days(31), color=["C1" if v > 0 else "C0" for v in departure.values])
    axes.axhline(0, color="0.3", linewidth=0.8)
    axes.set_ylabel("K")
    _months(axes)


@_picture
def climatology(axes: Any) -> Any:
    """One year of daily values above and below the mean of each calendar day."""
    import era5fast as e5

    x = _daily()
    normal = e5.climatology(x, progress=False)
    year = x.sel(time="2003")
    axes.fill_between(
        year.time, normal[: len(year)], year, where=year.values > normal.values[: len(year)], color="C1", alpha=0.6
    )
    axes.fill_between(
        year.time, normal[: len(year)], year, where=year.values < normal.values[: len(year)], color="C0", alpha=0.5
    )
    axes.plot(year.time, normal[: len(year)], color="0.2", label="mean of 1991–2020")
    axes.set_ylabel("°C")
    axes.legend()
    _months(axes)


@_picture
def mann_kendall(axes: Any) -> Any:
    """Annual maxima with the slope of Theil and Sen and its confidence limits."""
    import numpy as np

    import era5fast as e5

    x = e5.resample(_daily(), "mean", freq="YS", progress=False)
    found = e5.mann_kendall(x, progress=False)
    years = x.time.dt.year.values
    middle = np.median(x.values - float(found.slope) * years)
    centre = float(np.median(years))
    level = middle + float(found.slope) * centre
    axes.plot(years, x, "o", markersize=4)
    axes.plot(years, level + float(found.slope) * (years - centre), color="C1",
              label=f"{10 * float(found.slope):.2f} K per decade, p = {float(found.p):.3f}")  # fmt: skip
    low, high = (level + float(found[name]) * (years - centre) for name in ("lower", "upper"))
    axes.fill_between(years, low, high, color="C1", alpha=0.15)
    axes.set_ylabel("°C")
    axes.legend(loc="upper left")


# --- runs and heatwaves


@_picture
def spells(axes: Any) -> Any:
    """A summer against the 90th percentile of its calendar days; runs of three days or more are shaded."""
    import numpy as np

    import era5fast as e5

    x = _daily()
    p90 = e5.percentile_doy(x, 90, window=15, progress=False)
    runs = e5.spells(x, p90, min_days=3, progress=False)
    year = runs.start.dt.year.value_counts().index[0]
    summer = x.sel(time=slice(f"{year}-05-01", f"{year}-09-30"))
    limit = p90.sel(dayofyear=summer.time.dt.dayofyear)
    _summer(axes, summer, label="daily maximum")
    axes.plot(summer.time, limit, color="0.4", linestyle="--", label="90th percentile")
    axes.fill_between(summer.time, limit, summer, where=summer.values > limit.values, color="C2", alpha=0.35)
    for run in runs[runs.start.between(*summer.time.values[[0, -1]])].itertuples():
        axes.axvspan(run.start, run.end + np.timedelta64(1, "D"), color="C1", alpha=0.2)
    axes.legend(loc="lower center", ncols=2)
    _months(axes)


@_picture
def marine_heatwaves(axes: Any) -> Any:
    """Categories I to IV are multiples of the distance between climatology and threshold."""
    import numpy as np

    import era5fast as e5

    x = _daily() * 0.35 + 10
    x.attrs = _daily().attrs
    x.loc[{"time": slice("2016-05-25", "2016-06-20")}] += 2.2 * np.hanning(27)
    base = e5.heatwave_climatology(x, progress=False)
    window = x.sel(time=slice("2016-04-15", "2016-08-01"))
    mean, p90 = (base[name].sel(dayofyear=window.time.dt.dayofyear) for name in ("climatology", "threshold"))
    axes.plot(window.time, window, color="0.15")
    axes.plot(window.time, mean, color="C0", label="climatology")
    axes.plot(window.time, p90, color="C3", label="90th percentile")
    for k, colour in zip((1, 2, 3, 4), ("#ffd27f", "#ff9b42", "#d1495b", "#6a040f"), strict=True):
        low_edge = mean + k * (p90 - mean)
        axes.fill_between(window.time, low_edge, window, where=(window > low_edge).values, color=colour,
                          label=("I", "II", "III", "IV")[k - 1])  # fmt: skip
    axes.set_ylabel("°C")
    axes.legend(ncols=6, loc="lower center", fontsize=9)
    axes.margins(y=0.3)
    _months(axes)


@_picture
def excess_heat(axes: Any) -> Any:
    """Excess heat factor of the hottest summer: three-day mean above its 95th percentile, times acclimatisation."""
    import era5fast as e5

    found = e5.excess_heat(_daily(), progress=False)
    factor = found[next(iter(found.data_vars))] if hasattr(found, "data_vars") else found
    year = int(factor.time.dt.year.values[int(factor.fillna(0).values.argmax())])
    summer = factor.sel(time=slice(f"{year}-05-01", f"{year}-09-30"))
    axes.bar(summer.time, summer.clip(min=0), width=_days(1), color="C1")
    axes.set_ylabel("K²")
    axes.set_ylim(bottom=0)
    _months(axes)


@_picture
def spell_statistics(axes: Any) -> Any:
    """Days of each year in warm spells of three days or more, and the longest of them."""
    import era5fast as e5

    x = _daily()
    p90 = e5.percentile_doy(x, 90, window=15, progress=False)
    years = e5.spell_statistics(x, p90, min_length=3, progress=False)
    axes.bar(years.time.dt.year, years.total, color="#d9a0a0", label="days in spells")
    axes.plot(years.time.dt.year, years.longest, "o-", markersize=4, label="longest spell")
    axes.set_ylabel("days")
    axes.legend(ncols=2, loc="upper left")


# --- return levels, tests


@_picture
def gev(axes: Any) -> Any:
    """Return levels of annual maxima with the limits of 95 %, and the maxima at their plotting positions."""
    import numpy as np

    import era5fast as e5

    x = e5.resample(_daily(), "max", freq="YS", progress=False)
    periods = [1.2, 1.5, 2, 3, 5, 10, 20, 50, 100]
    fit = e5.gev(x, return_period=periods, method="ml", progress=False)
    axes.plot(periods, fit.return_level, label="GEV, maximum likelihood")
    axes.fill_between(periods, fit.lower, fit.upper, alpha=0.15)
    ranks = np.arange(1, len(x) + 1)
    axes.plot((len(x) + 1) / ranks, np.sort(x.values)[::-1], "o", color="C1", markersize=4, label="annual maxima")
    axes.set(xscale="log", xlabel="return period in years", ylabel="°C")
    axes.set_xticks([2, 5, 10, 20, 50, 100], ["2", "5", "10", "20", "50", "100"])
    axes.legend(loc="upper left")


@_picture
def gpd(axes: Any) -> Any:
    """Peaks over a threshold: the values that are fitted."""
    import era5fast as e5

    x = _daily().sel(time=slice("2001", "2006"))
    limit = float(e5.percentile(x, 98, progress=False))
    runs = e5.spells(x, limit, min_days=1, max_gap=2, progress=False)
    axes.plot(x.time, x, color="0.75", linewidth=0.6)
    axes.axhline(limit, color="C1", linestyle="--", label="threshold")
    peaks = runs.peak.to_numpy()
    axes.plot(peaks, x.sel(time=peaks), "o", markersize=4, label="peaks")
    axes.set_ylabel("°C")
    axes.legend(loc="lower right", ncols=2)
    _months(axes)


@_picture
def bootstrap(axes: Any) -> Any:
    """Means of samples drawn again, and the interval that holds 95 % of them."""
    import numpy as np

    import era5fast as e5

    x = e5.resample(_daily(), "max", freq="YS", progress=False).values
    found = e5.bootstrap(x, "mean", n_resamples=2000, seed=1, progress=False)
    rng = np.random.default_rng(1)
    axes.hist(rng.choice(x, (2000, len(x))).mean(1), 40, color="0.8")
    axes.axvline(found.value, color="C0", label="mean")
    for side in (found.low, found.high):
        axes.axvline(side, color="C1", linestyle="--")
    axes.set(xlabel="°C", ylabel="resamples")
    axes.legend()


# --- drought


def _index_bars(axes: Any, index: Any) -> None:
    axes.bar(index.time, index, width=_days(32), color=["C1" if value < 0 else "C0" for value in index.values])
    for level in (-2, -1, 1, 2):
        axes.axhline(level, color="0.8", linewidth=0.7, zorder=0)
    axes.axhline(0, color="0.3", linewidth=0.8)
    axes.set_ylim(-3.2, 3.2)
    _months(axes)


@_picture
def spi(axes: Any) -> Any:
    """Standardised precipitation index of three months."""
    import era5fast as e5

    _index_bars(
        axes,
        e5.spi(e5.resample(_rain(), "sum", freq="MS", progress=False), 3, progress=False).sel(
            time=slice("2000", "2015")
        ),
    )


@_picture
def spei(axes: Any) -> Any:
    """Standardised index of six months of precipitation less evapotranspiration."""
    import numpy as np

    import era5fast as e5

    wet = e5.resample(_rain(), "mean", freq="MS", progress=False)
    warm = e5.resample(_daily() - 5, "mean", freq="MS", progress=False)
    need = e5.thornthwaite(warm.assign_attrs(units="degC"), cell_latitude=48.0, progress=False)
    balance = wet.copy(data=np.asarray(wet) - np.asarray(need))
    _index_bars(
        axes, e5.spei(balance.assign_attrs(units="mm d-1"), 6, progress=False).sel(time=slice("2000", "2015"))
    )


@_picture
def drought_events(axes: Any) -> Any:
    """A drought is the whole run below zero in which the index falls to −1 or lower."""
    import era5fast as e5

    index = e5.spi(e5.resample(_rain(), "sum", freq="MS", progress=False), 6, progress=False).sel(
        time=slice("2000", "2012")
    )
    axes.step(index.time, index, where="mid", color="0.3")
    for row in e5.drought_events(index, progress=False).itertuples():
        part = index.sel(time=slice(row.start, row.end))
        axes.fill_between(part.time, part, 0, step="mid", color="C1", alpha=0.5)
    axes.axhline(0, color="0.3", linewidth=0.8)
    axes.axhline(-1, color="C1", linestyle="--", linewidth=0.8)
    _months(axes)


@_picture
def thornthwaite(axes: Any) -> Any:
    """Potential evapotranspiration of a year at 48° N from monthly temperature."""
    import numpy as np

    import era5fast as e5

    warm = e5.resample(_daily() - 5, "mean", freq="MS", progress=False).assign_attrs(units="degC")
    need = e5.thornthwaite(warm, cell_latitude=48.0, progress=False)
    axes.bar(np.arange(12), np.asarray(need)[-12:], color="C3")
    axes.set_xticks(range(12), list("JFMAMJJASOND"))
    axes.set_ylabel(need.attrs.get("units", "mm d-1").replace("-1", "⁻¹"))


# --- heat, cold, humidity, wind


def _chart(
    axes: Any,
    function: Callable[[Any, Any], Any],
    x: Any,
    y: Any,
    labels: tuple[str, str, str],
    levels: Any,
    cmap: str = "YlOrRd",
) -> None:
    import numpy as np

    across, up = np.meshgrid(x, y)
    values = function(across, up)
    shades = axes.contourf(x, y, values, levels, cmap=cmap, extend="both")
    lines = axes.contour(x, y, values, levels, colors="0.25", linewidths=0.5)
    axes.clabel(lines, fontsize=8)
    axes.set(xlabel=labels[0], ylabel=labels[1])
    axes.figure.colorbar(shades, ax=axes, label=labels[2])


def _warm_chart(axes: Any, function: Callable[[Any, Any], Any], name: str, levels: Any) -> None:
    import numpy as np

    _chart(axes, lambda r, t: function(t + 273.15, r) - 273.15, np.linspace(10, 100, 91), np.linspace(20, 45, 101),
           ("relative humidity, %", "air temperature, °C", f"{name}, °C"), levels)  # fmt: skip


@_picture
def heat_index(axes: Any) -> Any:
    """Heat index by air temperature and relative humidity."""
    import numpy as np

    import era5fast as e5

    _warm_chart(axes, e5.heat_index, "heat index", np.arange(20, 75, 5))


@_picture
def wet_bulb(axes: Any) -> Any:
    """Wet-bulb temperature by air temperature and relative humidity."""
    import numpy as np

    import era5fast as e5

    _warm_chart(axes, e5.wet_bulb, "wet bulb", np.arange(8, 44, 4))


@_picture
def humidex(axes: Any) -> Any:
    """Humidex by air temperature and dewpoint."""
    import numpy as np

    import era5fast as e5

    _chart(axes, lambda d, t: np.where(d <= t, e5.humidex(t + 273.15, d + 273.15) - 273.15, np.nan),
           np.linspace(5, 30, 101), np.linspace(20, 45, 101),
           ("dewpoint, °C", "air temperature, °C", "humidex"), np.arange(20, 75, 5))  # fmt: skip


@_picture
def wbgt_simple(axes: Any) -> Any:
    """Simplified wet-bulb globe temperature by air temperature and relative humidity."""
    import numpy as np

    import era5fast as e5

    _warm_chart(axes, e5.wbgt_simple, "WBGT", np.arange(16, 56, 4))


@_picture
def wind_chill(axes: Any) -> Any:
    """Wind chill by air temperature and wind."""
    import numpy as np

    import era5fast as e5

    wind, air = np.linspace(1.5, 20, 101), np.linspace(-40, 0, 101)
    _chart(axes, lambda v, t: e5.wind_chill(t + 273.15, v) - 273.15, wind, air,
           ("wind, m s⁻¹", "air temperature, °C", "wind chill, °C"), np.arange(-65, 5, 5), "Blues_r")  # fmt: skip


@_picture
def utci(axes: Any) -> Any:
    """Universal thermal climate index by air temperature and wind, in shade with 50 % humidity."""
    import numpy as np

    import era5fast as e5

    def felt(wind: Any, air: Any) -> Any:
        kelvin = air + 273.15
        vapour = e5.vapour_pressure(kelvin, np.full_like(kelvin, 50.0))
        return e5.utci(kelvin, kelvin, wind, vapour) - 273.15

    labels = ("wind at 10 m, m s⁻¹", "air temperature, °C", "UTCI, °C")
    levels = [-40, -27, -13, 0, 9, 26, 32, 38, 46]
    _chart(axes, felt, np.linspace(0.5, 17, 100), np.linspace(-20, 45, 101), labels, levels, "RdYlBu_r")


@_picture
def saturation_vapour_pressure(axes: Any) -> Any:
    """Pressure of water vapour at saturation, and at half of it."""
    import numpy as np

    import era5fast as e5

    t = np.linspace(-20, 45, 200)
    pressure = e5.saturation_vapour_pressure(t + 273.15) / 100
    axes.plot(t, pressure, label="100 %")
    axes.plot(t, pressure / 2, label="50 %")
    axes.set(xlabel="air temperature, °C", ylabel="hPa")
    axes.legend(title="relative humidity")


@_picture
def fire_weather(axes: Any) -> Any:
    """A summer of the fire weather index: rain puts it out, dry days let it grow."""
    import numpy as np

    import era5fast as e5

    x = (_daily().sel(time=slice("2003-05-01", "2003-09-30")) + 4).assign_attrs(units="degC")
    rain = _rain().sel(time=x.time)
    rng = np.random.default_rng(2)
    humid = x.copy(data=np.clip(75 - 1.2 * (x.values - 12) + rng.normal(0, 6, len(x)), 15, 95)).assign_attrs(
        units="%"
    )
    wind = x.copy(data=rng.gamma(4, 1, len(x))).assign_attrs(units="m s-1")
    found = e5.fire_weather(x, humid, wind, rain, cell_latitude=45.0, progress=False)
    axes.bar(rain.time, rain, width=_days(1), color="C0", alpha=0.5, label="rain, mm")
    axes.plot(found.time, found["fwi"], color="C1", label="fire weather index")
    axes.legend(loc="upper left", ncols=2)
    axes.margins(y=0.15)
    _months(axes)


# --- events and tracks


@_picture
def find_events(axes: Any) -> Any:
    """Cells above a threshold that touch each other in space and time are one event; each panel is a day."""
    return _days_of(axes, 9)


@_picture
def track(axes: Any) -> Any:
    """The same area on later days: it splits, and its parts remain one event with two branches."""
    return _days_of(axes, 16)


def _days_of(axes: Any, first: int) -> Any:
    import era5fast as e5

    x = _maps()
    events = e5.find_events(x, 28.0, min_days=3, progress=False)
    labels = events.to_dataarray()
    figure = axes.figure
    axes.remove()
    panels = figure.subplots(1, 3, sharey=True)
    extent = [-12.25, 23.75, 36.25, 58.25]
    for panel, day in zip(panels, (first - 6, first - 2, first + 2), strict=True):
        shown = panel.imshow(x[day], extent=extent, cmap="YlOrRd", vmin=20, vmax=38, aspect=1.5)
        panel.contour(x.longitude, x.latitude, labels[day] >= 0, [0.5], colors="#1f4e79", linewidths=1.5)
        _coast(panel, extent)
        panel.set_title(str(x.time.values[day])[:10], fontsize=10)
    figure.colorbar(shown, ax=panels, label="°C", shrink=0.75)
    return figure


def _coast(panel: Any, extent: list[float]) -> None:
    from matplotlib.collections import LineCollection

    from era5fast.coastline import coastline

    panel.add_collection(LineCollection(coastline(), colors="0.4", linewidths=0.4))
    panel.set(xlim=extent[:2], ylim=extent[2:])


@_picture
def link_points(axes: Any) -> Any:
    """Lows of six-hourly maps, linked to tracks."""
    import numpy as np
    import pandas as pd
    import xarray as xr

    import era5fast as e5

    latitude, longitude = np.arange(70, 35, -1.0), np.arange(-50, 21, 1.0)
    y, x = np.meshgrid(latitude, longitude, indexing="ij")
    times = pd.date_range("1999-12-24", periods=20, freq="6h", name="time")

    def low(i: int, depth: float, place: tuple[float, float], way: tuple[float, float]) -> Any:
        east, north = x - place[0] - way[0] * i, y - place[1] - way[1] * i
        return depth * np.sin(np.pi * (i + 2) / 24) * np.exp(-((east / 1.6) ** 2 + north**2) / 28)

    fields = [
        101300 + 60 * (55 - y) - low(i, 4200, (-45, 46), (3, 0.45)) - low(i, 3000, (-20, 60), (2, -0.3))
        for i in range(len(times))
    ]
    axes_of = {"time": times, "latitude": latitude, "longitude": longitude}
    pressure = xr.DataArray(np.array(fields), axes_of, name="msl", attrs={"units": "Pa"})
    lows = e5.find_lows(pressure, min_depth="2 hPa", progress=False)
    storms = e5.link_points(lows, max_distance_km=600, min_duration=5, progress=False)
    points = storms.to_dataframe()
    axes.contour(longitude, latitude, pressure[8] / 100, 12, colors="0.8", linewidths=0.6)
    _coast(axes, [-50, 20, 36, 70])
    for number, (_, way) in enumerate(points.groupby(points.columns[0] if points.columns[0] != "time" else "track")):
        axes.plot(way.longitude, way.latitude, "-o", markersize=3, color=f"C{number + 1}")
    axes.set(xlabel="longitude", ylabel="latitude")


@_picture
def regional(axes: Any) -> Any:
    """Share of an area that is above 28 °C, day by day."""
    import era5fast as e5

    box = {"type": "Polygon", "coordinates": [[[-4, 43], [14, 43], [14, 52], [-4, 52], [-4, 43]]]}
    share = e5.regional(_maps(), {"box": box}, "share_above", threshold=28, progress=False)
    axes.fill_between(share.time, 100 * share[:, 0], color="C1", alpha=0.5)
    axes.set_ylabel("% of the area")
    axes.set_ylim(bottom=0)
    _months(axes)


# --- the pictures of `era5fast.plot` itself


@_picture
def plot__event_map(axes: Any) -> Any:
    """The strongest event: days on which each cell took part, and the way of its centre."""
    import era5fast as e5

    events = _events()[2]
    return _figure(e5.plot.event_map(events[events.strongest(1).index[0]]))


@_picture
def plot__event_line(axes: Any) -> Any:
    """One cell in a year with its threshold and climatology."""
    import era5fast as e5

    field, p90, events = _events()
    cell = {"latitude": 47.0, "longitude": 2.0}
    year = str(events.strongest(1).start.iloc[0])[:4]
    normal = e5.climatology(field, progress=False)
    return _figure(e5.plot.event_line(field.sel(cell), p90.sel(cell), normal.sel(cell), start=year, end=year))


@_picture
def plot__event_states(axes: Any) -> Any:
    """Area and exceedance of the strongest event, day by day."""
    import era5fast as e5

    events = _events()[2]
    return _figure(e5.plot.event_states(events[events.strongest(1).index[0]]))


@_picture
def plot__ranking(axes: Any) -> Any:
    """The strongest events."""
    import era5fast as e5

    return _figure(e5.plot.ranking(_events()[2], n=8))


@_picture
def plot__calendar(axes: Any) -> Any:
    """Events by year and day of the year."""
    import era5fast as e5

    return _figure(e5.plot.calendar(_events()[2]))


@_picture
def plot__yearly_counts(axes: Any) -> Any:
    """Events of each year."""
    import era5fast as e5

    return _figure(e5.plot.yearly_counts(_events()[2]))


@_picture
def plot__hovmoeller(axes: Any) -> Any:
    """Longitude against time: events that move appear as slanting stripes."""
    import era5fast as e5

    events = _events()[2]
    year = str(events.strongest(1).start.iloc[0])[:4]
    return _figure(e5.plot.hovmoeller(events, start=f"{year}-07", end=f"{year}-10"))


def _figure(drawn: Any) -> Any:
    """The figure of what a function of ours gave back."""
    return drawn if hasattr(drawn, "savefig") else drawn.figure
