"""The classes of ``cdsapi``, on top of :class:`era5fast.Client`."""

from __future__ import annotations

import datetime as dt
import functools
import logging
import os
import time
import warnings
import weakref
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar

from .. import client as era5fast_client
from ..connection import GOAL_RESULT, Connection, Item, item_of
from ..errors import Era5FastError, JobFailedError, RequestError
from ..jobs import ENDED, JobHandle, log_of
from ..results import Result as CoreResult
from ..routes import JOBS
from ..settings import rows
from .course import Course, Watch, size_text, without_query
from .familiar import Lines, as_usual

__all__ = ["Client", "Remote", "Result", "Results"]

_Given = ParamSpec("_Given")
_Got = TypeVar("_Got")

#: Words of a service log's line that stand for its level.
_LEVELS = {
    "CRITICAL": logging.CRITICAL,
    "FATAL": logging.CRITICAL,
    "ERROR": logging.ERROR,
    "WARNING": logging.WARNING,
    "WARN": logging.WARNING,
    "INFO": logging.INFO,
    "DEBUG": logging.DEBUG,
}
#: HTTP codes after which a call is worth repeating.
_PASSING = (408, 429, 500, 502, 503, 504)
#: Seconds for a job to be dismissed whose owner is gone.
_LAST_WORDS = 0.7
_TOOLBOX = "the toolbox of the Climate Data Store was closed in 2024"


def _familiar(method: Callable[_Given, _Got]) -> Callable[_Given, _Got]:
    """Have the errors of a method take the form that old notebooks expect."""

    @functools.wraps(method)
    def wrapped(*args: _Given.args, **kwargs: _Given.kwargs) -> _Got:
        with as_usual():
            return method(*args, **kwargs)

    return wrapped


class _Logging:
    """The methods with which a client and what it gives back write log lines."""

    def log(self, level: int, *args: Any, **kwargs: Any) -> None:
        """Write a line at a level, or hand it to the callback for that level."""
        self._lines().log(level, *args, **kwargs)

    def debug(self, *args: Any, **kwargs: Any) -> None:
        """Write a line for those who look for a fault."""
        self.log(logging.DEBUG, *args, **kwargs)

    def info(self, *args: Any, **kwargs: Any) -> None:
        """Write a line on the course of things."""
        self.log(logging.INFO, *args, **kwargs)

    def warning(self, *args: Any, **kwargs: Any) -> None:
        """Write a warning."""
        self.log(logging.WARNING, *args, **kwargs)

    def error(self, *args: Any, **kwargs: Any) -> None:
        """Write of a failure."""
        self.log(logging.ERROR, *args, **kwargs)

    def _lines(self) -> Lines:
        raise NotImplementedError


class Client(_Logging):
    """The client of ``cdsapi``, with all its arguments in their order.

    Parameters
    ----------
    url, key : str, optional
        Address and token; otherwise from the environment or ``~/.cdsapirc``.
    quiet, debug : bool
        Log warnings only; log everything, but never the token.
    verify : bool, optional
        Whether to check certificates; see :class:`era5fast.Client`.
    timeout : float or (float, float)
        Seconds without a byte of a reply; or (connect, read).
    progress : bool
        Show a display on terminals and in notebooks.
    full_stack, metadata, forget
        Without effect, as in the official client.
    delete : bool
        Dismiss jobs at the service when they are no longer needed.
    retry_max, sleep_max : int, float
        Tries, and most seconds between them: a temporary fault becomes an error after their product. Waits between
        looks at a job are no longer than `sleep_max` either.
    wait_until_complete : bool
        False: :meth:`retrieve` gives a job that has only been submitted.
    info_callback, warning_callback, error_callback, debug_callback : callable, optional
        Called instead of logging.
    session : requests.Session, optional
        Only its proxies and certificates are used.

    Attributes
    ----------
    client : era5fast.Client
        Does the work.
    """

    logger = Lines.logger

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        quiet: bool = False,
        debug: bool = False,
        verify: bool | int | str | None = None,
        timeout: float | tuple[float, float] = 60,
        progress: bool = True,
        full_stack: Any = None,
        delete: bool = False,
        retry_max: int = 500,
        sleep_max: float = 120,
        wait_until_complete: bool = True,
        info_callback: Callable[..., Any] | None = None,
        warning_callback: Callable[..., Any] | None = None,
        error_callback: Callable[..., Any] | None = None,
        debug_callback: Callable[..., Any] | None = None,
        metadata: Any = None,
        forget: Any = None,
        session: Any = None,
    ) -> None:
        given = {"full_stack": full_stack, "metadata": metadata, "forget": forget}
        if useless := {name: value for name, value in given.items() if value is not None}:
            warnings.warn(f"these arguments of Client have no effect: {useless}", UserWarning, stacklevel=2)
        self.quiet, self.timeout, self.progress, self.delete = quiet, timeout, progress, delete
        self.retry_max, self.sleep_max, self.wait_until_complete = retry_max, sleep_max, wait_until_complete
        self.info_callback, self.warning_callback = info_callback, warning_callback
        self.error_callback, self.debug_callback = error_callback, debug_callback
        self.full_stack, self.metadata, self.forget = full_stack, metadata, forget
        self.last_state: str | None = None
        self.session = session
        callbacks = {
            logging.INFO: info_callback,
            logging.WARNING: warning_callback,
            logging.ERROR: error_callback,
            logging.DEBUG: debug_callback,
        }
        self._written = Lines(quiet, debug, callbacks)
        verify, proxy = _from_session(verify, session)
        self.verify = True if verify is None else bool(verify)
        self.client = era5fast_client.Client(
            url,
            key,
            verify=bool(verify) if isinstance(verify, int) else verify,
            proxy=proxy,
            debug=debug or None,
            progress=bool(progress) and not quiet,
            **_settings(timeout, retry_max, sleep_max),
        )
        if debug_callback is not None:
            self._connection.listener = self.debug
        shown = {"url": self.url, "key": "***", "quiet": quiet, "verify": self.verify, "timeout": timeout}
        shown |= {"progress": progress, "sleep_max": sleep_max, "retry_max": retry_max, "delete": delete}
        self.debug(f"CDSAPI {shown}")

    def __repr__(self) -> str:
        return f"<Client of {self.url}>"

    @property
    def url(self) -> str:
        """Address of the service."""
        return self.client.url

    @property
    def key(self) -> str | None:
        """The token."""
        return self._connection.config.key

    @property
    def _connection(self) -> Connection:
        return self.client._connection

    def _lines(self) -> Lines:
        return self._written

    @_familiar
    def retrieve(
        self, name: str, request: dict[str, Any], target: str | os.PathLike[str] | None = None
    ) -> str | Result | Remote:
        """Ask for a file.

        Parameters
        ----------
        name : str
            Dataset.
        request : dict
            Keys and values.
        target : path, optional
            Name of the file. One that exists is replaced when the new one is whole.

        Returns
        -------
        str, Result or Remote
            The target; without one the result, or the job if the client is not to wait until it is complete.
        """
        if target is not None:
            return self._retrieve_into(item_of(name, request, target))
        remote = Remote(self, self.client.submit(name, request))
        return remote.get_results() if self.wait_until_complete else remote

    def _retrieve_into(self, item: Item) -> str:
        """One piece of work from request to file: nothing is asked for where the file could not be written."""
        course = Course(item, self._connection.journal, self._heard)
        try:
            with self._connection.display() as display:
                done = self._connection.fetch_one(item, True, course.showing_on(display))
            course.end(done)
            self._dismiss(done["job_id"])
        except Era5FastError as error:
            course.name(error.job_id)
            if isinstance(error, JobFailedError):
                Remote(self, self._job(error.job_id), announce=False)._tell_end()
            self._dismiss(error.job_id)
            raise
        return str(item.target)

    def _heard(self, status: str, line: str) -> None:
        """Write what has happened to a request; the state where that is what has changed."""
        self.last_state = status or self.last_state
        self.info(line)

    def _job(self, job_id: str) -> JobHandle:
        return JobHandle(self._connection, job_id)

    def _dismiss(self, job_id: str) -> None:
        """Dismiss a job that is no longer needed, where the client cleans up."""
        if self.delete and job_id:
            _Cleanup(self, self._job(job_id))()

    def download(self, results: Any, targets: Any = None) -> Any:
        """Download one result, or those in nested lists and dictionaries; `targets` are used up in order."""
        return self._download(results, list(targets) if targets else None)

    def _download(self, results: Any, targets: list[Any] | None) -> Any:
        if isinstance(results, Mapping) and {"location", "contentLength"} <= set(results):
            reply = {name: results.get(key) for name, key in _JSON_KEYS.items()}
            results = Result(self, reply)
        if isinstance(results, Result | Remote):
            return results.download(targets.pop(0) if targets else None)
        if isinstance(results, list | tuple):
            return [self._download(one, targets) for one in results]
        if isinstance(results, Mapping):
            return {key: self._download(one, targets) for key, one in results.items()}
        return results

    @_familiar
    def remote(self, url: str) -> Result:
        """A file at an address, as a result to be downloaded; the address is asked for size and type."""
        told = self._connection.head(url)
        reply = {"location": url, "content_length": told["size"], "content_type": told["type"]}
        return Result(self, reply)

    @_familiar
    def status(self, context: Any = None) -> dict[str, list[str]]:
        """What the service has to tell: severity → texts."""
        texts: dict[str, list[str]] = {}
        for message in self.client.messages():
            texts.setdefault(str(message.get("severity")), []).append(str(message.get("content")))
        return texts

    def service(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Raise :class:`NotImplementedError`: the toolbox is closed."""
        raise NotImplementedError(_TOOLBOX)

    def workflow(self, code: str, *args: Any, **kwargs: Any) -> Any:
        """Raise :class:`NotImplementedError`: the toolbox is closed."""
        raise NotImplementedError(_TOOLBOX)

    def robust(self, call: Callable[_Given, _Got]) -> Callable[_Given, _Got]:
        """Have a function of your own repeated after failures of the network and replies that say "later"."""

        @functools.wraps(call)
        def wrapped(*args: _Given.args, **kwargs: _Given.kwargs) -> _Got:
            for attempt in range(1, self.retry_max + 1):
                try:
                    reply = call(*args, **kwargs)
                    if getattr(reply, "status_code", 200) not in _PASSING or attempt == self.retry_max:
                        return reply
                    what = f"HTTP error: [{reply.status_code}]"  # type: ignore[attr-defined]
                except OSError as error:  # those of requests are of this kind
                    if attempt == self.retry_max:
                        raise
                    what = f"Connection error: [{error}]"
                self.warning(f"{what}. Attempt {attempt} of {self.retry_max}.")
                time.sleep(self.sleep_max)
            raise RuntimeError("retry_max must be at least 1")

        return wrapped


#: Our names of what ``Result.toJSON`` calls otherwise.
_JSON_KEYS = {"location": "location", "content_length": "contentLength", "content_type": "contentType"}


class Result(_Logging):
    """A result to be downloaded, with the members that it had in all versions of ``cdsapi``.

    Parameters
    ----------
    client : Client
        Whose it is.
    reply : dict
        ``location``, ``content_length``, ``content_type`` and, for a job's result, ``request_id``.
    """

    def __init__(
        self,
        client: Client,
        reply: dict[str, Any],
        job: JobHandle | None = None,
        checksum: str = "",
        cleanup: _Cleanup | None = None,
    ) -> None:
        self.reply = reply
        self._client, self._job, self._checksum = client, job, checksum
        self._cleanup = _Cleanup(client, job) if cleanup is None else cleanup

    def __repr__(self) -> str:
        values = (self.content_length, self.content_type, without_query(self.location))
        return "Result(content_length={},content_type={},location={})".format(*values)

    def _lines(self) -> Lines:
        return self._client._written

    @property
    def location(self) -> str:
        """Address of the file."""
        return str(self.reply["location"])

    @property
    def content_length(self) -> int:
        """Bytes of the file; -1 if that is not known."""
        return int(self.reply["content_length"])

    @property
    def content_type(self) -> str | None:
        """Media type of the file."""
        kind = self.reply["content_type"]
        return None if kind is None else str(kind)

    @property
    def asset(self) -> dict[str, Any]:
        """The file in the service's words."""
        named = {"type": self.content_type, "href": self.location, "file:checksum": self._checksum}
        return {**named, "file:size": self.content_length}

    @property
    def json(self) -> dict[str, Any]:
        """The reply of the service in which the file was named."""
        return {"asset": {"value": self.asset}}

    @property
    def url(self) -> str:
        """Address of the service at which the result was found."""
        return self._client.url if self._job is None else f"{self._client.url}{JOBS}/{self._job.id}/results"

    def toJSON(self) -> dict[str, Any]:
        """The file in the words of the old toolbox."""
        return {"resultType": "url", **{key: self.reply.get(name) for name, key in _JSON_KEYS.items()}}

    @_familiar
    def download(self, target: str | os.PathLike[str] | None = None) -> str:
        """Download the file; without a target under its name at the service, in the working directory.

        A file that exists is replaced when the new one is whole.
        """
        job_id, asked = (self._job.id, self._job.asked) if self._job is not None else ("", (None, None))
        result = CoreResult(self._client._connection, job_id, self._core_asset(), *asked)
        path = result.name if target is None else os.fspath(target)
        self.info(f"Downloading {without_query(self.location)} to {path} ({size_text(self.content_length)})")
        began = time.monotonic()
        path = result.download(path, overwrite=True)
        elapsed = time.monotonic() - began
        self.info(f"Download rate {size_text(os.path.getsize(path) / max(elapsed, 1e-6))}/s")
        if self._client.delete:
            self.delete()
        return path

    def _core_asset(self) -> dict[str, Any]:
        named = {"href": self.location, "type": self.content_type or "", "checksum": self._checksum}
        return {**named, "size": self.content_length}

    @_familiar
    def check(self) -> Any:
        """Ask whether the file is there; the reply has ``status_code``, ``ok`` and ``headers``."""
        self.debug(f"HEAD {without_query(self.location)}")
        return _Checked(self._client._connection.head(self.location))

    @_familiar
    def update(self, request_id: str | None = None) -> None:
        """Ask the service again for state and address, and put them into :attr:`reply`."""
        job = self._job if request_id is None else JobHandle(self._client._connection, request_id)
        if job is None:
            raise RequestError("this result belongs to no job that could be asked for again")
        remote = Remote(self._client, job, announce=False)
        self.reply = remote._reply()

    @_familiar
    def delete(self) -> None:
        """Dismiss the job that made the file; once."""
        self._cleanup()


class Remote(_Logging):
    """A job at the service, with the members that it had in all versions of the official clients.

    Every attribute that may change is asked for when it is read.
    """

    def __init__(self, client: Client, job: JobHandle, announce: bool = True) -> None:
        self._client, self._job = client, job
        self._told, self._log_told = "", dt.datetime.min.replace(tzinfo=dt.UTC)
        self._cleanup = _Cleanup(client, job if announce else None)
        if announce:
            self.info(f"Request ID is {job.id}")
            self._tell(job.last_status)

    def __repr__(self) -> str:
        return f"Remote({self.request_id})"

    def _lines(self) -> Lines:
        return self._client._written

    def _tell(self, status: str) -> None:
        """Write a line when the state has changed."""
        if status and status != self._told:
            self._told = self._client.last_state = status
            self.info(f"status has been updated to {status}")

    def _tell_course(self, status: str) -> None:
        """Write what a display would show; not of a job that has ended, where only the result is looked at."""
        if self._told not in ENDED:
            self._tell(status)

    @property
    def request_id(self) -> str:
        """Id of the job."""
        return self._job.id

    @property
    def url(self) -> str:
        """Address of the job."""
        return f"{self._client.url}{JOBS}/{self._job.id}"

    @property
    @_familiar
    def json(self) -> dict[str, Any]:
        """What the service says of the job."""
        return self._job.refresh(log=True)

    @property
    @_familiar
    def status(self) -> str:
        """State of the job: "accepted", "running", "successful", "failed" or "rejected"."""
        self._tell_log(self._job.refresh(log=True))
        self._tell(self._job.last_status)
        return self._job.last_status

    def _tell_log(self, document: dict[str, Any]) -> None:
        """Write the lines of the service's own log that are new."""
        for moment, text in log_of(document):
            if moment <= self._log_told:
                continue
            word, _, rest = text.partition(" ")
            level = _LEVELS.get(word.rstrip(":"))
            self.log(logging.INFO if level is None else level, text if level is None else rest.lstrip(": "))
            self._log_told = moment

    @property
    def results_ready(self) -> bool:
        """Whether the job has ended well; an error if it ended otherwise."""
        if self.status in ("failed", "rejected", "dismissed"):
            self.get_results()
        return self._job.last_status == "successful"

    @property
    @_familiar
    def request(self) -> dict[str, Any]:
        """What was asked."""
        return self._job.request

    @property
    @_familiar
    def collection_id(self) -> str:
        """Dataset that was asked."""
        return self._job.dataset

    @property
    @_familiar
    def created_at(self) -> dt.datetime | None:
        """When the job was submitted (UTC)."""
        return self._job.created

    @property
    @_familiar
    def started_at(self) -> dt.datetime | None:
        """When the service began with it (UTC); None before."""
        return self._job.started

    @property
    @_familiar
    def finished_at(self) -> dt.datetime | None:
        """When it ended (UTC); None before."""
        return self._job.finished

    @property
    @_familiar
    def updated_at(self) -> dt.datetime | None:
        """When its state last changed (UTC)."""
        return self._job.updated

    @_familiar
    def get_results(self) -> Result:
        """Wait until the job has ended well; the result is to be downloaded."""
        reply, job, checksum = self._ended_well()
        if job is self._job:
            return Result(self._client, reply, job, checksum, self._cleanup)
        self._cleanup.stop()
        return Result(self._client, reply, job, checksum)

    def _ended_well(self) -> tuple[dict[str, Any], JobHandle, str]:
        """Wait: what a result says of its file, the job that made it, and the checksum."""
        connection = self._client._connection
        item = Item(*self._job.asked, job_id=self._job.id, goal=GOAL_RESULT)
        self._tell(self._job.last_status)
        try:
            with connection.display() as display:
                done = connection.fetch_one(item, progress=Watch(self._tell_course, display))
        except JobFailedError:
            self._tell_end()
            raise
        self._tell(done["status"])
        asset, job = done["asset"], self._job
        if done["job_id"] and done["job_id"] != job.id:  # the first one failed in passing or its result had gone
            job = JobHandle(connection, done["job_id"], job.dataset, job.request)
        reply = {"state": "completed", "request_id": job.id, "location": asset["href"]}
        reply |= {"content_length": asset["size"], "content_type": asset["type"]}
        return reply, job, asset["checksum"]

    def _tell_end(self) -> None:
        """Write how a job ended that did not end well."""
        try:
            self._tell_log(self._job.refresh(log=True))
        except Era5FastError as error:
            self.debug(str(error))
        self._tell(self._job.last_status)

    def download(self, target: str | os.PathLike[str] | None = None) -> str:
        """Wait until the job has ended, and download what it has made."""
        return self.get_results().download(target)

    @_familiar
    def delete(self) -> dict[str, Any]:
        """Dismiss the job at the service."""
        self._cleanup.stop()
        self._job.cancel()
        return {"jobID": self._job.id, "status": "dismissed"}

    @_familiar
    def get_receipt(self) -> dict[str, Any]:
        """Wait until the job has ended, and get the receipt of the service."""
        try:
            self.get_results()
        except JobFailedError:
            if self._job.last_status != "failed":
                raise
        return self._job.receipt()

    def update(self, request_id: str | None = None) -> None:
        """Ask for the state again; :attr:`reply` has it afterwards."""
        if request_id not in (None, self.request_id):
            raise RequestError(f"this is job {self.request_id}, not {request_id}")
        self.__dict__.pop("reply", None)
        _ = self.reply

    @functools.cached_property
    def reply(self) -> dict[str, Any]:
        """State of the job in the words of the old service, as of the last :meth:`update`."""
        with as_usual():
            return self._reply()

    def _reply(self) -> dict[str, Any]:
        reply = dict(self._job.refresh())
        reply |= {"state": self._job.last_status, "request_id": self._job.id}
        if reply["state"] == "successful":
            reply |= self._ended_well()[0]
        elif reply["state"] in ("failed", "rejected"):
            try:
                self.get_results()
            except Era5FastError as error:
                reply["error"] = {"message": str(error), "reason": error.what}
        return reply


#: The name that results have in the newer of the official clients.
Results = Result


class _Cleanup:
    """Dismisses a job once: when called, or when nobody shares it any more where the client cleans up.

    A job and its results share one: the job is there as long as any of them may still be downloaded.
    """

    def __init__(self, client: Client, job: JobHandle | None) -> None:
        self._job, self._lines = job, client._written
        self._at_end: Any = None
        if client.delete and job is not None:  # shortly, since that may be when the program ends
            self._at_end = weakref.finalize(self, _dismiss, job, self._lines, _LAST_WORDS)

    def stop(self) -> None:
        """Leave the job alone from now on."""
        self._job = None
        if self._at_end is not None:
            self._at_end.detach()

    def __call__(self) -> None:
        job = self._job
        self.stop()
        if job is not None:
            _dismiss(job, self._lines)


def _dismiss(job: JobHandle, lines: Lines, patience: float | None = None) -> None:
    try:
        job.cancel(patience)
    except Era5FastError as error:
        lines.log(logging.WARNING, f"job {job.id} is left at the service: {error}")


class _Checked:
    """What a store has said of a file, as a reply of ``requests`` would hold it."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.status_code, self.ok = int(told["status"]), told["status"] < 400
        self.headers = {"Content-Length": str(told["size"]), "Content-Type": told["type"], "ETag": told["etag"]}

    def raise_for_status(self) -> None:
        """Do nothing: a refusal has been raised already."""


def _from_session(verify: Any, session: Any) -> tuple[Any, str | None]:
    """Certificates and proxy of a session of ``requests``, where the arguments say nothing."""
    own = getattr(session, "verify", True)
    proxies = getattr(session, "proxies", None) or {}
    return (own if verify is None and own is not True else verify), proxies.get("https") or proxies.get("http")


def _settings(timeout: Any, retry_max: int, sleep_max: float) -> dict[str, Any]:
    """Settings of our client that do what these arguments mean; those with usual values are left as they are."""
    settings: dict[str, Any] = {}
    if isinstance(timeout, tuple | list):
        settings |= {"connect_timeout": timeout[0], "timeout": timeout[1]}
    elif timeout != 60:
        settings["timeout"] = timeout
    usual = {name: row.default for name, row in rows().items()}
    if (retry_max, sleep_max) != (500, 120):
        settings["patience"] = retry_max * sleep_max
        settings |= {"retry_wait_max": sleep_max, "retry_wait": min(usual["retry_wait"], sleep_max)}
    if sleep_max < usual["poll_interval_max"]:
        looks = ("poll_interval_min", "poll_interval", "poll_interval_max")
        settings |= {name: min(usual[name], max(sleep_max, 0.001)) for name in looks}
    return settings
