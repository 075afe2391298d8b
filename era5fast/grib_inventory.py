"""What the messages of GRIB files hold: variable, version, moment and place of each; and what is odd about them."""

from __future__ import annotations

import datetime as dt
import logging
import os
from typing import Any, NamedTuple

from . import _core

__all__ = ["KEYS", "Message", "inventory", "report", "report_cut"]

log = logging.getLogger("era5fast")

#: Versions of ERA5 that are replaced after some months.
_PRELIMINARY = ("0005", "5")
_EPOCH = dt.datetime(1970, 1, 1)


#: What is wanted of a message, by the names of ecCodes.
KEYS = ("paramId", "experimentVersionNumber", "valid_time", "typeOfLevel", "level:float", "number")


class Message(NamedTuple):
    """One field."""

    variable: int  # parameter of the ECMWF
    version: str
    seconds: int  # valid time since 1970-01-01
    place: tuple[Any, ...]  # kind of level, level, member
    path: str

    @property
    def preliminary(self) -> bool:
        """True when a final version follows some months later."""
        return self.version in _PRELIMINARY


def inventory(path: str, index: Any) -> list[Message]:
    """All messages of a file, in its order.

    Parameters
    ----------
    path : str
        The file.
    index : cfgrib.messages.FileIndex
        What cfgrib found in it, with `KEYS`.

    Raises
    ------
    ValueError
        If a header is damaged.
    """
    places = [index.index_keys.index(key) for key in KEYS]
    found: list[tuple[tuple[int, ...], Message]] = []
    for values, offsets in index.iter_index():
        number, version, seconds, *place = (values[at] for at in places)
        message = Message(int(number), "" if version == "undef" else str(version), int(seconds), tuple(place), path)
        found += [(offset if isinstance(offset, tuple) else (offset, 0), message) for offset in offsets]
    return [message for _, message in sorted(found, key=lambda each: each[0])]


def report(name: str, messages: list[Message]) -> None:
    """Say in the log which steps of a variable occur more than once, which are missing, and which are incomplete.

    Parameters
    ----------
    name : str
        Name of the variable.
    messages : list of Message
        All of its messages, in the order of the files.
    """
    at: dict[int, dict[tuple[Any, ...], list[Message]]] = {}
    for message in messages:
        at.setdefault(message.seconds, {}).setdefault(message.place, []).append(message)
    _report_twice(name, [fields for _, places in sorted(at.items()) for fields in places.values() if len(fields) > 1])
    _report_holes(name, [next(iter(places.values()))[0] for _, places in sorted(at.items())])
    most = len({message.place for message in messages})
    missing = sum(most - len(places) for places in at.values())
    if missing:
        log.warning("%s: %d of %d fields are missing at some levels or members: NaN", name, missing, most * len(at))


def report_cut(path: str, messages: list[Message]) -> None:
    """Say in the log when the last moments of a file lack variables that all before have.

    GRIB does not say how many messages a file should have: one that ends between two of them is sound by itself.

    Parameters
    ----------
    path : str
        The file.
    messages : list of Message
        What is in it.
    """
    at: dict[int, set[int]] = {}
    for message in messages:
        at.setdefault(message.seconds, set()).add(message.variable)
    sets = [variables for _, variables in sorted(at.items())]
    whole = next((i for i, variables in enumerate(sets) if variables != sets[0]), len(sets))
    if 0 < whole < len(sets) and all(variables < sets[0] for variables in sets[whole:]):
        log.warning(
            "%s: from %s on only %d of %d variables are there: the file may be cut off",
            os.path.basename(path),
            _date(sorted(at)[whole]),
            len(set().union(*sets[whole:])),
            len(sets[0]),
        )


def _report_twice(name: str, repeated: list[list[Message]]) -> None:
    if not repeated:
        return
    steps = len({fields[0].seconds for fields in repeated})
    first, other = (os.path.basename(message.path) for message in repeated[0][:2])
    final = len({f[0].seconds for f in repeated if f[0].preliminary and not all(x.preliminary for x in f)})
    log.warning(
        "%s: %d time steps occur more than once, the first on %s in %s: what is given first is taken%s",
        name,
        steps,
        _date(repeated[0][0].seconds),
        f"{first} itself" if repeated[0][0].path == repeated[0][1].path else f"{first} and {other}",
        f", but for {final} preliminary ones the final" if final else "",
    )


def _report_holes(name: str, steps: list[Message]) -> None:
    count, missing, first = _core.holes([message.seconds for message in steps])
    if count == 0:
        return
    before, after = steps[first - 1], steps[first]
    log.warning(
        "%s: %d time steps are missing in %d hole%s, the first between %s in %s and %s",
        name,
        missing,
        count,
        "" if count == 1 else "s",
        _date(before.seconds),
        os.path.basename(before.path),
        _date(after.seconds),
    )


def _date(seconds: int) -> str:
    return f"{_EPOCH + dt.timedelta(seconds=seconds):%Y-%m-%d %H:%M}"
