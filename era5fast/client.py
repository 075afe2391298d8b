"""The client of the Climate Data Store: requests in, verified files out."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from typing import Any

from . import _core, config
from .errors import BatchError, InputError, StorageError
from .progress import Progress
from .request import Job, Request

__all__ = ["BatchError", "Client", "retrieve"]

_OVERWRITE = {False: 0, "verify": 1, True: 2}


class Client:
    """A client of one service.

    Parameters
    ----------
    url, key : str, optional
        Address and token; otherwise from ``CDSAPI_URL``/``CDSAPI_KEY``, ``ECMWF_DATASTORES_URL``/``…_KEY``,
        ``~/.cdsapirc`` or ``~/.ecmwfdatastoresrc``.
    max_jobs : int
        Jobs that may be queued or running at the service at once, per dataset.
    max_transfers : int
        Files on the wire at once.
    patience : float
        Seconds without progress before a temporary fault becomes an error.
    poll : (float, float)
        Seconds between looks at the jobs: at first, and at most.

    Raises
    ------
    ConfigError
        If there is no token, or address or token are malformed.
    InputError
        If there are to be no jobs or no transfers at all.
    """

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        max_jobs: int = 2,
        max_transfers: int = 4,
        patience: float = 86400.0,
        poll: tuple[float, float] = (1.0, 30.0),
    ) -> None:
        if max_jobs < 1 or max_transfers < 1:
            raise InputError("max_jobs and max_transfers must be at least 1")
        self._config = config.load(url, key)
        self.max_jobs = max_jobs
        self.max_transfers = max_transfers
        self.patience = patience
        self.poll = poll
        self._pace = 1.0  # factor on all waits but those the service asks for; tests use less

    def __repr__(self) -> str:
        return f"<Client of {self._config.url}>"

    @property
    def url(self) -> str:
        """Address of the service."""
        return self._config.url

    def retrieve(
        self,
        dataset: str,
        request: dict[str, Any],
        target: str | os.PathLike[str],
        *,
        overwrite: bool | str = "verify",
        progress: bool = True,
    ) -> str:
        """Ask for one file, wait for it and download it.

        Parameters
        ----------
        dataset : str
            Dataset of the service.
        request : dict
            Keys and values, as the service's web form shows them.
        target : path
            Final name of the file; its directory must exist.
        overwrite : bool or "verify"
            What to do when the target exists: False is an error, True replaces it at the end, "verify" keeps it when
            it is what the service would send.
        progress : bool
            Show a progress bar on terminals and in notebooks.

        Returns
        -------
        str
            The target.

        Raises
        ------
        Era5FastError
            One of its subclasses; the target is then as it was before.
        FileExistsError
            If the target exists and `overwrite` is False.
        """
        item = _item(dataset, request, target)
        (result,) = self._run([item], overwrite, progress)
        if result["error"] is not None:
            raise result["error"]
        return item[2]

    def fetch(
        self,
        plan: Request | Iterable[Job],
        directory: str | os.PathLike[str] = ".",
        *,
        overwrite: bool | str = "verify",
        progress: bool = True,
    ) -> list[str]:
        """Run all jobs of a plan; call it again to go on after an interruption.

        Parameters
        ----------
        plan : Plan or Request
            What to ask for.
        directory : path
            Where the files go; made when it does not exist.
        overwrite, progress
            As in :meth:`retrieve`.

        Returns
        -------
        list of str
            Files in the order of the plan.

        Raises
        ------
        BatchError
            If some files failed; it lists them, the others are complete.
        """
        jobs = list(plan.split() if isinstance(plan, Request) else plan)
        make_directory(directory)
        items = [(job.dataset, job.inputs_json, os.path.join(os.fspath(directory), job.name)) for job in jobs]
        return self.retrieve_many(items, overwrite=overwrite, progress=progress)

    def retrieve_many(
        self, items: Sequence[tuple[str, str, str]], *, overwrite: bool | str = "verify", progress: bool = True
    ) -> list[str]:
        """Run (dataset, request as JSON, target) items as one batch; see :meth:`fetch`."""
        results = self._run(items, overwrite, progress)
        failures = {item[2]: r["error"] for item, r in zip(items, results, strict=True) if r["error"] is not None}
        if failures:
            raise BatchError(failures, [item[2] for item in items if item[2] not in failures])
        return [item[2] for item in items]

    def _run(
        self, items: Sequence[tuple[str, str, str]], overwrite: bool | str, progress: bool
    ) -> list[dict[str, Any]]:
        if overwrite not in _OVERWRITE:
            raise InputError('overwrite is True, False or "verify"')
        settings = self._config
        with Progress("downloading", progress, unit="B") as callback:
            return _core.fetch(
                settings.url,
                settings.key,
                _user_agent(),
                settings.ca_file,
                self.max_jobs,
                self.max_transfers,
                self.patience,
                *self.poll,
                self._pace,
                _OVERWRITE[overwrite],
                tuple(items),
                callback,
            )


def _item(dataset: str, request: dict[str, Any], target: str | os.PathLike[str]) -> tuple[str, str, str]:
    """(dataset, request as JSON, target) as the core takes them."""
    try:
        text = json.dumps(request, sort_keys=True, allow_nan=False, default=_from_numpy)
    except (TypeError, ValueError) as error:
        raise InputError(f"a request holds texts, numbers and lists of them: {error}") from error
    path = os.fsdecode(target)
    if "\0" in path or path.encode("utf-8", "replace").decode() != path:
        raise InputError(f"the target {path!r} is no name of a file, or not in UTF-8")
    return dataset, text, path


def _from_numpy(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"cannot send a {type(value).__name__}")


def _user_agent() -> str:
    from . import __version__

    return f"era5fast/{__version__}"


def make_directory(directory: str | os.PathLike[str]) -> None:
    """Make a directory and those above it; :class:`StorageError` when that cannot be done."""
    try:
        os.makedirs(directory, exist_ok=True)
    except OSError as error:
        path = os.fspath(directory)
        raise StorageError(f"cannot make {path}: {error.strerror}", target=path).at(error.errno or 0, path) from error


def retrieve(dataset: str, request: dict[str, Any], target: str | os.PathLike[str]) -> str:
    """Ask the Climate Data Store for one file and download it.

    In :meth:`era5fast.ThreadPool.starmap` a list of calls becomes one batch of the native engine.

    Parameters
    ----------
    dataset : str
        Dataset of the service.
    request : dict
        Keys and values of the request.
    target : path
        Final name of the file.

    Returns
    -------
    str
        The target.

    Raises
    ------
    Era5FastError
        One of its subclasses.
    """
    return Client().retrieve(dataset, request, target)


def retrieve_batch(calls: Sequence[tuple[Any, ...]], workers: int) -> list[str]:
    """Run the argument tuples of many :func:`retrieve` calls as one batch with `workers` transfers at once."""
    items = [_item(*call) for call in calls]
    return Client(max_transfers=workers).retrieve_many(items)


retrieve.native_batch = retrieve_batch  # type: ignore[attr-defined]
