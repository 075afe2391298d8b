"""Routes on jobs: list, status, results, dismissal."""

from __future__ import annotations

import re
from datetime import datetime
from time import monotonic
from urllib.parse import quote, urlencode

from . import documents
from .api import Api
from .jobs import STATES, Job
from .routing import body, malformed, refuse, root, route
from .wire import Call, Reply, json_reply


def _own_job(api: Api, call: Call, at: float | None = None) -> Job:
    """The job a call is about; ``at``: a moment in the past at which a replica still saw it."""
    name = call.arguments["job"]
    kind = f"{documents.OGC}no-such-job"
    if not re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", name):
        raise refuse(404, kind, call, "job not found", detail=f"invalid job id {name}")
    job = api.jobs.get(name)
    if job is None:
        raise refuse(404, kind, call, "job not found", detail=f"job {name} not found")
    if job.owner != call.token:
        raise refuse(403, "permission denied", call, detail="operation not allowed")
    now = monotonic()
    if not job.exists(now) and not (at is not None and job.exists(at)):
        raise refuse(404, kind, call, "job not found", detail=f"job {name} dismissed")
    return job


def _flag(call: Call, name: str) -> bool:
    value = call.query.get(name, ["false"])[-1].lower()
    if value not in ("true", "1", "on", "yes", "y", "t", "false", "0", "off", "no", "n", "f"):
        raise malformed(["query", name], "Input should be a valid boolean", value)
    return value in ("true", "1", "on", "yes", "y", "t")


@route("jobs", "GET", "/retrieve/v1/jobs")
def _list(api: Api, call: Call) -> Reply:
    """Newest first, a page at a time, read from the primary database."""
    states = call.query.get("status", list(STATES))
    order = call.query.get("sortby", ["-created"])[-1]
    limit = call.query.get("limit", ["10"])[-1]
    if not set(states) <= set(STATES):
        raise malformed(["query", "status"], "Input should be a job status", states)
    if order not in ("created", "-created"):
        raise malformed(["query", "sortby"], "Input should be 'created' or '-created'", order)
    if not limit.isdigit() or not 1 <= int(limit) <= 10_000:
        raise malformed(["query", "limit"], "Input should be between 1 and 10000", limit)
    jobs = api.jobs.of(call.token, call.query.get("processID", []), states)
    page = _page(jobs, call, newest_first=order == "-created", limit=int(limit))
    return json_reply(
        {
            "jobs": [documents.listed(job, root(call), api.store, api.settings.datasets) for job in page],
            "links": _page_links(call, page),
            "metadata": {"totalCount": min(len(jobs), 1000), "totalCountLimit": 1000},
        }
    )


def _page(jobs: list[Job], call: Call, newest_first: bool, limit: int) -> list[Job]:
    """The jobs behind a cursor, or before it when going back; comparison is strict."""
    ordered = jobs[::-1] if newest_first else jobs
    if "cursor" not in call.query:
        return ordered[:limit]
    try:
        place = documents.read_cursor(call.query["cursor"][-1])
    except ValueError:
        raise malformed(["query", "cursor"], "Input should be a cursor") from None
    back = _flag(call, "back")
    older = newest_first != back
    rest = [j for j in ordered if (j.created < place if older else j.created > place)]
    return rest[-limit:] if back else rest[:limit]


def _page_links(call: Call, page: list[Job]) -> list[dict[str, str]]:
    """Next and previous are there whenever the page is not empty, also on the last one."""
    own = {k: v for k, v in call.query.items() if k not in ("cursor", "back")}
    base = f"{call.url}?{urlencode(own, doseq=True)}" if own else f"{call.url}?"
    links = [{"href": base.rstrip("?"), "rel": "self", "title": "list of submitted jobs"}]
    for rel, job, back in (("next", page[-1:], False), ("prev", page[:1], True)):
        for one in job:
            place = quote(documents.cursor_of(one), safe="")
            links.append({"href": f"{base}&cursor={place}&back={back}".replace("?&", "?"), "rel": rel})
    return links


@route("job", "GET", "/retrieve/v1/jobs/{job}")
def _status(api: Api, call: Call) -> Reply:
    """One job, as the replica sees it; the primary is asked when the replica does not know it yet."""
    now = monotonic()
    past = now - api.settings.replica_lag
    job = _own_job(api, call, past)
    at = past if job.exists(past) else now
    document = documents.status(job, at, root(call))
    metadata = document["metadata"]
    if _flag(call, "request"):
        metadata["request"] = {"ids": job.inputs, "labels": documents.labels(job.inputs)}
    if _flag(call, "log"):
        metadata["log"] = documents.log(job, at, _start_time(call))
    if _flag(call, "qos"):
        metadata["qos"] = {"status": _limits(api, job)}
    return json_reply(document)


def _limits(api: Api, job: Job) -> dict[str, list[dict[str, object]]]:
    """What the queue of the data set looks like for the user."""
    if api.jobs.queue_limit is None:
        return {}
    states = [other.snapshot(monotonic()).status for other in api.jobs.of(job.owner, [job.dataset], STATES)]
    row = {"info": "Limit for users", "queued": states.count("accepted"), "running": states.count("running")}
    return {"limits": [{**row, "conclusion": str(api.jobs.queue_limit)}]}


def _start_time(call: Call) -> datetime | None:
    text = call.query.get("logStartTime", [""])[-1]
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None) if text else None
    except ValueError:
        message = "Input should be a valid datetime"
        raise malformed(["query", "logStartTime"], message, text) from None


@route("results", "GET", "/retrieve/v1/jobs/{job}/results")
def _results(api: Api, call: Call) -> Reply:
    """Results; a replica that says "not ready" sends on to the primary, so there is no lag here."""
    job = _own_job(api, call, monotonic() - api.settings.replica_lag)
    status, document = documents.results(job, monotonic(), api.store, call.url)
    return json_reply(document, status)


@route("receipt", "GET", "/retrieve/v1/jobs/{job}/receipt")
def _receipt(api: Api, call: Call) -> Reply:
    job, now = _own_job(api, call), monotonic()
    if job.snapshot(now).status in ("accepted", "running"):
        status, document = documents.results(job, now, api.store, call.url)
        return json_reply(document, status)
    name = f'attachment; filename="receipt-{job.id}.txt"'
    return json_reply(documents.receipt(job, now, root(call)), 200, **{"Content-Disposition": name})


@route("dismiss", "DELETE", "/retrieve/v1/jobs/{job}")
def _dismiss(api: Api, call: Call) -> Reply:
    job = _own_job(api, call)
    document = documents.dismissed(job)
    if not api.jobs.dismiss(job):
        _own_job(api, call)
    return json_reply(document)


@route("delete", "POST", "/retrieve/v1/jobs/delete")
def _delete(api: Api, call: Call) -> Reply:
    """Dismiss many; unknown and foreign ids are passed over."""
    ids = body(call).get("job_ids")
    if not isinstance(ids, list):
        raise malformed(["body", "job_ids"], "Field required")
    found = []
    for name in ids:
        job = api.jobs.get(str(name))
        if job is not None and job.owner == call.token and api.jobs.dismiss(job):
            found.append(documents.dismissed(job))
    return json_reply({"jobs": found})
