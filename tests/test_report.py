"""What was asked for and what is there: by look-alike answers, written files and real ones."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest

import era5fast as e5
from era5fast import _core
from era5fast.contents import contents
from era5fast.errors import CorruptDataError, InputError
from era5fast.plan import Job, Plan
from tests.look_alike import ask
from tests.samples import write

pytestmark = pytest.mark.native

SINGLE = "reanalysis-era5-single-levels"
PRESSURE = "reanalysis-era5-pressure-levels"
AREA = [50, -1, 48, 2]


def plan_of(**arguments: Any) -> Plan:
    common = {"variable": "2t", "start": "2001-01-01", "end": "2001-01-03", "area": AREA, "grid": 0.5}
    return e5.Request(SINGLE, **{**common, **arguments}).split()


def answer(folder: Path, job: Job, keep: Any = None, **more: Any) -> Path:
    """The file of a job of one variable; `keep` chooses the times that are in it."""
    first, _, last = job.inputs["date"][0].partition("/")
    days = np.arange(np.datetime64(first, "D"), np.datetime64(last or first, "D") + 1)
    hours = [int(text[:2]) for text in job.inputs["time"]]
    seconds = (
        (days[:, None].astype("datetime64[h]") + np.array(hours)).ravel().astype("datetime64[s]").astype("int64")
    )
    seconds = seconds if keep is None else seconds[keep]
    values = np.full((len(seconds), 5, 7), 280.0, "float32")
    attrs = {"GRIB_paramId": np.int64(167), **more.pop("attrs", {})}
    return write(folder / job.name, values, seconds, attrs=attrs, **more)


def listed(path: Path, job: Job, **more: Any) -> dict[str, Any]:
    info = path.stat()
    return {
        "path": str(path), "dataset": job.dataset, "request": job.inputs_json, "size": info.st_size,
        "mtime_ns": info.st_mtime_ns, "inode": info.st_ino, "checksum": "abc", "verified": 2, **more,
    }  # fmt: skip


def test_what_a_file_holds_is_read_without_locks(tmp_path, monkeypatch):
    def refuse() -> None:
        raise AssertionError("a lock of the netCDF libraries was wanted")

    monkeypatch.setattr("era5fast.locks.library_locks", refuse)
    (job,) = plan_of()
    path = answer(tmp_path, job)
    (found,) = contents(str(path))
    assert (found.name, len(found.seconds), found.shape) == ("t2m", 72, (5, 7, 50.0, -1.0, 48.0, 2.0))


def test_a_complete_plan(tmp_path):
    plan = plan_of()
    path = answer(tmp_path, plan[0])
    found = e5.report(plan, tmp_path, journal=[listed(path, plan[0])])
    assert found.complete
    assert (found.asked, found.received, found.duplicates) == (72, 72, 0)
    assert found.gaps == []
    assert found.preliminary_days == []
    assert len(found.missing) == len(found.provisional) == 0
    (file,) = found.files
    assert (file.size, file.checksum, file.verified, file.fields) == (path.stat().st_size, "abc", "checksum", 72)
    assert "complete" in repr(found)
    assert "72 of 72" in repr(found)


def test_missing_hours_are_named_and_can_be_fetched(tmp_path):
    plan = plan_of()
    answer(tmp_path, plan[0], keep=[i for i in range(72) if i not in (30, 31, 50)])
    found = e5.report(plan, tmp_path)
    assert (found.asked, found.received) == (72, 69)
    assert not found.complete
    (gap,) = found.gaps
    assert (gap.variable, gap.first, gap.last, gap.fields) == ("t2m", "2001-01-02T06:00", "2001-01-03T02:00", 3)
    wanted = {(job.inputs["date"][0], tuple(job.inputs["time"])) for job in found.missing}
    assert wanted == {("2001-01-02", ("06:00", "07:00")), ("2001-01-03", ("02:00",))}
    assert found.missing.fields == 3
    assert all(job.inputs["area"] == plan[0].inputs["area"] for job in found.missing)
    assert "t2m: 2001-01-02T06:00 to 2001-01-03T02:00" in repr(found)


def test_a_missing_file_is_missing_as_a_whole(tmp_path):
    plan = plan_of(start="2001-01-01", end="2002-12-31")
    answer(tmp_path, plan[1])
    found = e5.report(plan, tmp_path)
    assert found.missing == plan[:1]
    assert [file.present for file in found.files] == [False, True]
    assert "1 of 2 there" in repr(found)
    (gap,) = found.gaps
    assert (gap.first, gap.last, gap.fields) == ("2001-01-01T00:00", "2001-12-31T23:00", 8760)


def test_the_end_of_the_archive_is_missing(tmp_path):
    """The service drops days that are not there yet without a word."""
    plan = plan_of()
    answer(tmp_path, plan[0], keep=slice(0, 40))
    (job,) = e5.report(plan, tmp_path).missing[:1]
    assert "2001-01-02" in job.inputs["date"][0]


def test_times_that_are_there_twice(tmp_path):
    plan = plan_of()
    answer(tmp_path, plan[0], keep=[*range(72), 3, 4])
    found = e5.report(plan, tmp_path)
    assert (found.received, found.duplicates) == (72, 2)
    assert "duplicates" in repr(found)


def add_expver(path: Path, versions: list[str]) -> None:
    with netCDF4.Dataset(path, "a") as file:
        one = len(versions) == 1
        variable = file.createVariable("expver", str, () if one else ("valid_time",))
        variable[...] = versions[0] if one else np.array(versions, object)


def test_texts_of_files(tmp_path):
    with netCDF4.Dataset(tmp_path / "texts.nc", "w") as file:
        file.createDimension("n", 2)
        file.createDimension("length", 4)
        file.createVariable("letters", "S1", ("n", "length"))[:] = np.array(
            [list(b"0001"), list(b"5\0\0\0")], "u1"
        ).view("S1")
        file.createVariable("strings", str, ("n",))[:] = np.array(
            ["0005", "a text that is longer than sixteen"], object
        )
        file.createVariable("one", str, ())[...] = "0001"
        file.createVariable("none", str, ("n",))
        file.createVariable("number", "f4", ("n",))[:] = 1
    opened = _core.open_file(str(tmp_path / "texts.nc"))
    assert opened.texts("letters") == ["0001", "5"]
    assert opened.texts("strings") == ["0005", "a text that is longer than sixteen"]
    assert opened.texts("one") == ["0001"]
    assert opened.texts("none") == ["", ""]
    for name in ("number", "nothing"):
        with pytest.raises(InputError, match=name):
            opened.texts(name)
    (tmp_path / "texts.nc").write_bytes(b"something else")
    with pytest.raises(CorruptDataError):
        opened.texts("strings")


@pytest.mark.parametrize(("versions", "days"), [
    (["0001"] * 48 + ["0005"] * 24, ["2001-01-03"]),
    (["0005"], ["2001-01-01/2001-01-03"]),
    (["0001"], []),
])  # fmt: skip
def test_preliminary_days(tmp_path, versions, days):
    plan = plan_of()
    add_expver(answer(tmp_path, plan[0]), versions)
    found = e5.report(plan, tmp_path)
    assert found.preliminary_days == days
    assert found.complete
    assert list(found.provisional) == (list(plan) if days else [])
    assert ("preliminary" in repr(found)) == bool(days)


def test_damaged_files_are_listed_and_asked_for_again(tmp_path):
    plan = plan_of(start="2001-01-01", end="2002-12-31")
    answer(tmp_path, plan[0])
    for content in (b"", b"<html>log in</html>", b"PK\x03\x04 half an archive", b"GRIB\0\0\0\x01 and no more"):
        (tmp_path / plan[1].name).write_bytes(content)
        found = e5.report(plan, tmp_path)
        assert [Path(file.path).name for file in found.unreadable] == [plan[1].name]
        assert found.missing == plan[1:]
        assert "unreadable" in repr(found)


def test_fields_in_other_files_count(tmp_path):
    """A plan that overlaps an earlier one is fetched in pieces; its own file is then never made."""
    whole, first = plan_of()[0], plan_of(end="2001-01-02")[0]
    rest = plan_of(start="2001-01-03")[0]
    rows = [listed(answer(tmp_path, job), job) for job in (first, rest)]
    found = e5.report(Plan([whole]), tmp_path / "other", journal=rows)
    assert (found.received, len(found.missing)) == (72, 0), "where the journal says they are"
    found = e5.report(Plan([whole]), tmp_path)
    assert (found.received, len(found.missing)) == (72, 0), "in the same directory, by their axes"
    other_area = plan_of(area=[50, -1.5, 48, 1.5])
    assert e5.report(other_area, tmp_path, journal=rows).received == 0
    os.utime(tmp_path / rest.name, (0, 0))
    assert e5.report(Plan([whole]), tmp_path / "other", journal=rows).received == 48, "it was changed since"


def test_pressure_levels_months_and_days_of_statistics(tmp_path):
    plan = e5.Request(PRESSURE, variable="t", start="2001-01-01", levels=[500, 850], hours=[0, 12], area=AREA).split()
    with netCDF4.Dataset(tmp_path / plan[0].name, "w") as file:
        axes = {
            "valid_time": [978307200, 978350400],
            "pressure_level": [850.0],
            "latitude": [50.0],
            "longitude": [0.0],
        }
        for name, numbers in axes.items():
            file.createDimension(name, len(numbers))
            file.createVariable(name, "f8", (name,))[:] = numbers
        file["valid_time"].units = "seconds since 1970-01-01"
        file.createVariable("t", "f4", tuple(axes))[:] = 1
    found = e5.report(plan, tmp_path)
    assert (found.asked, found.received) == (4, 2)
    assert [(gap.variable, gap.level) for gap in found.gaps] == [("t", "500")]
    assert found.missing[0].inputs["pressure_level"] == ["500"]


def test_without_pandas_nothing_is_lost_and_with_it_there_is_a_table(tmp_path):
    plan = plan_of()
    answer(tmp_path, plan[0])
    frame = e5.report(plan, tmp_path).to_frame()
    assert list(frame["fields"]) == [72]
    assert e5.report(Plan(), tmp_path).to_frame().empty


def test_a_folder_stands_for_the_data_files_in_it(tmp_path):
    plan = plan_of()
    path = answer(tmp_path, plan[0])
    (tmp_path / "notes.txt").write_text("no data")
    assert [file.path for file in e5.report(tmp_path, journal=()).files] == [str(path)]
    assert e5.report(str(tmp_path), journal=[listed(path, plan[0])]).complete
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"no file of \.nc"):
        e5.report(tmp_path / "empty")


def test_fields_in_two_files_are_duplicates(tmp_path):
    jobs = plan_of()[0], plan_of(end="2001-01-02")[0]
    found = e5.report([answer(tmp_path, job) for job in jobs])
    assert (found.received, found.duplicates) == (120, 48)
    later = answer(tmp_path, plan_of(start="2001-01-05", end="2001-01-06")[0])
    (gap,) = e5.report([str(tmp_path / jobs[0].name), str(later)]).gaps
    assert (gap.first, gap.last, gap.fields) == ("2001-01-04T00:00", "2001-01-04T23:00", 24)


def test_wrong_arguments(tmp_path):
    for wrong in (5, [1, 2]):
        with pytest.raises(InputError, match="a plan is made of requests, plans and jobs"):
            e5.report(wrong, tmp_path)
    with pytest.raises(InputError):
        e5.report(str(tmp_path / "*.nc"))


# --- answers of the look-alike ---


def test_what_the_service_sends_is_accounted_for(cds, client, tmp_path):
    plan = e5.Request(
        SINGLE, variable=["2t", "10u", "tp", "mn2t"], start="2013-07-05", end="2013-07-06", area=[47, -1, 46, 1]
    ).split()
    assert len(plan) == 3
    for job in plan:
        asset = client.asset_of(request=job.inputs)
        (tmp_path / job.name).write_bytes(ask("GET", asset["href"]).body)
    found = e5.report(plan, tmp_path)
    assert found.complete, found
    assert (found.asked, found.received) == (4 * 48, 4 * 48)
    archive = client.asset_of(request={**plan[0].inputs, "variable": ["2m_temperature", "total_precipitation"]})
    (tmp_path / "both.nc").write_bytes(ask("GET", archive["href"]).body)
    both = e5.report(tmp_path / "both.nc")
    assert {one.name for file in both.files for one in file.series} == {"t2m", "tp"}
    assert both.received == 96


# --- real files ---


def test_real_files_of_all_layouts(real_data):
    expected = {
        "new_era5_z500_12utc_brussels_1940-2024.nc": (31047, 31),
        "new_era5_zip_named_nc_telangana_20230901-07.nc": (5 * 168, 0),
        "new_era5_pl_java_jan2026.nc": (20 * 124, None),
        "new_era5_wind_hourly_germany_20251104.nc": (48, 48),
        "new_era5land_monthly_scalar_expver_australia_nov2025.nc": (1, 1),
        "new_era5_monthly_date_layout_newyork_1984-2024.nc": (6 * 490, 12),
        "new_era5land_dailymax_t2m_assam_jan2020.nc": (31, 0),
        "old_era5_expverdim_wind100_monthly_1979-2021.nc": (2 * 514, 4),
        "old_era5_hourly_berlin_2017.nc": (9 * 8760, 0),
        "grib1_era5_t2m_hourly_uk_2019-03.grib": (744, 0),
        "grib1_era5_mixed_an_fc_southamerica_20240203T17.grib": (5, 0),
    }
    for name, (fields, preliminary) in expected.items():
        found = e5.report(real_data / name)
        assert found.received == fields, name
        if preliminary is not None:
            assert found.files[0].preliminary == preliminary, name
        assert not found.unreadable
        assert found.asked is None


def test_gaps_of_real_files(real_data):
    hourly = e5.report(real_data / "new_era5_tp_hourly_telangana_jja2023.nc")
    assert hourly.gaps == []
    (gap,) = e5.report([real_data / "new_era5_t2m_12utc_morocco_2024.nc"]).gaps or [None]
    assert gap is None
    irregular = e5.report(real_data / "new_era5_sst_irregular_valdivia_2000-2024.nc")
    assert irregular.received == 600


def test_grib_gives_valid_times(real_data):
    series = contents(str(real_data / "grib1_era5_mixed_an_fc_southamerica_20240203T17.grib"))
    moments = {str(one.seconds[0].astype("datetime64[s]")) for one in series}
    assert moments == {"2024-02-03T17:00:00"}
    assert {one.name for one in series} >= {"u10", "v10", "t2m", "i10fg"}


def test_a_gap_in_a_real_record(real_data, tmp_path):
    source = real_data / "grib1_era5_t2m_hourly_uk_2019-03.grib"
    whole = source.read_bytes()
    plan = e5.Request(SINGLE, variable="2t", start="2019-03-01", end="2019-03-31", data_format="grib").split()
    shutil.copy(source, tmp_path / plan[0].name)
    assert e5.report(plan, tmp_path).complete
    begin = whole.index(b"GRIB", 100_000)
    end = whole.index(b"GRIB", begin + 4)
    (tmp_path / plan[0].name).write_bytes(whole[:begin] + whole[end:])
    (gap,) = e5.report(plan, tmp_path).gaps
    assert (gap.fields, gap.first) == (1, gap.last)
    (tmp_path / plan[0].name).write_bytes(whole[:-1000])
    with pytest.raises(CorruptDataError):
        contents(str(tmp_path / plan[0].name))
