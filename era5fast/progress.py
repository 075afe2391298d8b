"""Progress bars: one callback that the native core calls a few times a second."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any

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
        if self._bar is None and time.monotonic() - self._began < PATIENCE:
            return
        if self._bar is None:
            from tqdm.auto import tqdm

            # None: no bar where the output is no terminal. A notebook's output is none, and yet has bars.
            disable = False if any(c.__module__ == "tqdm.notebook" for c in tqdm.__mro__) else None
            self._bar = tqdm(
                desc=self.label, unit=self.unit, unit_scale=True, disable=disable, leave=False, bar_format=_FORMAT
            )
        if stage:
            self._bar.set_postfix_str(stage, refresh=False)
        self._bar.total = total or None
        self._bar.n = done
        self._bar.refresh()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()


_FORMAT = "{desc:<28} {percentage:3.0f}% |{bar:30}| {elapsed} {rate_fmt} {postfix}"
