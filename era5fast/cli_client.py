"""The commands that deal with the service: plan, fetch, jobs."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import cli_options
from .cli_options import write_json
from .wording import muted

if TYPE_CHECKING:
    from .client import Client
    from .jobs import JobHandle

__all__ = ["fetch", "jobs", "plan"]


@click.command(short_help="What a request file would ask for: jobs, cost, bytes.")
@cli_options.file
@cli_options.as_json
@click.option("--offline", is_flag=True, help="Ask nobody: costs from the built-in table, nothing is checked.")
def plan(file: str, as_json: bool, offline: bool) -> None:
    """What a request FILE would ask for: jobs, cost, bytes.

    A request file is YAML, TOML or JSON with the arguments of era5fast.Request, or a list of such. What the service
    does not have is an error, once the plan has been shown.
    """
    from .request import plan_of
    from .request_file import load

    with contextlib.nullcontext() if as_json else muted():  # a plan that is shown says the same below its title
        wanted = load(file)
    client = None if offline else _client_or_none()
    made = plan_of(wanted, None if client is None else "service", client)
    if as_json:
        write_json([_job_row(job) for job in made])
    else:
        click.echo(str(made))
    if client is not None:
        made.check(client)


@click.command(short_help="Download what a request file asks for; run it again to go on.")
@cli_options.file
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path), default=Path("."))
@click.option("--dismiss-on-interrupt", is_flag=True, help="ctrl-C also cancels the jobs at the service.")
@cli_options.dry_run
@cli_options.quiet_or_verbose
@cli_options.as_json
def fetch(
    file: str,
    directory: Path,
    dismiss_on_interrupt: bool,
    dry_run: bool,
    quiet: bool,
    verbose: int,
    as_json: bool,
) -> None:
    """Download what a request FILE asks for into DIRECTORY.

    Run it again to go on after an interruption: finished files are kept, begun ones continued. Standard output gets
    the names of the files, but with -q; what happens meanwhile is shown on a terminal, and told line by line in a
    log file. -v tells what becomes of each job, -vv every call.
    """
    from .errors import BatchError
    from .request_file import load

    cli_options.set_log(quiet, verbose)
    wanted = load(file)
    if dry_run:
        _tell_what_is_left(_client_or_none(), wanted, directory, as_json)
        return
    client = _client(progress=not quiet and "lines", on_interrupt="dismiss" if dismiss_on_interrupt else "keep")
    try:
        paths = client.fetch(wanted, directory)
    except BatchError as error:
        failures = {target: str(failure) for target, failure in error.failures.items()}
        _tell_files([] if quiet and not as_json else error.paths, failures, as_json)
        raise
    if as_json or not quiet:
        _tell_files(paths, {}, as_json)


def _tell_what_is_left(client: Client | None, wanted: list[Any], directory: Path, as_json: bool) -> None:
    """What a download would use of what is there, and what it would ask for."""
    from . import config
    from .accounts import Accounts
    from .journal import Place
    from .request import plan_of

    journal = Place(config.address(), None) if client is None else client._connection.journal
    plan = plan_of(wanted, None if client is None else "service", client)
    there = Accounts(journal, directory, True).compare(plan)
    jobs = [*there.left, *there.again]
    if as_json:
        write_json({"there": there.paths, "asked": [_job_row(job) for job in jobs]})
        return
    for path in there.paths:
        click.echo(f"{path} is there")
    for job in jobs:
        click.echo(f"{directory / job.name} would be asked for: {job.fields_text}")
    left = f"{len(jobs)} job{'s' * (len(jobs) != 1)}"
    click.echo(f"{len(there.paths)} of the files there, {left} to run; nothing was asked for: this was a dry run.")


def _tell_files(paths: list[str], failures: dict[str, str], as_json: bool) -> None:
    if as_json:
        write_json({"files": paths, "failures": failures})
        return
    for path in paths:
        click.echo(path)
    for target, text in failures.items():
        click.echo(text if Path(target).name in text else f"{target}: {text}", err=True)


@click.command(short_help="What the service is doing for me; or cancel jobs.")
@click.option("--cancel", "cancelled", metavar="ID", multiple=True, help="Cancel a job; may be given several times.")
@click.option(
    "--status", "-s", multiple=True, metavar="STATE", help="Only jobs in this state; several times for several."
)
@click.option("--dataset", metavar="NAME", help="Only jobs of this dataset.")
@click.option("--limit", "-n", type=click.IntRange(1), default=20, metavar="N", help="At most N (default: 20).")
@cli_options.dry_run
@cli_options.as_json
def jobs(
    cancelled: tuple[str, ...],
    status: tuple[str, ...],
    dataset: str | None,
    limit: int,
    dry_run: bool,
    as_json: bool,
) -> None:
    """What the service is doing for me, newest first; or cancel jobs."""
    client = _client(progress=False)
    if cancelled:
        _cancel(client, cancelled, dry_run, as_json)
        return
    found = client.jobs(status=status or None, dataset=dataset, limit=limit)
    if as_json:
        write_json([job.as_dict() for job in found])
    else:
        click.echo("\n".join(map(_line, found)) if found else "no jobs")


def _cancel(client: Client, ids: tuple[str, ...], dry_run: bool, as_json: bool) -> None:
    """Cancel jobs, or say which are known; those that are not are an error."""
    if dry_run:
        gone, word = [one for one in ids if not client._is_unknown(one)], "would be cancelled"
    else:
        gone, word = client._dismiss(ids)[0], "cancelled"  # what is missing is told below
    if as_json:
        write_json({"dry_run": True, "cancelled": gone} if dry_run else {"cancelled": gone})
    else:
        click.echo("".join(f"{job_id} {word}\n" for job_id in gone), nl=False)
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


def _job_row(job: Any) -> dict[str, Any]:
    shown = {"dataset": job.dataset, "name": job.name, "inputs": job.inputs}
    return {**shown, "fields": job.fields, "bytes": job.size, "cost": job.cost}


def _line(job: JobHandle) -> str:
    created = f"{job.created:%Y-%m-%d %H:%M}" if job.created else ""
    return f"{job.id}  {job.last_status:<10}  {created:<16}  {job.dataset}"
