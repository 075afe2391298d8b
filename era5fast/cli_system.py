"""The commands that deal with this machine: doctor, completion."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections import Counter
from pathlib import Path
from typing import Any

import click

from . import cli_options
from .cli_options import write_json
from .doctor import Finding

__all__ = ["completion", "doctor"]

#: Exit code when something must be mended before era5fast can do its work.
FAULT = 6

_COLOURS = {"ok": "green", "note": "cyan", "warning": "yellow", "fault": "red"}
_WIDEST = 100


@click.command(short_help="What could go wrong on this machine, with advice.")
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path), default=Path("."))
@click.option("--offline", is_flag=True, help="Ask nobody.")
@click.option("--quiet", "-q", is_flag=True, help="Only what needs something to be done.")
@cli_options.as_json
def doctor(directory: Path, offline: bool, quiet: bool, as_json: bool) -> None:
    """Libraries, threads, disks, locks, token, service, licences: with advice.

    DIRECTORY is where downloads go. The token is never shown. Ends with exit code 6 where something is at fault; what
    is only worth knowing, such as a service out of reach, is none.
    """
    from .doctor import examine

    found = []
    for finding in examine(directory, offline):
        found.append(finding)
        if not as_json and (not quiet or finding.state in ("warning", "fault")):
            _tell(finding)
    counts = Counter(finding.state for finding in found)
    if as_json:
        write_json({"faults": counts["fault"], "findings": [finding.as_dict() for finding in found]})
    elif not quiet:
        click.echo(f"{len(found)} findings; faults: {counts['fault']}, warnings: {counts['warning']}")
    if counts["fault"]:
        sys.exit(FAULT)


def _tell(finding: Finding) -> None:
    """A row of the table, and below it what to do."""
    width = min(shutil.get_terminal_size().columns, _WIDEST)
    head = f"{finding.state:<7}  {finding.check:<12}  "
    form: dict[str, Any] = {"width": width, "break_on_hyphens": False, "subsequent_indent": " " * len(head)}
    rows = textwrap.wrap(head + finding.text, **form)
    if finding.advice:
        rows += textwrap.wrap(f"→ {finding.advice}", initial_indent=" " * len(head), **form)
    rows[0] = click.style(rows[0][:7], fg=_COLOURS[finding.state]) + rows[0][7:]
    click.echo("\n".join(rows))


_SHELLS = ("bash", "fish", "zsh")


@click.command(short_help="Print what makes a shell complete era5fast's words.")
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the lines that make a SHELL complete commands and options.

    \b
    bash:  eval "$(era5fast completion bash)" in ~/.bashrc
    zsh:   eval "$(era5fast completion zsh)" in ~/.zshrc
    fish:  era5fast completion fish > ~/.config/fish/completions/era5fast.fish
    """  # noqa: D301 - the mark \b of click is one character
    from click.shell_completion import ShellComplete, get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    # what a shell's own class adds to this runs that shell, which need not be here
    click.echo(ShellComplete.source(kind(context.find_root().command, {}, "era5fast", "_ERA5FAST_COMPLETE")))
