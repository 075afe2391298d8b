"""Accounting: what was asked for, what is there, what is missing, what is preliminary."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from glob import escape, glob
from typing import TYPE_CHECKING, Any

import numpy as np

from . import periods, region
from .contents import Series, contents
from .coverage import request_of, unchanged
from .dataset_table import DATASETS
from .errors import Era5FastError, InputError
from .fields import Fields, fields_of, offset_of
from .journal import everyone, path_in_journal
from .optional import need
from .plan import Job, Plan
from .received import absent, param_id
from .request import plan_of
from .sources import expand, is_paths
from .variable_table import by_param_id, stream_of
from .wording import human_bytes

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FileReport", "Gap", "Report", "report"]

_SHOWN = 10  # rows of each list in the printed report
_DATA = (".nc", ".nc4", ".grib", ".grib2", ".grb", ".zip")


@dataclass
class FileReport:
    """One file.

    Attributes
    ----------
    path : str
        Where it is, or would be.
    present : bool
        Whether it is there.
    size : int
        Bytes.
    checksum : str
        As the journal has it; empty where it is not known.
    verified : str
        ``checksum``, ``size`` or ``no``: how it was verified when it came; empty where that is not known.
    fields : int
        Fields that it holds.
    duplicates : int
        Fields that it holds twice.
    preliminary : int
        Fields that are not final (ERA5T).
    error : str
        Why it cannot be read; empty otherwise.
    """

    path: str
    present: bool = False
    size: int = 0
    checksum: str = ""
    verified: str = ""
    fields: int = 0
    duplicates: int = 0
    preliminary: int = 0
    error: str = ""
    series: list[Series] = field(default_factory=list, repr=False)
    note: str = ""


@dataclass(frozen=True)
class Gap:
    """Times at which a variable is not there.

    Attributes
    ----------
    variable, level : str
        Name in files, and level where it has one.
    first, last : str
        First and last missing time, ISO 8601.
    fields : int
        Number of missing fields.
    """

    variable: str
    level: str
    first: str
    last: str
    fields: int

    def __str__(self) -> str:
        where = f" at {self.level}" if self.level else ""
        when = self.first if self.first == self.last else f"{self.first} to {self.last}"
        return f"{self.variable}{where}: {when}, {self.fields:,} field{'s' * (self.fields != 1)}"


@dataclass
class Report:
    """What was asked for and what is there; ``print(report)`` shows it.

    Attributes
    ----------
    files : list of FileReport
        Every file of the plan, or every file given.
    asked : int or None
        Fields asked for; None where no request is known.
    received : int
        Those of them that are there; without a request, all fields of the files.
    duplicates : int
        Fields that are there more than once, in one file or in several.
    gaps : list of Gap
        What is missing, by name; where no request is known, the holes in the time axes.
    preliminary_days : list of str
        Days with fields that are not final (ERA5T), as ranges.
    missing : Plan
        What is missing, to be fetched again.
    provisional : Plan
        Requests of the files with preliminary fields. When the final ones are out, after some three months:
        ``client.fetch(report.provisional, directory, overwrite=True, fresh=True)``.
    """

    files: list[FileReport]
    asked: int | None = None
    received: int = 0
    duplicates: int = 0
    gaps: list[Gap] = field(default_factory=list)
    preliminary_days: list[str] = field(default_factory=list)
    missing: Plan = field(default_factory=Plan)
    provisional: Plan = field(default_factory=Plan)

    @property
    def complete(self) -> bool:
        """True if nothing is missing and every file could be read."""
        return not self.gaps and not self.missing and not any(file.error for file in self.files)

    @property
    def unreadable(self) -> list[FileReport]:
        """Files that are there but cannot be read."""
        return [file for file in self.files if file.present and file.error]

    def __repr__(self) -> str:
        there = [file for file in self.files if file.present]
        size = human_bytes(sum(file.size for file in there))
        verified = sum(file.verified in ("checksum", "size") for file in there)
        lines = [f"<Report: {'complete' if self.complete else 'incomplete'}>"]
        lines += [
            _line("files", f"{len(there):,} of {len(self.files):,} there, {size}, {verified:,} known as verified")
        ]
        if self.asked is not None:
            lines += [_line("fields", f"{self.received:,} of {self.asked:,} asked for are there")]
        else:
            lines += [_line("fields", f"{self.received:,}; what was asked for is not known")]
        lines += [_line("duplicates", f"{self.duplicates:,}")] if self.duplicates else []
        lines += _listed("missing" if self.asked is not None else "gaps", self.gaps)
        lines += _listed("preliminary", self.preliminary_days)
        lines += _listed("unreadable", [_named(f.path, f.error) for f in self.unreadable])
        lines += _listed("not counted", [f"{os.path.basename(f.path)}: {f.note}" for f in self.files if f.note])
        return "\n".join(lines)

    def to_frame(self) -> pd.DataFrame:
        """Table of the files as a :class:`pandas.DataFrame`."""
        pd = need("pandas", "tables")
        names = ("path", "present", "size", "checksum", "verified", "fields", "duplicates", "preliminary", "error")
        return pd.DataFrame(
            [{name: getattr(file, name) for name in names} for file in self.files], columns=list(names)
        )


def _line(name: str, text: str) -> str:
    return f"  {name:<12} {text}"


def _named(path: str, text: str) -> str:
    """A text about a file, which says its name once."""
    name = os.path.basename(path)
    return text if name in text else f"{name}: {text}"


def _listed(name: str, items: Sequence[Any]) -> list[str]:
    lines = [_line(name if i == 0 else "", str(item)) for i, item in enumerate(items[:_SHOWN])]
    return lines + ([_line("", f"and {len(items) - _SHOWN:,} more")] if len(items) > _SHOWN else [])


def report(plan_or_files: Any, directory: str | os.PathLike[str] = ".", *, journal: Any = None) -> Report:
    """Compare what was asked for with what is there, field by field, and say what is missing by name.

    Only the axes of the files are read, no values.

    Parameters
    ----------
    plan_or_files : Plan, Request, path, pattern or sequence of paths
        A plan that was fetched, or files; a folder stands for the data files in it.
    directory : path
        Where the files of the plan are.
    journal : Client, Journal or iterable of dict, optional
        Finished files as the journal lists them: gives checksums, the requests of files, and where fields of the plan
        lie that were fetched in other pieces. When left out, the one in the folder of the user's state, for all
        accounts; give the client where it has a journal of its own.

    Returns
    -------
    Report

    Raises
    ------
    InputError
        If no file is named.

    Examples
    --------
    >>> import era5fast as e5
    >>> import tempfile
    >>> plan = e5.Request("reanalysis-era5-single-levels", variable="2t", start="2003-06-01", hours=[0, 12]).split()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     e5.report(plan, folder)
    <Report: incomplete>
      files        0 of 1 there, 0 B, 0 known as verified
      fields       0 of 2 asked for are there
      missing      t2m: 2003-06-01T00:00 to 2003-06-01T12:00, 2 fields
    """
    known = {path_in_journal(row["path"]): row for row in _rows(journal)}
    if isinstance(plan_or_files, str | os.PathLike) and os.path.isdir(plan_or_files):
        return _of_files(_data_files(os.fspath(plan_or_files)), known)
    if is_paths(plan_or_files):
        return _of_files(expand(plan_or_files), known)
    jobs = plan_of(plan_or_files)
    paths = [os.path.join(os.fspath(directory), job.name) for job in jobs]
    return _of_jobs(list(zip(paths, jobs, strict=True)), known)


def _data_files(folder: str) -> list[str]:
    """The files of a folder that may hold fields, by their names."""
    paths = sorted(os.path.join(folder, name) for name in os.listdir(folder) if name.endswith(_DATA))
    if not paths:
        raise InputError(f"no file of {', '.join(_DATA)} in {folder}", hint="name the files, or the plan")
    return [path for path in paths if not os.path.basename(path).startswith(".")]


def _rows(journal: Any) -> list[Mapping[str, Any]]:
    if journal is None:
        journal = everyone() or []
    return list(journal.files() if hasattr(journal, "files") else journal)


# --- one file ---


def _look(path: str, known: Mapping[str, Mapping[str, Any]]) -> FileReport:
    found = FileReport(path)
    try:
        found.size = os.stat(path).st_size
        found.present = True
        found.series = contents(path)
    except FileNotFoundError:
        return found
    except (Era5FastError, OSError, MemoryError) as error:
        found.error = str(error) or type(error).__name__
        return found
    row = known.get(path_in_journal(path))
    if row is not None and unchanged(row):
        found.checksum, found.verified = str(row.get("checksum") or ""), _verified(row.get("verified"))
    found.fields = sum(len(np.unique(one.seconds)) for one in found.series)
    found.duplicates = sum(len(one.seconds) for one in found.series if one.param_id) - sum(
        len(np.unique(one.seconds)) for one in found.series if one.param_id
    )
    found.preliminary = sum(int(one.preliminary.sum()) for one in found.series)
    second_edition = sum(len(one.seconds) for one in found.series if one.name == "GRIB 2")
    found.note = f"{second_edition:,} messages of GRIB edition 2" if second_edition else ""
    return found


def _verified(value: Any) -> str:
    return {0: "no", 1: "size", 2: "checksum"}.get(value, str(value or "")) if not isinstance(value, str) else value


def _preliminary_days(files: Iterable[FileReport]) -> list[str]:
    days = {int(s) // 86400 for file in files for one in file.series for s in np.unique(one.seconds[one.preliminary])}
    return periods.texts(sorted(days))


# --- plans ---


def _of_jobs(pairs: list[tuple[str, Job]], known: Mapping[str, Mapping[str, Any]]) -> Report:
    files = [_look(path, known) for path, _ in pairs]
    directories = [os.path.dirname(path) or "." for path, _ in pairs]
    elsewhere = _Elsewhere(directories, known, {path_in_journal(path) for path, _ in pairs})
    gaps: list[Gap] = []
    missing: list[Job] = []
    asked = received = 0
    for (_, job), file in zip(pairs, files, strict=True):
        wanted = fields_of(job.dataset, job.inputs)
        if wanted is None or file.note:
            if not file.present or file.error:
                missing.append(job)
            continue
        left = absent(wanted, file.series)
        if np.any(left):
            left = elsewhere.take(wanted, left)
        lost = _count(left)
        asked, received = asked + wanted.count, received + wanted.count - lost
        if lost:
            gaps += _gaps(wanted, left)
            whole = lost == wanted.count
            missing += [job] if whole else [job.part(box) for box in wanted.left(left)]
    late = [job for (_, job), file in zip(pairs, files, strict=True) if file.preliminary]
    return Report(
        files,
        asked,
        received,
        _duplicates(files),
        _joined(gaps),
        _preliminary_days(files),
        Plan(missing),
        Plan(late),
    )


class _Elsewhere:
    """Other files: fields of a plan may lie in them when they had been fetched before, in other pieces."""

    def __init__(self, directories: Iterable[str], known: Mapping[str, Mapping[str, Any]], own: set[str]) -> None:
        self._directories, self._own = sorted(set(directories)), own
        self._neighbours: list[Series] | None = None
        self._by_context: dict[str, list[tuple[str, Fields]]] = defaultdict(list)
        for path, row in known.items():
            inputs = request_of(row)
            if path in own or inputs is None or not unchanged(row):
                continue
            held = fields_of(str(row.get("dataset")), inputs)
            if held is not None:
                self._by_context[held.context].append((path, held))

    def take(self, wanted: Fields, left: np.ndarray) -> np.ndarray:
        """What is left without the files that the journal has for such requests, and without neighbours."""
        for path, held in self._by_context.get(wanted.context, ()):
            if wanted.subtract(left.copy(), held):
                left = left & absent(wanted, _look(path, {}).series)
        if not np.any(left) or not _is_usual(wanted):
            return left
        grid = _expected_shape(wanted)
        return left & absent(wanted, [one for one in self._near() if _same_shape(one.shape, grid)])

    def _near(self) -> list[Series]:
        """Everything in the other netCDF files of the directory; looked at when something is missing, once."""
        if self._neighbours is None:
            names = [
                path for folder in self._directories for path in sorted(glob(os.path.join(escape(folder), "*.nc")))
            ]
            others = [path for path in names if path_in_journal(path) not in self._own]
            self._neighbours = [one for path in others for one in _look(path, {}).series]
        return self._neighbours


def _is_usual(wanted: Fields) -> bool:
    """True where a netCDF file with the right grid, variable and times can be nothing but what is wanted."""
    shared, row = json.loads(wanted.context), DATASETS[wanted.dataset]
    first = not row.product_types or shared["product_type"] == [row.product_types[0]]
    return first and shared["data_format"] == ["netcdf"] and row.family == "hourly"


def _expected_shape(wanted: Fields) -> tuple[float, ...]:
    shared, row = json.loads(wanted.context), DATASETS[wanted.dataset]
    step = row.native_grid("", stream_of(wanted.variables[0]))
    grid = shared.get("grid", [step, step])
    north, west, south, east = shared.get("area", (90.0, 0.0, -90.0, 360.0 - grid[0]))
    rows = round((north - south) / grid[-1]) + 1
    return rows, region.cells((north, west, south, east), (grid[0], grid[-1])) // rows, north, west, south


def _same_shape(shape: tuple[Any, ...], expected: tuple[float, ...]) -> bool:
    """Number of rows and columns, and the corners that tell them apart; longitudes modulo 360."""
    if not shape or tuple(shape[:2]) != tuple(expected[:2]):
        return False
    west = abs((shape[3] - expected[3] + 180) % 360 - 180)
    return abs(shape[2] - expected[2]) < 1e-3 and west < 1e-3 and abs(shape[4] - expected[4]) < 1e-3


def _count(left: np.ndarray) -> int:
    return sum(mask.bit_count() * times for mask, times in zip(*_distinct(left), strict=True))


def _distinct(left: np.ndarray) -> tuple[list[int], list[int]]:
    values, counts = np.unique(left, return_counts=True)
    return values.tolist(), counts.tolist()


def _gaps(wanted: Fields, left: np.ndarray) -> list[Gap]:
    """Runs of days with missing fields, for every variable and level."""
    found = []
    for row, (variable, level) in enumerate(wanted.rows):
        days = [i for i in range(len(wanted.days)) if left[row, i]]
        for first, last in periods.ranges(days):
            masks = [int(mask) for mask in left[row, first : last + 1]]
            begin = _moment(wanted, wanted.days[first], masks[0] & -masks[0])
            end = _moment(wanted, wanted.days[last], 1 << masks[-1].bit_length() - 1)
            count = sum(mask.bit_count() for mask in masks)
            found.append(Gap(_label(wanted.dataset, variable), level, begin, end, count))
    return found


def _moment(wanted: Fields, day: int, bit: int) -> str:
    hour = offset_of(wanted.style, bit.bit_length() - 1)
    return str(np.datetime64(day * 24 + hour, "h").astype("datetime64[m]"))


def _label(dataset: str, variable: str) -> str:
    row = by_param_id(param_id(dataset, variable))
    return row.netcdf if row is not None else variable


def _joined(gaps: list[Gap]) -> list[Gap]:
    """Gaps of one variable that follow each other without a wanted field between them, as one."""
    joined: list[Gap] = []
    for gap in sorted(gaps, key=lambda gap: (gap.variable, gap.level, gap.first)):
        before = joined[-1] if joined else None
        if before is not None and (before.variable, before.level) == (gap.variable, gap.level):
            apart = np.datetime64(gap.first) - np.datetime64(before.last)
            if apart <= np.timedelta64(24, "h"):
                joined[-1] = Gap(gap.variable, gap.level, before.first, gap.last, before.fields + gap.fields)
                continue
        joined.append(gap)
    return joined


# --- files alone ---


def _of_files(paths: list[str], known: Mapping[str, Mapping[str, Any]]) -> Report:
    """Files whose requests the journal has are compared with them; of the others the time axes are looked at."""
    jobs = {path: _job_of(path, known) for path in paths}
    asked = [(path, job) for path, job in jobs.items() if job is not None]
    if len(asked) == len(paths):
        return _of_jobs(asked, known)
    files = [_look(path, known) for path in paths]
    late = [job for path, job in asked if next(f for f in files if f.path == path).preliminary]
    return Report(
        files,
        None,
        sum(file.fields for file in files),
        _duplicates(files),
        _holes(files),
        _preliminary_days(files),
        Plan(),
        Plan(late),
    )


def _job_of(path: str, known: Mapping[str, Mapping[str, Any]]) -> Job | None:
    row = known.get(path_in_journal(path))
    inputs = request_of(row) if row is not None else None
    if row is None or inputs is None or not row.get("dataset"):
        return None
    return Job.of(row["dataset"], inputs, os.path.basename(path))


def _axes(files: Iterable[FileReport]) -> dict[tuple[Any, ...], list[np.ndarray]]:
    """Time axes of all files by name, parameter, level and grid; a file that tells no grid stays alone."""
    axes: dict[tuple[Any, ...], list[np.ndarray]] = defaultdict(list)
    for file in files:
        for one in file.series:
            if one.name != "GRIB 2":
                axes[one.name, one.param_id, one.level, one.shape or file.path].append(one.seconds)
    return axes


def _duplicates(files: Iterable[FileReport]) -> int:
    together = [np.concatenate(parts) for parts in _axes(files).values()]
    return sum(len(seconds) - len(np.unique(seconds)) for seconds in together)


def _holes(files: Iterable[FileReport]) -> list[Gap]:
    """Steps of the joined time axes that are longer than the usual one."""
    axes = _axes(files)
    found = []
    for key, parts in axes.items():
        seconds = np.unique(np.concatenate(parts))
        if len(seconds) < 3:
            continue
        steps = np.diff(seconds)
        values, counts = np.unique(steps, return_counts=True)
        usual = values[counts.argmax()]
        if usual > 20 * 86400:  # months and years have no one length
            continue
        for i in np.flatnonzero(steps > usual):
            count = int(-(-steps[i] // usual)) - 1
            first, last = seconds[i] + usual, seconds[i + 1] - usual
            if count and last >= first:
                found.append(Gap(key[0], key[2], _iso(first), _iso(last), count))
    return found


def _iso(second: int) -> str:
    return str(np.datetime64(int(second), "s").astype("datetime64[m]"))
