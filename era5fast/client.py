"""The client of the Climate Data Store: requests in, verified files out."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, overload

from .connection import GOAL_JOB, Connection, Item, check_call, connect, item_of, path_of, wants_netcdf
from .errors import (
    BatchError,
    Era5FastError,
    InputError,
    JobFailedError,
    JobLostError,
    RequestError,
    StorageError,
)
from .jobs import ENDED, JobHandle, handle_of, handle_of_row
from .journal import path_in_journal
from .plan import Job, Plan
from .request import Request, is_uncut, plan_of
from .results import Result
from .routes import ACCOUNT, CATALOGUE, JOBS, PROCESSES, collection, constraints, quoted
from .wording import did_you_mean

__all__ = ["BatchError", "Client", "retrieve"]

log = logging.getLogger("era5fast")

Path = str | os.PathLike[str]
_WATCHED = 20.0  # seconds within which a waiting process looks at its jobs
_told: set[str] = set()  # services whose unfinished jobs have been mentioned
_ORDERS = ("id", "relevance", "title", "update")
_PAGE = 1000  # jobs in one page of the service's list, at most


class Client:
    """A client of one service.

    Parameters
    ----------
    url, key : str, optional
        Address and token; otherwise from ``CDSAPI_URL``/``CDSAPI_KEY``, ``ECMWF_DATASTORES_URL``/``…_KEY``,
        ``~/.cdsapirc`` or ``~/.ecmwfdatastoresrc``.
    verify : bool or path, optional
        Certificates to trust: a file, or those of the environment and the system. False switches the check off, with
        a warning.
    proxy : str, optional
        Address of a proxy; otherwise from ``https_proxy`` and ``no_proxy``.
    ip_version : {0, 4, 6}
        Which family of addresses to use; 0 for both.
    journal : path or bool, optional
        Where it is remembered what was asked and finished, shared by all processes of a user; False for nowhere.
    debug : bool, optional
        Log every call of the service, without secrets.
    progress : bool or "lines"
        Show a display on terminals and in notebooks, unless a call says otherwise. ``"lines"`` also tells the state
        of files in lines on standard error where that is neither, such as in the log of a batch job.
    on_interrupt : {"keep", "dismiss"}
        What ctrl-C does to jobs at the service: leave them for the next call, or tell the service to forget them.
    **settings
        Waits and limits, such as ``patience``, ``poll_interval`` or ``max_transfers``: numbers, or texts like
        ``"5 min"``; see :doc:`/reference/settings`. Each is an attribute as well.

    Raises
    ------
    ConfigError
        If there is no token, or address, token or a setting are malformed.
    TypeError
        If there is no such setting.
    """

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        verify: bool | Path | None = None,
        proxy: str | None = None,
        ip_version: Literal[0, 4, 6] = 0,
        journal: bool | Path | None = None,
        debug: bool | None = None,
        progress: bool | Literal["lines"] = True,
        on_interrupt: Literal["keep", "dismiss"] = "keep",
        **settings: Any,
    ) -> None:
        if on_interrupt not in ("keep", "dismiss"):
            raise InputError(f"on_interrupt must be 'keep' or 'dismiss', not {on_interrupt!r:.40}")
        if isinstance(progress, str) and progress != "lines":
            raise InputError(f"progress must be True, False or 'lines', not {progress!r:.40}")
        self._connection = connect(url, key, verify, proxy, ip_version, journal, debug, settings)
        self._connection.dismiss = on_interrupt == "dismiss"
        self._connection.progress = progress
        _tell_unfinished(self._connection)

    def __repr__(self) -> str:
        return f"<Client of {self.url}>"

    def __getattr__(self, name: str) -> float:
        """A setting."""
        values: dict[str, float] = {} if name.startswith("_") else self._connection.settings
        if name not in values:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return values[name]

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._connection.settings]

    @property
    def url(self) -> str:
        """Address of the service."""
        return self._connection.config.url

    # --- files

    @overload
    def retrieve(
        self,
        dataset: str,
        request: dict[str, Any],
        target: None = None,
        *,
        overwrite: bool | str = ...,
        fresh: bool = ...,
        unpack: bool | None = ...,
        progress: bool | None = ...,
    ) -> Result: ...
    @overload
    def retrieve(
        self,
        dataset: str,
        request: dict[str, Any],
        target: Path,
        *,
        overwrite: bool | str = ...,
        fresh: bool = ...,
        unpack: bool | None = ...,
        progress: bool | None = ...,
    ) -> str: ...
    @overload
    def retrieve(
        self,
        dataset: Iterable[tuple[Any, ...]],
        request: None = None,
        target: None = None,
        *,
        overwrite: bool | str = ...,
        fresh: bool = ...,
        unpack: bool | None = ...,
        progress: bool | None = ...,
    ) -> list[str | Result | BaseException]: ...

    def retrieve(
        self,
        dataset: str | Iterable[tuple[Any, ...]],
        request: dict[str, Any] | None = None,
        target: Path | None = None,
        *,
        overwrite: bool | str = "verify",
        fresh: bool = False,
        unpack: bool | None = None,
        progress: bool | None = None,
    ) -> Any:
        """Ask for a file, wait for it and download it.

        Parameters
        ----------
        dataset : str, or iterable of tuples
            Dataset of the service. Or many calls at once, each (dataset, request, target) or (dataset, request).
        request : dict
            Keys and values, as the service's web form shows them.
        target : path, optional
            Final name of the file; its directory must exist. Without it nothing is downloaded yet.
        overwrite : bool or "verify"
            What to do when the target exists: False is an error, True replaces it at the end, "verify" keeps it when
            it is what the service would send.
        fresh : bool
            Make a new job even where an equal request has one.
        unpack : bool, optional
            Open an archive and make netCDF of what is in it; by default where the target's name ends in ``.nc``.
        progress : bool, optional
            Show a display on terminals and in notebooks; by default as the client was told.

        Returns
        -------
        str or Result, or list of them
            The target; without one, the result, to be downloaded. For many calls one entry each, in their order: an
            exception where one failed.

        Raises
        ------
        Era5FastError
            One of its subclasses; the target is then as it was before. With many calls only what concerns them all.
        ExistingFileError
            If the target exists and `overwrite` is False.
        """
        options = {"fresh": fresh, "unpack": unpack}
        if isinstance(dataset, str) and request is None:
            raise InputError("a request is missing")
        if request is not None or isinstance(dataset, Mapping | Request | Plan | Job):
            check_call(dataset, request)
        if not isinstance(dataset, str):
            return self._many(dataset, overwrite, options, progress)
        assert request is not None
        item = item_of(dataset, request, target, **options)
        done = self._connection.fetch_one(item, overwrite, progress)
        return self._outcome(item, done)

    def _many(
        self, calls: Iterable[tuple[Any, ...]], overwrite: bool | str, options: dict[str, Any], progress: bool | None
    ) -> list[Any]:
        outcomes: list[Any] = [_item_or_error(call, options) for call in calls]
        places = [i for i, outcome in enumerate(outcomes) if isinstance(outcome, Item)]
        items = [outcomes[i] for i in places]
        done = self._connection.fetch(items, overwrite, progress) if items else []
        for place, item, result in zip(places, items, done, strict=True):
            outcomes[place] = result["error"] or self._outcome(item, result)
        return outcomes

    def _outcome(self, item: Item, done: dict[str, Any]) -> str | Result:
        """What the caller gets for an item that went well."""
        if item.target is not None:
            return item.target
        return Result(self._connection, done["job_id"], done["asset"], item.dataset, item.request)

    def plan(self, request: Request | Iterable[Job | Request | Plan], max_cost: Any = "service") -> Plan:
        """Cut requests into jobs that the service takes, by its own costs; see :meth:`Request.split`.

        Parameters
        ----------
        request : Request, or iterable of requests, plans and jobs
            What is wanted; plans and jobs stay as they are.
        max_cost : "service" or int
            Highest cost of one job: what the service says, or a number of fields.

        Returns
        -------
        Plan
        """
        return plan_of(request, max_cost, self)

    def fetch(
        self,
        plan: Request | Iterable[Job | Request | Plan],
        directory: Path = ".",
        *,
        overwrite: bool | str = "verify",
        fresh: bool = False,
        check: bool = True,
        progress: bool | None = None,
    ) -> list[str]:
        """Run all jobs of a plan; call it again to go on after an interruption.

        What an earlier call has finished costs no call of the service; a plan that overlaps with what is there asks
        only for what is missing. What the service has left out of an answer is asked for again by calls that come a
        day later, in files of its own; where it does not have that, after two days, four, eight.

        Parameters
        ----------
        plan : Plan or Request, or iterable of them
            What to ask for.
        directory : path
            Where the files go; made when it does not exist.
        overwrite, fresh, progress
            As in :meth:`retrieve`. Preliminary data that have become final need both ``overwrite=True`` and
            ``fresh=True``: without the latter, a result that the service still keeps is fetched once more.
        check : bool
            Ask the service whether it has what new jobs ask for, before any of them is submitted; two or three
            quick calls for each variable. Where it does not answer, the log says so and nothing is refused.

        Returns
        -------
        list of str
            Files in the order of the plan; those with what did not fit into one of them come last.

        Raises
        ------
        BatchError
            If some files failed; it lists them, the others are complete.
        InputError
            If the service does not have something; nothing has been submitted then.
        """
        from .accounts import Accounts
        from .availability import check_jobs

        wanted = plan if isinstance(plan, Plan | Request | Job | str | Mapping) else list(plan)
        jobs = plan_of(wanted)
        make_directory(directory)
        accounts = Accounts(self._connection.journal, directory, overwrite == "verify" and not fresh)
        there = accounts.compare(jobs)
        if (there.left or there.again) and is_uncut(wanted):  # now the service's own costs are worth a call
            jobs = plan_of(wanted, "service", self)
            there = accounts.compare(jobs)
        if check and there.left:
            check_jobs(there.left, _Offers(self._connection))
        items = [_planned(job, directory, fresh) for job in there.left]
        again = [_planned(job, directory, True) for job in there.again]  # a kept result would be the same once more
        got, failures = self._fetch_some([*items, *again], overwrite, progress)
        asked = list(zip([*there.left, *there.again], [*items, *again], strict=True))
        come = [job for job, item in asked if str(item.target) not in failures]
        vain = {str(item.target): job for job, item in asked[len(items) :] if _is_in_vain(failures, item)}
        accounts.close(there, come, [(job, failures.pop(target)) for target, job in vain.items()])
        if failures:
            raise BatchError(failures, got)
        return _in_order([_planned(job, directory) for job in jobs], [*there.paths, *got])

    def files(self, directory: Path | None = None) -> list[dict[str, Any]]:
        """Finished files of this account, as the journal lists them; no call of the service.

        They are as they were when they were finished. :func:`era5fast.report` takes the client as its `journal`.

        Parameters
        ----------
        directory : path, optional
            Only files below it.

        Returns
        -------
        list of dict
            ``path``, ``size`` (bytes), ``checksum``, ``dataset``, ``request`` and more, in order of paths.
        """
        return list(self._connection.journal.files(directory))

    def download(
        self,
        jobs: Iterable[JobHandle | Result],
        directory: Path = ".",
        *,
        overwrite: bool | str = "verify",
        unpack: bool = False,
        progress: bool | None = None,
    ) -> list[str]:
        """Download what finished jobs have made; one listing finds what is not known of it.

        Parameters
        ----------
        jobs : iterable of JobHandle or Result
            What to download.
        directory : path
            Where the files go, under their names at the service; made when it does not exist.
        overwrite, unpack, progress
            As in :meth:`retrieve`.

        Returns
        -------
        list of str
            Files in the order of `jobs`; each is followed by those with what did not fit into it.

        Raises
        ------
        BatchError
            If some failed; it lists them, the others are complete.
        """
        wanted = list(jobs)
        make_directory(directory)
        self._look_at([job for job in wanted if isinstance(job, JobHandle) and job.told_result() is None])
        results = [job if isinstance(job, Result) else job.told_result() or job.result() for job in wanted]
        items = [result.item(os.path.join(os.fspath(directory), result.name), unpack) for result in results]
        got, failures = self._fetch_some(items, overwrite, progress)
        if failures:
            raise BatchError(failures, got)
        return got

    def _look_at(self, jobs: Sequence[JobHandle]) -> None:
        """Learn from the service's list, which is newest first, what jobs have made."""
        wanted: dict[str, list[JobHandle]] = {}
        for job in jobs:
            wanted.setdefault(job.id, []).append(job)
        query = {"limit": min(_PAGE, max(100, 2 * len(wanted))), "status": "successful"}
        rows = self._connection.pages(JOBS, query, "jobs", 10 * _PAGE) if wanted else iter(())
        for row in rows:
            for job in wanted.pop(str(row.get("jobID")), ()):
                job.learn(row)
            if not wanted:
                break

    def _fetch_some(
        self, items: Sequence[Item], overwrite: bool | str, progress: bool | None
    ) -> tuple[list[str], dict[str, BaseException]]:
        """Run items as one batch: the files that are there now, and the error of each target that is not."""
        results = self._connection.fetch(items, overwrite, progress) if items else []
        targets = [str(item.target) for item in items]
        failures = {t: r["error"] for t, r in zip(targets, results, strict=True) if r["error"] is not None}
        got = [path for t, r in zip(targets, results, strict=True) if t not in failures for path in r["files"] or [t]]
        return got, failures

    # --- jobs

    def submit(self, dataset: str, request: dict[str, Any] | None = None, *, fresh: bool = False) -> JobHandle:
        """Ask for something without waiting for it.

        Parameters
        ----------
        dataset : str
            Dataset of the service.
        request : dict
            Keys and values.
        fresh : bool
            Make a new job even where an equal request has one.

        Returns
        -------
        JobHandle
            The job; a later program finds it again with :meth:`job`, :meth:`jobs` or :meth:`unfinished`.

        Raises
        ------
        Era5FastError
            One of its subclasses, if no job could be made.
        """
        check_call(dataset, request)
        request = dict(request or {})
        item = item_of(dataset, request, goal=GOAL_JOB, fresh=fresh)
        done = self._connection.fetch_one(item, progress=False)
        handle = JobHandle(self._connection, done["job_id"], dataset, request)
        handle.last_status = done["status"]
        return handle

    def job(self, job_id: str) -> JobHandle:
        """A job of yours, whoever made it.

        Raises
        ------
        InputError
            If the id is empty, such as from a variable that was never set.
        JobLostError
            If the service does not know it.
        """
        handle = JobHandle(self._connection, _job_id(job_id))
        handle.refresh()
        return handle

    def jobs(
        self,
        status: str | Sequence[str] | None = None,
        dataset: str | None = None,
        limit: int | None = 100,
        *,
        oldest_first: bool = False,
    ) -> list[JobHandle]:
        """Your jobs at the service, also those that other programs made; newest first.

        Parameters
        ----------
        status : str or sequence of str, optional
            Only jobs in these states: "accepted", "running", "successful", "failed", "rejected".
        dataset : str, optional
            Only jobs of this dataset.
        limit : int, optional
            At most so many; None for all.
        oldest_first : bool
            Begin with the oldest one that the service still lists.

        Returns
        -------
        list of JobHandle
        """
        query: dict[str, Any] = {"limit": _PAGE if limit is None else max(1, min(limit, _PAGE))}
        if oldest_first:
            query["sortby"] = "created"
        if status is not None:
            query["status"] = _states([status] if isinstance(status, str) else list(status))
        if dataset is not None:
            query["processID"] = dataset
        requests = self._connection.journal.requests()
        rows = self._connection.pages(JOBS, query, "jobs", limit)
        return [handle_of(self._connection, row, requests) for row in rows]

    def cancel(self, *ids: str) -> list[str]:
        """Dismiss jobs at the service, whatever their state.

        Parameters
        ----------
        *ids : str
            Their ids.

        Returns
        -------
        list of str
            Those that the service knew; of the others a line in the log says that it does not.
        """
        gone, unknown = self._dismiss(ids)
        for job_id in unknown:
            log.warning("the service does not know job %s; Client.jobs() lists yours with their ids", job_id)
        return gone

    def _dismiss(self, ids: Sequence[str]) -> tuple[list[str], list[str]]:
        """Dismiss jobs; those that the service knew, and those that it did not."""
        wanted = [_job_id(one) for one in ids]
        body = {"job_ids": wanted}
        rows = self._connection.ask_rows("POST", f"{JOBS}/delete", "jobs", body) if wanted else []
        gone = [str(row.get("jobID")) for row in rows]
        unknown = [job_id for job_id in wanted if job_id not in gone and self._is_unknown(job_id)]
        for job_id in {*wanted} & {*gone, *unknown}:
            self._connection.journal.forget(job_id)
        return gone, unknown

    def _is_unknown(self, job_id: str) -> bool:
        """Whether the service says that there is no such job; False where it says nothing."""
        try:
            JobHandle(self._connection, job_id).refresh()
        except JobLostError:
            return True
        except Era5FastError as error:
            log.warning("job %s may still be there: %s", job_id, error)
        return False

    def unfinished(self) -> list[JobHandle]:
        """Jobs that were asked for on this computer and had not ended when they were last looked at.

        Asking for the same again goes on with them; so do their own methods.

        Returns
        -------
        list of JobHandle
        """
        return [handle_of_row(self._connection, row) for row in self._connection.journal.unfinished()]

    # --- the service

    def estimate(self, dataset: str, inputs: dict[str, Any] | None = None) -> dict[str, Any]:
        """What a request costs, and the most that one may cost.

        Returns
        -------
        dict
            ``id`` (kind of cost), ``cost``, ``limit``; limit is None where there is none.
        """
        check_call(dataset, inputs)
        return self._connection.estimate(dataset, dict(inputs or {}))

    def constraints(self, dataset: str, inputs: dict[str, Any] | None = None) -> dict[str, list[str]]:
        """Values that are still possible for each key after those in `inputs` have been chosen."""
        return self._connection.ask_object("POST", constraints(dataset), {"inputs": inputs or {}})

    def licences(self) -> list[dict[str, Any]]:
        """All licences of the service: ``id``, ``revision``, ``label``, addresses of their texts."""
        return self._connection.ask_rows("GET", f"{CATALOGUE}/vocabularies/licences?scope=all", "licences")

    def accepted_licences(self) -> list[dict[str, Any]]:
        """Licences that you have accepted: ``id`` and ``revision``."""
        return self._connection.ask_rows("GET", f"{ACCOUNT}/licences?scope=all", "licences")

    def accept_licence(self, licence: str, revision: int) -> dict[str, Any]:
        """Accept a licence; read it first.

        Raises
        ------
        InputError
            If there is no such licence, or it has another revision.
        """
        path = f"{ACCOUNT}/licences/{quoted(licence)}"
        try:
            return self._connection.ask_object("PUT", path, {"revision": int(revision)})
        except RequestError as error:
            known = {str(one.get("id")): one.get("revision") for one in self.licences()}
            if known.get(licence) == revision:
                raise
            if licence in known:
                what = f"the licence '{licence}' has revision {known[licence]}, not {revision}"
                raise InputError(what, hint="read what has changed before you accept it") from error
            hint = did_you_mean(licence, known, f"there are {', '.join(known)}")
            raise InputError(f"no licence is called '{licence}'", hint=hint) from error

    def datasets(
        self,
        query: str | None = None,
        limit: int | None = None,
        *,
        keywords: str | Sequence[str] | None = None,
        sort: Literal["id", "relevance", "title", "update"] | None = None,
    ) -> list[dict[str, Any]]:
        """Datasets of the service: ``id``, ``title`` and more.

        Parameters
        ----------
        query : str, optional
            Words to search for.
        limit : int, optional
            At most so many.
        keywords : str or sequence of str, optional
            Only datasets with these, written as in the service's catalogue: ``"Product type: Reanalysis"``.
        sort : {"id", "relevance", "title", "update"}, optional
            Their order.
        """
        if sort not in (None, *_ORDERS):
            raise InputError(f"datasets are sorted by {', '.join(_ORDERS)}, not by {sort!r:.60}")
        asked: dict[str, Any] = {"limit": 500 if limit is None else max(1, min(limit, 500)), "search_stats": False}
        given = {"q": query, "kw": [keywords] if isinstance(keywords, str) else keywords, "sortby": sort}
        asked |= {name: value for name, value in given.items() if value}
        return list(self._connection.pages(f"{CATALOGUE}/datasets", asked, "collections", limit))

    def processes(self, limit: int | None = None) -> list[str]:
        """Names of the datasets for which jobs can be made, in order.

        Parameters
        ----------
        limit : int, optional
            At most so many.
        """
        query = {"limit": _PAGE if limit is None else max(1, min(limit, _PAGE)), "sortby": "id"}
        return [str(row.get("id")) for row in self._connection.pages(PROCESSES, query, "processes", limit)]

    def process(self, dataset: str) -> dict[str, Any]:
        """What a job for a dataset takes: the keys and, where the service names them, their values."""
        return self._connection.ask_object("GET", f"{PROCESSES}/{quoted(dataset)}")

    def form(self, dataset: str) -> list[dict[str, Any]]:
        """The web form of a dataset: one dictionary for each of its fields."""
        return self._connection.ask_list("GET", f"{collection(dataset)}/form.json")

    def combinations(self, dataset: str) -> list[dict[str, Any]]:
        """All that a dataset has: each dictionary holds values that can be combined; see also :meth:`constraints`."""
        return self._connection.ask_list("GET", f"{collection(dataset)}/constraints.json")

    def star(self, dataset: str) -> list[str]:
        """Put a dataset among your favourites in the web portal; all of them are returned."""
        return [str(one) for one in self._connection.ask_list("POST", f"{ACCOUNT}/starred", {"uid": dataset}, str)]

    def unstar(self, dataset: str) -> None:
        """Take a dataset out of your favourites in the web portal."""
        self._connection.ask("DELETE", f"{ACCOUNT}/starred/{quoted(dataset)}")

    def dataset(self, name: str) -> dict[str, Any]:
        """Description of a dataset, with its period and area (a STAC collection)."""
        return self._connection.ask_object("GET", collection(name))

    def messages(self, dataset: str | None = None) -> list[dict[str, Any]]:
        """What the service has to tell to everybody, or about one dataset."""
        where = collection(dataset) if dataset else CATALOGUE
        return self._connection.ask_rows("GET", f"{where}/messages", "messages")

    def check(self) -> dict[str, Any]:
        """Whether the token is good, and whose it is.

        Raises
        ------
        AuthError
            If the service refuses the token.
        """
        return self._connection.ask_object("POST", f"{ACCOUNT}/verification/pat")


def _tell_unfinished(connection: Connection) -> None:
    """Mention jobs that were left behind: once where nobody waits for them any more, else for those who read all."""
    rows = connection.journal.unfinished()
    if not rows:
        return
    left = [row for row in rows if time.time() - row["seen"] > _WATCHED]
    level = logging.WARNING if left and connection.config.url not in _told else logging.INFO
    _told.add(connection.config.url)
    jobs = f"{len(rows)} unfinished job{'s' * (len(rows) != 1)}"
    log.log(level, "found %s; ask for the same again to go on, or see Client.unfinished()", jobs)


def _job_id(given: Any) -> str:
    """The id of a job; an empty one would be the address of all jobs."""
    name = str(given).strip() if given is not None else ""
    if not name:
        raise InputError("the id of the job is empty", hint="Client.jobs() lists your jobs with their ids")
    return name


def _states(given: list[str]) -> list[str]:
    for one in given:
        if one not in ("accepted", "running", *ENDED):
            states = ", ".join(("accepted", "running", *ENDED))
            raise InputError(f"no job is in the state {one!r:.60}", hint=f"states are {states}")
    return given


def _item_or_error(call: Any, options: dict[str, Any]) -> Item | BaseException:
    """One call of a list; what is wrong with it concerns it alone."""
    try:
        dataset, request, *target = call
        if len(target) > 1:
            raise InputError("a call of a list is (dataset, request) or (dataset, request, target)")
        return item_of(dataset, request, *target, **options)
    except InputError as error:
        return error
    except (TypeError, ValueError) as error:
        return InputError(f"a call of a list is (dataset, request) or (dataset, request, target): {error}")


class _Offers:
    """Questions before a plan is submitted: quick ones, since the service itself looks once more."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def constraints(self, dataset: str, inputs: dict[str, Any]) -> dict[str, list[str]]:
        """See :meth:`Client.constraints`."""
        quick = {"patience": 0.0, "timeout": 5.0, "connect_timeout": 5.0}
        return self._connection.ask_object("POST", constraints(dataset), {"inputs": inputs}, quick)


def _planned(job: Job, directory: Path, fresh: bool = False) -> Item:
    """A job of a plan as work for the core."""
    path = path_of(os.path.join(os.fspath(directory), job.name))
    return Item(job.dataset, job.inputs_json, target=path, fresh=fresh, unpack=wants_netcdf(path))


def _is_in_vain(failures: Mapping[str, BaseException], item: Item) -> bool:
    """Whether the service does not have what was asked for once more."""
    return isinstance(failures.get(str(item.target)), JobFailedError | RequestError)


def _in_order(planned: Sequence[Item], paths: Sequence[str]) -> list[str]:
    """Paths in the order of a plan; those that it does not name come last."""
    there = {path_in_journal(path): path for path in paths}
    named = [item.target for item in planned if item.target and there.pop(path_in_journal(item.target), None)]
    return [*named, *there.values()]


def make_directory(directory: Path) -> None:
    """Make a directory and those above it; :class:`StorageError` when that cannot be done."""
    try:
        os.makedirs(directory, exist_ok=True)
    except OSError as error:
        path = os.fspath(directory)
        raise StorageError(f"cannot make {path}: {error.strerror}", target=path).at(error.errno or 0, path) from error


def retrieve(dataset: str, request: dict[str, Any], target: Path | None = None, *, progress: bool = True) -> Any:
    """Ask the Climate Data Store for one file and download it.

    In :meth:`era5fast.ThreadPool.starmap` a list of calls becomes one batch of the native engine, with one display.

    Parameters
    ----------
    dataset : str
        Dataset of the service.
    request : dict
        Keys and values of the request.
    target : path, optional
        Final name of the file; without it nothing is downloaded yet.
    progress : bool
        Show a display on terminals and in notebooks.

    Returns
    -------
    str or Result
        The target; without one, the result, to be downloaded.

    Raises
    ------
    Era5FastError
        One of its subclasses.
    """
    return Client(progress=progress).retrieve(dataset, request, target)


def retrieve_batch(calls: Sequence[tuple[Any, ...]], workers: int, *, progress: bool = True) -> list[Any]:
    """Run the argument tuples of many :func:`retrieve` calls as one batch with `workers` transfers at once."""
    calls = [call[0] if len(call) == 1 and isinstance(call[0], tuple) else call for call in calls]  # those of map()
    calls = [(*call, None) if len(call) == 2 else call for call in calls]
    client = Client(max_transfers=workers, max_large_transfers=workers, progress=progress)
    outcomes = client.retrieve(calls)
    failures = {
        f"{call[0]} (call {number})" if call[2] is None else str(call[2]): outcome
        for number, (call, outcome) in enumerate(zip(calls, outcomes, strict=True), 1)
        if isinstance(outcome, BaseException)
    }
    if failures:
        paths = [o if isinstance(o, str) else o.location for o in outcomes if isinstance(o, str | Result)]
        raise BatchError(failures, paths)
    return outcomes


retrieve.native_batch = retrieve_batch  # type: ignore[attr-defined]
