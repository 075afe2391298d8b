"""Routes of the profiles service: the token, the account, licences, stars."""

from __future__ import annotations

from .api import Api
from .routing import Refused, body, route
from .wire import Call, Reply, json_reply


@route("account", "GET", "/profiles/v1/account")
@route("verify", "POST", "/profiles/v1/account/verification/pat")
def _verify(api: Api, call: Call) -> Reply:
    if api.is_anonymous(call):
        return json_reply({"id": -1, "sub": "anonymous", "role": "anonymous", "email": None})
    sub = "5e1f0000-7e57-4000-8000-000000000001"
    return json_reply({"id": 1, "sub": sub, "role": "user", "email": "someone@example.org"})


@route("licences", "GET", "/profiles/v1/account/licences")
def _licences(api: Api, call: Call) -> Reply:
    accepted = sorted(api.accepted_licences(), key=lambda x: x.id)
    return json_reply({"licences": [{"id": x.id, "revision": x.revision} for x in accepted]})


@route("accept", "PUT", "/profiles/v1/account/licences/{licence}")
def _accept(api: Api, call: Call) -> Reply:
    revision = body(call).get("revision")
    for licence in api.known_licences():
        if licence.id == call.arguments["licence"] and licence.revision == revision:
            api.accept_licence(licence)
            return json_reply({"id": licence.id, "revision": licence.revision})
    raise Refused(json_reply({"title": "licence not found", "status": 404}, 404))


@route("star", "POST", "/profiles/v1/account/starred")
def _star(api: Api, call: Call) -> Reply:
    name = body(call).get("uid")
    if name not in api.settings.datasets:
        raise Refused(json_reply({"title": "dataset not found", "status": 404}, 404))
    api.star(name, True)
    return json_reply(api.stars(), 201)


@route("unstar", "DELETE", "/profiles/v1/account/starred/{dataset}")
def _unstar(api: Api, call: Call) -> Reply:
    if not api.star(call.arguments["dataset"], False):
        raise Refused(json_reply({"title": "not starred", "status": 404}, 404))
    return Reply(204)
