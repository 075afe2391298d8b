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

__all__ = [
    "ANONYMOUS_KEY",
    "DEFAULT_HEATWAVES",
    "DEFAULT_KEY",
    "FAULTS",
    "Leak",
    "PlantedHeatwave",
    "Script",
    "Service",
    "Truth",
    "Weather",
]
