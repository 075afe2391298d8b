"""What several commands of the command line have in common."""

from __future__ import annotations

import contextlib
import glob
import json
import logging
import os
import warnings
from collections.abc import Callable, Iterator
from typing import Any, TextIO

import click

from .wording import did_you_mean

__all__ = [
    "ExistingFile",
    "all_shown",
    "as_json",
    "colour",
    "dry_run",
    "file",
    "more",
    "pair",
    "quiet_or_verbose",
    "say_warnings",
    "set_log",
    "write_json",
]


class ExistingFile(click.Path):
    """Type of an argument that names a file which must be there: a slip is told with the names that are like it.

    Parameters
    ----------
    patterns : bool
        Whether it may also be a pattern such as ``"t2m_*.nc"``.
    path_type : type, optional
        What the command gets; text by default.
    """

    def __init__(self, *, patterns: bool = False, path_type: Any = None) -> None:
        super().__init__(readable=False, path_type=path_type)
        self._patterns = patterns

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path, or an error of usage."""
        name = os.fspath(value)
        if not os.path.exists(name) and not (self._patterns and glob.has_magic(name)):
            self.fail(f"there is no file {name}{_near_files(name)}", param, ctx)
        if os.path.isdir(name):
            pattern = f", or a pattern like '{os.path.join(name, '*.nc')}'" if self._patterns else ""
            self.fail(f"{name} is a folder: name a file in it{pattern}", param, ctx)
        return super().convert(value, param, ctx)


def _near_files(name: str) -> str:
    """What is there that somebody may have meant, as the end of a sentence."""
    folder, wanted = os.path.split(name)
    try:
        there = sorted(os.listdir(folder or os.curdir))
    except OSError:
        return f", nor a folder {folder}"
    hint = did_you_mean(wanted, there)
    return f": {hint}" if hint else ""


file = click.argument("file", type=ExistingFile())
as_json = click.option("--json", "as_json", is_flag=True, help="Write JSON, for programs.")
dry_run = click.option("--dry-run", is_flag=True, help="Only say what would be done.")
quiet = click.option("--quiet", "-q", is_flag=True, help="No display; only warnings and what failed.")
verbose = click.option("--verbose", "-v", count=True, help="Tell what is done; twice: in detail.")


def quiet_or_verbose(command: Callable[..., Any]) -> Callable[..., Any]:
    """Both of them."""
    return quiet(verbose(command))


@contextlib.contextmanager
def all_shown(command: click.Command) -> Iterator[None]:
    """Show the options that the short help leaves out."""
    hidden = [option for option in command.params if isinstance(option, click.Option) and option.hidden]
    for option in hidden:
        option.hidden = False
    try:
        yield
    finally:
        for option in hidden:
            option.hidden = True


def _show_more(context: click.Context, param: click.Parameter, wanted: bool) -> None:
    """Print the help with all options."""
    if wanted and not context.resilient_parsing:
        with all_shown(context.command):
            click.echo(context.get_help())
        context.exit()


more = click.option(
    "--more", is_flag=True, is_eager=True, expose_value=False, callback=_show_more, help="Show all options and exit."
)


def pair(context: click.Context, param: click.Parameter, value: str | None) -> tuple[str, str] | None:
    """Read two years like 1991-2020, or two dates like 1991-01-01/2020-12-31."""
    if value is None:
        return None
    parts = value.split("/") if "/" in value else value.split("-")
    if len(parts) != 2 or not all(part.strip() for part in parts):
        raise click.BadParameter("two years like 1991-2020, or two dates with a / between them")
    return parts[0].strip(), parts[1].strip()


def write_json(document: Any) -> None:
    """Write JSON to standard output."""
    click.echo(json.dumps(document, indent=2))


def set_log(quiet: bool, verbose: int) -> None:
    """Lines of the log on standard error, stamped like those of the display."""
    if quiet and verbose:
        raise click.UsageError("--quiet and --verbose exclude each other")
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%Y-%m-%d %H:%M:%S")
    if verbose:
        logging.getLogger("era5fast").setLevel(logging.INFO if verbose == 1 else logging.DEBUG)


def say_warnings() -> None:
    """Warnings become lines on standard error like the rest; places in a source say nothing here."""

    def show(message: Any, category: Any, filename: str, lineno: int, file: Any = None, line: Any = None) -> None:
        if not issubclass(category, DeprecationWarning):  # which one package says to another
            click.echo(f"era5fast: warning: {message}", err=True)

    warnings.showwarning = show


def colour(stream: TextIO) -> bool:
    """Whether to write in colours: on a terminal only, unless NO_COLOR or FORCE_COLOR say otherwise."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") not in ("", "0"):
        return True
    try:
        return stream.isatty() and os.environ.get("TERM") != "dumb"
    except (AttributeError, ValueError):  # there is none, or it is closed
        return False
