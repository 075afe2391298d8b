"""The commands that deal with events: find them, show them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import cli_options
from .cli_options import write_json

if TYPE_CHECKING:
    from .catalogue import EventCatalogue
    from .database import Added, EventDatabase
    from .event_recipe import Recipe

__all__ = ["events", "show"]

#: Events that are listed after a search.
_LISTED = 10


@click.command()
@click.option(
    "--output", "-o", type=click.Path(dir_okay=False, path_type=Path), required=True, help="Event database."
)
@click.option("--variable", help="Variable of the files (default: the best known one).")
@click.option(
    "--daily",
    "statistic",
    type=click.Choice(["max", "min", "mean", "sum"]),
    help="How hours become days (default: by variable).",
)
@click.option("--above", metavar="VALUE", help="Events above it: 30degC, or a number in the units of the data.")
@click.option("--below", metavar="VALUE", help="Events below it.")
@click.option("--percentile", type=float, help="… of each calendar day; under 50: below it (default: 90).")
@click.option("--base-period", callback=cli_options.pair, help="Years of the percentile, like 1991-2020.")
@click.option("--window", type=int, help="Days that it pools (default: 5; 31 under ten years).")
@click.option("--min-days", type=int, help="Days in a row in each cell (default: by variable).")
@click.option(
    "--min-area", "min_area_km2", type=float, metavar="KM2", help="Leave out events of a smaller largest area."
)
@click.option("--connectivity", type=click.Choice(["6", "10", "18", "26"]), help="Neighbours (default: 26).")
@click.option("--kind", help="What the events are called in the database.")
@cli_options.quiet
@cli_options.as_json
@click.argument("data", nargs=-1, required=True, type=click.Path(readable=False))
def events(data: tuple[str, ...], output: Path, quiet: bool, as_json: bool, **options: Any) -> None:
    """Find events in DATA, hourly or daily, and add them to a database.

    Adding the same events again changes nothing.
    """
    from .database import EventDatabase
    from .sources import expand

    if sum(options[name] is not None for name in ("above", "below", "percentile")) > 1:
        raise click.UsageError("--above, --below and --percentile exclude each other")
    paths = expand(list(data))
    found, kind = _search(paths, quiet or as_json, options)
    counts = EventDatabase(output).add(found, kind=kind, sources=paths, progress=not quiet)
    if as_json:
        write_json(_document(found, kind, output, counts))
    elif not quiet:
        click.echo(_summary(found, kind))
        click.echo(f"{counts.added} events added to {output}, {counts.known} were there already.")


def _search(paths: list[str], quiet: bool, options: dict[str, Any]) -> tuple[EventCatalogue, str]:
    """Events of the files, and what kind they are."""
    from .diagnostics import find_events
    from .event_recipe import choose_variable, recipe_of
    from .variable_table import find as find_variable

    name, note = choose_variable(paths, options["variable"])
    _tell(note, quiet)
    if options["percentile"] is None and options["above"] is None and options["below"] is None:
        options = options | {"percentile": 90.0}
    is_below = options["below"] is not None or (options["percentile"] is not None and options["percentile"] < 50)
    recipe = recipe_of(find_variable(name), below=is_below)
    series, common = _series(paths, name, options["statistic"], recipe, quiet)
    if options["connectivity"] is not None:
        options = options | {"connectivity": int(options["connectivity"])}
    given = {
        name: options[name] for name in ("min_days", "min_area_km2", "connectivity") if options[name] is not None
    }
    given["below" if is_below else "above"] = _threshold(series, name, options, common, quiet)
    return find_events(series, **{"min_days": recipe.min_days, **given, **common}), options["kind"] or recipe.kind


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
        if options["base_period"] is not None or options["window"] is not None:
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
    head = f"{len(found)} {kind} events; the {len(table)} strongest by cumulative exceedance:"
    return f"{head}\n\n{ranking(table, found.units, table.index)}\n"


def _document(found: EventCatalogue, kind: str, output: Path, counts: Added) -> dict[str, Any]:
    from .event_export import json_value

    table = found.strongest(_LISTED)
    return {
        "database": str(output),
        "kind": kind,
        "variable": found.name,
        "units": found.units,
        "events": len(found),
        **counts._asdict(),
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


@click.command()
@click.argument("database", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--kind", help="Only events of this kind.")
@click.option("--start", metavar="DATE", help="Only events that last until this day, month or year or longer.")
@click.option("--end", metavar="DATE", help="Only events that begin by then.")
@click.option("--bbox", callback=_edges, metavar="W,S,E,N", help="Only events whose box meets this one; degrees.")
@click.option("--order-by", default="-cumulative_intensity", show_default=True, help="Column; - turns it round.")
@click.option("--limit", "-n", type=click.IntRange(1), default=_LISTED, show_default=True, help="At most so many.")
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
    **filters: Any,
) -> None:
    """The strongest events of a DATABASE, as a table, a page or a map."""
    from .database import EventDatabase
    from .errors import InputError
    from .event_export import json_value

    db = EventDatabase(database)
    table = db.query(**filters, order_by=order_by, limit=limit)
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


def _table(db: EventDatabase, table: Any) -> str:
    """The ranking; units stand above it where all events have the same, and else beside each."""
    from .catalogue_display import ranking

    of_diagnostic = db.sql("SELECT id, units FROM diagnostic").set_index("id")["units"]
    units = of_diagnostic.reindex(table["diagnostic_id"]).fillna("").astype(str).tolist()
    if len(set(units)) == 1:
        return ranking(table, units[0], table["id"])
    note = "u are the units of the variable; they differ: compare only events that have the same."
    return f"{ranking(table, units, table['id'])}\n\n{note}"
