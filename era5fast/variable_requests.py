"""The variables of ERA5 as a user meets them: looked up by any name, explained, and asked for."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from .errors import InputError
from .request import Request
from .variable_table import Row, check_choice, lookup, table

__all__ = ["Variable", "VariableList", "variable", "variables"]


@dataclasses.dataclass(frozen=True, repr=False)
class Variable(Row):
    """One ERA5 variable, and the requests that bring it; the attributes are those of a row of the table."""

    def cds_request(
        self,
        date: Any,
        end: Any = None,
        *,
        levels: Any = None,
        hours: Any = "all",
        area: Sequence[float] | None = None,
        grid: Any = None,
        dataset: str | None = None,
        data_format: str = "netcdf",
    ) -> tuple[str, dict[str, Any]]:
        """Dataset and request of the Climate Data Store for this variable, as ``client.retrieve`` takes them.

        Parameters
        ----------
        date : str or date
            Day; with `end`, the first day. Also a range as one text, ``"2003-06-01/2003-06-30"``.
        end : str or date, optional
            Last day, inclusive.
        levels : int or sequence of int, optional
            Pressure levels in hPa; all 37 when left out.
        hours : "all" or sequence of int
            Hours of the day (UTC).
        area : sequence of four floats, optional
            North, west, south, east in degrees; the globe when left out.
        grid : float, optional
            Spacing in degrees; the service's own when left out.
        dataset : str, optional
            Another dataset that has the variable, for instance ``"reanalysis-era5-land"``.
        data_format : str
            ``"netcdf"`` or ``"grib"``.

        Returns
        -------
        (str, dict)

        Raises
        ------
        InputError
            If the service offers the variable in the archive only, or an argument is wrong.

        Examples
        --------
        >>> import era5fast as e5
        >>> dataset, request = e5.variable("temperature").cds_request("2003-08-01", levels=500)
        >>> dataset, request["pressure_level"]
        ('reanalysis-era5-pressure-levels', ['500'])
        """
        if not self.request:
            raise InputError(f"{self.short_name} is only in the archive", hint="use mars_request()")
        level_type = None if dataset is not None else "pl" if "pl" in self.level else "sfc"
        home = "single-levels" if level_type == "sfc" and "era5" in self.reanalyses else "land"
        name = dataset or f"reanalysis-era5-{'pressure-levels' if level_type == 'pl' else home}"
        return _one_request(name, self, date, end, levels, hours, area, grid, data_format)

    def mars_request(
        self,
        date: Any,
        end: Any = None,
        *,
        levels: Any = None,
        level_type: str | None = None,
        hours: Any = "all",
        area: Sequence[float] | None = None,
        grid: Any = None,
        data_format: str = "netcdf",
    ) -> tuple[str, dict[str, Any]]:
        """Dataset and request for the archive (``reanalysis-era5-complete``), in its own keywords.

        The archive is on tape: ask for whole months, all levels and parameters together.

        Parameters
        ----------
        date, end, hours, area, data_format
            As for :meth:`cds_request`. Fields of the forecast come with all their steps from 06 and 18 UTC: stamps
            from 07 UTC of the first day to 06 UTC of the day after the last.
        levels : int or sequence of int, optional
            Model levels (1 to 137) or pressure levels (hPa); all of them when left out.
        level_type : str, optional
            ``"ml"``, ``"pl"``, ``"sfc"``; also ``"pt"``, ``"pv"`` for potential vorticity. The highest that the
            variable has when left out: model levels before pressure levels before the surface.
        grid : float, optional
            Spacing in degrees, 0.25 when left out. It is always sent: without it the archive answers in its native
            form, which is no grid of latitudes and longitudes.

        Returns
        -------
        (str, dict)

        Raises
        ------
        InputError
            If the variable is not in the archive of ERA5, or an argument is wrong.

        Examples
        --------
        >>> import era5fast as e5
        >>> dataset, request = e5.variable("t").mars_request("2003-08-01", levels=[137])
        >>> request["param"], request["levtype"], request["levelist"], request["grid"]
        ('130', 'ml', '137', '0.25/0.25')
        """
        if "era5" not in self.reanalyses:
            raise InputError(
                f"{self.name} is in ERA5-Land only, not in the archive of ERA5", hint="use cds_request()"
            )
        name = "reanalysis-era5-complete"
        return _one_request(name, self, date, end, levels, hours, area, grid, data_format, level_type=level_type)


def _one_request(dataset: str, row: Variable, date: Any, end: Any, levels: Any, hours: Any, area: Any, grid: Any,
                 data_format: str, **keys: Any) -> tuple[str, dict[str, Any]]:  # fmt: skip
    request = Request(
        dataset,
        variable=row,
        **_period(date, end),
        levels=levels,
        hours=hours,
        area=area,
        grid=grid,
        data_format=data_format,
        **{key: value for key, value in keys.items() if value is not None},
    )
    return dataset, request.inputs()


def _period(date: Any, end: Any) -> dict[str, Any]:
    """First and last day, or all days of a text like ``2003-06-01/2003-06-30`` or ``2003-06-01/to/2003-06-30``."""
    if isinstance(date, str) and "/" in date and end is None:
        return {"dates": date}
    return {"start": date, "end": date if end is None else end}


class VariableList(Sequence[Variable]):
    """Variables; printed as a table."""

    def __init__(self, rows: Sequence[Variable]) -> None:
        self._rows = tuple(rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: Any) -> Any:
        return VariableList(self._rows[index]) if isinstance(index, slice) else self._rows[index]

    def __iter__(self) -> Iterator[Variable]:
        return iter(self._rows)

    def __repr__(self) -> str:
        head = f"{'netCDF':<12}{'GRIB':<12}{'id':>7}  {'units':<24}{'kind':<14}{'levels':<8}name in a request"
        lines = [
            f"{r.netcdf:<12}{r.short_name:<12}{r.param_id:>7}  {r.units:<24}{r.kind:<14}{r.level:<8}{r.request}"
            for r in self
        ]
        return "\n".join([head, *lines])


def variable(name: str | int, *, level: str | None = None, reanalysis: str | None = None) -> Variable:
    """Look up a variable by any of its names or its GRIB parameter id.

    Case, blanks and hyphens do not matter. Where several variables share a name, the first of the table is meant, and
    its text says which others there are.

    Parameters
    ----------
    name : str or int
        ``"2t"``, ``"t2m"``, ``"2m temperature"``, ``"167"`` or ``"167.128"``.
    level : str, optional
        ``"sfc"``, ``"pl"`` or ``"ml"``: the one that exists there.
    reanalysis : str, optional
        ``"era5"`` or ``"land"``: the one of that reanalysis.

    Returns
    -------
    Variable
        Printed, it explains itself.

    Raises
    ------
    InputError
        If no variable is called so; the hint has near names.

    Examples
    --------
    >>> import era5fast as e5
    >>> e5.variable("2t").request
    '2m_temperature'
    >>> print(e5.variable("temperature"))
    temperature: t in files, t in GRIB, parameter 130, K
      on pressure levels and model levels, from the analysis
      a value is the state at the stamp
      surface or 3-D? this one is 3-D; others: t2m (2m_temperature), d2m (2m_dewpoint_temperature), ...
      Climate Data Store: 'reanalysis-era5-pressure-levels', variable 'temperature'; see .cds_request(...)
      archive: 'reanalysis-era5-complete', param 130, levtype ml or pl, type an; see .mars_request(...)
    >>> e5.variable("z", level="pl").kind
    'instant'
    """
    return _dressed(lookup(name, level=level, reanalysis=reanalysis))


def variables(*, kind: str | None = None, level: str | None = None, reanalysis: str | None = None,
              units: str | None = None) -> VariableList:  # fmt: skip
    """List the variables of ERA5 and ERA5-Land.

    Parameters
    ----------
    kind : str, optional
        Only those of a kind: ``"instant"``, ``"accumulation"``, ``"mean rate"``, ``"maximum"``, ``"minimum"``,
        ``"invariant"``.
    level : str, optional
        Only those on ``"sfc"``, ``"pl"`` or ``"ml"``.
    reanalysis : str, optional
        Only those of ``"era5"`` or ``"land"``.
    units : str, optional
        Only those with these units, as files write them.

    Returns
    -------
    VariableList
        A sequence; printed as a table.

    Raises
    ------
    InputError
        If there is no such kind, level or reanalysis, or nothing has these units.

    Examples
    --------
    >>> import era5fast as e5
    >>> [row.netcdf for row in e5.variables(kind="minimum")]
    ['mn2t', 'mntpr']
    """
    check_choice(kind=kind, level=level, reanalysis=reanalysis, units=units)
    return VariableList(
        [
            _dressed(row)
            for row in table()
            if kind in (None, row.kind)
            and (level is None or level in row.level.split())
            and (reanalysis is None or reanalysis in row.reanalyses.split())
            and units in (None, row.units)
        ]
    )


def _dressed(row: Row) -> Variable:
    return Variable(**{field.name: getattr(row, field.name) for field in dataclasses.fields(row)})
