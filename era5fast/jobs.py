"""Jobs at the service, as objects to wait for, download and cancel."""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
from collections.abc import Mapping
from typing import Any

from .canonical import canonical
from .connection import GOAL_FILE, GOAL_RESULT, Connection, Item, path_of, wants_netcdf
from .errors import Era5FastError, JobLostError, JobTimeoutError, clean
from .notebook_table import table
from .results import Downloadable, Result, asset_of
from .routes import JOBS, quoted

__all__ = ["JobHandle"]

_log = logging.getLogger("era5fast")

_LINE = 2000  # most letters of a line of its log
_WORD = 32  # most letters of a word of the service for a state
ENDED = ("successful", "failed", "rejected", "dismissed")
_SHOWN = 100  # letters of a value in a table


class JobHandle(Downloadable):
    """One job; given by :meth:`era5fast.Client.submit`, :meth:`~era5fast.Client.job`, :meth:`~era5fast.Client.jobs`.

    Attributes
    ----------
    id : str
        Its id at the service.
    last_status : str
        Its state when it was last looked at; "" before.
    """

    def __init__(
        self, connection: Connection, job_id: str, dataset: str = "", request: dict[str, Any] | None = None
    ) -> None:
        self.id = job_id
        self.last_status = ""
        self._connection = connection
        self._dataset, self._request = dataset, request
        self._document: dict[str, Any] = {}
        self._asset: dict[str, Any] | None = None  # as the service has told it

    def __repr__(self) -> str:
        parts = [self.id, self._dataset or clean(self._document.get("processID") or ""), self.last_status]
        return f"<Job {', '.join(filter(None, parts))}>"

    def _repr_html_(self) -> str:
        """Table for notebooks: what is known, without a call of the service."""
        request = ((key, clean(value, _SHOWN)) for key, value in (self._request or {}).items())
        about = f"{self.id}, {self.last_status or 'not looked at yet'}"
        return table(
            "Job", about, [("dataset", self._dataset or clean(self._document.get("processID") or "")), *request]
        )

    @property
    def status(self) -> str:
        """Its state now: "accepted", "running", "successful", "failed" or "rejected"; one call until it has ended."""
        if self.last_status not in ENDED:
            self.refresh()
        return self.last_status

    @property
    def dataset(self) -> str:
        """Dataset that was asked."""
        if not self._dataset:
            self._dataset = clean(self._known("processID") or "")
        return self._dataset

    @property
    def request(self) -> dict[str, Any]:
        """What was asked, as it was sent; empty where the service does not say."""
        if self._request is None:
            self.refresh()
        return self._request or {}

    @property
    def created(self) -> dt.datetime | None:
        """When it was submitted (UTC)."""
        return _moment(self._known("created"))

    @property
    def started(self) -> dt.datetime | None:
        """When the service began to work on it (UTC); None while it waits."""
        return _moment(self._known("started"))

    @property
    def finished(self) -> dt.datetime | None:
        """When it ended (UTC); None before."""
        return _moment(self._known("finished"))

    @property
    def updated(self) -> dt.datetime | None:
        """When its state last changed (UTC), as far as is known now."""
        return _moment(self.refresh().get("updated"))

    @property
    def asked(self) -> tuple[str | None, str | None]:
        """Dataset and request as JSON, as far as they are known without a call."""
        return self._dataset or None, None if self._request is None else canonical(self._request)

    def refresh(self, *, log: bool = False, timeout: float | None = None) -> dict[str, Any]:
        """Look at the job now.

        Parameters
        ----------
        log : bool
            Ask for the service's log as well.
        timeout : float, optional
            Seconds for which to try; by default as the client was told.

        Returns
        -------
        dict
            The document of the service.

        Raises
        ------
        JobLostError
            If the service does not know the job.
        """
        query = "?request=true&log=true" if log else "?request=true"
        path = f"{JOBS}/{quoted(self.id)}{query}"
        usual = self._connection.settings
        limits = None if timeout is None else {name: min(usual[name], timeout) for name in ("patience", "timeout")}
        return self.learn(self._connection.ask_object("GET", path, settings=limits))

    def learn(self, document: dict[str, Any]) -> dict[str, Any]:
        """Take over what the service has said about the job."""
        self._document = document
        self._asset = asset_of(document) or self._asset
        self.last_status = clean(document.get("status") or self.last_status, _WORD)
        self._dataset = self._dataset or clean(document.get("processID") or "")
        if self._request is None:
            self._request = dict(_part(document, "metadata", "request", "ids")) or None
        return document

    def _find_request(self, timeout: float | None) -> None:
        """Learn what was asked: without it, a job that was rejected in passing could not be asked for again."""
        if self._request is not None or self.last_status == "successful":
            return
        try:
            self.refresh(timeout=timeout)
        except JobLostError:
            raise
        except Era5FastError as error:
            _log.debug("the request of job %s is not known: %s", self.id, error)

    def _follow(self, done: dict[str, Any]) -> None:
        """Take over what the core has found: another job where this one was rejected in passing or had gone."""
        if done["kept"]:
            return
        if done["job_id"] and done["job_id"] != self.id:
            self.id, self._document, self._asset = done["job_id"], {}, None
        self.last_status = done["status"] or self.last_status

    def wait(self, timeout: float | None = None, *, progress: bool | None = None) -> JobHandle:
        """Wait until the job has ended well.

        Parameters
        ----------
        timeout : float, optional
            Seconds; without it, for ever.
        progress : bool, optional
            Show a display on terminals and in notebooks.

        Returns
        -------
        JobHandle
            Itself.

        Raises
        ------
        JobTimeoutError
            If it has not ended in time; the job goes on.
        JobFailedError
            If it ended otherwise.
        """
        self._result(timeout, progress)
        return self

    def result(self, timeout: float | None = None, *, progress: bool | None = None) -> Result:
        """Wait, and give what the job has made; see :meth:`wait`.

        Returns
        -------
        Result
            To be downloaded.
        """
        asset = self._result(timeout, progress)
        return Result(self._connection, self.id, asset, *self.asked)

    def told_result(self) -> Result | None:
        """What the job has made, if the service has told that already; no call."""
        return None if self._asset is None else Result(self._connection, self.id, self._asset, *self.asked)

    def _result(self, timeout: float | None, progress: bool | None) -> dict[str, Any]:
        if timeout is not None and timeout <= 0 and self.status not in ENDED:
            raise JobTimeoutError(f"job {self.id} has not ended: {self.last_status}", job_id=self.id)
        settings = {"deadline": float(timeout)} if timeout is not None and timeout > 0 else None
        self._find_request(timeout)
        item = Item(*self.asked, job_id=self.id, goal=GOAL_RESULT)
        done = self._connection.fetch_one(item, progress=progress, settings=settings)
        self._follow(done)
        self._asset = dict(done["asset"])
        return self._asset

    def item(self, target: str | os.PathLike[str], unpack: bool | None = None) -> Item:
        """The job as work for the core."""
        path = path_of(target)
        unpack = wants_netcdf(path) if unpack is None else unpack
        return Item(*self.asked, job_id=self.id, target=path, goal=GOAL_FILE, unpack=unpack)

    def _download(
        self, target: str | os.PathLike[str] | None, overwrite: bool | str, unpack: bool | None, progress: bool | None
    ) -> str:
        if target is None:
            return self.result(progress=progress).download(overwrite=overwrite, unpack=unpack, progress=progress)
        self._find_request(None)
        item = self.item(target, unpack)
        self._follow(self._connection.fetch_one(item, overwrite, progress))
        return str(item.target)

    def cancel(self, patience: float | None = None) -> bool:
        """Dismiss the job at the service, whatever its state.

        Parameters
        ----------
        patience : float, optional
            Seconds for which to try; by default as the client was told.

        Returns
        -------
        bool
            False if the service did not know it any more.

        Raises
        ------
        Era5FastError
            If the service does not confirm it; an equal request then still goes on with this job.
        """
        limits = None if patience is None else dict.fromkeys(("patience", "timeout", "connect_timeout"), patience)
        try:
            self._connection.ask("DELETE", f"{JOBS}/{quoted(self.id)}", settings=limits)
            known = True
        except JobLostError:
            known = False
        self._connection.journal.forget(self.id)
        self.last_status = "dismissed" if known else self.last_status
        return known

    def log(self) -> list[tuple[dt.datetime, str]]:
        """What the service has told about the job, in order of time.

        Returns
        -------
        list of (datetime, str)
            Moment (UTC) and text.
        """
        return log_of(self.refresh(log=True))

    def receipt(self) -> dict[str, Any]:
        """The service's receipt of a job that has ended.

        Raises
        ------
        JobTimeoutError
            If it has not ended.
        JobLostError
            If the service does not know it.
        """
        if self.status not in ENDED:
            what = f"job {self.id} has no receipt yet: it is {self.last_status}"
            raise JobTimeoutError(what, hint="wait() until it has ended", job_id=self.id)
        return self._connection.ask_object("GET", f"{JOBS}/{quoted(self.id)}/receipt")

    def as_dict(self) -> dict[str, Any]:
        """What is known of the job, for machines."""
        moments = {name: _moment(self._document.get(name)) for name in ("created", "started", "finished")}
        texts = {name: None if moment is None else moment.isoformat() for name, moment in moments.items()}
        dataset = self._dataset or self._document.get("processID")
        return {"id": self.id, "dataset": dataset, "status": self.last_status, **texts}

    def _known(self, name: str) -> Any:
        """A value of the document; it is asked for again while it may still come."""
        may_come = self._document.get(name) is None and self.last_status not in ENDED
        if may_come or not self._document:
            self.refresh()
        return self._document.get(name)


def log_of(document: dict[str, Any]) -> list[tuple[dt.datetime, str]]:
    """The lines of the service's log in what it says of a job, in order of time."""
    lines = _part(document, "metadata").get("log")
    rows = [row for row in lines if isinstance(row, list) and len(row) == 2] if isinstance(lines, list) else []
    return sorted((moment, clean(text, _LINE)) for when, text in rows if (moment := _moment(when)) is not None)


def _part(document: dict[str, Any], *names: str) -> dict[str, Any]:
    """An object within an object of the service; empty where there is none."""
    for name in names:
        inner = document.get(name)
        document = inner if isinstance(inner, dict) else {}
    return document


def handle_of(
    connection: Connection, document: dict[str, Any], requests: Mapping[str, dict[str, Any]] | None = None
) -> JobHandle:
    """The job that a document of the service describes; `requests` are those that the journal has, by job."""
    job_id = clean(document.get("jobID"))
    handle = JobHandle(connection, job_id, request=(requests or {}).get(job_id))
    handle.learn(document)
    return handle


def handle_of_row(connection: Connection, row: dict[str, Any]) -> JobHandle:
    """The job of a row of the journal."""
    request = json.loads(row["request"]) if row.get("request") else None
    handle = JobHandle(connection, str(row["job_id"]), str(row.get("dataset") or ""), request)
    handle.last_status = clean(row.get("status") or "", _WORD)
    return handle


def _moment(text: Any) -> dt.datetime | None:
    """A time of the service, which are all in UTC without saying so."""
    try:
        moment = dt.datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment
