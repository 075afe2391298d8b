"""What several commands of the command line have in common."""

from __future__ import annotations

import json
from typing import Any

import click

__all__ = ["as_json", "file", "pair", "quiet", "write_json"]

file = click.argument("file", type=click.Path(dir_okay=False))
as_json = click.option("--json", "as_json", is_flag=True, help="Write JSON, for programs.")
quiet = click.option("--quiet", "-q", is_flag=True, help="No display; only warnings and what failed.")


def pair(context: click.Context, param: click.Parameter, value: str | None) -> tuple[str, str] | None:
    """Read two years like 1991-2020, or two dates like 1991-01-01/2020-12-31."""
    if value is None:
        return None
    parts = value.split("/") if "/" in value else value.split("-")
    if len(parts) != 2:
        raise click.BadParameter("two years like 1991-2020, or two dates with a / between them")
    return parts[0], parts[1]


def write_json(document: Any) -> None:
    """Write JSON to standard output."""
    click.echo(json.dumps(document, indent=2))
