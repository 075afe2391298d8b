"""Progress bars: one callback that the native core calls a few times a second."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

__all__ = ["Downloads", "Progress", "describe"]

#: A bar appears only when the work has lasted this many seconds.
PATIENCE = 0.3


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

    form = "{desc:<28} {percentage:3.0f}% |{bar:30}| {elapsed} {rate_fmt} {postfix}"

    def __init__(self, label: str, enabled: bool = True, unit: str = "it") -> None:
        self.label = label
        self.unit = unit
        self._enabled = enabled
        self._began = time.monotonic()
        self._bar: Any = None

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
        bar.refresh()

    def _open(self) -> Any:
        """The bar, or None while the work is too young to show one."""
        if self._bar is None and time.monotonic() - self._began >= PATIENCE:
            from tqdm.auto import tqdm

            # None: no bar where the output is no terminal. A notebook's output is none, and yet has bars.
            disable = False if any(c.__module__ == "tqdm.notebook" for c in tqdm.__mro__) else None
            look: dict[str, Any] = {
                "desc": self.label,
                "unit": self.unit,
                "unit_scale": True,
                "bar_format": self.form,
            }
            self._bar = tqdm(**look, disable=disable, leave=False, delay=1e-3)  # delay: no empty bar to begin with
        return self._bar

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()


class Downloads(Progress):
    """Callable ``(done, total, stage, counts)`` that shows a batch of downloads in one line.

    Bytes are known of the files only that the service has finished, so it is the files that the bar counts; a single
    file is shown by its bytes.

    Parameters
    ----------
    enabled : bool
        As for :class:`Progress`.
    clock : callable
        Seconds of a monotonic clock.
    """

    form = "{percentage:3.0f}% |{bar:20}| {desc}"

    def __init__(self, enabled: bool = True, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__("", enabled)
        self._speed = _Speed(clock)

    def __call__(  # type: ignore[override]  # the core gives one more argument than to other work
        self, done: int, total: int, stage: str | None, counts: Mapping[str, int]
    ) -> None:
        """Draw the state of the batch; called by the core while it waits."""
        self._speed.note(done, counts)
        if (bar := self._open()) is None:
            return
        alone = counts["files"] <= 1
        bar.total = total if alone else counts["files"]
        bar.n = min(done, total) if alone else counts["done"] + counts["failed"]
        left = self._speed.left(counts)
        bar.set_description_str(describe(done, total, stage, counts, self._speed.bytes, left), refresh=False)
        bar.refresh()


class _Speed:
    """How fast bytes come and files are finished, of late and on the whole."""

    SPAN = 5.0  # seconds over which bytes are counted

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._marks: list[tuple[float, int]] = []
        self._began: tuple[float, int] | None = None
        self.bytes = 0.0  # per second

    def note(self, done: int, counts: Mapping[str, int]) -> None:
        now = self._clock()
        # What was there already costs no time and says nothing about the rest.
        if self._began is None or not (counts["queued"] or counts["running"] or self._marks):
            self._began = (now, counts["done"])
        if self._marks and done < self._marks[-1][1]:  # something was thrown away and comes again
            self._marks.clear()
        self._marks.append((now, done))
        while len(self._marks) > 2 and now - self._marks[1][0] >= self.SPAN:
            self._marks.pop(0)
        then, before = self._marks[0]
        span = now - then
        self.bytes = (done - before) / span if span > 0 else 0.0

    def left(self, counts: Mapping[str, int]) -> float:
        """Seconds until all files are there; 0 where that cannot be told yet."""
        if self._began is None:
            return 0.0
        began, had = self._began
        finished = counts["done"] - had
        missing = counts["files"] - counts["done"] - counts["failed"]
        return (self._clock() - began) / finished * missing if finished >= 2 else 0.0


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
    rate = [f"{_bytes(speed)}/s"] if speed >= 1 else []
    if counts["files"] <= 1:
        what = [name for name in ("queued", "running") if counts[name]] or [stage or "beginning"]
        size = [f"{_bytes(done)} of {_bytes(total)}"] if total else []
        ahead = (total - done) / speed if speed >= 1 else 0.0
        return ", ".join([*what, *size, *rate, *_about(ahead)])
    parts = [f"{counts[name]} {name}" for name in ("queued", "running", "downloading", "checking") if counts[name]]
    parts.append(f"{counts['done']} of {counts['files']} done")
    parts += [f"{counts['failed']} failed"] if counts["failed"] else []
    return ", ".join([*parts, *rate, *_about(left)])


def _bytes(number: float) -> str:
    """A number of bytes in the largest unit that leaves at least one: "35 MB"."""
    for unit in ("B", "kB", "MB", "GB"):
        if number < 999.5:
            return f"{number:.{1 if number < 9.95 and unit != 'B' else 0}f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"


def _about(seconds: float) -> list[str]:
    """A time to go in words, or nothing for one that is over or unknown."""
    if seconds < 1:
        return []
    if seconds < 90:
        return [f"about {seconds:.0f} s"]
    return [f"about {seconds / 60:.0f} min" if seconds < 5400 else f"about {seconds / 3600:.0f} h"]
