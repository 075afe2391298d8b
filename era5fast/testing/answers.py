"""Results: what is there already, what is being made, and by which script jobs go."""

from __future__ import annotations

import json
import threading
from datetime import datetime
from pathlib import Path
from typing import Any

from . import writers
from .jobs import Job, Script
from .request import InvalidRequest, cache_key
from .store import Store, StoredObject
from .weather import Weather

_MAGIC = {b"GRIB": ".grib", b"PK\x03\x04": ".zip", b"\x89HDF": ".nc", b"CDF": ".nc"}


class Answers:
    """The cache of results shared by all jobs, and the scripts.

    Parameters
    ----------
    store : Store
        Where results go.
    weather : Weather
        Where values come from.
    default : Script
        For jobs to which no other script applies.
    """

    def __init__(self, store: Store, weather: Weather, default: Script) -> None:
        self.store, self.weather, self.default = store, weather, default
        self._lock = threading.Lock()
        self._scripts: list[Script] = []
        self._cache: dict[str, StoredObject] = {}

    def add_script(self, script: Script) -> None:
        """Add a script behind those there are."""
        with self._lock:
            self._scripts.append(script)

    def take_script(self, dataset: str, inputs: dict[str, Any]) -> Script:
        """The script for a submission; counts it."""
        with self._lock:
            for script in self._scripts:
                fits = script.match is None or script.match(dataset, inputs)
                if fits and (script.times is None or script.times > 0):
                    if script.times is not None:
                        script.times -= 1
                    return script
        return self.default

    def reserve(self, dataset: str, inputs: dict[str, Any], script: Script) -> tuple[StoredObject, bool]:
        """The object that is or will be the result of a request, and whether it still has to be made.

        Requests that mean the same share one object; every script with an answer of its own has its own.
        """
        try:
            key = cache_key(dataset, inputs)
        except InvalidRequest:  # of no concern when the answer is given
            key = json.dumps([dataset, inputs], sort_keys=True)
        if script.answer is not None:
            key += f" answered by script {id(script)}"
        with self._lock:
            known = self._cache.get(key)
            if known is not None and not known.error and not known.evicted:
                return known, False
            self._cache[key] = self.store.reserve()
            return self._cache[key], True

    def make(self, wanted: StoredObject, job: Job, latest: datetime) -> None:
        """Have the result of a job made: at once if it is given, else by the writing processes."""
        if job.script.answer is not None:
            self._put(wanted, job.script.answer)
            return
        stem = wanted.stem.rsplit("/", 1)[1]
        task = writers.Task(self.weather, job.dataset, job.inputs, latest, self.store.folder, stem)

        def done(outcome: Path | writers.WriterError) -> None:
            try:
                if isinstance(outcome, Path):
                    self.store.fill(wanted, outcome)
                else:
                    self.store.fail(wanted, str(outcome))
            except OSError as e:  # the service was closed meanwhile
                self.store.fail(wanted, str(e))

        writers.submit(task, done)

    def evict(self) -> None:
        """Remove every finished result from the store."""
        with self._lock:
            ready = [stored for stored in self._cache.values() if stored.ready]
        for stored in ready:
            self.store.evict(stored)

    def _put(self, wanted: StoredObject, answer: bytes | Path) -> None:
        if isinstance(answer, bytes):
            suffix = next((s for magic, s in _MAGIC.items() if answer.startswith(magic)), ".bin")
            path = self.store.path_for(wanted, suffix)
            path.write_bytes(answer)
        else:
            path = answer
        self.store.fill(wanted, path)
