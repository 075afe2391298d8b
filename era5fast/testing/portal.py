"""Routes of the catalogue service: messages, collections, their forms and constraints, vocabularies."""

from __future__ import annotations

import json
import uuid
from datetime import UTC
from typing import Any

from .api import Api
from .catalogue import Dataset, Licence, choices, inputs_form
from .routing import Page, Refused, route, word
from .wire import Call, Reply, json_reply

_ORDERS = ("publication", "relevance", "update", "title", "id")
_JSON = "application/json"


def _refused(text: str, status: int = 404) -> Refused:
    """A refusal in the form of this service, which is shorter than that of the processing service."""
    return Refused(json_reply({"title": text, "trace_id": str(uuid.uuid4())}, status))


def _dataset(api: Api, call: Call) -> Dataset:
    found = api.settings.datasets.get(call.arguments["dataset"])
    if found is None:
        raise _refused("dataset not found")
    return found


@route("messages", "GET", "/catalogue/v1/messages", token=False)
def _messages(api: Api, call: Call) -> Reply:
    return json_reply({"messages": api.settings.messages})


@route("changelog", "GET", "/catalogue/v1/messages/changelog", token=False)
def _changelog(api: Api, call: Call) -> Reply:
    return json_reply({"changelog": []})


@route("datasets", "GET", "/catalogue/v1/datasets", token=False)
@route("datasets", "POST", "/catalogue/v1/datasets", token=False)
def _datasets(api: Api, call: Call) -> Reply:
    """Search by words of the title and by keywords; without a hit 404, as at the real service."""
    word(call, "sortby", "update", _ORDERS)
    words = " ".join(call.query.get("q", [])).lower().split()
    found = [
        d.id
        for d in api.settings.datasets.values()
        if all(w in f"{d.id} {d.title}".lower() for w in words) and set(call.query.get("kw", [])) <= set(_KEYWORDS)
    ]
    if not found:
        raise _refused("search did not produce any results")
    page = Page.of(sorted(found), call, most=500, usual=50)
    rows = [
        {"type": "Collection", "id": name, "title": api.settings.datasets[name].title, "links": []}
        for name in page.names
    ]
    links = [{"rel": "root", "href": f"{_root(call)}/"}, *page.links(call)]
    counts = {"numberMatched": page.total, "numberReturned": len(rows)}
    return json_reply({"collections": rows, "links": links, **counts})


@route("collections", "GET", "/catalogue/v1/collections", token=False)
def _collections(api: Api, call: Call) -> Reply:
    rows = [_collection_document(api, call, d) for d in api.settings.datasets.values()]
    return json_reply({"collections": rows, "links": [{"rel": "self", "href": call.url}]})


@route("collection", "GET", "/catalogue/v1/collections/{dataset}", token=False)
def _collection(api: Api, call: Call) -> Reply:
    return json_reply(_collection_document(api, call, _dataset(api, call)))


@route("form", "GET", "/catalogue/v1/collections/{dataset}/form.json", token=False)
def _form(api: Api, call: Call) -> Reply:
    """The form lies in the object store: another origin, which must not see the token."""
    dataset = _dataset(api, call)
    form = inputs_form(dataset, api.latest().year)
    widgets = [{"name": key, "label": row["title"], "type": "StringListWidget"} for key, row in form.items()]
    return _elsewhere(api, f"{dataset.id}/form.json", widgets)


@route("constraints-file", "GET", "/catalogue/v1/collections/{dataset}/constraints.json", token=False)
def _constraints_file(api: Api, call: Call) -> Reply:
    dataset = _dataset(api, call)
    return _elsewhere(api, f"{dataset.id}/constraints.json", [choices(dataset, api.latest().year)])


@route("notices", "GET", "/catalogue/v1/collections/{dataset}/messages", token=False)
def _notices(api: Api, call: Call) -> Reply:
    return json_reply({"messages": api.notices(_dataset(api, call).id)})


@route("notices-changelog", "GET", "/catalogue/v1/collections/{dataset}/messages/changelog", token=False)
def _notices_changelog(api: Api, call: Call) -> Reply:
    _dataset(api, call)
    return json_reply({"changelog": []})


@route("vocabulary", "GET", "/catalogue/v1/vocabularies/licences", token=False)
def _licences(api: Api, call: Call) -> Reply:
    word(call, "scope", "all", ("all", "dataset", "portal"))
    found = [] if call.query.get("scope") == ["portal"] else sorted(api.known_licences(), key=lambda x: x.id)
    return json_reply({"licences": [_licence_document(licence) for licence in found]})


@route("licence", "GET", "/catalogue/v1/vocabularies/licences/{licence}", token=False)
def _licence(api: Api, call: Call) -> Reply:
    for licence in api.known_licences():
        if licence.id == call.arguments["licence"]:
            return json_reply(_licence_document(licence))
    raise _refused("licence not found")


@route("keywords", "GET", "/catalogue/v1/vocabularies/keywords", token=False)
def _keywords(api: Api, call: Call) -> Reply:
    return json_reply({"keywords": [{"id": name, "label": name} for name in _KEYWORDS]})


_KEYWORDS = ("Product type: Reanalysis", "Spatial coverage: Global")


def _root(call: Call) -> str:
    return f"{call.origin}/api/catalogue/v1"


def _elsewhere(api: Api, name: str, document: Any) -> Reply:
    """A redirect to a document in the object store."""
    return Reply(307, {"Location": api.store.publish(name, json.dumps(document).encode())})


def _licence_document(licence: Licence) -> dict[str, Any]:
    page = f"https://example.org/licences/{licence.id}"
    return {
        "id": licence.id,
        "label": licence.label,
        "revision": licence.revision,
        "contents_url": f"{page}.md",
        "attachment_url": f"{page}.pdf",
        "scope": "dataset",
    }


def _collection_document(api: Api, call: Call, dataset: Dataset) -> dict[str, Any]:
    own = f"{_root(call)}/collections/{dataset.id}"
    process = f"{call.origin}/api/retrieve/v1/processes/{dataset.id}"
    latest = api.latest().replace(tzinfo=UTC).isoformat().replace("+00:00", "Z")
    links = {
        "self": own,
        "parent": f"{_root(call)}/",
        "root": f"{_root(call)}/",
        "form": f"{own}/form.json",
        "constraints": f"{own}/constraints.json",
        "retrieve": process,
        "costing_api": f"{process}/costing",
        "messages": f"{own}/messages",
    }
    rows: list[dict[str, Any]] = [{"rel": rel, "href": href, "type": _JSON} for rel, href in links.items()]
    rows += [
        {
            "rel": "license",
            "href": f"https://example.org/licences/{x.id}.pdf",
            "title": x.label,
            "id": x.id,
            "rev": x.revision,
        }
        for x in dataset.licences
    ]
    reason = api.settings.disabled.get(dataset.id)
    return {
        "type": "Collection",
        "stac_version": "1.1.0",
        "id": dataset.id,
        "title": dataset.title,
        "description": dataset.description,
        "extent": {
            "spatial": {"bbox": [[0, -90, 360, 90]]},
            "temporal": {"interval": [[f"{dataset.first_year}-01-01T00:00:00Z", latest]]},
        },
        "published": "2018-06-14T00:00:00Z",
        "updated": latest,
        "keywords": list(_KEYWORDS),
        "license": "other",
        "links": rows,
        **({} if reason is None else {"cads:disabled_reason": reason}),
    }
