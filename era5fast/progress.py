"""What long work shows: a bar on terminals and in notebooks, lines in log files where somebody wants them."""

from __future__ import annotations

import contextlib
import logging
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from .wording import human_bytes

__all__ = ["Downloads", "Progress", "describe"]

#: A bar appears only when the work has lasted this many seconds.
PATIENCE = 0.3
#: Seconds from one picture to the next where only numbers have changed, and where nothing has but the time.
NUMBERS, CLOCK = 0.2, 1.0

#: Whose lines may come while a bar is shown.
_LOGGERS = (logging.getLogger("era5fast"), logging.getLogger("cdsapi"))


class Progress:
    """Callable ``(done, total, stage)`` that draws a bar on a terminal or in a notebook.

    Parameters
    ----------
    label : str
        What is going on.
    enabled : bool
        False for silence. A bar is also left out when the output is neither a terminal nor a notebook.
    unit : str
        Unit of the counters; ``"B"`` is scaled.
    """

    #: The bar with what stands around it, where there is little room, and in a notebook, where it is a widget.
    forms = (
        "{desc:<28} {percentage:3.0f}% |{bar:30}| {elapsed} {rate_fmt} {postfix}",
        "{desc} {percentage:3.0f}% {elapsed} {rate_fmt} {postfix}",
        "{desc} {percentage:3.0f}% {bar} {elapsed} {rate_fmt} {postfix}",
    )

    def __init__(self, label: str, enabled: bool = True, unit: str = "it") -> None:
        self.label = label
        self.unit = unit
        self._enabled = enabled
        self._began = time.monotonic()
        self._bar: Any = None
        self._clock: Callable[[], float] = time.monotonic
        self._drawn: tuple[float, Any, Any] = (0.0, None, None)

    def __enter__(self) -> Progress | None:
        return self if self._enabled else None

    def __call__(self, done: int, total: int, stage: str | None) -> None:
        """Draw the state of the work; called by the core while it waits."""
        if (bar := self._open()) is None:
            return
        if stage:
            bar.set_postfix_str(stage, refresh=False)
        bar.total = total or None
        bar.n = done
        self._draw(stage)

    def _draw(self, state: Any) -> None:
        """Show what has changed: another state at once, numbers a few times a second, and the time each second.

        The core calls twenty times a second, for hours, and a notebook gets a message for each picture.
        """
        now, shown = self._clock(), (self._bar.n, self._bar.total, self._bar.desc, self._bar.postfix)
        last, state_then, shown_then = self._drawn
        least = 0.0 if state != state_then else NUMBERS if shown != shown_then else CLOCK
        if now - last >= least:
            self._drawn = (now, state, shown)
            self._bar.refresh()

    def _open(self) -> Any:
        """The bar, or None while the work is too young to show one, or where nobody would see it."""
        if self._bar is None and _is_watched() and time.monotonic() - self._began >= PATIENCE:
            look: dict[str, Any] = {"desc": self.label, "unit": self.unit, "unit_scale": True, "leave": False}
            tqdm = _tqdm()
            form = self.forms[2 if _is_widget(tqdm) else 0]
            # delay: no empty bar to begin with, yet one that is cleared at the end; windows change their width
            self._bar = tqdm(**look, bar_format=form, delay=1e-3, dynamic_ncols=True)
            self._bar.delay = 0
            if callable(measure := self._bar.dynamic_ncols):
                self._bar.dynamic_ncols = lambda file: _known_size(measure(file))
            for log in _LOGGERS:
                log.addFilter(self._make_room)
        return self._bar

    def _make_room(self, record: logging.LogRecord) -> bool:
        """A line of the log begins where the bar stands, which is drawn again below it."""
        if not _is_widget(type(self._bar)):
            self._bar.clear()
        return True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._bar is not None:
            for log in _LOGGERS:
                log.removeFilter(self._make_room)
            self._bar.close()


def _is_notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return shell is not None and hasattr(shell, "kernel")


def _is_watched() -> bool:
    try:
        return _is_notebook() or sys.stderr.isatty()
    except (AttributeError, ValueError):  # there is none, it is something of the user's own, or it is closed
        return False


def _tqdm() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # in a notebook without widgets a bar of letters does as well
        from tqdm.auto import tqdm
    return tqdm


def _known_size(size: tuple[int | None, int | None]) -> tuple[int | None, int | None]:
    """Columns and rows of a terminal; some say 0 where they do not know (-1 for tqdm), and nothing would be shown."""
    columns, rows = (number if number is not None and number > 0 else None for number in size)
    return columns, rows


def _is_widget(tqdm: Any) -> bool:
    return any(cls.__module__ == "tqdm.notebook" for cls in tqdm.__mro__)


class Downloads(Progress):
    """Callable ``(done, total, stage, counts)`` that shows a batch of downloads in one line.

    Bytes are known of the files only that the service has finished, so it is the files that the bar counts; a single
    file is shown by its bytes.

    Parameters
    ----------
    enabled : bool or "lines"
        As for :class:`Progress`; ``"lines"`` writes lines to standard error where it is neither a terminal nor a
        notebook: one for each change of state, a second apart, after ten of them one in ten seconds, and one in five
        minutes in any case.
    clock : callable
        Seconds of a monotonic clock.
    """

    forms = (
        "{percentage:3.0f}% |{bar:10}| {elapsed} {desc}",
        "{percentage:3.0f}% {elapsed} {desc}",
        "{percentage:3.0f}% {bar} {elapsed} {desc}",
    )
    _AROUND = 28  # letters around the description, the bar included

    def __init__(self, enabled: bool | str = True, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__("", bool(enabled))
        self._clock = clock
        self._speed = _Speed(clock)
        self._lines = _Lines(clock) if enabled == "lines" and not _is_watched() else None

    def __call__(  # type: ignore[override]  # the core gives one more argument than to other work
        self, done: int, total: int, stage: str | None, counts: Mapping[str, int]
    ) -> None:
        """Draw the state of the batch; called by the core while it waits."""
        self._speed.note(done, counts)
        text = describe(done, total, stage, counts, self._speed.bytes, self._speed.left(counts))
        if self._lines is not None:
            self._lines.note(text, counts)
        if (bar := self._open()) is None:
            return
        alone = counts["files"] <= 1
        bar.total = total if alone else counts["files"]
        bar.n = min(done, total) if alone else counts["done"] + counts["failed"]
        if not _is_widget(type(bar)):
            columns = bar.format_dict["ncols"]
            if columns and columns < len(text) + self._AROUND:  # from now on, lest the bar comes and goes
                bar.bar_format = self.forms[1]
        bar.set_description_str(text, refresh=False)
        self._draw(dict(counts))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._lines is not None:
            self._lines.close()
        super().__exit__(kind, error, traceback)


class _Lines:
    """The state of a batch as lines of a log file: not silent for long, and not thousands of them."""

    BURST, EVERY = 10, 10.0  # lines at once, seconds for one more
    APART, AT_LEAST_EVERY = 1.0, 300.0  # seconds from one line to the next

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._room = float(self.BURST)
        self._told_at = clock()
        self._looked_at = clock()
        self._told: dict[str, int] = {}
        self._last = ("", self._told)

    def note(self, text: str, counts: Mapping[str, int]) -> None:
        now = self._clock()
        self._room = min(self.BURST, self._room + (now - self._looked_at) / self.EVERY)
        self._looked_at = now
        self._last = (text, dict(counts))
        begun = any(number for name, number in counts.items() if name != "files")
        news = begun and self._last[1] != self._told and self._room >= 1 and now - self._told_at >= self.APART
        if news or now - self._told_at >= self.AT_LEAST_EVERY:
            self._room -= 1
            self._write()

    def close(self) -> None:
        if self._last[1] != self._told:
            self._write()

    def _write(self) -> None:
        text, self._told = self._last
        self._told_at = self._clock()
        with contextlib.suppress(AttributeError, OSError, ValueError):  # a log that is gone stops no download
            sys.stderr.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n")
            sys.stderr.flush()


class _Speed:
    """How fast bytes come of late, and how long it takes until all files are there."""

    SPAN = 5.0  # seconds over which bytes are counted

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._marks: list[tuple[float, int]] = []
        self._began: tuple[float, int] | None = None
        self._finished: tuple[float, int] | None = None  # when the last file was finished, and how many were then
        self._moved = False  # anything yet
        self._longest = 0.0  # time from one finished file to the next
        self.bytes = 0.0  # per second; 0 where nothing is on its way

    def note(self, done: int, counts: Mapping[str, int]) -> None:
        now = self._clock()
        moving = counts["downloading"] > 0 or counts["checking"] > 0
        # What was there already costs no time and says nothing about the rest.
        if self._began is None or not (counts["queued"] or counts["running"] or self._moved):
            self._began = self._finished = (now, counts["done"])
        self._moved = self._moved or moving
        self._note_files(now, counts["done"])
        self.bytes = self._rate(now, done) if moving else 0.0
        if not moving:
            self._marks.clear()  # a pause is no part of the rate

    def _note_files(self, now: float, done: int) -> None:
        if self._finished is not None and done > self._finished[1]:
            self._longest = max(self._longest, now - self._finished[0])
            self._finished = (now, done)

    def _rate(self, now: float, done: int) -> float:
        if self._marks and done < self._marks[-1][1]:  # something was thrown away and comes again
            self._marks.clear()
        self._marks.append((now, done))
        while len(self._marks) > 2 and now - self._marks[1][0] >= self.SPAN:
            self._marks.pop(0)
        then, before = self._marks[0]
        return (done - before) / (now - then) if now > then else 0.0

    def left(self, counts: Mapping[str, int]) -> float:
        """Seconds until all files are there; 0 where that cannot be told.

        It is told by the files that are finished, and counts down until the next one is. Where that takes much longer
        than any did before, nobody knows.
        """
        if self._began is None or self._finished is None:
            return 0.0
        began, had = self._began
        last, have = self._finished
        since = self._clock() - last
        if have - had < 2 or since > 2 * self._longest:
            return 0.0
        missing = counts["files"] - counts["done"] - counts["failed"]
        return max((last - began) / (have - had) * missing - since, 0.0)


def describe(done: int, total: int, stage: str | None, counts: Mapping[str, int], speed: float, left: float) -> str:
    """State of a batch in one line.

    Parameters
    ----------
    done, total : int
        Bytes that are here, and that are known to come.
    stage : str or None
        What a single file is doing.
    counts : mapping of str to int
        Files that are queued, running, downloading, checking, done, failed; ``files`` are all.
    speed : float
        Bytes per second.
    left : float
        Seconds to go; 0 if unknown.

    Returns
    -------
    str
        For example "12 queued, 2 running, 3 downloading, 83 of 100 done, 35 MB/s, about 12 min".
    """
    rate = [f"{human_bytes(speed)}/s"] if speed >= 1 else []
    if counts["files"] <= 1:
        names = ("done", "failed", "queued", "running", "downloading", "checking")
        what = [name for name in names if counts[name]] or ["checking" if 0 < total <= done else stage or "beginning"]
        size = [f"{human_bytes(done)} of {human_bytes(total)}"] if total else []
        ahead = (total - done) / speed if speed >= 1 else 0.0
        return ", ".join([*what, *size, *rate, *_about(ahead)])
    parts = [f"{counts[name]} {name}" for name in ("queued", "running", "downloading", "checking") if counts[name]]
    parts.append(f"{counts['done']} of {counts['files']} done")
    parts += [f"{counts['failed']} failed"] if counts["failed"] else []
    return ", ".join([*parts, *rate, *_about(left)])


def _about(seconds: float) -> list[str]:
    """A time to go in words, or nothing for one that is over or unknown."""
    if seconds < 1:
        return []
    if seconds < 90:
        return [f"about {seconds:.0f} s"]
    return [f"about {seconds / 60:.0f} min" if seconds < 5400 else f"about {seconds / 3600:.0f} h"]
