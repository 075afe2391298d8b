"""A process that computes and writes answers, one per line of standard input; see `writers`."""

from __future__ import annotations

import json
import os
import sys
from datetime import date, datetime
from pathlib import Path
from typing import Any

from .catalogue import DATASETS
from .heatwaves import PlantedHeatwave
from .netcdf import write_answer
from .request import select
from .weather import Weather


def _write(order: dict[str, Any]) -> Path:
    """The work of a child for one task."""
    waves = [PlantedHeatwave(**{**w, "start": date.fromisoformat(w["start"])}) for w in order["heatwaves"]]
    latest = datetime.fromisoformat(order["latest"])
    selection = select(DATASETS[order["dataset"]], order["inputs"], latest)
    day = (latest.date() - date(1970, 1, 1)).days
    return write_answer(Weather(order["seed"], waves), selection, Path(order["folder"]), order["stem"], day)


def main() -> None:
    """Serve one task per line of standard input, until it ends."""
    for line in sys.stdin:
        try:
            reply = {"path": str(_write(json.loads(line)))}
        except ImportError as e:
            reply = {"error": f"{e}; computed answers need netCDF4: pip install 'era5fast[demo]'"}
        except Exception as e:  # whatever went wrong, the service must learn of it
            reply = {"error": f"{type(e).__name__}: {e}"}
        try:
            print(json.dumps(reply), flush=True)
        except BrokenPipeError:  # the service has gone
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return


if __name__ == "__main__":
    main()
