"""Request files: what is wanted, written down in YAML, TOML or JSON.

A file holds one request, a list of them, or a list under ``requests:``. Each has the arguments of
:class:`era5fast.Request`, or is a ``request`` as it is sent (in keys of the service or of the archive), or a template
of many with dates and ``target``, see :meth:`era5fast.Plan.from_template`::

    dataset: reanalysis-era5-single-levels
    variable: [2t, tp]
    start: 1991-01-01
    end: 2020-12-31
    area: [50, -10, 35, 5]
"""

from __future__ import annotations

import functools
import inspect
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from .errors import InputError, StorageError
from .plan import Plan
from .request import Request, plan_of
from .tariff import Estimates
from .wording import did_you_mean

__all__ = ["load", "load_plan"]

_MOST_BYTES = 4 << 20
_OF_TEMPLATES = tuple(inspect.signature(Plan.from_template).parameters)


@dataclass
class _Entry:
    """One request of a file: its values, and the lines where they stand."""

    values: dict[str, Any]
    lines: dict[str, int]
    line: int
    spots: dict[str, int] = field(default_factory=dict)  # line of a value in a list, where the notation tells


def load(path: str | os.PathLike[str]) -> list[Request | Plan]:
    """Read a request file.

    Parameters
    ----------
    path : path
        A file of YAML, or of JSON or TOML when its name ends in ``.json`` or ``.toml``.

    Returns
    -------
    list of Request and Plan
        In the order of the file; templates have become plans.

    Raises
    ------
    InputError
        If something in it is wrong; the text names file and line.
    StorageError
        If it cannot be read.
    """
    name = os.fspath(path)
    text = _text(name)
    if name.endswith(".json"):
        entries = _json_entries(name, text)
    elif name.endswith(".toml"):
        entries = _plain_entries(name, text, _toml(name, text))
    else:
        entries = _yaml_entries(name, text)
    if not entries:
        raise InputError(f"{name}: no request in it", hint="it needs dataset, variable, start and end")
    return [_made(name, entry) for entry in entries]


def load_plan(
    path: str | os.PathLike[str], *, max_cost: str | float | None = None, client: Estimates | None = None
) -> Plan:
    """Read a request file and cut all its requests into jobs; see :meth:`era5fast.Request.split`."""
    return plan_of(load(path), max_cost, client)


def _text(name: str) -> str:
    try:
        with open(name, "rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise StorageError(f"cannot read {name}: {error.strerror}", target=name).at(error.errno or 0, name) from error
    if len(data) > _MOST_BYTES:
        raise InputError(f"{name}: too large for a request file")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{name}, line {data[: error.start].count(10) + 1}: not in UTF-8") from error


def _wrong(name: str, line: int, what: str, hint: str = "") -> InputError:
    return InputError(f"{name}, line {line}: {what}", hint=hint)


# --- the two notations ---


def _yaml_entries(name: str, text: str) -> list[_Entry]:
    import yaml

    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        if root is None:
            return []
        return [_yaml_entry(name, node) for node in _yaml_items(name, root)]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _wrong(name, mark.line + 1 if mark else 1, f"no YAML: {error.problem or error.context}") from error
    except InputError:
        raise
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise InputError(f"{name}: no YAML: {str(error) or type(error).__name__}") from error


def _yaml_items(name: str, root: Any) -> Iterable[Any]:
    import yaml

    if isinstance(root, yaml.MappingNode):
        keys = {key.value: key.start_mark.line + 1 for key, _ in root.value}
        if _is_list(name, keys):
            root = root.value[0][1]
    return root.value if isinstance(root, yaml.SequenceNode) else [root]


def _yaml_entry(name: str, node: Any) -> _Entry:
    import yaml

    line = node.start_mark.line + 1
    if not isinstance(node, yaml.MappingNode):
        raise _wrong(name, line, "a request has keys and values", "for instance 'variable: 2t'")
    lines: dict[str, int] = {}
    for key, _ in node.value:
        if key.value in lines:
            raise _wrong(name, key.start_mark.line + 1, f"'{key.value}' is there twice")
        lines[key.value] = key.start_mark.line + 1
    loader = _loader()("")
    try:
        values = loader.construct_mapping(node, deep=True)
    finally:
        loader.dispose()
    lists = [value.value for _, value in node.value if isinstance(value, yaml.SequenceNode)]
    spots = {str(item.value): item.start_mark.line + 1 for items in reversed(lists) for item in reversed(items)}
    return _Entry({str(key): value for key, value in values.items()}, lines, line, spots)


@functools.cache
def _loader() -> Any:
    """YAML in which the 31st of June is a text, so that whoever reads it as a date can say where it stands."""
    import yaml

    class Loader(yaml.SafeLoader):
        pass

    def construct(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Any:
        try:
            return loader.construct_yaml_timestamp(node)
        except ValueError:
            return node.value

    Loader.add_constructor("tag:yaml.org,2002:timestamp", construct)
    return Loader


def _json(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise _wrong(name, error.lineno, f"no JSON: {error.msg}") from error
    except RecursionError as error:
        raise InputError(f"{name}: no JSON: too deep") from error


def _json_entries(name: str, text: str) -> list[_Entry]:
    """Requests in JSON. Its reader tells no lines; YAML's does, and takes JSON but for tabs between the words."""
    root = _json(name, text)
    places = _yaml_entries(name, text.replace("\t", " "))
    if isinstance(root, dict) and "requests" in root:
        root = root["requests"]
    values = root if isinstance(root, list) else [root]
    return [replace(place, values=found) for place, found in zip(places, values, strict=True)]


def _toml(name: str, text: str) -> Any:
    import tomllib

    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"{name}: no TOML: {str(error) or 'too deep'}") from error


def _plain_entries(name: str, text: str, root: Any) -> list[_Entry]:
    """Requests of a notation whose reader tells no lines: keys are looked for in the text, one after the other."""
    if isinstance(root, dict) and _is_list(name, dict.fromkeys(root, 1)):
        root = root["requests"]
    entries, at = [], 0
    for values in root if isinstance(root, list) else [root]:
        if not isinstance(values, dict):
            raise _wrong(name, _line_of(text, at), "a request has keys and values")
        lines = {}
        begin = at
        for key in values:
            at = max(text.find(key, at), at)
            lines[key] = _line_of(text, at)
        entries.append(_Entry(values, lines, _line_of(text, begin)))
    return entries


def _is_list(name: str, lines: dict[str, int]) -> bool:
    """Whether the keys of a file, by their lines, are the one under which requests are listed."""
    if "requests" not in lines:
        return False
    for other, line in lines.items():
        if other != "requests":
            raise _wrong(name, line, f"'{other}' has no place beside 'requests'", "it belongs into each of them")
    return True


def _line_of(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


# --- what they say ---


def _made(name: str, entry: _Entry) -> Request | Plan:
    values = dict(entry.values)
    if "dataset" not in values:
        raise _without_dataset(name, entry)
    try:
        if "request" in values:
            _check_keys(values)
            inner = values.pop("request")
            if not isinstance(inner, dict):
                raise InputError("'request' has keys and values")
            return Plan.from_template(values.pop("dataset"), inner, **values)
        return Request(str(values.pop("dataset")), **values)
    except (InputError, TypeError) as error:
        hint = getattr(error, "hint", "")
        what = getattr(error, "what", str(error))
        raise _wrong(name, _line_that(entry, what), what, hint) from error


def _without_dataset(name: str, entry: _Entry) -> InputError:
    for key, line in entry.lines.items():
        if hint := did_you_mean(key, ["dataset", "requests"]):
            return _wrong(name, line, f"no dataset, but '{key}'", hint)
    return _wrong(name, entry.line, "no dataset", "for instance 'dataset: reanalysis-era5-single-levels'")


def _check_keys(values: dict[str, Any]) -> None:
    known = ("request", *_OF_TEMPLATES)
    for key in values:
        if key not in known:
            raise InputError(f"a template has no '{key}'", hint=did_you_mean(key, known))


def _line_that(entry: _Entry, what: str) -> int:
    """Line of the value or key that a message speaks of; the first line of the request otherwise."""
    spoken = f" {what} ".replace("(", " ").replace(")", " ")
    for text, line in entry.spots.items():
        if f"'{text}'" in spoken:
            return line
    for key, line in entry.lines.items():
        value = entry.values[key]
        texts = [str(v) for v in (value if isinstance(value, list) else [value])]
        if key != "dataset" and any(f"'{text}'" in spoken or f" {text} " in spoken for text in texts):
            return line
    named = (line for key, line in entry.lines.items() if f"'{key}'" in what or f" {key} " in spoken)
    return next(named, entry.lines.get("dataset", entry.line) if "dataset" in entry.values else entry.line)
