"""What a stranger reads when something is wrong: it names what was given, what may be, and what to do."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import era5fast as e5
from era5fast import errors
from tests.client_kit import DATASET, REQUEST, quick, running_service

pytestmark = pytest.mark.native

X = np.zeros((20, 2, 2))
WHERE = {"time": np.arange("2003-06-01", "2003-06-21", dtype="M8[D]"), "latitude": [1.0, 0], "longitude": [0.0, 1]}


def text_of(call: Callable[[], Any], kind: type[BaseException] = errors.Era5FastError) -> str:
    with pytest.raises(kind) as caught:
        call()
    text = str(caught.value)
    assert "\n" not in text
    assert "  " not in text
    assert len(text) <= errors.MAX_LENGTH
    return text


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A user without settings."""
    for name in ("CDSAPI_URL", "CDSAPI_KEY", "ECMWF_DATASTORES_URL", "ECMWF_DATASTORES_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


def test_without_a_token_the_two_lines_to_write_are_shown(nobody: None) -> None:
    text = text_of(e5.Client, errors.ConfigError)
    assert re.search(
        r"Write 'url: https://\S+' and 'key: …' into ~/\.cdsapirc; yours is on https://\S+/profile$", text
    )


def test_a_licence_comes_with_its_page_and_its_call(tmp_path: Path) -> None:
    with running_service(licences_accepted=False) as cds:
        text = text_of(lambda: quick(cds).retrieve(DATASET, REQUEST, tmp_path / "a.nc"), errors.LicenceError)
    assert re.search(r"https://\S+/datasets/\S+manage-licences", text)
    assert re.search(r"accept_licence\('[\w-]+', \d+\)", text)


def test_what_the_service_refuses(tmp_path: Path) -> None:
    with running_service(cost_limit=0.5) as cds:
        text = text_of(lambda: quick(cds).retrieve(DATASET, REQUEST, tmp_path / "a.nc"), errors.RequestError)
        assert re.search(r"it costs [\d.,]+ of at most 0\.5\.", text)
    with running_service() as cds:
        client = quick(cds)
        wrong = {**REQUEST, "month": ["13"]}
        text = text_of(lambda: client.retrieve(DATASET, wrong, tmp_path / "b.nc"), errors.RequestError)
        assert "Month '13' is probably wrong: 01 to 12" in text
        cds.script(outcome="failed", traceback="no data\n\nThe job failed with: MarsNoDataError")
        text = text_of(lambda: client.retrieve(DATASET, REQUEST, tmp_path / "c.nc"), errors.JobFailedError)
        assert text.count("c.nc") == 1
        assert "MarsNoDataError" in text
        stranger = e5.Client(cds.url, "0" * 36, pace=0.01)
        text = text_of(lambda: stranger.retrieve(DATASET, REQUEST, tmp_path / "d.nc"), errors.AuthError)
        assert f"{cds.url.removesuffix('/api')}/profile" in text
        assert "the argument key" in text


def test_targets_that_cannot_be(tmp_path: Path) -> None:
    with running_service() as cds:
        client = quick(cds)
        text = text_of(lambda: client.retrieve(DATASET, REQUEST, tmp_path), errors.StorageError)
        assert "is a directory" in text
        text = text_of(lambda: client.retrieve(DATASET, REQUEST, tmp_path / "no" / "x.nc"), errors.MissingFileError)
        assert text.endswith("Make this folder first, or check its name")
        assert cds.jobs == []


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"variable": "temperatur"}, ["'temperatur'", "Did you mean", "2m_temperature"]),
        ({"start": "2020-02-30"}, ["'2020-02-30' is no date", "2003-06-01"]),
        ({"area": [35, -10, 50, 5]}, ["north must be above south", "The order is north, west, south, east"]),
        ({"varible": "2t"}, ["no key 'varible'", "Did you mean 'variable'?"]),
        ({"dataset": "reanalysis-era5-pressure-level"}, ["Did you mean 'reanalysis-era5-pressure-levels'"]),
        ({"start": "2020", "end": "2019"}, ["2019-12-31", "before it begins", "2020-01-01"]),
        ({"hours": [24]}, ["from 0 to 23", "[24]"]),
    ],
)
def test_requests(given: dict[str, Any], words: list[str]) -> None:
    values: dict[str, Any] = {"dataset": DATASET, "variable": "2t", "start": "2020-01-01", **given}
    text = text_of(lambda: e5.Request(values.pop("dataset"), **values), errors.InputError)
    assert [word for word in words if word not in text] == []


def test_units_and_words_of_diagnostics() -> None:
    import xarray as xr

    x = xr.DataArray(X, dims=("time", "latitude", "longitude"), coords=WHERE, attrs={"units": "K"}, name="t2m")
    assert "mm cannot become K" in text_of(lambda: e5.find_events(x, "3 mm"), errors.InputError)
    assert "connectivity must be one of: 6 10 18 26" in text_of(lambda: e5.find_events(x, 1.0, connectivity=8))
    text = text_of(lambda: e5.find_events(x, 1.0, mindays=3), TypeError)  # type: ignore[call-arg]
    assert text.startswith("find_events() ")
    assert text.endswith("Did you mean 'min_days'?")


def test_files_that_are_none(tmp_path: Path) -> None:
    assert text_of(lambda: e5.read(tmp_path, "t2m"), errors.StorageError).startswith(f"cannot read: {tmp_path}: ")
    (tmp_path / "page.nc").write_text("<html>Please log in</html>" * 20)
    text = text_of(lambda: e5.read(tmp_path / "page.nc", "t2m"), errors.CorruptDataError)
    assert "got HTML" in text
    assert "login portal" in text
    assert "No such file" in text_of(lambda: e5.read(tmp_path / "no.nc", "t2m"), errors.MissingFileError)


def test_a_misspelt_name_of_the_package() -> None:
    with pytest.raises(AttributeError) as caught:
        e5.find_event  # noqa: B018
    assert (caught.value.name, caught.value.obj) == ("find_event", e5)  # from which Python finds near names
