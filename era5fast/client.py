"""The client of the Climate Data Store: requests in, verified files out."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterable, Sequence
from typing import Any, Literal, overload

from .connection import GOAL_JOB, PROCESSES, Connection, Item, connect, item_of, path_of, quoted, wants_netcdf
from .errors import BatchError, Era5FastError, InputError, JobLostError, StorageError
from .jobs import JOBS, JobHandle, handle_of, handle_of_row
from .plan import Job, Plan
from .request import Request
from .results import Result

__all__ = ["BatchError", "Client", "retrieve"]

log = logging.getLogger("era5fast")

Path = str | os.PathLike[str]
_WATCHED = 20.0  # seconds within which a waiting process looks at its jobs
_told: set[str] = set()  # services whose unfinished jobs have been mentioned
_PAGE = 1000  # jobs in one page of the service's list, at most
_CATALOGUE, _ACCOUNT = "/catalogue/v1", "/profiles/v1/account"


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
    progress : bool
        Show a display on terminals and in notebooks, unless a call says otherwise.
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
        progress: bool = True,
        on_interrupt: Literal["keep", "dismiss"] = "keep",
        **settings: Any,
    ) -> None:
        if on_interrupt not in ("keep", "dismiss"):
            raise InputError('on_interrupt is "keep" or "dismiss"')
        self._connection = connect(url, key, verify, proxy, ip_version, journal, debug, settings)
        self._connection.dismiss = on_interrupt == "dismiss"
        self._connection.progress = bool(progress)
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
        FileExistsError
            If the target exists and `overwrite` is False.
        """
        options = {"fresh": fresh, "unpack": unpack}
        if not isinstance(dataset, str):
            return self._many(dataset, overwrite, options, progress)
        if request is None:
            raise InputError("a request is missing")
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

    def plan(self, request: Request, max_cost: Any = "service") -> Plan:
        """Cut a request into jobs that the service takes.

        Parameters
        ----------
        request : Request
            What is wanted.
        max_cost : "service" or int
            Highest cost of one job: what the service says, or a number of fields.

        Returns
        -------
        Plan
        """
        return request.split(max_cost=max_cost, client=self)

    def fetch(
        self,
        plan: Request | Iterable[Job | Request | Plan],
        directory: Path = ".",
        *,
        overwrite: bool | str = "verify",
        fresh: bool = False,
        progress: bool | None = None,
    ) -> list[str]:
        """Run all jobs of a plan; call it again to go on after an interruption.

        What an earlier call has finished costs no call of the service; a plan that overlaps with what is there asks
        only for what is missing.

        Parameters
        ----------
        plan : Plan or Request, or iterable of them
            What to ask for.
        directory : path
            Where the files go; made when it does not exist.
        overwrite, fresh, progress
            As in :meth:`retrieve`. Preliminary data that have become final need both ``overwrite=True`` and
            ``fresh=True``: without the latter, a result that the service still keeps is fetched once more.

        Returns
        -------
        list of str
            Files in the order of the plan.

        Raises
        ------
        BatchError
            If some files failed; it lists them, the others are complete.
        """
        make_directory(directory)
        wanted = [plan] if isinstance(plan, Request) else list(plan)
        jobs = self._cut(wanted, None)
        skips = overwrite == "verify" and not fresh
        known, left = self._missing(jobs, directory, skips)
        if left and any(isinstance(one, Request) for one in wanted):  # now the service's own costs are worth a call
            jobs = self._cut(wanted, "service")
            known, left = self._missing(jobs, directory, skips)
        got = self._fetch_all([_planned(job, directory, fresh) for job in left], overwrite, progress)
        _tell_missing([job for job in left if wants_netcdf(job.name)], directory)
        return _in_order([_planned(job, directory) for job in jobs], [*known, *got])

    def _cut(self, wanted: Iterable[Request | Plan | Job], max_cost: str | None) -> list[Job]:
        """The jobs of requests, plans and jobs."""
        jobs: list[Job] = []
        for one in wanted:
            if isinstance(one, Request):
                jobs += one.split(max_cost, self)
            else:
                jobs += [one] if isinstance(one, Job) else one
        return jobs

    def _missing(self, jobs: Iterable[Job], directory: Path, skips: bool) -> tuple[list[str], Sequence[Job]]:
        """Files of a directory that hold something of a plan, and the jobs for the rest; all unless it `skips`."""
        if not skips:
            return [], list(jobs)
        from .coverage import missing

        return missing(jobs, self._connection.journal.files(directory))

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
        """Download what finished jobs have made; one listing finds all of it.

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
            Files in the order of `jobs`.

        Raises
        ------
        BatchError
            If some failed; it lists them, the others are complete.
        """
        wanted = list(jobs)
        make_directory(directory)
        known = self._assets({job.id for job in wanted if isinstance(job, JobHandle)})
        results = [self._result_of(job, known) for job in wanted]
        items = [result.item(os.path.join(os.fspath(directory), result.name), unpack) for result in results]
        return self._fetch_all(items, overwrite, progress)

    def _result_of(self, job: JobHandle | Result, known: dict[str, dict[str, Any]]) -> Result:
        if isinstance(job, Result):
            return job
        return Result(self._connection, job.id, known[job.id]) if job.id in known else job.result()

    def _assets(self, wanted: set[str]) -> dict[str, dict[str, Any]]:
        """Where the results of jobs are, from the service's list, which is newest first."""
        found: dict[str, dict[str, Any]] = {}
        query = {"limit": min(_PAGE, max(100, 2 * len(wanted))), "status": "successful"}
        rows = self._connection.pages(JOBS, query, "jobs", 10 * _PAGE) if wanted else iter(())
        for row in rows:
            asset = _asset_of(row)
            if row.get("jobID") in wanted and asset is not None:
                found[row["jobID"]] = asset
            if len(found) == len(wanted):
                break
        return found

    def _fetch_all(self, items: Sequence[Item], overwrite: bool | str, progress: bool | None) -> list[str]:
        """Run items as one batch; a :class:`BatchError` lists those that failed."""
        results = self._connection.fetch(items, overwrite, progress) if items else []
        targets = [str(item.target) for item in items]
        failures = {t: r["error"] for t, r in zip(targets, results, strict=True) if r["error"] is not None}
        if failures:
            raise BatchError(failures, [target for target in targets if target not in failures])
        return targets

    # --- jobs

    def submit(self, dataset: str, request: dict[str, Any], *, fresh: bool = False) -> JobHandle:
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
        item = item_of(dataset, request, goal=GOAL_JOB, fresh=fresh)
        done = self._connection.fetch_one(item, progress=False)
        handle = JobHandle(self._connection, done["job_id"], dataset, dict(request))
        handle.last_status = done["status"]
        return handle

    def job(self, job_id: str) -> JobHandle:
        """A job of yours, whoever made it.

        Raises
        ------
        JobLostError
            If the service does not know it.
        """
        handle = JobHandle(self._connection, str(job_id))
        handle.refresh()
        return handle

    def jobs(
        self, status: str | Sequence[str] | None = None, dataset: str | None = None, limit: int | None = 100
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

        Returns
        -------
        list of JobHandle
        """
        query: dict[str, Any] = {"limit": _PAGE if limit is None else max(1, min(limit, _PAGE))}
        if status is not None:
            query["status"] = [status] if isinstance(status, str) else list(status)
        if dataset is not None:
            query["processID"] = dataset
        return [handle_of(self._connection, row) for row in self._connection.pages(JOBS, query, "jobs", limit)]

    def cancel(self, *ids: str) -> list[str]:
        """Dismiss jobs at the service, whatever their state.

        Parameters
        ----------
        *ids : str
            Their ids.

        Returns
        -------
        list of str
            Those that the service knew.
        """
        if not ids:
            return []
        wanted = list(map(str, ids))
        rows = self._connection.ask_rows("POST", f"{JOBS}/delete", "jobs", {"job_ids": wanted})
        gone = [str(row.get("jobID")) for row in rows]
        for job_id in wanted:
            if job_id in gone or self._is_unknown(job_id):
                self._connection.journal.forget(job_id)
        return gone

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

    def estimate(self, dataset: str, inputs: dict[str, Any]) -> dict[str, Any]:
        """What a request costs, and the most that one may cost.

        Returns
        -------
        dict
            ``id`` (kind of cost), ``cost``, ``limit``; limit is None where there is none.
        """
        return self._connection.estimate(dataset, inputs)

    def constraints(self, dataset: str, inputs: dict[str, Any] | None = None) -> dict[str, list[str]]:
        """Values that are still possible for each key after those in `inputs` have been chosen."""
        path = f"{PROCESSES}/{quoted(dataset)}/constraints"
        return self._connection.ask_object("POST", path, {"inputs": inputs or {}})

    def licences(self) -> list[dict[str, Any]]:
        """All licences of the service: ``id``, ``revision``, ``label``, addresses of their texts."""
        return self._connection.ask_rows("GET", f"{_CATALOGUE}/vocabularies/licences?scope=all", "licences")

    def accepted_licences(self) -> list[dict[str, Any]]:
        """Licences that you have accepted: ``id`` and ``revision``."""
        return self._connection.ask_rows("GET", f"{_ACCOUNT}/licences?scope=all", "licences")

    def accept_licence(self, licence: str, revision: int) -> dict[str, Any]:
        """Accept a licence; read it first."""
        path = f"{_ACCOUNT}/licences/{quoted(licence)}"
        return self._connection.ask_object("PUT", path, {"revision": int(revision)})

    def datasets(self, query: str | None = None, limit: int | None = None) -> list[dict[str, Any]]:
        """Datasets of the service: ``id``, ``title`` and more.

        Parameters
        ----------
        query : str, optional
            Words to search for.
        limit : int, optional
            At most so many.
        """
        asked: dict[str, Any] = {"limit": 500 if limit is None else max(1, min(limit, 500)), "search_stats": False}
        if query:
            asked["q"] = query
        return list(self._connection.pages(f"{_CATALOGUE}/datasets", asked, "collections", limit))

    def dataset(self, name: str) -> dict[str, Any]:
        """Description of a dataset, with its period and area (a STAC collection)."""
        return self._connection.ask_object("GET", f"{_CATALOGUE}/collections/{quoted(name)}")

    def messages(self, dataset: str | None = None) -> list[dict[str, Any]]:
        """What the service has to tell to everybody, or about one dataset."""
        where = f"/collections/{quoted(dataset)}" if dataset else ""
        return self._connection.ask_rows("GET", f"{_CATALOGUE}{where}/messages", "messages")

    def check(self) -> dict[str, Any]:
        """Whether the token is good, and whose it is.

        Raises
        ------
        AuthError
            If the service refuses the token.
        """
        return self._connection.ask_object("POST", f"{_ACCOUNT}/verification/pat")


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


def _planned(job: Job, directory: Path, fresh: bool = False) -> Item:
    """A job of a plan as work for the core."""
    path = path_of(os.path.join(os.fspath(directory), job.name))
    return Item(job.dataset, job.inputs_json, target=path, fresh=fresh, unpack=wants_netcdf(path))


def _tell_missing(jobs: Sequence[Job], directory: Path) -> None:
    """Warn of answers with fewer fields than were asked for: the service leaves out without a word what it lacks."""
    from .quality import report

    try:
        found = report(Plan(jobs), directory, journal=()) if jobs else None
    except Era5FastError as error:
        log.info("the fields of the files were not counted: %s", error)
        return
    if found is not None and found.gaps and not found.unreadable:
        first, others = found.gaps[0], len(found.gaps) - 1
        more = f" and {others} more gaps" if others else ""
        log.warning("the service has not sent all of it; missing: %s%s; see era5fast.report", first, more)


def _in_order(planned: Sequence[Item], paths: Sequence[str]) -> list[str]:
    """Paths in the order of a plan; those that it does not name come last."""
    there = {os.path.realpath(path): path for path in paths}
    named = [item.target for item in planned if item.target and there.pop(os.path.realpath(item.target), None)]
    return [*named, *there.values()]


def _asset_of(row: dict[str, Any]) -> dict[str, Any] | None:
    """The file of a job in the service's list, as the core takes it; None where there is none."""
    try:
        value = row["metadata"]["results"]["asset"]["value"]
        size, checksum = int(value["file:size"]), str(value.get("file:checksum") or "")
        return {"href": str(value["href"]), "type": str(value.get("type") or ""), "size": size, "checksum": checksum}
    except (KeyError, TypeError, ValueError):
        return None


def make_directory(directory: Path) -> None:
    """Make a directory and those above it; :class:`StorageError` when that cannot be done."""
    try:
        os.makedirs(directory, exist_ok=True)
    except OSError as error:
        path = os.fspath(directory)
        raise StorageError(f"cannot make {path}: {error.strerror}", target=path).at(error.errno or 0, path) from error


def retrieve(dataset: str, request: dict[str, Any], target: Path | None = None) -> Any:
    """Ask the Climate Data Store for one file and download it.

    In :meth:`era5fast.ThreadPool.starmap` a list of calls becomes one batch of the native engine.

    Parameters
    ----------
    dataset : str
        Dataset of the service.
    request : dict
        Keys and values of the request.
    target : path, optional
        Final name of the file; without it nothing is downloaded yet.

    Returns
    -------
    str or Result
        The target; without one, the result, to be downloaded.

    Raises
    ------
    Era5FastError
        One of its subclasses.
    """
    return Client().retrieve(dataset, request, target)


def retrieve_batch(calls: Sequence[tuple[Any, ...]], workers: int) -> list[Any]:
    """Run the argument tuples of many :func:`retrieve` calls as one batch with `workers` transfers at once."""
    calls = [(*call, None) if len(call) == 2 else call for call in calls]
    outcomes = Client(max_transfers=workers).retrieve(calls)
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
