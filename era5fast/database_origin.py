"""Where events come from, as it goes into a database: files with the downloads that brought them, and versions."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from .canonical import canonical
from .coverage import unchanged
from .database_query import Source, source_row
from .journal import everyone, path_in_journal

__all__ = ["libraries", "origins"]

Download = tuple[str, str, str, str, int, str, str, bool, float]
Origin = tuple[str, int, str, str, Download | None]


def origins(sources: Source | Iterable[Source]) -> tuple[Origin, ...]:
    """Rows of sources for the core: path, size or −1, checksum, request, download.

    A file that the journal has, whoever's account brought it, and that is as it was when its download was finished,
    gets its request and checksum from there unless the source names its own.

    Parameters
    ----------
    sources : path, mapping, or iterable of them
        As :meth:`era5fast.EventDatabase.add` takes them.

    Returns
    -------
    tuple of tuple
        One row per source; the download is None where none is known.
    """
    if isinstance(sources, str | os.PathLike | Mapping):
        sources = (sources,)
    rows = [source_row(source) for source in sources]
    folders = {os.path.dirname(os.path.abspath(path)) for path, *_ in rows}
    journal = everyone() if rows else None
    files = (
        {file["path"]: file for folder in folders for file in journal.files(folder)} if journal is not None else {}
    )
    return tuple(_with_download(row, files.get(path_in_journal(row[0]))) for row in rows)


def _with_download(row: tuple[str, int, str, str], file: Mapping[str, Any] | None) -> Origin:
    path, size, checksum, request = row
    if file is None or not unchanged(file) or size not in (-1, file["size"]):
        return path, size, checksum, request, None
    found = str(file["checksum"] or "")
    of_content = found if file["checksum_kind"] == "md5" else ""
    if checksum and of_content and checksum.lower() != of_content.lower():
        return path, size, checksum, request, None  # the user knows of another file
    asked = str(file["request"] or "")
    download = (
        str(file["service"]), str(file["job_id"] or ""), str(file["dataset"] or ""), asked, int(file["size"]), found,
        str(file["checksum_kind"] or ""), file["verified"] == "checksum", float(file["finished"]),
    )  # fmt: skip
    return path, int(file["size"]), checksum or of_content, request or asked, download


def libraries() -> str:
    """Versions of what takes part in a search, as JSON: Python, its platform, NumPy, and xarray if it is loaded."""
    versions = {"python": platform.python_version(), "platform": platform.platform()}
    for name in ("numpy", "xarray"):
        module = sys.modules.get(name)
        if module is not None:
            versions[name] = str(module.__version__)
    return canonical(versions)
