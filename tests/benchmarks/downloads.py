"""Ways of getting one file from the service: ours, the official clients', and `requests` by hand."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import requests

import era5fast as e5

DATASET = "reanalysis-era5-single-levels"
REQUEST = {
    "product_type": ["reanalysis"],
    "variable": ["2m_temperature"],
    "year": ["2019"],
    "month": ["07"],
    "day": ["01"],
    "time": ["00:00"],
    "data_format": "netcdf",
    "download_format": "unarchived",
}
_BLOCK = 1 << 20


@contextlib.contextmanager
def serving(path: Path) -> Iterator[tuple[str, str]]:
    """Address and key of a service that answers every request with this file."""
    command = [sys.executable, str(Path(__file__).with_name("serve_object.py")), str(path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        address = json.loads(process.stdout.readline())
        yield address["url"], address["key"]
    finally:
        process.communicate()


class Downloads:
    """Each method asks for the file and returns where it is now; every call has a target of its own."""

    def __init__(self, url: str, key: str, folder: Path) -> None:
        self.url, self.key, self.folder = url, key, folder
        self._number = count()
        for name in ("cdsapi", "ecmwf.datastores", "multiurl"):
            logging.getLogger(name).setLevel(logging.ERROR)

    def ours(self) -> Path:
        client = e5.Client(self.url, self.key, poll_interval=0.05, poll_interval_min=0.05, journal=False)
        return Path(client.retrieve(DATASET, REQUEST, self._target(), progress=False))

    def cdsapi(self) -> Path:
        import cdsapi

        client = cdsapi.Client(self.url, self.key, quiet=True, progress=False)
        return Path(client.retrieve(DATASET, REQUEST, str(self._target())))

    def datastores(self) -> Path:
        from ecmwf.datastores import Client

        client = Client(self.url, self.key, progress=False)
        return Path(client.retrieve(DATASET, REQUEST, str(self._target())))

    def requests(self) -> Path:
        """The three calls of the protocol, then blocks of 1 MiB; nothing is verified."""
        target = self._target()
        with self._blocks() as blocks, target.open("wb") as file:
            for block in blocks:
                file.write(block)
        return target

    def requests_verified(self) -> Path:
        """With the checksum looked at, and the file safe on the disk, as ours is when it gets its name."""
        target, found = self._target(), hashlib.md5()
        with self._blocks() as blocks, target.open("wb") as file:
            for block in blocks:
                found.update(block)
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
        assert len(found.hexdigest()) == 32
        return target

    @contextlib.contextmanager
    def _blocks(self) -> Iterator[Iterator[bytes]]:
        with requests.Session() as session:
            session.headers["PRIVATE-TOKEN"] = self.key
            execute = f"{self.url}/retrieve/v1/processes/{DATASET}/execution"
            job = session.post(execute, json={"inputs": REQUEST}).json()["jobID"]
            while (state := session.get(f"{self.url}/retrieve/v1/jobs/{job}").json()["status"]) != "successful":
                assert state in ("accepted", "running"), state
            results = session.get(f"{self.url}/retrieve/v1/jobs/{job}/results").json()
        with requests.get(results["asset"]["value"]["href"], stream=True) as answer:
            answer.raise_for_status()
            yield answer.iter_content(_BLOCK)

    def _target(self) -> Path:
        for old in self.folder.iterdir():  # so that no more than one copy lies on the disk
            old.unlink()
        return self.folder / f"{next(self._number)}.nc"
