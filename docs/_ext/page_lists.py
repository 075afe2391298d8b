"""A line ``(others)`` in a list of pages stands for all pages of that folder which the file does not name."""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx

MARK = "(others)\n"


def _others(app: Sphinx, name: str, source: list[str]) -> None:
    """Put names in the place of the mark."""
    if MARK not in source[0]:
        return
    app.env.lists_of_pages = {*getattr(app.env, "lists_of_pages", ()), name}
    folder = name.rpartition("/")[0]
    named = {f"{folder}/{line}" for line in source[0].splitlines()}
    inside = [page for page in app.env.found_docs if page.rpartition("/")[0] == folder and page != name]
    others = sorted(set(inside) - named)
    source[0] = source[0].replace(MARK, "".join(f"{page.rpartition('/')[2]}\n" for page in others))


def _outdated(app: Sphinx, env: Any, added: set[str], changed: set[str], removed: set[str]) -> list[str]:
    """Lists are made anew when pages come or go."""
    return list(getattr(env, "lists_of_pages", ())) if added or removed else []


def setup(app: Sphinx) -> dict[str, Any]:
    """Listen to what is read."""
    app.connect("source-read", _others)
    app.connect("env-get-outdated", _outdated)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
