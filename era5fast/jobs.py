"""Jobs at the service, as objects to wait for, download and cancel."""

from __future__ import annotations

import datetime as dt
import json
import os
from typing import Any

from .connection import GOAL_FILE, GOAL_RESULT, Connection, Item, json_of, path_of, quoted, wants_netcdf
from .errors import JobLostError, JobTimeoutError
from .results import Result

__all__ = ["JobHandle"]

ENDED = ("successful", "failed", "rejected", "dismissed")
JOBS = "/retrieve/v1/jobs"


class JobHandle:
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

    def __repr__(self) -> str:
        parts = [self.id, self._dataset or str(self._document.get("processID") or ""), self.last_status]
        return f"<Job {', '.join(filter(None, parts))}>"

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
            self._dataset = str(self._known("processID") or "")
        return self._dataset

    @property
    def request(self) -> dict[str, Any]:
        """What was asked, as it was sent."""
        if self._request is None:
            self._request = dict(_part(self.refresh(), "metadata", "request", "ids"))
        return self._request

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
        return self._dataset or None, None if self._request is None else json_of(self._request)

    def refresh(self, *, log: bool = False) -> dict[str, Any]:
        """Look at the job now.

        Parameters
        ----------
        log : bool
            Ask for the service's log as well.

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
        return self.learn(self._connection.ask_object("GET", f"{JOBS}/{quoted(self.id)}{query}"))

    def learn(self, document: dict[str, Any]) -> dict[str, Any]:
        """Take over what the service has said about the job."""
        self._document = document
        self.last_status = str(document.get("status") or self.last_status)
        return document

    def _follow(self, done: dict[str, Any]) -> None:
        """Take over what the core has found: another job where this one was rejected in passing or had gone."""
        if done["kept"]:
            return
        if done["job_id"] and done["job_id"] != self.id:
            self.id, self._document = done["job_id"], {}
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

    def _result(self, timeout: float | None, progress: bool | None) -> dict[str, Any]:
        if timeout is not None and timeout <= 0 and self.status not in ENDED:
            raise JobTimeoutError(f"job {self.id} has not ended: {self.last_status}", job_id=self.id)
        settings = {"deadline": float(timeout)} if timeout is not None and timeout > 0 else None
        item = Item(*self.asked, job_id=self.id, goal=GOAL_RESULT)
        done = self._connection.fetch_one(item, progress=progress, settings=settings)
        self._follow(done)
        return dict(done["asset"])

    def item(self, target: str | os.PathLike[str], unpack: bool | None = None) -> Item:
        """The job as work for the core."""
        path = path_of(target)
        unpack = wants_netcdf(path) if unpack is None else unpack
        return Item(*self.asked, job_id=self.id, target=path, goal=GOAL_FILE, unpack=unpack)

    def download(
        self,
        target: str | os.PathLike[str] | None = None,
        *,
        overwrite: bool | str = "verify",
        unpack: bool | None = None,
        progress: bool | None = None,
    ) -> str:
        """Wait, and download what the job has made.

        Parameters
        ----------
        target : path, optional
            Final name; without it, the name at the service, in the working directory.
        overwrite, unpack, progress
            As in :meth:`era5fast.Client.retrieve`.

        Returns
        -------
        str
            The target.

        Raises
        ------
        Era5FastError
            One of its subclasses; the target is then as it was before.
        """
        if target is None:
            return self.result(progress=progress).download(overwrite=overwrite, unpack=unpack, progress=progress)
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
        Era5FastError
            If it has not ended, or the service does not know it.
        """
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
    return sorted((moment, str(text)) for when, text in rows if (moment := _moment(when)) is not None)


def _part(document: dict[str, Any], *names: str) -> dict[str, Any]:
    """An object within an object of the service; empty where there is none."""
    for name in names:
        inner = document.get(name)
        document = inner if isinstance(inner, dict) else {}
    return document


def handle_of(connection: Connection, document: dict[str, Any]) -> JobHandle:
    """The job that a document of the service describes."""
    handle = JobHandle(connection, str(document.get("jobID")), str(document.get("processID") or ""))
    handle.learn(document)
    return handle


def handle_of_row(connection: Connection, row: dict[str, Any]) -> JobHandle:
    """The job of a row of the journal."""
    request = json.loads(row["request"]) if row.get("request") else None
    handle = JobHandle(connection, str(row["job_id"]), str(row.get("dataset") or ""), request)
    handle.last_status = str(row.get("status") or "")
    return handle


def _moment(text: Any) -> dt.datetime | None:
    """A time of the service, which are all in UTC without saying so."""
    try:
        moment = dt.datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment
