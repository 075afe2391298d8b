"""A backend of joblib with our threads, which has its name once this is imported: ``parallel_config("era5fast")``."""

from __future__ import annotations

from typing import Any

from joblib import register_parallel_backend  # type: ignore[import-untyped]
from joblib.parallel import ThreadingBackend  # type: ignore[import-untyped]

from .threads import ThreadPool

__all__ = ["Threads"]


class Threads(ThreadingBackend):  # type: ignore[misc]
    """As joblib's backend of threads, with a :class:`ThreadPool` of ours."""

    _pool: ThreadPool | None = None

    def _get_pool(self) -> Any:
        """The pool, made when it is first needed."""
        if self._pool is None:
            self._pool = ThreadPool(self._n_jobs)
        return self._pool


register_parallel_backend("era5fast", Threads)
