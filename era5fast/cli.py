"""The command line.

Failures become one line and an exit code, see `exit_codes`.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import click

from . import cli_client, cli_events, cli_indices, cli_options, cli_system, errors, exit_codes

_STOPPED = "stopped; run it again to go on"


def exit_code(error: BaseException) -> int:
    """Exit code for an exception."""
    cause = error.__cause__ if getattr(error, "code", "") == "batch" and error.__cause__ else error
    return exit_codes.code_of(type(cause))


class _InOrder(click.Group):
    """Commands in the order in which one needs them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=_InOrder, context_settings={"help_option_names": ["-h", "--help"]}, epilog=exit_codes.as_sentence())
@click.version_option(package_name="era5fast")
def cli() -> None:
    """Extreme weather events out of ERA5: request, download, diagnose, keep."""


@cli.command(short_help="The whole road, offline, from a request to a map.")
@click.option(
    "--output", "-o", type=click.Path(path_type=Path), default=Path("demo"), show_default=True, help="Directory."
)
@click.option("--variable", help="Variable to take from the files.")
@click.option("--data", is_flag=True, help="Use the FILES named behind it instead of downloading any.")
@click.option("--verbose", "-v", is_flag=True, help="Show what becomes of the jobs; always on with --live.")
@click.option("--live", is_flag=True, help="Ask the real service (needs a token; takes hours).")
@click.argument("files", nargs=-1, type=cli_options.ExistingFile(patterns=True))
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


for _command in (
    cli_client.plan,
    cli_client.fetch,
    cli_client.jobs,
    cli_indices.indices,
    cli_events.events,
    cli_events.track,
    cli_events.show,
    cli_system.doctor,
    cli_system.completion,
):
    cli.add_command(_command)


def main() -> None:
    """Run the command line; failures become one line and an exit code."""
    cli_options.say_warnings()
    with _remembered_interrupt() as interrupts:
        try:
            cli(standalone_mode=False, color=cli_options.colour(sys.stdout))
        except (KeyboardInterrupt, click.exceptions.Abort):
            _leave(_STOPPED, 130)
        except click.ClickException as error:
            error.show()
            sys.exit(error.exit_code)
        except BrokenPipeError:  # whoever read it has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(0)
        except (errors.Era5FastError, OSError, MemoryError) as error:
            _leave(str(error) or type(error).__name__, exit_code(error))
        except ImportError as error:
            if interrupts:
                _leave(_STOPPED, 130)
            _leave(_missing_package(error), 1)


@contextlib.contextmanager
def _remembered_interrupt() -> Iterator[list[int]]:
    """Each ctrl-C as it comes: a library that is stopped while it is imported tells of another fault."""
    interrupts: list[int] = []

    def note(number: int, frame: Any) -> None:
        interrupts.append(number)
        signal.default_int_handler(number, frame)

    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield interrupts
        return
    signal.signal(signal.SIGINT, note)
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _missing_package(error: ImportError) -> str:
    """What to install, where a package is missing that only some commands need."""
    return f"{error}. pip install 'era5fast[dask,demo,geo,grib,units]' brings what some commands need besides"


def _leave(text: str, code: int) -> NoReturn:
    """End with a line on standard error."""
    name = click.style("era5fast:", fg="red" if code != 130 else None, bold=True)
    click.echo(f"{name} {text}", err=True, color=cli_options.colour(sys.stderr))
    sys.exit(code)
