"""The commands that deal with events: find or track them, show them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import cli_options
from .cli_options import write_json
from .wording import counted

if TYPE_CHECKING:
    from .catalogue import EventCatalogue
    from .database import Added, EventDatabase
    from .event_recipe import Recipe

__all__ = ["events", "show", "track"]

#: Events that are listed after a search.
_LISTED = 10

_Command = Callable[..., Any]
_VALUE, _KM, _KM2, _DAYS = "VALUE", "KM", "KM2", "DAYS"

#: What the search takes under the same name, hidden from the short help: option, what it is, help.
_RARE: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("--core", {"metavar": _VALUE}, "Stricter value that an event must pass in one cell at least."),
    ("--climatology", {"is_flag": True}, "Severity, from the mean of each calendar day."),
    ("--where", {"type": cli_options.ExistingFile(), "metavar": "FILE"}, "Mask: only its true cells."),
    ("--min-daily-area", {"type": float, "metavar": _KM2}, "Leave out smaller patches of a day."),
    ("--min-duration", {"type": int, "metavar": _DAYS}, "Leave out shorter events."),
    ("--areas", {"type": click.Choice(["sphere", "wgs84"])}, "Areas of cells on a sphere (default), or WGS 84."),
    ("--cells", {"is_flag": True}, "Also keep each cell of each day in the database."),
)
#: Options whose name is not that of the argument.
_ARGUMENTS = {
    "min_area": "min_area_km2",
    "min_daily_area": "min_daily_area_km2",
    "closing": "closing_km",
    "opening": "opening_km",
}
#: Options that are passed on as they are.
_PASSED = (
    "min_days",
    "max_gap",
    "closing",
    "opening",
    "min_area",
    "connectivity",
    "core",
    "where",
    "min_daily_area",
    "min_duration",
    "areas",
    "overlap",
    "of",
    "max_missing",
)


def _options(
    *, days: str, neighbours: tuple[str, ...], usual: str, rare: tuple[str, ...] = ()
) -> Callable[[_Command], _Command]:
    """Options of a command that looks for events; what few need is hidden from the short help."""
    listed: list[Callable[[_Command], _Command]] = [
        click.option(
            "--output", "-o", type=click.Path(dir_okay=False, path_type=Path), required=True, help="Database."
        ),
        click.option("--variable", metavar="NAME", help="Variable of the files."),
        click.option("--daily", "statistic", type=click.Choice(["max", "min", "mean", "sum"]), help="Hours to days."),
        click.option("--above", metavar=_VALUE, help="Events above it: 30degC, or a number."),
        click.option("--below", metavar=_VALUE, help="Events below it."),
        click.option("--percentile", type=float, metavar="P", help="… of each calendar day (default: 90)."),
        click.option("--base-period", callback=cli_options.pair, metavar="YEARS", help="Of it, like 1991-2020."),
        click.option(
            "--window", type=int, hidden=True, metavar=_DAYS, help="That it pools (default: 5; 31 under ten years)."
        ),
        click.option(
            "--min-days",
            type=int,
            hidden="min_days" in rare,
            metavar=_DAYS,
            help=f"In a row in each cell (default: {days}).",
        ),
        click.option("--max-gap", type=int, metavar=_DAYS, help="Longest gap that is filled (default: 0)."),
        click.option("--closing", type=float, metavar=_KM, help="Fill narrower gaps and holes in space."),
        click.option("--opening", type=float, metavar=_KM, help="Remove narrower parts after that."),
        click.option("--min-area", type=float, metavar=_KM2, help="Leave out smaller events."),
        click.option(
            "--connectivity", type=click.Choice(neighbours), hidden=True, help=f"Neighbours (default: {usual})."
        ),
        click.option("--kind", metavar="TEXT", help="What the events are called."),
        cli_options.dry_run,
        *(click.option(name, hidden=True, help=text, **kind) for name, kind, text in _RARE),
        cli_options.quiet_or_verbose,
        cli_options.as_json,
        cli_options.more,
        click.argument("data", nargs=-1, required=True, type=cli_options.ExistingFile(patterns=True)),
    ]

    def decorate(command: _Command) -> _Command:
        for option in reversed(listed):
            command = option(command)
        return command

    return decorate


@click.command(short_help="Find events in files and add them to a database.")
@_options(days="by variable", neighbours=("6", "10", "18", "26"), usual="26")
def events(**options: Any) -> None:
    """Find events in DATA, hourly or daily; add new ones to a database."""
    _run("find_events", options)


@click.command(short_help="Follow areas from day to day and add them to a database.")
@click.option("--overlap", type=float, metavar="SHARE", help="Of the area that two days share.")
@click.option("--of", hidden=True, metavar="WHICH", help="… of smaller (default), previous, next, larger or union.")
@click.option("--max-missing", hidden=True, type=int, metavar=_DAYS, help="Days on which an event may be missing.")
@_options(days="1", neighbours=("4", "8"), usual="8", rare=("min_days",))
def track(**options: Any) -> None:
    """Follow areas of DATA from day to day; add them to a database."""
    _run("track", options)


def _run(function: str, options: dict[str, Any]) -> None:
    """Search, add what was found, and tell."""
    from .database import EventDatabase
    from .database_file import check_before
    from .sources import expand

    data, output, quiet, verbose, as_json = (
        options.pop(name) for name in ("data", "output", "quiet", "verbose", "as_json")
    )
    cli_options.set_log(quiet, verbose)
    if sum(options[name] is not None for name in ("above", "below", "percentile")) > 1:
        raise click.UsageError("--above, --below and --percentile exclude each other")
    paths, database = expand(list(data)), EventDatabase(output)
    check_before(database.path, database.busy_seconds)
    found, kind = _search(function, paths, quiet or as_json, options)
    counts = None
    if not options["dry_run"]:
        counts = database.add(found, kind=kind, sources=paths, cells=options["cells"], progress=not quiet)
    if as_json:
        write_json(_document(found, kind, output, counts))
    elif not quiet:
        click.echo(_summary(found, kind))
        click.echo(_outcome(output, counts))


def _outcome(output: Path, counts: Added | None) -> str:
    if counts is None:
        return f"Nothing was added to {output}: this was a dry run."
    known = f"{counts.known} {'was' if counts.known == 1 else 'were'} there already"
    return f"{counted(counts.added, 'event')} added to {output}, {known}."


def _search(function: str, paths: list[str], quiet: bool, options: dict[str, Any]) -> tuple[EventCatalogue, str]:
    """Events of the files, and what kind they are."""
    from . import diagnostics
    from .event_recipe import choose_variable, recipe_of
    from .variable_table import find as find_variable

    name, note = choose_variable(paths, options["variable"])
    _tell(note, quiet)
    if options["percentile"] is None and options["above"] is None and options["below"] is None:
        options = options | {"percentile": 90.0}
    is_below = options["below"] is not None or (options["percentile"] is not None and options["percentile"] < 50)
    recipe = recipe_of(find_variable(name), below=is_below)
    series, common = _series(paths, name, options["statistic"], recipe, quiet)
    given = _given(options)
    given["below" if is_below else "above"] = _threshold(series, name, options, common, quiet)
    if options["climatology"]:
        given["climatology"] = diagnostics.climatology(series, base_period=options["base_period"], **common)
    if function == "find_events":
        given = {"min_days": recipe.min_days, **given}
    return getattr(diagnostics, function)(series, **given, **common), options["kind"] or recipe.kind


def _given(options: dict[str, Any]) -> dict[str, Any]:
    """Arguments of the search that were given, by their names there."""
    given = {_ARGUMENTS.get(name, name): options[name] for name in _PASSED if options.get(name) is not None}
    if "connectivity" in given:
        given["connectivity"] = int(given["connectivity"])
    if "core" in given:
        given["core"] = _number(given["core"])
    return given


def _tell(note: str, quiet: bool) -> None:
    if note and not quiet:
        click.echo(note, err=True)


def _series(paths: list[str], name: str, statistic: Any, recipe: Recipe, quiet: bool) -> tuple[Any, dict[str, Any]]:
    """Daily values, or the files that have them; and what every diagnostic is told of them."""
    from .diagnostics import daily
    from .event_recipe import days_per_step
    from .variable_table import find as find_variable

    days, note = days_per_step(paths, name, find_variable(name))
    _tell(note, quiet)
    if days < 1:
        return daily(paths, statistic or recipe.statistic, variable=name, progress=not quiet), {"progress": not quiet}
    if statistic is not None:
        raise click.UsageError("--daily is for data of several values per day; these have one")
    return paths, {"variable": name, "progress": not quiet}


def _threshold(series: Any, name: str, options: dict[str, Any], common: dict[str, Any], quiet: bool) -> Any:
    """What the values are compared with."""
    from .diagnostics import percentile_doy
    from .event_recipe import window_of

    if options["percentile"] is None:
        if options["window"] is not None or (options["base_period"] is not None and not options["climatology"]):
            raise click.UsageError("--base-period and --window are for --percentile")
        return _number(options["above"] if options["below"] is None else options["below"])
    window = options["window"]
    if window is None:
        window, note = window_of(_length(series, name))
        _tell(note, quiet)
    return percentile_doy(series, options["percentile"], window=window, base_period=options["base_period"], **common)


def _length(series: Any, name: str) -> int:
    """Number of days."""
    from .event_recipe import seconds_of

    return int(series.sizes["time"]) if hasattr(series, "sizes") else len(seconds_of(series, name))


def _number(text: str) -> float | str:
    """A number in the units of the data, or text with units of its own."""
    try:
        return float(text)
    except ValueError:
        return text


def _summary(found: EventCatalogue, kind: str) -> str:
    from .catalogue_display import ranking

    if len(found) == 0:
        return f"No {kind} events."
    table = found.strongest(_LISTED)
    head = f"{counted(len(found), f'{kind} event')}; the {len(table)} strongest by cumulative exceedance:"
    head = head if len(found) > 1 else f"{counted(1, f'{kind} event')}:"
    return f"{head}\n\n{ranking(table, found.units)}\n"


def _document(found: EventCatalogue, kind: str, output: Path, counts: Added | None) -> dict[str, Any]:
    from .event_export import json_value

    table = found.strongest(_LISTED)
    return {
        "database": str(output),
        "kind": kind,
        "variable": found.name,
        "units": found.units,
        "events": len(found),
        **({"dry_run": True} if counts is None else counts._asdict()),
        "strongest": [
            json_value({"number": n, **row}) for n, row in zip(table.index, table.to_dict("records"), strict=True)
        ],
    }


# --- show ---


def _edges(context: click.Context, param: click.Parameter, value: str | None) -> tuple[float, ...] | None:
    """Read a box like -10,35,5,50."""
    if value is None:
        return None
    try:
        west, south, east, north = (float(edge) for edge in value.split(","))
    except ValueError as error:
        raise click.BadParameter("four degrees with commas: west,south,east,north") from error
    return west, south, east, north


@click.command(short_help="The strongest events of a database: table, page, map.")
@click.argument("database", type=cli_options.ExistingFile(path_type=Path))
@click.option("--kind", help="Only events of this kind.")
@click.option(
    "--diagnostic", type=int, multiple=True, metavar="ID", help="Only events of this definition; may be repeated."
)
@click.option("--start", metavar="DATE", help="Only events that last until then or longer.")
@click.option("--end", metavar="DATE", help="Only events that begin by then.")
@click.option("--bbox", callback=_edges, metavar="W,S,E,N", help="Only events whose box meets this one; degrees.")
@click.option(
    "--order-by", default="-cumulative_intensity", metavar="COLUMN", help="By what (default: -cumulative_intensity)."
)
@click.option("--limit", "-n", type=click.IntRange(1), default=_LISTED, metavar="N", help="At most N (default: 10).")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write a page to explore them all.")
@click.option("--map", "picture", type=click.Path(dir_okay=False, path_type=Path), help="Draw the first one listed.")
@cli_options.as_json
def show(
    database: Path,
    order_by: str,
    limit: int,
    html: Path | None,
    picture: Path | None,
    as_json: bool,
    diagnostic: tuple[int, ...],
    **filters: Any,
) -> None:
    """The strongest events of a DATABASE, as a table, a page or a map."""
    from .database import EventDatabase
    from .errors import InputError
    from .event_export import json_value

    _check_outputs(html, picture)
    db = EventDatabase(database)
    filters["diagnostic"] = list(diagnostic) or None
    table = db.query(**filters, order_by=order_by, limit=limit)
    _tell_definitions(db, filters)
    if as_json:
        write_json([json_value(row) for row in table.to_dict("records")])
    else:
        click.echo(_table(db, table) if len(table) else "no events")
    if html is not None:
        from .plot import explorer

        explorer(db, html, **filters)
        click.echo(f"Page: {html}", err=as_json)
    if picture is not None:
        from .plot import event_map

        if len(table) == 0:
            raise InputError("no event to draw a map of", hint="--kind, --start, --end and --bbox choose the events")
        event_map(db[int(table["id"].iloc[0])], picture)
        click.echo(f"Map of event {table['id'].iloc[0]}: {picture}", err=as_json)


def _tell_definitions(db: EventDatabase, filters: dict[str, Any]) -> None:
    """Warn where events of one kind were found by several definitions, unless somebody has chosen some."""
    from .database_summary import mixture
    from .errors import warn

    if filters["diagnostic"] is not None:
        return
    for kind, found in db.count_by("kind", "diagnostic_id", **filters).groupby("kind")["diagnostic_id"]:
        ids = ", ".join(map(str, found.head(_LISTED))) + (" …" if len(found) > _LISTED else "")
        if len(found) > 1:
            warn(mixture(str(kind), len(found), "ranked", f"--diagnostic chooses one of {ids}"))


def _check_outputs(html: Path | None, picture: Path | None) -> None:
    """Refuse a page or a picture that cannot be written, before the database is asked."""
    from .targets import check_target

    for path in filter(None, (html, picture)):
        check_target(path)
    if picture is not None:
        from .plot.style import check_picture

        check_picture(picture)


def _table(db: EventDatabase, table: Any) -> str:
    """The ranking; units stand above it where all events have the same, and else beside each."""
    from .catalogue_display import ranking

    of_diagnostic = db.sql("SELECT id, units FROM diagnostic").set_index("id")["units"]
    units = of_diagnostic.reindex(table["diagnostic_id"]).fillna("").astype(str).tolist()
    if len(set(units)) == 1:
        return ranking(table, units[0], table["id"])
    note = "u are the units of the variable; they differ: compare only events that have the same."
    return f"{ranking(table, units, table['id'])}\n\n{note}"
