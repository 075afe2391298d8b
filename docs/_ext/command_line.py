"""The command line in the words of its own tables, from which the manual page is made as well.

``{commands}`` every command with its arguments and options, ``{exit-codes}`` and ``{environment}`` what they mean.
"""

from __future__ import annotations

import inspect
from typing import Any

import click
from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx

from era5fast import cli_manual
from era5fast.cli import cli
from era5fast.cli_options import all_shown
from era5fast.exit_codes import EXIT_CODES


class Commands(Directive):
    """A section for each command."""

    def run(self) -> list[nodes.Node]:
        """Make the sections."""
        context = click.Context(cli, info_name="era5fast")
        return [_section(cli.get_command(context, name), context) for name in cli.list_commands(context)]


def _section(command: Any, parent: click.Context) -> nodes.section:
    context = click.Context(command, parent, info_name=command.name)
    section = nodes.section(ids=[f"era5fast-{command.name}"], names=[f"era5fast {command.name}"])
    section += nodes.title("", "", nodes.literal("", f"era5fast {command.name}"))
    usage = command.get_usage(context).removeprefix("Usage: ")
    section += nodes.literal_block("", " ".join(usage.split()), language="text")
    for kind, text in _paragraphs(command.help or ""):
        section += nodes.literal_block("", text, language="text") if kind == "code" else nodes.paragraph("", text)
    with all_shown(command):
        rows = [option.get_help_record(context) for option in command.get_params(context)]
    section += _definitions([row for row in rows if row and row[1]])
    if isinstance(command, click.Group):
        section += [_section(command.get_command(context, name), context) for name in command.list_commands(context)]
    return section


def _paragraphs(text: str) -> list[tuple[str, str]]:
    """Paragraphs of a help text; one that click must not fill again (``\\b``) is code."""
    parts = inspect.cleandoc(text).split("\f")[0].split("\n\n")
    code = [part.startswith("\b") for part in parts]
    return [
        ("code" if fixed else "text", part.lstrip("\b\n") if fixed else " ".join(part.split()))
        for part, fixed in zip(parts, code, strict=True)
    ]


def _definitions(rows: list[tuple[str, str]]) -> nodes.definition_list:
    """Options and what they do."""
    found = nodes.definition_list()
    for name, text in rows:
        term = nodes.term("", "", nodes.literal("", name))
        found += nodes.definition_list_item("", term, nodes.definition("", nodes.paragraph("", text)))
    return found


class ExitCodes(Directive):
    """What each exit code means."""

    def run(self) -> list[nodes.Node]:
        """Make the list."""
        return [_definitions([(str(row.code), f"{row.text}.") for row in EXIT_CODES])]


class Environment(Directive):
    """Variables of the environment and files that are heeded."""

    def run(self) -> list[nodes.Node]:
        """Make the list."""
        rows = [*cli_manual._ENVIRONMENT, *cli_manual._FILES]
        return [_definitions([(name, f"{text[0].upper()}{text[1:]}.") for name, text in rows])]


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the directive."""
    app.add_directive("commands", Commands)
    app.add_directive("exit-codes", ExitCodes)
    app.add_directive("environment", Environment)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
