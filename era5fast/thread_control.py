"""The native pool as threadpoolctl sees it: ``threadpool_limits(2, user_api="era5fast")``."""

from __future__ import annotations

import sys
from pathlib import Path

import threadpoolctl

__all__ = ["PoolController", "register"]

_CORE = f"{__package__}._core"


class PoolController(threadpoolctl.LibController):  # type: ignore[misc]
    """Controls how many threads the next native call uses, for the whole process.

    It is listed by ``threadpoolctl.threadpool_info()`` once the core has been loaded, and limited by its own name as
    well as by ``threadpool_limits(n)``, which means every library. A call that runs keeps the threads it has.
    """

    user_api = "era5fast"
    internal_api = "era5fast"
    filename_prefixes = ("_core.",)
    check_symbols = ("PyInit__core",)

    def set_additional_attributes(self) -> None:
        """Let go of a library of somebody else that has the same file name: no symbol is found in it then."""
        core = sys.modules.get(_CORE)
        if core is None or Path(core.__file__ or "").resolve() != Path(self.filepath).resolve():
            self.dynlib = None

    def get_num_threads(self) -> int:
        """Threads the next native call will use."""
        core = sys.modules.get(_CORE)
        return 1 if core is None else int(core.get_num_threads())

    def set_num_threads(self, num_threads: int) -> None:
        """Set how many threads the next native call may use."""
        sys.modules[_CORE].set_num_threads(num_threads)

    def get_version(self) -> str:
        """Version of the package."""
        return str(sys.modules[str(__package__)].__version__)


def register() -> None:
    """Make the pool known to threadpoolctl."""
    threadpoolctl.register(PoolController)
