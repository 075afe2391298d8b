"""The look-alike of the Climate Data Store: its object store, and the files it computes."""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import netCDF4
import numpy as np
import pytest
from look_alike import ANSWER, GRIB, REQUEST, Client, ask

from era5fast.testing import Service, Weather
from era5fast.testing.store import checksum_of, digest

# --- results and the store


def test_an_asset_describes_its_file(cds, client) -> None:
    cds.script(answer=GRIB)
    asset = client.asset_of()
    assert asset["type"] == "application/x-grib"
    assert asset["file:size"] == len(GRIB)
    assert int(asset["file:checksum"], 16) == int(hashlib.md5(GRIB).hexdigest(), 16)
    assert asset["href"].endswith(".grib")
    assert asset["file:local_path"] == "s3:/" + urlsplit(asset["href"]).path
    job = cds.jobs[0].id
    hosts = {urlsplit(client.asset(job)["href"]).port for _ in range(40)}
    assert hosts == {urlsplit(origin).port for origin in cds.stores}
    assert urlsplit(cds.url).port not in hosts


def test_checksums_lose_leading_zeros_and_count_parts(tmp_path) -> None:
    assert checksum_of("000abc") == "abc"
    path = tmp_path / "x"
    path.write_bytes(ANSWER)
    assert digest(path) == hashlib.md5(ANSWER).hexdigest()
    parts = [hashlib.md5(ANSWER[k : k + 4000]).digest() for k in range(0, len(ANSWER), 4000)]
    assert digest(path, one_put_limit=len(ANSWER), part_size=4000) == f"{hashlib.md5(b''.join(parts)).hexdigest()}-3"
    assert "-" not in digest(path, one_put_limit=len(ANSWER) + 1)
    with Service(one_put_limit=100, part_size=4000) as cds:
        cds.script(answer=path)
        asset = Client(cds).asset_of()
        tag = ask("HEAD", asset["href"]).headers["ETag"].strip('"')
        assert tag.endswith("-3")
        assert checksum_of(tag) == asset["file:checksum"]
    with Service(plain_checksum=False) as cds:
        cds.script(answer=path)
        assert Client(cds).asset_of()["file:checksum"] != checksum_of(digest(path))


def test_an_answer_may_be_the_name_of_a_file(tmp_path) -> None:
    path = tmp_path / "x.grib"
    path.write_bytes(GRIB)
    with Service() as cds:
        cds.script(answer=str(path))
        asset = Client(cds).asset_of()
        assert ask("GET", asset["href"]).body == GRIB
        assert asset["type"] == "application/x-grib"
        with pytest.raises(TypeError):
            cds.script(answer=5)


def test_the_store_serves_ranges(quick) -> None:
    url = quick.asset_of()["href"]
    whole = ask("GET", url)
    assert (whole.status, whole.body) == (200, ANSWER)
    assert whole.headers["Accept-Ranges"] == "bytes"
    assert whole.headers["Content-Type"] == "application/octet-stream"
    assert whole.headers["ETag"] == f'"{hashlib.md5(ANSWER).hexdigest()}"'
    head = ask("HEAD", url)
    assert (head.status, head.body, head.headers["Content-Length"]) == (200, b"", str(len(ANSWER)))
    size = len(ANSWER)
    spans = [("100-", 100, size), ("100-199", 100, 200), ("-50", size - 50, size), ("0-99999", 0, size)]
    for asked, start, end in spans:
        part = ask("GET", url, Range=f"bytes={asked}")
        assert (part.status, part.body) == (206, ANSWER[start:end])
        assert part.headers["Content-Range"] == f"bytes {start}-{end - 1}/{size}"
    beyond = ask("GET", url, Range=f"bytes={size}-")
    assert (beyond.status, beyond.headers["Content-Range"]) == (416, f"bytes */{size}")
    for odd in ("bytes=5-3", "bytes=-", "lines=1-2", "bytes=1-2,4-5"):
        assert ask("GET", url, Range=odd).status == 200
    assert ask("POST", url, {}).status == 405
    assert ask("GET", url + "x").status == 404


def test_if_range_decides_about_the_range(quick) -> None:
    url = quick.asset_of()["href"]
    head = ask("HEAD", url).headers
    for validator, status in (
        (head["ETag"], 206),
        (head["Last-Modified"], 206),
        ('"other"', 200),
        ("W/" + head["ETag"], 200),
        ("nonsense", 200),
    ):
        assert ask("GET", url, Range="bytes=10-", If_Range=validator).status == status, validator


def test_secrets_at_the_store_are_noted() -> None:
    with Service() as cds:
        cds.script(answer=ANSWER)
        url = Client(cds).asset_of()["href"]
        assert cds.leaks == []
        ask("GET", url, token=cds.key)
        ask("GET", url, Authorization="Basic eDp5")
        ask("GET", url, Referer=f"http://x/?{cds.key}")
        ask("GET", f"{url}?token={cds.key}")
        assert [leak.header for leak in cds.leaks] == ["private-token", "authorization", "referer", "address"]
        assert cds.key not in repr(cds.requests[0])


def test_the_same_request_is_answered_from_the_cache(cds, client) -> None:
    asset = client.asset_of()
    cds.script(accepted=60)
    same = {k: v for k, v in REQUEST.items() if k not in ("year", "month", "day")}
    reply = client.submit({**same, "date": "2013-07-05/2013-07-06", "time": ["12:00", "00:00"]})
    job = reply.json["jobID"]
    assert client.status(job) == "successful"
    assert client.asset(job)["file:local_path"] == asset["file:local_path"]
    assert client.status(client.job(_no_cache="1")) == "accepted"


def test_calls_are_written_down(quick, cds) -> None:
    quick.asset_of()
    assert [c.route for c in cds.requests[:2]] == ["execute", "job"]
    assert cds.requests[0].json == {"inputs": REQUEST}
    assert cds.requests[0].status == 201
    assert cds.requests[0].method == "POST"
    assert cds.count("execute") == 1
    assert cds.count("results") == 1


def test_scripts_apply_in_turn(cds, client) -> None:
    cds.script(outcome="failed", times=1)
    cds.script(answer=b"summer", match=lambda dataset, inputs: inputs["month"] == ["07"])
    cds.script(answer=b"else")
    sizes = [client.wait(client.job()), client.asset_of()["file:size"], client.asset_of(month=["01"])["file:size"]]
    assert sizes == ["failed", 6, 4]
    for wrong in ({"outcome": "dismissed"}, {"timeline": [("sleeping", 1)]}):
        with pytest.raises(ValueError, match=r"accepted|ends"):
            cds.script(**wrong)


def test_further_datasets_take_given_answers() -> None:
    with Service(datasets=["reanalysis-era5-complete"]) as cds:
        cds.script(answer=GRIB, match=lambda dataset, _: dataset == "reanalysis-era5-complete")
        client = Client(cds)
        job = client.submit({"class": "ea", "param": "130"}, "reanalysis-era5-complete").json["jobID"]
        assert client.asset(job)["type"] == "application/x-grib"


# --- files


def download(client: Client, **changes: Any) -> bytes:
    asset = client.asset_of(**changes)
    body = ask("GET", asset["href"]).body
    assert len(body) == asset["file:size"]
    return body


@pytest.fixture(scope="module")
def answers() -> dict[str, bytes]:
    """Computed answers, one service for all tests that only look at files."""
    with Service(latest=datetime(2020, 12, 31, 23)) as cds:
        client = Client(cds)
        single = {"day": ["05"], "time": "00:00"}
        return {
            "instant": download(client),
            "accum": download(client, variable="total_precipitation"),
            "both": download(client, variable=["2m_temperature", "total_precipitation"]),
            "zipped": download(client, download_format="zip"),
            "one hour": download(client, **single),
            "embargo": download(client, date="2020-12-30/2021-01-05", time="00:00", area=[46.1, -0.9, 46.1, 359.1]),
        }


def open_netcdf(body: bytes) -> netCDF4.Dataset:
    return netCDF4.Dataset("answer.nc", memory=body)


def test_values_are_those_of_the_weather(answers) -> None:
    with open_netcdf(answers["instant"]) as file:
        latitude, longitude = file["latitude"][:], file["longitude"][:]
        np.testing.assert_array_equal(latitude, [47, 46.75, 46.5, 46.25, 46])
        np.testing.assert_array_equal(longitude, np.arange(-1, 1.1, 0.25))
        days = [int(np.datetime64(d).astype(int)) for d in ("2013-07-05", "2013-07-06")]
        np.testing.assert_array_equal(file["valid_time"][:], [86400 * d + s for d in days for s in (0, 43200)])
        expected = Weather().field("t2m", days, [0, 12], latitude, longitude)
        np.testing.assert_array_equal(file["t2m"][:], expected)
        assert "SYNTHETIC" in file.history
        assert "SYNTHETIC" in file.comment
        assert list(file["expver"][:]) == ["0001"] * 4


def test_several_step_types_come_as_an_archive(answers) -> None:
    for name, members in (("both", ["instant", "accum"]), ("zipped", ["instant"])):
        with zipfile.ZipFile(io.BytesIO(answers[name])) as archive:
            assert archive.namelist() == [f"data_stream-oper_stepType-{m}.nc" for m in members]
            assert archive.testzip() is None
            assert archive.infolist()[0].compress_type == zipfile.ZIP_DEFLATED
            for member, variable in zip(members, ("t2m", "tp"), strict=False):
                with open_netcdf(archive.read(f"data_stream-oper_stepType-{member}.nc")) as file:
                    assert variable in file.variables


def test_one_hour_is_a_dimension_of_one(answers) -> None:
    with open_netcdf(answers["one hour"]) as file:
        assert file["t2m"].shape == (1, 5, 9)
        assert file["expver"].shape == ()
        assert file["expver"][...] == "0001"


def test_days_without_data_are_dropped_and_new_ones_preliminary(answers) -> None:
    with open_netcdf(answers["embargo"]) as file:
        days = file["valid_time"][:].astype("datetime64[s]").astype("datetime64[D]")
        assert list(days.astype(str)) == ["2020-12-30", "2020-12-31"]
        assert list(file["expver"][:]) == ["0005"] * 2


def test_an_area_off_the_grid_shifts_it(answers) -> None:
    """The archive starts at the north-western corner; a full circle does not repeat its first meridian."""
    with open_netcdf(answers["embargo"]) as file:
        np.testing.assert_array_equal(file["latitude"][:], [46.1])
        assert file["longitude"][:].size == 1440
        np.testing.assert_allclose(file["longitude"][[0, 1, -1]], [-0.9, -0.65, 358.85])


@pytest.mark.parametrize(
    ("answer", "variable", "real"),
    [
        ("instant", "t2m", "new_era5_t2m_12utc_morocco_2024.nc"),
        ("accum", "tp", "new_era5_tp_hourly_telangana_jja2023.nc"),
    ],
)
def test_layout_is_that_of_real_files(real_data, answers, answer, variable, real) -> None:
    with open_netcdf(answers[answer]) as ours, netCDF4.Dataset(real_data / real) as theirs:
        assert list(ours.dimensions) == list(theirs.dimensions)
        assert list(ours.variables) == list(theirs.variables)
        assert [a for a in ours.ncattrs() if a != "comment"] == theirs.ncattrs()
        assert ours.data_model == theirs.data_model
        for name, there in theirs.variables.items():
            here = ours[name]
            assert (here.dtype, here.dimensions, here.filters()) == (there.dtype, there.dimensions, there.filters())
            assert (here.chunking() == "contiguous") == (there.chunking() == "contiguous")
            assert here.ncattrs() == there.ncattrs()
            for attribute in there.ncattrs():
                assert type(here.getncattr(attribute)) is type(there.getncattr(attribute)), (name, attribute)
        of_the_grid = re.compile("GridPoint|numberOfPoints|GRIB_N[xy]|_FillValue")
        for name in ours[variable].ncattrs():
            if not of_the_grid.search(name):
                assert ours[variable].getncattr(name) == theirs[variable].getncattr(name), name


def test_a_file_that_cannot_be_computed_fails_the_job(cds, client, monkeypatch) -> None:
    monkeypatch.setattr("era5fast.testing.writers._encode", lambda task: "not an order")
    job = client.job()
    assert client.wait(job) == "failed"
    text = client.call("GET", f"/jobs/{job}/results").json["traceback"]
    assert text.endswith("The job failed with: MarsRuntimeError")
