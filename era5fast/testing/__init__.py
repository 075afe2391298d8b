"""A look-alike of the Climate Data Store for tests and demonstrations, on the loopback interface.

It speaks the protocol of the real service, hands out files in the layout of ERA5, can be told how jobs shall go and
what shall go wrong, and writes down what it was asked. The weather it delivers is SYNTHETIC.

Needs NumPy, and netCDF4 (extra ``demo``) to compute answers.

Examples
--------
>>> from era5fast.testing import Service
>>> with Service() as cds:
...     cds.leaks
[]
"""

from .faults import FAULTS
from .heatwaves import DEFAULT_HEATWAVES, PlantedHeatwave, Truth
from .jobs import Script
from .service import ANONYMOUS_KEY, DEFAULT_KEY, Leak, Service
from .weather import Weather

#: Region and years of the demonstration: 31 x 41 cells of a quarter of a degree (north, west, south, east).
DEMO_AREA = (50.0, -5.0, 42.5, 5.0)
DEMO_YEARS = range(2011, 2021)

__all__ = [
    "ANONYMOUS_KEY",
    "DEFAULT_HEATWAVES",
    "DEFAULT_KEY",
    "DEMO_AREA",
    "DEMO_YEARS",
    "FAULTS",
    "Leak",
    "PlantedHeatwave",
    "Script",
    "Service",
    "Truth",
    "Weather",
]
