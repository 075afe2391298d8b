"""The JSON documents of the service, built from jobs and results. Keys without a value are left out."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Mapping
from datetime import datetime
from time import monotonic
from typing import Any

from .catalogue import Dataset, inputs_form, title
from .jobs import Job, Snapshot
from .store import Store

OGC = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/"
_JSON = "application/json"


def without_none(document: dict[str, Any]) -> dict[str, Any]:
    """The document without keys that have no value."""
    return {key: value for key, value in document.items() if value is not None}


def error(
    status: int,
    kind: str,
    text: str | None = None,
    *,
    detail: str | None = None,
    instance: str | None = None,
    traceback: str | None = None,
) -> dict[str, Any]:
    """Body of an error of the processing service; ``text`` is its title, by default the same as its type."""
    return without_none(
        {
            "type": kind,
            "title": kind if text is None else text,
            "status": status,
            "detail": detail,
            "instance": instance,
            "trace_id": str(uuid.uuid4()),
            "traceback": traceback,
        }
    )


def process(dataset: Dataset, root: str, last_year: int) -> dict[str, Any]:
    """Description of a data set as a process."""
    url = f"{root}/processes/{dataset.id}"
    asset = {"type": "object", "properties": {"value": {"type": "object"}}}
    return {
        **process_summary(dataset),
        "inputs": inputs_form(dataset, last_year),
        "outputs": {"asset": {"title": "Asset", "description": "Downloadable asset description", "schema": asset}},
        "links": [
            {"href": url, "rel": "self"},
            {"href": f"{url}/execution", "rel": "execute", "type": _JSON, "title": "process execution"},
        ],
    }


def process_summary(dataset: Dataset) -> dict[str, Any]:
    """The part of a description that is in the list as well."""
    return {
        "id": dataset.id,
        "version": "1.0.0",
        "title": dataset.title,
        "description": dataset.description,
        "jobControlOptions": ["async-execute"],
        "outputTransmission": ["reference"],
    }


def listed_process(dataset: Dataset, root: str) -> dict[str, Any]:
    """Entry of a data set in the list of processes."""
    link = {"href": f"{root}/processes/{dataset.id}", "rel": "process", "type": _JSON, "title": "process description"}
    return {**process_summary(dataset), "links": [link]}


def submitted(job: Job, root: str, message: str | None, notices: list[dict[str, str]]) -> dict[str, Any]:
    """Reply to a submission. Its ``self`` is the address of the submission, not of the job."""
    return without_none(
        {
            **_core(job, Snapshot("accepted", 0.0)),
            "message": message,
            "links": [
                {"href": f"{root}/processes/{job.dataset}/execution", "rel": "self"},
                _monitor(job, root),
            ],
            "metadata": {"origin": "api", "datasetMetadata": {"messages": notices}},
        }
    )


def status(job: Job, at: float, root: str) -> dict[str, Any]:
    """Status of one job at a moment, without the parts that are only given on request."""
    view = job.snapshot(at)
    links = [{"href": f"{root}/jobs/{job.id}", "rel": "self", "type": _JSON}]
    if view.status in ("successful", "failed"):
        links.append(_results_link(job, root))
    metadata = {"origin": "api", "datasetMetadata": {"catalogue": "c3s"}}
    return {**_core(job, view), "links": links, "metadata": metadata}


def dismissed(job: Job) -> dict[str, Any]:
    """Reply to the deletion of a job: no links."""
    view = job.snapshot(monotonic())
    metadata = {"origin": "api", "datasetMetadata": {"catalogue": "c3s"}}
    return {**_core(job, view), "status": "dismissed", "metadata": metadata}


def listed(job: Job, root: str, store: Store, datasets: Mapping[str, Dataset]) -> dict[str, Any]:
    """Entry of a job in the list, which holds its results or why there are none."""
    now = monotonic()
    view = job.snapshot(now)
    links = [_monitor(job, root)]
    if view.status in ("successful", "failed"):
        links.append(_results_link(job, root))
    _, outcome = results(job, now, store)
    name = datasets[job.dataset].title if job.dataset in datasets else "Dataset not available"
    metadata = {
        "origin": "api",
        "datasetMetadata": {"title": name, "catalogue": "c3s"},
        "qos": {"status": {}},
        "results": outcome,
    }
    return {**_core(job, view), "links": links, "metadata": metadata}


def results(job: Job, at: float, store: Store, instance: str | None = None) -> tuple[int, dict[str, Any]]:
    """HTTP status and body of the results of a job at a moment."""
    state = job.snapshot(at).status
    if state in ("failed", "rejected"):
        text = f"The job has {'failed' if state == 'failed' else 'been rejected'}"
        failure = job.failure_text()
        return 400, error(400, "job results failed", text, instance=instance, traceback=failure)
    if state != "successful":
        detail = f"status of {job.id} is '{state}'"
        kind = f"{OGC}result-not-ready"
        return 404, error(404, kind, "job results not ready", detail=detail, instance=instance)
    if job.expired(at) or job.result is None:
        return 404, error(404, "results expired", detail=f"results of job {job.id} expired", instance=instance)
    return 200, {"asset": {"value": store.asset(job.result)}}


def receipt(job: Job, at: float, root: str) -> dict[str, Any]:
    """Receipt of a job that has ended, with the hyphenated keys of the adaptor of ERA5."""
    view = job.snapshot(at)
    size = None if job.result is None else job.result.size
    name = None if job.result is None or job.result.file is None else job.result.file.name
    failed = view.status != "successful"
    return without_none(
        {
            "request-id": job.id,
            "collection-id": job.dataset,
            "request": job.inputs,
            "status": view.status,
            "created-at": job.created.isoformat(),
            "started-at": None if view.started is None else job.moment(view.started).isoformat(),
            "finished-at": None if view.finished is None else job.moment(view.finished).isoformat(),
            "updated-at": job.moment(view.updated).isoformat(),
            "origin": "api",
            "collection-url": f"{root}/processes/{job.dataset}",
            "user-support-url": "https://support.example.org",
            "licence": [],
            "traceback": job.failure_text() if failed else None,
            "filename": None if failed else name,
            "download-size": None if failed else size,
        }
    )


def labels(inputs: dict[str, Any]) -> dict[str, Any]:
    """The inputs of a job in words for people."""
    out: dict[str, Any] = {}
    for key, value in inputs.items():
        values = value if isinstance(value, list) else [value]
        readable = [str(v).replace("_", " ").capitalize() for v in values]
        out[title(key)] = readable
    return out


def log(job: Job, at: float, after: datetime | None) -> list[list[str]]:
    """Lines of the log of a job up to a moment, those strictly after a time."""
    offset = job.script.timeline[0][1] if job.script.timeline else 0.0
    lines = []
    for index, text in enumerate(job.script.log):
        moment = job.moment(offset + index * 1e-3)
        if job.born + offset <= at and (after is None or moment > after):
            lines.append([moment.isoformat(), text])
    return lines


def cursor_of(job: Job) -> str:
    """Place of a job in the list, as text for an address."""
    text = job.created.strftime("%Y-%m-%d %H:%M:%S.%f")
    return base64.b64encode(text.encode()).decode()


def read_cursor(text: str) -> datetime:
    """The creation time in a cursor; raises `ValueError`."""
    return datetime.strptime(base64.b64decode(text, validate=True).decode(), "%Y-%m-%d %H:%M:%S.%f")


def _core(job: Job, view: Snapshot) -> dict[str, Any]:
    started = None if view.started is None else job.moment(view.started).isoformat()
    finished = None if view.finished is None else job.moment(view.finished).isoformat()
    return without_none(
        {
            "processID": job.dataset,
            "type": "process",
            "jobID": job.id,
            "status": view.status,
            "created": job.created.isoformat(),
            "started": started,
            "finished": finished,
            "updated": job.moment(view.updated).isoformat(),
        }
    )


def _monitor(job: Job, root: str) -> dict[str, str]:
    href = f"{root}/jobs/{job.id}"
    return {"href": href, "rel": "monitor", "type": _JSON, "title": "job status info"}


def _results_link(job: Job, root: str) -> dict[str, str]:
    return {"href": f"{root}/jobs/{job.id}/results", "rel": "results"}
