"""A result that waits at the service to be downloaded."""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from .connection import GOAL_FILE, Item, path_of, wants_netcdf
from .errors import clean

if TYPE_CHECKING:
    from .connection import Connection

__all__ = ["Downloadable", "Result", "asset_of"]

_LARGEST_FILE = 2**50  # bytes
_LONGEST_HREF = 4095


class Downloadable(ABC):
    """Something whose file can be downloaded."""

    @abstractmethod
    def _download(
        self, target: str | os.PathLike[str] | None, overwrite: bool | str, unpack: bool | None, progress: bool | None
    ) -> str: ...

    def download(
        self,
        target: str | os.PathLike[str] | None = None,
        *,
        overwrite: bool | str = "verify",
        unpack: bool | None = None,
        progress: bool | None = None,
    ) -> str:
        """Download the file; of a job, wait for it first.

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
        ExistingFileError
            If the target exists and `overwrite` is False.
        """
        return self._download(target, overwrite, unpack, progress)


class Result(Downloadable):
    """What a finished job has made, before it is downloaded; given by :meth:`era5fast.Client.retrieve`.

    Attributes
    ----------
    job_id : str
        Job that made it.
    asset : dict
        What the service says of it: ``href``, ``type``, ``size``, ``checksum``.
    """

    def __init__(
        self,
        connection: Connection,
        job_id: str,
        asset: dict[str, Any],
        dataset: str | None = None,
        request: str | None = None,
    ) -> None:
        self.job_id = job_id
        self.asset = asset
        self._connection = connection
        self._dataset, self._request = dataset, request

    def __repr__(self) -> str:
        return f"<Result of job {self.job_id}: {self.content_type or 'unknown type'}, {self.size:,} bytes>"

    @property
    def location(self) -> str:
        """Address of the file."""
        return str(self.asset["href"])

    @property
    def size(self) -> int:
        """Bytes of the file; -1 if the service does not say."""
        return int(self.asset.get("size", -1))

    @property
    def content_type(self) -> str:
        """Media type of the file, for example ``"application/netcdf"``."""
        return str(self.asset.get("type") or "")

    @property
    def name(self) -> str:
        """Name that the file has at the service, made safe for this computer."""
        last = unquote(urlsplit(self.location).path).rpartition("/")[2]
        return re.sub(r"[^A-Za-z0-9._+-]", "_", last).lstrip(".")[-200:] or f"{self.job_id}.bin"

    def item(self, target: str | os.PathLike[str], unpack: bool | None = None) -> Item:
        """The result as work for the core."""
        path = path_of(target)
        unpack = wants_netcdf(path) if unpack is None else unpack
        return Item(
            self._dataset, self._request, self.job_id or None, self.asset, path, goal=GOAL_FILE, unpack=unpack
        )

    def _download(
        self, target: str | os.PathLike[str] | None, overwrite: bool | str, unpack: bool | None, progress: bool | None
    ) -> str:
        item = self.item(self.name if target is None else target, unpack)
        self._connection.fetch_one(item, overwrite, progress)
        return str(item.target)


def asset_of(document: dict[str, Any]) -> dict[str, Any] | None:
    """The file of a job as the core takes it; None where what the service says of the job names none that can be."""
    try:
        value = document["metadata"]["results"]["asset"]["value"]
        href, size = value["href"], int(value["file:size"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    is_address = isinstance(href, str) and href.isascii() and href.isprintable() and 0 < len(href) <= _LONGEST_HREF
    if not is_address or not 0 <= size <= _LARGEST_FILE:
        return None
    checksum = value.get("file:checksum")
    checksum = checksum if isinstance(checksum, str) and checksum.isalnum() and checksum.isascii() else ""
    return {"href": href, "type": clean(value.get("type") or ""), "size": size, "checksum": checksum}
