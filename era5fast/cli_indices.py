"""The command that computes indices of daily data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from . import cli_options
from .cli_options import write_json
from .targets import check_target

__all__ = ["indices"]


@click.command(short_help="ETCCDI indices of daily files, in one read.")
@click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path), required=True, help="netCDF file.")
@click.option("--indices", "names", metavar="NAMES", help="With commas between them (default: all there can be).")
@click.option("--base-period", callback=cli_options.pair, metavar="YEARS", help="Of percentiles, like 1991-2020.")
@click.option("--freq", default="YS", metavar="FREQ", help="YS (default), YS-JUL, QS-DEC, MS.")
@click.option("--definition", default="etccdi", metavar="WHOSE", help="etccdi (default), climdex, xclim or cdo.")
@click.option("--tx", metavar="NAME", help="Variable of the daily maximum, where its name does not say so.")
@click.option("--tn", metavar="NAME", help="… of the daily minimum.")
@click.option("--tg", metavar="NAME", help="… of the daily mean.")
@click.option("--pr", metavar="NAME", help="… of the daily precipitation.")
@cli_options.dry_run
@cli_options.quiet_or_verbose
@cli_options.as_json
@click.argument("files", nargs=-1, required=True, type=cli_options.ExistingFile(patterns=True))
def indices(
    output: Path,
    names: str | None,
    files: tuple[str, ...],
    dry_run: bool,
    quiet: bool,
    verbose: int,
    as_json: bool,
    **options: Any,
) -> None:
    """ETCCDI indices of daily FILES, in one read; a file that is there is replaced."""
    cli_options.set_log(quiet, verbose)
    check_target(output)
    wanted = [name.strip() for name in names.split(",")] if names else None
    if dry_run:
        found = _possible(list(files), wanted, options)
    else:
        found = _compute(list(files), output, wanted, not (quiet or as_json), options)
    if as_json:
        write_json({"file": str(output), "indices": found, **({"dry_run": True} if dry_run else {})})
    elif dry_run:
        click.echo(f"{output} would hold {', '.join(found)}; nothing was written: this was a dry run.")
    elif not quiet:
        click.echo(f"{output}: {', '.join(found)}")


def _possible(files: list[str], wanted: list[str] | None, options: dict[str, Any]) -> list[str]:
    """Names of the indices that would be computed; of the files only the heads are read."""
    from .indices import _find_series, _wanted

    there = set(_find_series(files, {name: options[name] for name in ("tx", "tn", "tg", "pr")}))
    return _wanted(wanted, there, options["freq"], True)


def _compute(
    files: list[str], output: Path, wanted: list[str] | None, progress: bool, options: dict[str, Any]
) -> list[str]:
    from .event_export import replacing
    from .indices import etccdi

    result = etccdi(files, indices=wanted, progress=progress, **options)
    with replacing(output, overwrite=True) as part:
        result.to_netcdf(part)
    return [str(name) for name in result.data_vars]
