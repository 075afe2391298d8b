"""A drop-in for ``import cdsapi``: ``from era5fast import cdsapi``.

The same arguments, configuration file, environment variables, return values and log lines; the work is done by
:class:`era5fast.Client`, which is there as ``Client().client``.
"""

from __future__ import annotations

from . import api
from .api import Client

__all__ = ["Client", "api"]
