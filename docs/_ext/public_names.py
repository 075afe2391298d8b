"""What the pages of the reference add to docstrings: a formula, a picture, and links by the names that users know."""

from __future__ import annotations

from typing import Any

import formulas
from docutils import nodes
from pictures import caption_of, make_pictures, picture_of
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx

import era5fast


def _add(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Put formula and picture behind the first paragraph."""
    app.env.note_dependency(formulas.__file__)
    short = name.removeprefix("era5fast.")
    extra: list[str] = []
    if short in formulas.FORMULAS:
        extra += ["", ".. math::", "", *(f"   {line}" for line in formulas.FORMULAS[short].strip().splitlines()), ""]
    if picture := picture_of(short):
        caption = caption_of(short)
        extra += ["", f".. figure:: /{picture}", f"   :alt: {caption}", "", f"   {caption}", ""]
    if extra:
        first = next((i for i, line in enumerate(lines) if line.strip()), 0)
        where = next((i for i in range(first, len(lines)) if not lines[i].strip()), len(lines))
        lines[where:where] = extra


def _public(target: str) -> str | None:
    """The name under which a user knows what a docstring calls by its module, or by its last part only."""
    parts = target.split(".")
    for start, part in enumerate(parts):
        if part in era5fast._HOME:
            return ".".join(["era5fast", *parts[start:]])
    return None


def _resolve(app: Sphinx, env: Any, node: pending_xref, content: nodes.TextElement) -> nodes.Element | None:
    """Find a link that the domain of Python did not find."""
    if node.get("refdomain") != "py":
        return None
    name = node["reftarget"].lstrip(".~")
    domain = env.get_domain("py")
    tries = [_public(name), f"era5fast.{name}"]
    if place := node.get("py:class"):  # a method of the class that is described
        tries.append(_public(f"{place}.{name}"))
    alike = [target for target, entry in domain.objects.items() if target.endswith(f".{name}") and not entry.aliased]
    tries += alike if len(alike) == 1 else []
    for target in tries:
        if target and target in domain.objects:
            return domain.resolve_xref(env, node["refdoc"], app.builder, node["reftype"], target, node, content)
    return None


#: Methods that other parts of the program call, and no user.
_INNER = {
    "AsyncResult": ("ask", "run", "drop"),
    "MapResult": ("begin", "counts", "run", "drop"),
    "IMapIterator": ("start", "wake", "run", "drop", "go_on"),
    "Executor": ("idle",),
    "Result": ("item",),
    "JobHandle": ("learn",),
}


def _skip(app: Sphinx, what: str, name: str, it: Any, skip: bool, options: Any) -> bool | None:
    """Leave out what a user cannot use; None: as usual."""
    kind = getattr(it, "__qualname__", "").rpartition(".")[0]
    return True if name in _INNER.get(kind, ()) else None


def setup(app: Sphinx) -> dict[str, Any]:
    """Draw pictures before sphinx looks for sources, and listen."""
    app.connect("config-inited", lambda app, config: make_pictures())
    app.connect("autodoc-process-docstring", _add, priority=600)  # behind numpydoc
    app.connect("autodoc-skip-member", _skip)
    app.connect("missing-reference", _resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
