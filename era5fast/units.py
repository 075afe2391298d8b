"""Units: what they are called in ERA5 and CF, and the linear map from one to another.

Units are read as products of known units with powers (``kg m**-2 s**-1``, ``W/m2``, ``mm d-1``, ``µg m⁻³``), exactly,
as fractions, rounded once at the end. What is not known here, pint knows where it is installed with cf-xarray (``pip
install era5fast[units]``); both are imported only then.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from numbers import Real
from typing import Any, NamedTuple

import numpy as np

from . import attributes
from .batches import elementwise
from .errors import InputError
from .optional import need
from .wording import muted

__all__ = [
    "check",
    "check_kind",
    "convert_units",
    "depth_of_a_day",
    "factor",
    "is_depth_rate",
    "of",
    "quantity",
]

_MAX_DIMS = 6  # that the core can see


class _Unit(NamedTuple):
    """A unit in those of the table's left column: value × scale + offset; `powers` is sorted and has no zeroes."""

    scale: Fraction
    offset: Fraction
    powers: tuple[tuple[str, int], ...]


#: Unit → its size in others, and the names of the same.
_SAME_AS: dict[str, tuple[str, str]] = {
    "m": ("", "metre metres meter meters"),
    "kg": ("", "kilogram kilograms"),
    "s": ("", "sec second seconds"),
    "K": ("", "kelvin Kelvin kelvins degK deg_K degree_K degrees_K degree_kelvin degrees_kelvin °K"),
    "degree": ("", "degrees deg ° degree_north degrees_north degree_east degrees_east"),
    "1": ("", "dimensionless fraction ~"),
    "g": ("1e-3 kg", "gram grams"),
    "t": ("1000 kg", "tonne tonnes"),
    "min": ("60 s", "minute minutes"),
    "h": ("3600 s", "hr hour hours"),
    "d": ("86400 s", "day days"),
    "week": ("604800 s", "weeks"),
    "N": ("kg m s-2", "newton newtons"),
    "Pa": ("N m-2", "pascal pascals"),
    "bar": ("100000 Pa", "bars"),
    "mb": ("100 Pa", "millibars"),
    "atm": ("101325 Pa", "atmosphere"),
    "J": ("N m", "joule joules"),
    "W": ("J s-1", "watt watts"),
    "Hz": ("s-1", "hertz"),
    "l": ("1e-3 m3", "L litre litres liter liters"),
    "ha": ("10000 m2", "hectare hectares"),
    "gpm": ("9.80665 m2 s-2", "geopotential_meter geopotential_metre"),
    "cal": ("4.184 J", "calorie calories"),
    "inch": ("0.0254 m", "inches in"),
    "ft": ("0.3048 m", "foot feet"),
    "mile": ("1609.344 m", "miles mi"),
    "nmi": ("1852 m", "nautical_mile nautical_miles"),
    "knot": ("0.5144444444444444444 m s-1", "knots kt kts kn"),
    "mph": ("0.44704 m s-1", ""),
    "kph": ("0.27777777777777777778 m s-1", "kmh"),
    "%": ("0.01", "percent pct"),
    "permille": ("0.001", "‰"),
    "ppm": ("1e-6", ""),
    "ppb": ("1e-9", ""),
    "sverdrup": ("1e6 m3 s-1", "Sv"),
    "DU": ("2.1415e-5 kg m-2", "dobson"),  # ozone
    "PVU": ("1e-6 K m2 kg-1 s-1", "potential_vorticity_unit potential_vorticity_units"),
    "rad": ("57.295779513082320877 degree", "radian radians"),
}
#: Scales of temperature: the size of a degree in K, and the kelvins of their zero.
_SCALES = {
    "degC": (Fraction(1), Fraction("273.15"), "C celsius Celsius deg_C degree_C degrees_C degree_Celsius °C ℃ "
             "degrees_Celsius degree_celsius degrees_celsius degree_centigrade degrees_centigrade"),
    "degF": (Fraction(5, 9), Fraction("459.67") * 5 / 9, "F fahrenheit Fahrenheit deg_F degree_F degrees_F °F ℉ "
             "degree_Fahrenheit degrees_Fahrenheit degree_fahrenheit degrees_fahrenheit"),
}  # fmt: skip
_PREFIXES = {"n": -9, "µ": -6, "μ": -6, "u": -6, "m": -3, "c": -2, "d": -1, "h": 2, "k": 3, "M": 6, "G": 9, "T": 12}
_PREFIXED = {"m", "g", "s", "Pa", "bar", "J", "W", "Hz", "l", "L", "t", "cal", "N", "K"}
_LONG_PREFIXES = {"micro": -6, "milli": -3, "centi": -2, "hecto": 2, "kilo": 3, "mega": 6}
#: Whole texts of ERA5 files that are no products of units.
_ALIASES = {"(0 - 1)": "1", "0 - 1": "1", "0-1": "1", "m of water equivalent": "m", "Degree true": "degree",
            "dimensionless": "1", "degree true": "degree", "1.": "1", "-": "1"}  # fmt: skip
#: Names of shares: what has other units, though they cancel out, is a ratio of two quantities.
_OF_SHARES = {"dimensionless", "fraction", "percent", "pct", "permille"}
#: Spans of time that are not always as long.
_UNEVEN = {"month", "months", "mon", "year", "years", "yr", "a", "decade", "decades", "season", "seasons"}
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_NUMBER = r"(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,2})?(?!\d)"
_FACTOR = re.compile(
    rf"(?P<number>{_NUMBER})|(?P<name>[^\W\d]+|[°℃℉%‰~]\w*)(?:(?:\*\*|\^)?(?P<power>[-+]?\d{{1,2}}))?"
)
_OF_SO_MANY = re.compile(rf"(?:/|\bper\s)\s*{_NUMBER}")
_QUANTITY = re.compile(rf"\s*([-+]?{_NUMBER})\s*(.*?)\s*")
_MAX_LENGTH = 100  # letters of units or a quantity: what is longer is something else
_SMALLEST = Fraction(10) ** -100  # size of a unit that double can hold, with room for what is made of it
#: 1 kg m-2 of water is 1 mm deep: a mass on an area, also per time, and a depth differ by this.
_WATER_DENSITY = 1000
_DENSITY = {"kg": 1, "m": -3}


def of(attrs: Mapping[Any, Any] | None) -> str | None:
    """Units that attributes name.

    Parameters
    ----------
    attrs : mapping or None
        Attributes of a variable.

    Returns
    -------
    str or None
        As they are written there; None where there are none, or where GRIB says ``unknown``.
    """
    text = str((attrs or {}).get("units", "")).strip()
    return None if text in ("", "unknown") else text


def factor(given: str, wanted: str, *, difference: bool = False) -> tuple[float, float]:
    """Scale and offset that bring values into other units: ``value × scale + offset``.

    A mass of water on an area counts as a depth: 1 kg m-2 = 1 mm, also per time.

    Parameters
    ----------
    given, wanted : str
        Units, in any of their usual spellings.
    difference : bool
        The values are differences: 1 K is 1 °C.

    Returns
    -------
    scale, offset : float
        The offset is 0 but for scales of temperature.

    Raises
    ------
    InputError
        If units are not known, or one cannot become the other.

    Examples
    --------
    >>> factor("K", "degC")
    (1.0, -273.15)
    >>> factor("kg m**-2 s**-1", "mm/day")
    (86400.0, 0.0)
    """
    _check_text(given)
    _check_text(wanted)
    if given == wanted:
        return 1.0, 0.0
    scale, offset = _factor(given, wanted)
    return scale, 0.0 if difference else offset


def _check_text(unit: Any) -> None:
    if not isinstance(unit, str):
        raise InputError(f"units are text like 'K', not {unit!r}")


@functools.lru_cache(maxsize=256)
def _factor(given: str, wanted: str) -> tuple[float, float]:
    first, second = _parse(given), _parse(wanted)
    if first is None or second is None:
        return _ask_pint(given, wanted)
    water = _water(first.powers, second.powers)
    if water == 0:
        raise InputError(f"{given} cannot become {wanted}", hint=_why_not(first, second))
    return float(first.scale * water / second.scale), float((first.offset - second.offset) / second.scale)


def _water(given: tuple[tuple[str, int], ...], wanted: tuple[tuple[str, int], ...]) -> Fraction:
    """By what the values change beyond the sizes of their units: 1 in most cases, 0 where it is not possible."""
    if given == wanted:
        return Fraction(1)
    gone = _quotient(given, wanted)
    depths = ({"m": 1}, {"m": 1, "s": -1})
    if gone == _DENSITY and dict(wanted) in depths:
        return Fraction(1, _WATER_DENSITY)
    if gone == {name: -power for name, power in _DENSITY.items()} and dict(given) in depths:
        return Fraction(_WATER_DENSITY)
    return Fraction(0)


def _quotient(given: tuple[tuple[str, int], ...], wanted: tuple[tuple[str, int], ...]) -> dict[str, int]:
    powers = Counter(dict(given))
    powers.subtract(dict(wanted))
    return {name: power for name, power in powers.items() if power}


def _why_not(given: _Unit, wanted: _Unit) -> str:
    gone = _quotient(given.powers, wanted.powers)
    if gone == {"s": 1} or _is_depth_per_time(gone):
        return (
            "they differ by a time: divide accumulated values by the seconds of a step (3600 for hourly ERA5) first"
        )
    if gone == {"m": 2, "s": -2} or gone == {"m": 1, "s": -2}:
        return "a geopotential in m**2 s**-2 divided by 9.80665 is a height: its units are gpm"
    return "the two do not measure the same"


def _is_depth_per_time(gone: dict[str, int]) -> bool:
    return gone in ({"kg": 1, "m": -3, "s": 1}, {"kg": -1, "m": 3, "s": 1})


# --- reading units ---


@functools.lru_cache(maxsize=256)
def _parse(text: str) -> _Unit | None:
    """A unit or a product of units; None where a part is not known."""
    text = attributes.one_word(_ALIASES.get(text.strip(), text.strip()).translate(_SUPERSCRIPTS))
    if len(text) > _MAX_LENGTH:
        return None
    if text in _temperatures():
        return _temperatures()[text]
    scale, powers, sign = Fraction(1), Counter[str](), 1
    for part in re.split(r"(\s*/\s*|\s+per\s+|[\s·]+|(?<!\*)\*(?!\*)|\.(?!\d))", text):
        if part.strip() in ("", "*", ".", "·"):
            continue
        if part.strip() in ("/", "per"):
            sign = -1
            continue
        unit = _power(part)
        if unit is None:
            return None
        scale *= unit.scale**sign
        for name, power in unit.powers:
            powers[name] += sign * power
        sign = 1
    if not _SMALLEST < scale < 1 / _SMALLEST:
        return None
    return _Unit(scale, Fraction(0), tuple(sorted((name, power) for name, power in powers.items() if power)))


def _power(text: str) -> _Unit | None:
    """A number, or a unit with a power; a degree of a scale of temperature is then a difference."""
    match = _FACTOR.fullmatch(text)
    if match is None:
        return None
    if match["number"]:
        number = Fraction(match["number"])
        return _Unit(number, Fraction(0), ()) if number else None
    unit = _temperatures().get(match["name"]) or _known(match["name"])
    if unit is None:
        return None
    power = int(match["power"] or 1)
    return _Unit(unit.scale**power, Fraction(0), tuple((name, n * power) for name, n in unit.powers))


@functools.cache
def _temperatures() -> dict[str, _Unit]:
    rows = {name: _Unit(size, zero, (("K", 1),)) for name, (size, zero, _) in _SCALES.items()}
    return rows | {same: rows[name] for name, (_, _, names) in _SCALES.items() for same in names.split()}


@functools.cache
def _names() -> dict[str, str]:
    """Every spelling of a unit → its row of the table."""
    rows = {name: name for name in _SAME_AS}
    return rows | {same: name for name, (_, names) in _SAME_AS.items() for same in names.split()}


def _known(name: str) -> _Unit | None:
    """A unit of the table, also with a prefix."""
    row = _names().get(name)
    if row is not None:
        size = _SAME_AS[row][0]
        return _parse(size) if size else _Unit(Fraction(1), Fraction(0), ((row, 1),) if row != "1" else ())
    for prefixes, allowed in ((_PREFIXES, _PREFIXED), (_LONG_PREFIXES, set(_names()))):
        for prefix, power in prefixes.items():
            if name.startswith(prefix) and (rest := name[len(prefix) :]) in allowed:
                unit = _known(rest)
                return None if unit is None else unit._replace(scale=unit.scale * Fraction(10) ** power)
    return None


def _ask_pint(given: str, wanted: str) -> tuple[float, float]:
    """The same by pint, in the registry of cf-xarray."""
    strange = given if _parse(given) is None else wanted
    if uneven := next((word for word in re.findall(r"[A-Za-z]+", strange) if word in _UNEVEN), None):
        raise InputError(
            f"'{strange}': a {uneven.removesuffix('s')} is not always as long", hint="say it in days, e.g. 'mm d-1'"
        )
    with muted("pint"):  # which tells of every unit that cf-xarray defines anew
        registry = need("cf_xarray.units", f"'{strange}' and other units beyond the usual").units
    for text in (given, wanted):
        try:
            registry.Unit(text)
        except Exception as error:  # pint has a class of its own for every fault, and some of Python's
            what = f"'{given}' cannot become '{wanted}': '{text}' is no unit that is known"
            raise InputError(what, hint="check the spelling") from error
    try:
        zero, one = (float(registry.Quantity(x, registry.Unit(given)).to(wanted).magnitude) for x in (0.0, 1.0))
    except Exception as error:
        is_other = type(error).__name__ == "DimensionalityError"
        hint = "the two do not measure the same" if is_other else "check the spelling of both"
        raise InputError(f"'{given}' cannot become '{wanted}'", hint=hint) from error
    return one - zero, zero


# --- for those who take data and quantities ---


def check(given: str | None, wanted: str, what: str) -> tuple[float, float]:
    """Scale and offset that bring labelled data into the units that a calculation needs.

    Parameters
    ----------
    given : str or None
        Units of the data, by :func:`of`.
    wanted : str
        Units of the calculation.
    what : str
        What the data are called in a message.

    Returns
    -------
    scale, offset : float
        As :func:`factor`.

    Raises
    ------
    InputError
        If the data have no units, or others that cannot become the wanted ones; or if relative humidity in ``%`` is
        wanted and the units are those of a specific humidity or a mixing ratio, such as ``kg kg**-1``.
    """
    if given is None:
        raise InputError(
            f"{what} has no units, and {wanted} or what can become it is needed",
            hint=f"if it is in {wanted}, say so: {what}.attrs['units'] = '{wanted}'",
        )
    if wanted == "%" and _is_ratio(given):
        raise InputError(
            f"{what} is in {given}: that is a mixing ratio or a specific humidity, and a relative humidity in % is "
            "needed",
            hint="e5.relative_humidity(temperature, dewpoint) makes one",
        )
    try:
        return factor(given, wanted)
    except InputError as error:
        raise InputError(f"{what} is in {given}, and {wanted} is needed: {error.what}", hint=error.hint) from error


def _is_ratio(text: str) -> bool:
    """Whether units are a ratio of two that cancel out, as kg kg-1; shares such as %, 1 and (0 - 1) are none."""
    words = [word for word in re.findall(r"[^\W\d_]+", _ALIASES.get(text.strip(), text)) if word != "per"]
    if set(words) <= _OF_SHARES:
        return False
    unit = _parse(text)
    if unit is None:  # mol, which only pint knows
        return len(words) == 2 and words[0].endswith(words[1])
    return not unit.powers


def is_depth_rate(unit: str) -> bool:
    """Whether units are those of water per time, such as ``mm d-1`` or ``kg m-2 s-1``."""
    try:
        factor(unit, "mm d-1")
    except InputError:
        return False
    return True


def depth_of_a_day(given: str | None, what: str) -> float:
    """What brings one value a day of precipitation into mm of that day, be it an amount or a rate.

    Parameters
    ----------
    given : str or None
        Units of the data, by :func:`of`.
    what : str
        What the data are called in a message.

    Raises
    ------
    InputError
        If the data have no units, or others than of water.
    """
    rate = given is not None and is_depth_rate(given)
    return check(given, "mm d-1" if rate else "mm", what)[0]


def check_kind(given: str | None, kinds: Sequence[str], what: str) -> None:
    """Refuse data that measure something else than a calculation is of, by what their units say.

    Data without units, and with units that nobody knows, pass; so do those per so many of something (``mm/30 days``),
    which are written as a number divided out, and multiplied by what follows, but not meant so.

    Parameters
    ----------
    given : str or None
        Units of the data, by :func:`of`.
    kinds : sequence of str
        Units of what the data may be, the usual one first; any with the same dimensions will do.
    what : str
        What the data are called in a message.

    Raises
    ------
    InputError
        If the data measure something else.
    """
    unit = None if given is None else _parse(re.sub(r"[A-Za-z]+", _in_days, given))
    if (
        unit is None
        or _OF_SO_MANY.search(str(given))
        or any(_water(unit.powers, same.powers) for same in map(_parse, kinds) if same is not None)
    ):
        return
    raise InputError(
        f"{what} is in {given}, which does not measure what this is of, such as {kinds[0]}",
        hint=f"is it the right variable? Where it is, name its true units, such as x.attrs['units'] = '{kinds[0]}'; "
        "where another one is meant, drop them: del x.attrs['units']",
    )


def _in_days(word: re.Match[str]) -> str:
    return "d" if word[0] in _UNEVEN else word[0]


def quantity(value: Any, wanted: str | None, what: str, *, difference: bool = False) -> float:
    """A number in the units that a calculation needs, of a number or of text like ``"25 degC"``.

    Parameters
    ----------
    value : number, str or pint.Quantity
        A number is taken to be in the wanted units; text and quantities have units of their own.
    wanted : str or None
        Units of the calculation; None where nobody knows them, which leaves numbers only.
    what : str
        What the quantity is called in a message.
    difference : bool
        The quantity is a difference: ``"5 degC"`` are 5 K.

    Raises
    ------
    InputError
        If it is no number, or text without units or with units that cannot become the wanted ones.

    Examples
    --------
    >>> quantity("25 degC", "K", "threshold")
    298.15
    """
    if hasattr(value, "magnitude") and hasattr(value, "units"):  # of pint
        value = f"{float(value.magnitude)!r} {value.units}"
    if not isinstance(value, str):
        try:
            return float(value)
        except (TypeError, ValueError, OverflowError) as error:
            text = "" if wanted is None else f" or text like '25 {wanted}'"
            raise InputError(f"{what} must be a number{text}, not {value!r}") from error
    if wanted is None:
        raise InputError(
            f"{what}: '{value}' is text, and the data have no units to bring it to",
            hint="pass a number, or a DataArray with attrs['units']",
        )
    match = _QUANTITY.fullmatch(value) if len(value) <= _MAX_LENGTH else None
    if match is None or (not match[2] and _parse(wanted) != _parse("1")):
        raise InputError(
            f"{what}: '{value}' is no number with units", hint=f"write, for instance, '25 {wanted}', or a number"
        )
    number, unit = Fraction(match[1]), match[2] or "1"
    first, second = _parse(unit), _parse(wanted)
    if first is None or second is None or _water(first.powers, second.powers) == 0:
        scale, offset = check(unit, wanted, what)
        return float(match[1]) * scale + (0.0 if difference else offset)
    # All of it exactly: 25 °C are 298.15 K, which the rounded factor may miss by one place.
    moved = number * first.scale * _water(first.powers, second.powers)
    return float((moved + (0 if difference else first.offset - second.offset)) / second.scale)


def convert_units(
    x: Any, given: str | None, wanted: str, *, nodata: float | None = None, progress: bool = True
) -> Any:
    """Bring values into other units.

    Parameters
    ----------
    x : array, DataArray, Dataset or paths
        Values of any type and layout; of files the only variable.
    given : str or None
        Units that they have; None takes those of a DataArray's attributes.
    wanted : str
        Units that they shall have.
    nodata : float, optional
        Value that stands for missing ones and is kept; where a DataArray's attributes name one (``_FillValue``,
        ``missing_value``), it is that. NaN always stays.
    progress : bool
        Show a progress bar on terminals and in notebooks.

    Returns
    -------
    ndarray or DataArray, as `x`
        float32 for float32 and for whole numbers of up to 16 bits, else float64; a DataArray has the wanted units in
        its attributes, and stays lazy when dask would compute it. Masks stay.

    Raises
    ------
    InputError
        If the units are not known, contradict the attributes, or one cannot become the other.

    Notes
    -----
    Computed in double and rounded once. A mass of water on an area counts as a depth: 1 kg m-2 = 1 mm.

    Examples
    --------
    >>> convert_units([25.0, -9999.0], "degC", "degF", nodata=-9999)
    array([   77., -9999.])
    """
    from .dataarrays import opened

    x = opened(x)
    if hasattr(x, "dims") and hasattr(x, "coords"):
        return _convert_labelled(x, given, wanted, nodata, progress)
    if given is None:
        raise InputError("the units of a plain array are not known", hint="name them: convert_units(x, 'K', 'degC')")
    return _convert_plain(x, *factor(given, wanted), nodata, progress)


convert_units.native_batch = elementwise(convert_units)  # type: ignore[attr-defined]


def _convert_labelled(x: Any, given: str | None, wanted: str, nodata: float | None, progress: bool) -> Any:
    import xarray as xr

    named = of(x.attrs)
    if given is None:
        given = named
    elif named is not None and factor(named, given) != (1.0, 0.0):
        raise InputError(
            f"the values are said to be in {given}, their attributes say {named}", hint="pass None for it"
        )
    name = "x" if x.name is None else str(x.name)
    if nodata is None:
        nodata = next((x.attrs[key] for key in ("_FillValue", "missing_value") if key in x.attrs), None)
    scale, offset = check(given, wanted, name)
    if attributes.is_difference(x.attrs):
        offset = 0.0
    result = xr.apply_ufunc(
        lambda values: _convert_plain(values, scale, offset, nodata, progress),
        x,
        dask="parallelized",
        output_dtypes=[_converted_dtype(x.dtype)],
        keep_attrs=True,
    )
    call = {"diagnostic": "convert_units", "given": given, "wanted": wanted, "x": name}
    result.attrs = attributes.as_before(x.attrs, call, units=attributes.udunits(wanted))
    return attributes.tidy_coordinates(result)


def _converted_dtype(dtype: Any) -> np.dtype:
    dtype = np.dtype(dtype)
    if dtype.kind not in "fiu":
        raise InputError(f"cannot convert an array of type {dtype}")
    small = dtype.itemsize <= (2 if dtype.kind in "iu" else 4)
    return np.dtype("float32" if small else "float64")


def _as_double(nodata: Real | None) -> float:
    try:
        return float("nan") if nodata is None else float(nodata)
    except OverflowError as error:
        raise InputError("nodata is larger than any number that data can hold") from error


def _convert_plain(x: Any, scale: float, offset: float, nodata: Any, progress: bool) -> Any:
    if isinstance(x, np.ma.MaskedArray):
        values = _convert_plain(x.data, scale, offset, nodata, progress)
        return np.ma.MaskedArray(values, mask=x.mask, fill_value=x.fill_value)
    from . import _core
    from .field import plain
    from .progress import Progress

    array = plain(x)
    dtype = _converted_dtype(array.dtype)
    if array.dtype.kind == "f" and array.dtype.itemsize not in (4, 8):
        array = array.astype(dtype)
    if nodata is not None and not isinstance(nodata, Real):
        raise InputError(f"nodata must be a number, not {nodata!r}")
    kept = _as_double(nodata)
    if array.dtype.kind == "f" and nodata is not None:
        kept = float(array.dtype.type(nodata))  # as the values have it
    order = np.argsort([-abs(stride) for stride in array.strides], kind="stable")  # as it lies in memory
    ordered = array.transpose(order)
    if ordered.ndim == 0 or ordered.ndim > _MAX_DIMS:
        ordered = ordered.reshape(-1)
    out = np.empty(ordered.shape, dtype)
    with Progress("convert_units", progress) as callback:
        _core.linear(ordered, scale, offset, kept, out, callback)
    in_order = out.reshape([array.shape[axis] for axis in order])
    return in_order.transpose(np.argsort(order)) if array.ndim else in_order[()]
