"""Tables of pages that are made from those of the program, so that both say the same.

``{index-table}`` the indices of climate extremes, ``{kernel-table}`` all diagnostics of the core,
``{definitions} etccdi`` which parameters stand for whose rules, ``{error-facts} NAME`` an error with its cause, its
cure and what a program may know of it, ``{variable-table}`` the variables of ERA5.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList
from sphinx import addnodes
from sphinx.application import Sphinx

from era5fast import _core, errors, indices, variable_table
from era5fast.definitions import DEFINITIONS
from era5fast.exit_codes import code_of

_KINDS = {
    "scan": "step by step: data of any length pass by once",
    "series": "whole series of each cell",
    "field": "maps, with their neighbours",
    "pointwise": "value by value",
}

#: Names in Python that are not those of the table: `id` is Python's own.
_SPELLING = {"id": "id_"}


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> nodes.table:
    """Make a table whose entries are texts or nodes; a text in backticks is code."""
    table, group = nodes.table(classes=["colwidths-auto"]), nodes.tgroup(cols=len(head))
    group += [nodes.colspec(colwidth=1) for _ in head]
    header, body = nodes.thead(), nodes.tbody()
    header += _row(head)
    body += [_row(row) for row in rows]
    group += [header, body]
    table += group
    return table


def _row(entries: Sequence[Any]) -> nodes.row:
    row = nodes.row()
    for entry in entries:
        cell = nodes.paragraph()
        cell += entry if isinstance(entry, nodes.Node) else nodes.Text(entry)
        row += nodes.entry("", cell)
    return row


def _code(text: str) -> nodes.literal:
    return nodes.literal("", text)


def _link(name: str, text: str) -> addnodes.pending_xref:
    """Link to the page of a function."""
    options = {"refdomain": "py", "reftype": "func", "reftarget": name, "refexplicit": True}
    return addnodes.pending_xref("", nodes.literal("", text), refdoc="", **options)


def _summary(name: str) -> str:
    """First line of the docstring of an index, which has the numbers of its definition in it."""
    function = getattr(indices, _SPELLING.get(name, name))
    return inspect.getdoc(function).splitlines()[0]


class _OnPage(Directive):
    """A directive that knows the page on which it stands, which links need."""

    def _linked(self, table: nodes.table) -> list[nodes.Node]:
        for link in table.findall(addnodes.pending_xref):
            link["refdoc"] = self.state.document.settings.env.docname
        return [table]


class IndexTable(_OnPage):
    """Every index of climate extremes."""

    def run(self) -> list[nodes.Node]:
        """Make the table."""
        rows = [
            (
                _link(f"era5fast.indices.{_SPELLING.get(row['name'], row['name'])}", row["name"]),
                _summary(row["name"]),
                row["units"],
                ", ".join(row["operands"]),
            )
            for row in _core.indices()
        ]
        return self._linked(_table(("index", "meaning", "units", "series"), rows))


class KernelTable(_OnPage):
    """Every diagnostic of the core."""

    def run(self) -> list[nodes.Node]:
        """Make the table."""
        rows = []
        for row in sorted(_core.kernels(), key=lambda row: row["name"]):
            first = row["references"].split(". ")[0].replace("\n", " ").rstrip(".")
            rows.append((_link(f"era5fast.{row['name']}", row["name"]), _KINDS[row["kind"]], first))
        return self._linked(_table(("diagnostic", "how it sees the data", "first source"), rows))


class Definitions(Directive):
    """The parameters of each definition of a diagnostic."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Make the table."""
        known = DEFINITIONS[self.arguments[0]]
        names = sorted({name for row in known.values() for name in row})
        rows = [
            (_code(name), *(_code(repr(row[name])) if name in row else "default" for row in known.values()))
            for name in names
        ]
        return [_table(("parameter", *known), rows)]


class ErrorFacts(Directive):
    """An error: its docstring, and what a program may know of it: bases, code, whether to try again, exit code."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Make the class with its docstring, and one line."""
        kind = getattr(errors, self.arguments[0])
        bases = [base.__name__ for base in kind.__mro__[1:] if base.__name__ not in _EVERYWHERE]
        described = nodes.container()
        text = ["```{eval-rst}", f".. autoclass:: {kind.__module__}.{kind.__name__}", "```"]
        self.state.nested_parse(StringList(text, "errors"), self.content_offset, described)
        facts = nodes.paragraph()
        facts += [nodes.Text("code "), _code(kind.code)]
        if bases:
            facts += nodes.Text("; also a ")
            for number, base in enumerate(bases):
                facts += [nodes.Text(", " if number else ""), _code(base)]
        facts += nodes.Text("; worth trying again" if kind.retryable else "; trying again does not help")
        facts += nodes.Text(f"; exit code {code_of(kind)}")
        return [*described.children, facts]


def _without_arguments(app: Sphinx, what: str, name: str, it: Any, *_: Any) -> tuple[str, None] | None:
    """No list of arguments in the head of an error: nobody but the program makes one."""
    return ("", None) if inspect.isclass(it) and issubclass(it, errors.Era5FastError) else None


_UNITS = {"u": "of the variable", "u km2 d": "of the variable × km² d", "1": "–", "": "–"}


def _with_columns(app: Sphinx, what: str, name: str, it: Any, options: Any, lines: list[str]) -> None:
    """The columns of a table of events as a table of their own, in place of their Python."""
    if what != "data" or not name.endswith("COLUMNS"):
        return
    lines += ["", ".. list-table::", "   :header-rows: 1", "", "   * - column", "     - units", "     - meaning"]
    for column in it:
        units = _UNITS.get(column.units, column.units)
        lines += [f"   * - ``{column.name}``", f"     - {units}", f"     - {column.text}"]


def _with_bold_words(app: Sphinx, what: str, name: str, it: Any, options: Any, lines: list[str]) -> None:
    """The two words that every docstring of an error has stand out."""
    if name.startswith("era5fast.errors."):
        lines[:] = [re.sub(r"^(Cause|Cure): ", r"**\1.** ", line) for line in lines]


#: Bases that say nothing.
_EVERYWHERE = {"object", "BaseException", "Exception", "Era5FastError"}


class VariableTable(Directive):
    """The variables of ERA5 that are known by name."""

    def run(self) -> list[nodes.Node]:
        """Make the table."""
        rows = [
            (_code(row.netcdf), _code(row.short_name), row.request, row.units, row.kind, str(row.param_id))
            for row in variable_table.table()
        ]
        return [_table(("netCDF", "GRIB", "in requests", "units", "kind", "code"), rows)]


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the directives."""
    app.add_directive("index-table", IndexTable)
    app.add_directive("kernel-table", KernelTable)
    app.add_directive("definitions", Definitions)
    app.add_directive("error-facts", ErrorFacts)
    app.add_directive("variable-table", VariableTable)
    app.connect("autodoc-process-signature", _without_arguments)
    app.connect("autodoc-process-docstring", _with_bold_words)
    app.connect("autodoc-process-docstring", _with_columns)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
