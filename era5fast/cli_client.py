"""The commands that deal with the service: plan, fetch, jobs."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import cli_options
from .cli_options import write_json

if TYPE_CHECKING:
    from .client import Client
    from .jobs import JobHandle
    from .plan import Plan

__all__ = ["fetch", "jobs", "plan"]

_verbose = click.option(
    "--verbose", "-v", count=True, help="Tell what becomes of each job; twice: every call of the service."
)


@click.command()
@cli_options.file
@cli_options.as_json
@click.option("--offline", is_flag=True, help="Ask nobody: costs from the built-in table.")
def plan(file: str, as_json: bool, offline: bool) -> None:
    """What a request FILE would ask for: jobs, cost, bytes.

    A request file is YAML, TOML or JSON with the arguments of era5fast.Request, or a list of such. What the service
    does not have is an error, once the plan has been shown.
    """
    client = None if offline else _client_or_none()
    made = _plan(file, client)
    if as_json:
        write_json([_job_row(job) for job in made])
    else:
        click.echo(str(made))
    if client is not None:
        made.check(client)


@click.command()
@cli_options.file
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path), default=Path("."))
@click.option("--dismiss-on-interrupt", is_flag=True, help="ctrl-C also cancels the jobs at the service.")
@cli_options.quiet
@_verbose
@cli_options.as_json
def fetch(file: str, directory: Path, dismiss_on_interrupt: bool, quiet: bool, verbose: int, as_json: bool) -> None:
    """Download what a request FILE asks for into DIRECTORY.

    Run it again to go on after an interruption: finished files are kept, begun ones continued. Terminals show one
    line that changes; log files get a line for each change.
    """
    from .errors import BatchError
    from .request_file import load

    _log(quiet, verbose)
    wanted = load(file)
    client = _client(progress=not quiet and "lines", on_interrupt="dismiss" if dismiss_on_interrupt else "keep")
    try:
        _tell_files(client.fetch(wanted, directory), {}, as_json)
    except BatchError as error:
        _tell_files(error.paths, {target: str(failure) for target, failure in error.failures.items()}, as_json)
        raise


def _log(quiet: bool, verbose: int) -> None:
    """Lines of the log on standard error, stamped like those of the display."""
    if quiet and verbose:
        raise click.UsageError("--quiet and --verbose exclude each other")
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%Y-%m-%d %H:%M:%S")
    if verbose:
        logging.getLogger("era5fast").setLevel(logging.INFO if verbose == 1 else logging.DEBUG)


def _tell_files(paths: list[str], failures: dict[str, str], as_json: bool) -> None:
    if as_json:
        write_json({"files": paths, "failures": failures})
        return
    for path in paths:
        click.echo(path)
    for target, text in failures.items():
        click.echo(text if Path(target).name in text else f"{target}: {text}", err=True)


@click.command()
@click.option("--cancel", "cancelled", metavar="ID", multiple=True, help="Cancel a job; may be given several times.")
@click.option("--status", "-s", multiple=True, help="Only jobs in this state; may be given several times.")
@click.option("--dataset", help="Only jobs of this dataset.")
@click.option("--limit", "-n", type=click.IntRange(1), default=20, show_default=True, help="At most so many.")
@cli_options.as_json
def jobs(cancelled: tuple[str, ...], status: tuple[str, ...], dataset: str | None, limit: int, as_json: bool) -> None:
    """What the service is doing for me, newest first; or cancel jobs."""
    client = _client(progress=False)
    if cancelled:
        _cancel(client, cancelled, as_json)
        return
    found = client.jobs(status=status or None, dataset=dataset, limit=limit)
    if as_json:
        write_json([job.as_dict() for job in found])
    else:
        click.echo("\n".join(map(_line, found)) if found else "no jobs")


def _cancel(client: Client, ids: tuple[str, ...], as_json: bool) -> None:
    gone, _ = client._dismiss(ids)  # what is missing is told below
    if as_json:
        write_json({"cancelled": gone})
    else:
        click.echo("".join(f"{job_id} cancelled\n" for job_id in gone), nl=False)
    if missing := [job_id for job_id in ids if job_id not in gone]:
        from .errors import JobLostError

        hint = "without --cancel, this command lists your jobs with their ids"
        raise JobLostError(f"the service does not know {', '.join(missing)}", hint=hint)


def _client(**options: Any) -> Client:
    from .client import Client

    return Client(**options)


def _client_or_none() -> Client | None:
    """A client, or a note that there can be none: a plan can do without."""
    from .errors import ConfigError

    try:
        return _client(progress=False)
    except ConfigError as error:
        click.echo(f"costs are those of the built-in table: {error}", err=True)
        return None


def _plan(file: str, client: Client | None) -> Plan:
    from .request_file import load_plan

    return load_plan(file, max_cost=None if client is None else "service", client=client)


def _job_row(job: Any) -> dict[str, Any]:
    shown = {"dataset": job.dataset, "name": job.name, "inputs": job.inputs}
    return {**shown, "fields": job.fields, "bytes": job.size, "cost": job.cost}


def _line(job: JobHandle) -> str:
    created = f"{job.created:%Y-%m-%d %H:%M}" if job.created else ""
    return f"{job.id}  {job.last_status:<10}  {created:<16}  {job.dataset}"
