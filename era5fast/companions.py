"""What other packages gain when they are there: xarray an accessor, threadpoolctl the knowledge of our pool.

Neither is imported for that. What is there already is met at once; what is not is met at the end of its import,
whoever imports it: a finder that finds nothing itself stands in :data:`sys.meta_path` until the last one has come.
An edition of theirs that knows nothing of such things is told in the log; its import is not ours to fail.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

__all__ = ["meet"]

#: Package → the module of ours whose ``register`` makes us known to it.
_COMPANIONS = {"xarray": "accessor", "threadpoolctl": "thread_control"}


class _Waiting:
    """Finder of no module: lets the others find, and notes when a companion has been loaded."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Where a companion is, as the other finders say; None for any other module."""
        if name not in _COMPANIONS:
            return None
        finders = [finder for finder in sys.meta_path if finder is not self]
        specs = (finder.find_spec(name, path, target) for finder in finders)
        spec = next((spec for spec in specs if spec is not None), None)
        if spec is not None and spec.loader is not None:
            _tell_after_loading(spec.loader, name)
        return spec


def _tell_after_loading(loader: Any, name: str) -> None:
    """Let the loader, which is of this one import, call us when it has run the module."""
    run = loader.exec_module

    def exec_module(module: ModuleType) -> None:
        del loader.exec_module
        run(module)
        _register(name)

    loader.exec_module = exec_module


_waiting = _Waiting()


def _register(name: str) -> None:
    module = _COMPANIONS.pop(name, None)
    if not _COMPANIONS and _waiting in sys.meta_path:
        sys.meta_path.remove(_waiting)
    if module is None:
        return
    try:
        import_module(f"{__package__}.{module}").register()
    except Exception as error:  # of any kind: it would come out of an import that somebody else has asked for
        import logging  # which costs as much as all else that we import

        logging.getLogger("era5fast").info("%s cannot be told of era5fast: %s: %s", name, type(error).__name__, error)


def meet() -> None:
    """Make ourselves known to the companions that are imported, and to the others as soon as they are."""
    sys.meta_path.insert(0, _waiting)
    for name in [name for name in _COMPANIONS if sys.modules.get(name) is not None]:
        _register(name)
