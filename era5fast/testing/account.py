"""Routes of the catalogue and profiles services: messages, the token, licences."""

from __future__ import annotations

from .api import Api
from .routing import Refused, body, route
from .wire import Call, Reply, json_reply


@route("messages", "GET", "/catalogue/v1/messages", token=False)
def _messages(api: Api, call: Call) -> Reply:
    return json_reply({"messages": api.settings.messages})


@route("changelog", "GET", "/catalogue/v1/messages/changelog", token=False)
def _changelog(api: Api, call: Call) -> Reply:
    return json_reply({"changelog": []})


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
