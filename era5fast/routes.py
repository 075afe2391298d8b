"""Paths of the service's calls; the core joins them to its address."""

from __future__ import annotations

from urllib.parse import quote

__all__ = ["ACCOUNT", "CATALOGUE", "JOBS", "PROCESSES", "collection", "constraints", "costing", "quoted"]

PROCESSES, JOBS = "/retrieve/v1/processes", "/retrieve/v1/jobs"
CATALOGUE, ACCOUNT = "/catalogue/v1", "/profiles/v1/account"


def quoted(name: str) -> str:
    """A name as one segment of an address."""
    return quote(name, safe="")


def costing(dataset: str) -> str:
    """Where a request for a dataset is priced."""
    return f"{PROCESSES}/{quoted(dataset)}/costing"


def constraints(dataset: str) -> str:
    """Where a dataset tells what can still be chosen."""
    return f"{PROCESSES}/{quoted(dataset)}/constraints"


def collection(dataset: str) -> str:
    """Where a dataset is described."""
    return f"{CATALOGUE}/collections/{quoted(dataset)}"
