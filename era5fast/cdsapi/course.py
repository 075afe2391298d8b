"""The log lines of a request on its way to a file, as the official clients write them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from ..connection import Item
from ..journal import Place

__all__ = ["Course", "Watch", "size_text", "without_query"]


_ID_COMES = 2.0  # seconds; a journal that cannot be written to never has it


class Watch:
    """Takes the place of a display: tells states of a job, and passes everything on.

    Parameters
    ----------
    reached : callable
        Takes a state, again and again.
    display : callable or None
        What the core would call otherwise.
    downloading : callable, optional
        Takes the number of bytes, while they come.
    """

    def __init__(
        self, reached: Callable[[str], None], display: Any, downloading: Callable[[int], None] | None = None
    ) -> None:
        self._reached, self._display, self._downloading = reached, display, downloading

    def __call__(self, done: int, total: int, stage: str | None, counts: Mapping[str, int]) -> None:
        """What the core calls a few times a second."""
        if counts["downloading"] and self._downloading is not None:
            self._downloading(total)
        elif counts["queued"] or counts["running"]:
            self._reached("accepted" if counts["queued"] else "running")
        if self._display is not None:
            self._display(done, total, stage, counts)


class Course:
    """Tells the id of the job, its states and the download, each once.

    Parameters
    ----------
    item : Item
        What is asked for.
    journal : Place
        Knows the id of the job while it runs; without a journal the id is told at the end.
    tell : callable
        Takes a state, or "", and a line.
    """

    def __init__(self, item: Item, journal: Place, tell: Callable[[str, str], None]) -> None:
        self._item, self._journal, self._tell = item, journal, tell
        self._job_id = self._state = ""
        self._began = self._looked = 0.0

    def showing_on(self, display: Any) -> Watch:
        """What the core is to call, which calls `display` in turn."""
        return Watch(self._reached, display, self._downloading)

    def name(self, job_id: str) -> None:
        """Tell the id of the job."""
        if job_id and job_id != self._job_id:
            self._job_id = job_id
            self._tell("", f"Request ID is {job_id}")

    def end(self, done: Mapping[str, Any]) -> None:
        """Tell what the result of the work has, once the file is there."""
        self.name(done["job_id"])
        self._reached("successful")
        if not self._began:  # it was over before anybody looked, or nothing had to come
            self._tell("", f"{self._item.target} is there ({size_text(done['size'])})")
            return
        elapsed = max(time.monotonic() - self._began, 1e-6)
        self._tell("", f"Download rate {size_text(done['size'] / elapsed)}/s")

    def _downloading(self, size: int) -> None:
        if not self._began:
            self._reached("successful")
            self._began = time.monotonic()
            self._tell("", f"Downloading to {self._item.target} ({size_text(size)})")

    def _reached(self, state: str) -> None:
        if state == self._state:
            return
        if not self._job_id:
            self.name(self._known_id(state == "successful"))
        if not self._job_id and state == "accepted" and self._id_may_come():
            return
        self._state = state
        self._tell(state, f"status has been updated to {state}")

    def _id_may_come(self) -> bool:
        """A job that has just been made has its id in the journal soon; one found again is not queued for long."""
        now = time.monotonic()
        self._looked = self._looked or now
        return now - self._looked < _ID_COMES and self._journal.open() is not None

    def _known_id(self, ended: bool) -> str:
        """Id of the job by the journal; "" where it is not there."""
        asked = self._item.dataset, json.loads(self._item.request or "null")
        rows = self._journal.jobs() if ended else self._journal.unfinished()
        for row in reversed(rows):
            if (row["dataset"], json.loads(row["request"] or "null")) == asked:
                return str(row["job_id"] or "")
        return ""


def size_text(number: float) -> str:
    """Bytes as the old client writes them: "3.5M"."""
    for unit in ("", "K", "M", "G"):
        if number < 1024:
            return f"{round(number, 1):g}{unit}"
        number /= 1024
    return f"{round(number, 1):g}T"


def without_query(address: str) -> str:
    """An address to be shown: what stands in its query may open the file to everybody."""
    plain, mark, _ = address.partition("?")
    return f"{plain}?***" if mark else plain
