"""The command line.

Failures become one line and an exit code, see `_EXIT_CODES`.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

import click

from . import cli_client, cli_events, cli_options, errors

_EXIT_CODES: list[tuple[type[BaseException], int]] = [
    (errors.InputError, 2),
    (errors.ConfigError, 2),
    (errors.UnsafeInputError, 5),
    (errors.AuthError, 3),
    (errors.RequestError, 3),
    (errors.JobFailedError, 3),
    (errors.JobLostError, 3),
    (errors.CorruptDataError, 5),
    (errors.StorageError, 5),
    (errors.EventDatabaseError, 5),
    (errors.Era5FastError, 4),
    (FileExistsError, 2),
]


def exit_code(error: BaseException) -> int:
    """Exit code for an exception."""
    cause = error.__cause__ if getattr(error, "code", "") == "batch" and error.__cause__ else error
    return next((code for kind, code in _EXIT_CODES if isinstance(cause, kind)), 1)


_EXIT_HELP = """\b
Exit codes: 0 success; 1 an error of the program; 2 wrong arguments, settings
or request file; 3 refused by the service (token, licence, request, job);
4 temporary fault: try again; 5 damaged data or disk; 130 stopped by ctrl-C.
"""


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, epilog=_EXIT_HELP)
@click.version_option(package_name="era5fast")
def cli() -> None:
    """Extreme weather events out of ERA5: request, download, diagnose, keep."""


@cli.command()
@click.option(
    "--output", "-o", type=click.Path(path_type=Path), default=Path("demo"), show_default=True, help="Directory."
)
@click.option("--variable", help="Variable to take from the files.")
@click.option("--data", is_flag=True, help="Use the FILES named behind it instead of downloading any.")
@click.option("--verbose", "-v", is_flag=True, help="Show what becomes of the jobs; always on with --live.")
@click.option("--live", is_flag=True, help="Ask the real Climate Data Store (needs a token; takes hours).")
@click.argument("files", nargs=-1, type=click.Path(readable=False))
def demo(output: Path, variable: str | None, data: bool, verbose: bool, live: bool, files: tuple[str, ...]) -> None:
    """The whole road, offline: request, download, heatwaves, database, map.

    Without options the data are SYNTHETIC and come from a look-alike of the service on this machine.
    """
    from .demo import run

    if bool(files) != data or (data and live):
        raise click.UsageError("--data is followed by files, and excludes --live")
    if verbose or live:
        logging.basicConfig(level=logging.INFO, format="%(asctime)s  %(message)s", datefmt="%H:%M:%S")
    run(output, files, live, variable)


@cli.command()
@click.option("--output", "-o", type=click.Path(path_type=Path), required=True, help="netCDF file to write.")
@click.option("--indices", "names", help="Names with commas between them (default: all that the data allow).")
@click.option(
    "--base-period", callback=cli_options.pair, help="Base period of percentiles, like 1991-2020 (default: all)."
)
@click.option("--freq", default="YS", show_default=True, help="Period of each value: YS, YS-JUL, QS-DEC, MS.")
@click.option("--definition", default="etccdi", show_default=True, help="Whose rules: etccdi, climdex, xclim, cdo.")
@click.option("--tx", help="Variable of the daily maximum temperature, where its name does not say so.")
@click.option("--tn", help="… of the daily minimum temperature.")
@click.option("--pr", help="… of the daily precipitation.")
@click.argument("files", nargs=-1, required=True, type=click.Path(readable=False))
def indices(
    output: Path,
    names: str | None,
    base_period: tuple[str, str] | None,
    files: tuple[str, ...],
    **options: Any,
) -> None:
    """ETCCDI indices of daily data, in one read."""
    from .indices import etccdi

    wanted = names.split(",") if names else None
    result = etccdi(list(files), indices=wanted, base_period=base_period, **options)
    result.to_netcdf(output)
    click.echo(f"{output}: {', '.join(result.data_vars)}")


for _command in (cli_client.plan, cli_client.fetch, cli_client.jobs, cli_events.events, cli_events.show):
    cli.add_command(_command)


def main() -> None:
    """Run the command line; failures become one line and an exit code."""
    try:
        cli(standalone_mode=False)
    except (KeyboardInterrupt, click.exceptions.Abort):
        click.echo("era5fast: stopped; run it again to go on", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (errors.Era5FastError, OSError, MemoryError) as error:
        click.echo(f"era5fast: {str(error) or type(error).__name__}", err=True)
        sys.exit(exit_code(error))
