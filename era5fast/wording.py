"""What messages have in common: numbers in words, names that somebody may have meant, warnings that come once."""

from __future__ import annotations

import contextlib
import difflib
import logging
import re
from collections.abc import Iterable, Iterator

__all__ = ["bare", "counted", "did_you_mean", "human_bytes", "muted", "named", "near", "warn_once"]

_log = logging.getLogger("era5fast")
_said: set[str] = set()


def human_bytes(number: float) -> str:
    """A number of bytes in the largest unit that leaves at least one: ``"35 MB"``, ``"1.2 GB"``."""
    for unit in ("B", "kB", "MB", "GB"):
        if number < 999.5:
            return f"{number:.{1 if number < 9.95 and unit != 'B' else 0}f} {unit}"
        number /= 1000
    return f"{number:,.1f} TB"


def counted(number: int, noun: str) -> str:
    """A number of things: ``"1 heatwave event"``, ``"1,204 heatwave events"``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def named(given: object) -> str:
    """What kind of thing somebody gave: ``"a DataFrame"``, ``"an Event"``."""
    name = type(given).__name__
    return f"{'an' if name[:1] in 'AEIOUaeiou' else 'a'} {name}"


def near(name: str, among: Iterable[str]) -> list[str]:
    """Names that look like one, the best first, four at most; whole words count more than letters."""
    names = list(among)
    by_letters = {bare(n): n for n in reversed(names)}
    close = [by_letters[n] for n in difflib.get_close_matches(bare(name), list(by_letters), 4, 0.75)]
    words = {w for w in re.split(r"[^a-z0-9]+", name.lower()) if len(w) > 3}
    holding = [n for n in names if words and words <= set(re.split("[_-]", n))]
    return list(dict.fromkeys([*close, *holding]))[:4]


def did_you_mean(name: str, among: Iterable[str], otherwise: str = "") -> str:
    """Hint with near names, or `otherwise`."""
    names = near(name, among)
    return f"did you mean {' or '.join(repr(n) for n in names)}?" if names else otherwise


def bare(name: str) -> str:
    """A name without case, blanks, hyphens and underscores."""
    return re.sub(r"[^a-z0-9]", "", name.lower().replace("metre", "m").replace("meter", "m"))


def warn_once(text: str) -> None:
    """Warn of something that stays as it is for as long as the process lives."""
    if text not in _said:
        _said.add(text)
        _log.warning("%s", text)


@contextlib.contextmanager
def muted(name: str = "era5fast") -> Iterator[None]:
    """Leave out the lines of a logger, where what is warned of is told otherwise, or means nothing to a user."""
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(before)
