"""Routes on data sets: descriptions, submission, cost, valid values."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from . import documents
from .api import Api
from .catalogue import Dataset, choices
from .jobs import Job, Script
from .request import InvalidRequest, Selection, count_fields, select
from .routing import Page, body, inputs_of, refuse, root, route, word
from .store import StoredObject
from .wire import Call, Reply, json_reply

_PAGE = "https://cds.climate.copernicus.eu/datasets/{}?tab=download#manage-licences"


@route("process", "GET", "/retrieve/v1/processes/{dataset}", token=False)
def _process(api: Api, call: Call) -> Reply:
    document = documents.process(api.dataset(call), root(call), api.latest().year)
    return json_reply(document, 200, **{"Cache-Control": "public, max-age=60"})


@route("processes", "GET", "/retrieve/v1/processes", token=False)
def _processes(api: Api, call: Call) -> Reply:
    order = word(call, "sortby", "id", ("id", "-id"))
    page = Page.of(sorted(api.settings.datasets, reverse=order == "-id"), call, most=10_000, usual=10)
    rows = [documents.listed_process(api.settings.datasets[name], root(call)) for name in page.names]
    return json_reply({"processes": rows, "links": page.links(call)})


@route("execute", "POST", "/retrieve/v1/processes/{dataset}/execution")
def _execute(api: Api, call: Call) -> Reply:
    return _submit(api, call, [])


@route("execute", "POST", "/retrieve/v1/processes/{dataset}/execute")
def _execute_alias(api: Api, call: Call) -> Reply:
    """The deprecated address of the same."""
    text = "This endpoint is deprecated, use 'execution' instead."
    moment = datetime.now(UTC).replace(tzinfo=None).isoformat()
    return _submit(api, call, [{"date": moment, "severity": "WARNING", "content": text}])


def _submit(api: Api, call: Call, notices: list[dict[str, str]]) -> Reply:
    """Checks in the order of the service: data set, disabled, validity, cost, licences."""
    dataset = api.dataset(call)
    if dataset.id in api.settings.disabled:
        raise refuse(403, "permission denied", call, detail=api.settings.disabled[dataset.id])
    inputs = inputs_of(call)
    script = api.answers.take_script(dataset.id, inputs)
    if script.answer is None:
        selection = _select(api, call, dataset, inputs)
        if _cost(api, selection) > api.settings.cost_limit:
            detail = "Your request is too large, please reduce your selection."
            raise refuse(403, "permission denied", call, "cost limits exceeded", detail=detail)
    anonymous = api.is_anonymous(call)
    if not anonymous and not set(dataset.licences) <= api.accepted_licences():
        detail = f"Not all the required licences have been accepted; please visit {_PAGE.format(dataset.id)}"
        raise refuse(403, "permission denied", call, "required licences not accepted", detail=detail)
    job = _create(api, call.token, dataset, inputs, script)
    message = "WARNING: anonymous users have limited resources." if anonymous else None
    document = documents.submitted(job, root(call), message, [*notices, *api.notices(dataset.id)])
    return json_reply(document, 201, Location=f"{root(call)}/jobs/{job.id}")


def _select(api: Api, call: Call, dataset: Dataset, inputs: dict[str, Any]) -> Selection:
    try:
        selection = select(dataset, inputs, api.latest())
    except InvalidRequest as e:
        raise refuse(400, "invalid request", call, detail=str(e)) from None
    if selection.data_format == "grib":
        detail = "This look-alike computes netCDF only; please ask for 'data_format': 'netcdf'."
        raise refuse(400, "invalid request", call, detail=detail)
    if selection.values > api.settings.max_values:
        detail = f"This look-alike computes at most {api.settings.max_values} values; please choose a smaller area."
        raise refuse(400, "invalid request", call, detail=detail)
    return selection


def _cost(api: Api, selection: Selection) -> float:
    """Number of fields; netCDF may weigh more. The area does not matter."""
    return selection.fields * (api.settings.netcdf_weight if selection.data_format == "netcdf" else 1.0)


def _create(api: Api, owner: str, dataset: Dataset, inputs: dict[str, Any], script: Script) -> Job:
    """Make the job, and its result unless that is there already: then the job is done at once."""

    def reserve() -> tuple[StoredObject | None, bool]:
        return api.answers.reserve(dataset.id, inputs, script) if script.outcome == "successful" else (None, False)

    job, new = api.jobs.create(owner, dataset.id, inputs, script, reserve)
    if job.result is not None and new:
        api.answers.make(job.result, job, api.latest())
    return job


@route("costing", "POST", "/retrieve/v1/processes/{dataset}/costing", token=False)
def _costing(api: Api, call: Call) -> Reply:
    dataset, inputs = api.dataset(call), inputs_of(call)
    document: dict[str, Any] = {"id": "size", "cost": 0.0, "limit": api.settings.cost_limit}
    try:
        if dataset.variables:
            document["cost"] = float(_cost(api, select(dataset, inputs, api.latest())))
        else:  # its answers are scripted, whatever is asked for
            document["cost"] = float(count_fields(inputs))
    except InvalidRequest as e:
        document |= {"request_is_valid": False, "invalid_reason": str(e)}
    return json_reply(document)


@route("constraints", "POST", "/retrieve/v1/processes/{dataset}/constraints", token=False)
def _constraints(api: Api, call: Call) -> Reply:
    dataset, inputs = api.dataset(call), inputs_of(call)
    valid = choices(dataset, api.latest().year)
    for key in inputs:
        if key not in valid and key not in ("area", "grid", "date"):
            raise refuse(422, "invalid parameter", call, detail=f"invalid param '{key}'")
    months = inputs.get("month", valid["month"])
    wanted = {int(m) for m in (months if isinstance(months, list) else [months]) if str(m).isdigit()}
    longest = max((31 if m not in (2, 4, 6, 9, 11) else 30 if m != 2 else 29 for m in wanted), default=31)
    valid["day"] = [d for d in valid["day"] if int(d) <= longest]
    return json_reply({key: sorted(values) for key, values in valid.items()})


@route("api-request", "POST", "/retrieve/v1/processes/{dataset}/api-request", token=False)
def _api_request(api: Api, call: Call) -> Reply:
    """A program that asks for the same; the body is the bare request."""
    dataset, request = api.dataset(call), body(call)
    lines = ["import cdsapi", "", f'dataset = "{dataset.id}"', f"request = {json.dumps(request, indent=4)}", ""]
    lines += ["client = cdsapi.Client()", "client.retrieve(dataset, request).download()", ""]
    return json_reply({"api_request": "\n".join(lines)})


@route("landing", "GET", "/retrieve/v1/", token=False)
def _landing(api: Api, call: Call) -> Reply:
    links = {"self": "/", "service-desc": "/openapi.json", "conformance": "/conformance", "processes": "/processes"}
    rows = [{"href": root(call) + path, "rel": rel, "type": "application/json"} for rel, path in links.items()]
    return json_reply({"title": "Processing service of the look-alike", "links": rows})


@route("conformance", "GET", "/retrieve/v1/conformance", token=False)
def _conformance(api: Api, call: Call) -> Reply:
    kinds = ("core", "json", "job-list", "dismiss")
    return json_reply({"conformsTo": [f"http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/{k}" for k in kinds]})
