"""Archives that the service sends where netCDF was asked for: what users get instead, and what is refused."""

from __future__ import annotations

import io
import random
import re
import stat
import subprocess
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import netCDF4
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from era5fast.errors import CorruptDataError, RequestError, UnsafeInputError
from era5fast.plan import Job
from tests.client_kit import DATASET, REQUEST, quick
from tests.look_alike import wait_for

ZIP_NAMED_NC = "new_era5_zip_named_nc_telangana_20230901-07.nc"
INSTANT, ACCUM, MAX = (f"data_stream-oper_stepType-{kind}.nc" for kind in ("instant", "accum", "max"))
WAVE = "data_stream-wave_stepType-instant.nc"


class Unpacker:
    """The core's way from an archive to files, in a program of its own."""

    def __init__(self, program: Path, folder: Path) -> None:
        self.program, self.folder = program, folder
        self.target = folder / "x.nc"

    def __call__(self, archive: bytes | Path) -> tuple[str, str, list[str]]:
        """(status, message, names of the files that were made besides the target's)."""
        if isinstance(archive, bytes):
            path = self.folder.parent / "archive.zip"
            path.write_bytes(archive)
        else:
            path = archive
        command = [str(self.program), str(path), str(self.target)]
        lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
        status, _, message = lines[0].partition(" ")
        return status, message, [Path(line).name for line in lines[1:]]

    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())


@pytest.fixture
def unpack(c_build: Path, tmp_path: Path) -> Unpacker:
    folder = tmp_path / "target"
    folder.mkdir()
    return Unpacker(c_build / "test_fetch_unpack", folder)


def zip_of(members: dict[str, bytes], **options: object) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=0) as archive:
        for name, data in members.items():
            archive.writestr(name, data, **options)
    return out.getvalue()


def check_same(joined: Path, member: Path, *, renamed: dict[str, str] | None = None) -> None:
    """Every variable of a member is in the joined file: values bit for bit, attributes, storage."""
    with netCDF4.Dataset(joined) as whole, netCDF4.Dataset(member) as part:
        for dataset in (whole, part):
            dataset.set_auto_maskandscale(False)
        assert {d: len(v) for d, v in whole.dimensions.items()} == {d: len(v) for d, v in part.dimensions.items()}
        for name, variable in part.variables.items():
            other = whole.variables[(renamed or {}).get(name, name)]
            assert other.dtype == variable.dtype
            assert other.dimensions == variable.dimensions
            assert other.chunking() == variable.chunking()
            assert other.filters() == variable.filters()
            assert other.endian() == variable.endian()
            a, b = np.asarray(other[...]), np.asarray(variable[...])
            assert np.array_equal(a, b) if variable.dtype is str else a.tobytes() == b.tobytes()
            for key in variable.ncattrs():
                if key != "coordinates" or not renamed:
                    assert repr(other.getncattr(key)) == repr(variable.getncattr(key)), (name, key)


# --- real files


def test_a_real_archive_becomes_one_file(real_data: Path, unpack: Unpacker, tmp_path: Path) -> None:
    status, message, files = unpack(real_data / ZIP_NAMED_NC)
    assert (status, message, files) == ("OK", "", [])
    assert unpack.names() == ["x.nc"]
    with zipfile.ZipFile(real_data / ZIP_NAMED_NC) as archive:
        for name in archive.namelist():
            check_same(unpack.target, Path(archive.extract(name, tmp_path)))
    with netCDF4.Dataset(unpack.target) as joined, netCDF4.Dataset(tmp_path / INSTANT) as first:
        assert {"d2m", "u10", "v10", "sp", "tp"} <= set(joined.variables)
        assert joined.ncattrs() == first.ncattrs()
        assert joined.history == first.history


def test_three_real_step_types(real_data: Path, unpack: Unpacker) -> None:
    kinds = {INSTANT: "instant", ACCUM: "accum", MAX: "max"}
    files = {name: real_data / f"new_era5_{kind}_mp_2014-2024.nc" for name, kind in kinds.items()}
    assert unpack(zip_of({name: path.read_bytes() for name, path in files.items()}))[0] == "OK"
    assert unpack.names() == ["x.nc"]
    for path in files.values():
        check_same(unpack.target, path)


def test_real_files_of_other_times_and_levels_stay_apart(real_data: Path, unpack: Unpacker) -> None:
    members = {
        "levels.nc": (real_data / "new_era5_pl_java_jan2026.nc").read_bytes(),
        INSTANT: (real_data / "new_era5_instant_java_jan2026.nc").read_bytes(),
        ACCUM: (real_data / "new_era5_accum_java_jan2026.nc").read_bytes(),
        "old.nc": (real_data / "old_era5_radiation_20221111.nc").read_bytes(),
    }
    status, _, files = unpack(zip_of(members))
    assert status == "OK"
    assert files == ["x.nc", "x.levels.nc", "x.old.nc"]
    assert unpack.names() == sorted(files)
    for name in ("levels", "old"):
        assert (unpack.folder / f"x.{name}.nc").read_bytes() == members[f"{name}.nc"]
    check_same(unpack.target, real_data / "new_era5_instant_java_jan2026.nc")
    check_same(unpack.target, real_data / "new_era5_accum_java_jan2026.nc")


# --- made files


def write_member(path: Path, name: str, step: str, *, steps: int = 6, columns: int = 5, prelim: int = 9) -> Path:
    """A file as the service writes it; `prelim` is the first step with preliminary data."""
    with netCDF4.Dataset(path, "w") as file:
        for dim, size in (("valid_time", steps), ("latitude", 4), ("longitude", columns)):
            file.createDimension(dim, size)
            axis = file.createVariable(dim, "i8" if dim == "valid_time" else "f8", (dim,))
            axis[:] = np.arange(size) * (3600 if dim == "valid_time" else 2.5 / columns)
        file["valid_time"].units = "seconds since 1970-01-01"
        expver = file.createVariable("expver", str, ("valid_time",))
        expver[:] = np.where(np.arange(steps) < prelim, "0001", "0005").astype(object)
        shape = ("valid_time", "latitude", "longitude")
        data = file.createVariable(name, "f4", shape, compression="zlib", complevel=1, fill_value=np.float32(np.nan))
        data.setncatts({"GRIB_stepType": step, "coordinates": "valid_time latitude longitude expver"})
        values = np.random.default_rng(len(name)).normal(size=(steps, 4, columns)).astype("f4")
        values[0, 1, 2] = np.nan
        data[:] = values
    return path


def test_waves_lie_beside_the_atmosphere(unpack: Unpacker, tmp_path: Path) -> None:
    wave = write_member(tmp_path / "w.nc", "swh", "instant", columns=3)
    instant = write_member(tmp_path / "i.nc", "t2m", "instant")
    accum = write_member(tmp_path / "a.nc", "tp", "accum")
    status, _, files = unpack(
        zip_of({WAVE: wave.read_bytes(), INSTANT: instant.read_bytes(), ACCUM: accum.read_bytes()})
    )
    assert status == "OK"
    assert files == ["x.nc", f"x.{WAVE}"]
    assert (unpack.folder / f"x.{WAVE}").read_bytes() == wave.read_bytes()
    check_same(unpack.target, instant)
    check_same(unpack.target, accum)


def test_expver_of_each_step_type_is_kept(unpack: Unpacker, tmp_path: Path) -> None:
    instant = write_member(tmp_path / "i.nc", "t2m", "instant", prelim=2)
    accum = write_member(tmp_path / "a.nc", "tp", "accum", prelim=3)
    assert unpack(zip_of({INSTANT: instant.read_bytes(), ACCUM: accum.read_bytes()}))[0] == "OK"
    check_same(unpack.target, instant)
    check_same(unpack.target, accum, renamed={"expver": "expver_accum"})
    with netCDF4.Dataset(unpack.target) as joined:
        assert joined["tp"].coordinates == "valid_time latitude longitude expver_accum"
        assert joined["t2m"].coordinates == "valid_time latitude longitude expver"


# --- anything that zipfile writes


class OneWay(io.BytesIO):
    """A stream that cannot be sought in: sizes then follow the data."""

    def seekable(self) -> bool:
        return False

    def seek(self, *_: object) -> int:
        raise OSError("one way only")

    tell = seek  # type: ignore[assignment]


names = st.lists(st.text("abcé-_ .", min_size=1, max_size=12).filter(lambda s: s.strip(" .")), min_size=1, max_size=3)
member = st.tuples(
    names.map("/".join),
    st.binary(max_size=300) | st.integers(0, 200_000).map(lambda n: random.Random(n).randbytes(n)),
    st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]),
    st.integers(0, 9),
    st.booleans(),
)
archives = st.lists(member, min_size=1, max_size=5, unique_by=lambda m: m[0])


def write_archive(members: list[tuple[str, bytes, int, int, bool]], comment: bytes, one_way: bool) -> bytes:
    out: io.BytesIO = OneWay() if one_way else io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data, method, level, wide in members:
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED if one_way else method
            info._compresslevel = level  # type: ignore[attr-defined]
            with archive.open(info, "w", force_zip64=wide) as file:
                file.write(data)
        archive.comment = comment
    return out.getvalue()


@pytest.fixture(scope="module")
def list_members(c_build: Path, tmp_path_factory: pytest.TempPathFactory):
    path = tmp_path_factory.mktemp("archives") / "a.zip"

    def run(archive: bytes, block: int) -> tuple[str, list[tuple[str, bytes]]]:
        path.write_bytes(archive)
        command = [str(c_build / "test_archive"), str(path), str(block)]
        status, *lines = subprocess.run(command, check=True, capture_output=True).stdout.split(b"\n")
        pairs = [line.split(b" ") for line in lines if line]
        return status.decode(), [(bytes.fromhex(a.decode()).decode(), bytes.fromhex(b.decode())) for a, b in pairs]

    return run


few = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@few
@given(archives, st.binary(max_size=40), st.booleans(), st.sampled_from([1, 5, 4096, 1 << 20]))
def test_what_zipfile_writes_is_read(list_members, members, comment, one_way, block) -> None:
    expected = [(name, data) for name, data, *_ in members if not data.startswith(b"PK")]
    archive = write_archive(members, comment, one_way)
    status, found = list_members(archive, block)
    if len(expected) < len(members):
        assert status == "UNSAFE"
    else:
        assert (status, found) == ("OK", expected)


@few
@given(archives, st.data())
def test_a_damaged_archive_gives_no_wrong_member(list_members, members, data) -> None:
    """One byte changed: refused, or of no consequence, as for zipfile's own check of its members."""
    archive = bytearray(write_archive(members, b"", False))
    at = data.draw(st.integers(0, len(archive) - 1))
    archive[at] ^= data.draw(st.integers(1, 255))
    status, found = list_members(bytes(archive), 4096)
    if status == "OK":
        assert [content for _, content in found] == [content for _, content, *_ in members]
    else:
        assert status in ("CORRUPT", "UNSAFE")


@few
@given(archives, st.data())
def test_a_cut_archive_is_corrupt(list_members, members, data) -> None:
    archive = write_archive(members, b"", False)
    status, _ = list_members(archive[: data.draw(st.integers(0, len(archive) - 1))], 1000)
    nested = any(content.startswith(b"PK") for _, content, *_ in members)
    assert status == "CORRUPT" or (nested and status == "UNSAFE")


# --- hostile ones


def with_mode(name: str, data: bytes, mode: int) -> bytes:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(info, data)
    return out.getvalue()


def overlapping() -> bytes:
    """Two entries of the directory that share one member's bytes."""
    archive = bytearray(zip_of({"a.nc": b"CDF\1" * 8, "b.nc": b"CDF\1" * 8}))
    second = archive.rindex(b"PK\1\2")
    archive[second + 42 : second + 46] = bytes(4)
    return bytes(archive)


def bomb() -> bytes:
    """More than 100 : 1 beyond 1 GiB, said honestly."""
    out = io.BytesIO()
    zipped = zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
    with zipped as archive, archive.open("bomb.nc", "w", force_zip64=True) as file:
        for _ in range(1100):
            file.write(bytes(1 << 20))
    return out.getvalue()


def encrypted() -> bytes:
    archive = bytearray(zip_of({"secret.nc": b"CDF\1" * 8}))
    archive[6] |= 1
    archive[archive.index(b"PK\1\2") + 8] |= 1
    return bytes(archive)


HOSTILE = {
    "up": (lambda: zip_of({"../up.nc": b"CDF\1"}), r"'../up\.nc' would lie outside"),
    "absolute": (lambda: zip_of({"/tmp/up.nc": b"CDF\1"}), r"'/tmp/up\.nc' would lie outside"),
    "drive": (lambda: zip_of({"C:up.nc": b"CDF\1"}), r"'C:up\.nc' would lie outside"),
    "backslash": (lambda: zip_of({"..\\up.nc": b"CDF\1"}), "would lie outside"),
    "control": (lambda: zip_of({"a\x1b[2J.nc": b"CDF\1"}), "control characters"),
    "link": (lambda: with_mode("l.nc", b"/etc/passwd", stat.S_IFLNK | 0o777), r"'l\.nc' is a link or a device"),
    "device": (lambda: with_mode("d.nc", b"", stat.S_IFCHR | 0o600), r"'d\.nc' is a link or a device"),
    "nested": (lambda: zip_of({"inner.zip": zip_of({"a.nc": b"CDF\1"})}), r"'inner\.zip' is an archive itself"),
    "many": (lambda: zip_of({str(i): b"" for i in range(10_001)}), "'10000' is one of more than 10,000"),
    "encrypted": (encrypted, r"'secret\.nc' is encrypted"),
    "bomb": (bomb, r"'bomb\.nc' claims a size"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_archives_leave_nothing(unpack: Unpacker, kind: str) -> None:
    make, message = HOSTILE[kind]
    unpack.target.write_bytes(b"old")
    status, text, files = unpack(make())
    assert status == "UNSAFE"
    assert re.search(message, text), text
    assert files == []
    assert unpack.names() == ["x.nc"]
    assert unpack.target.read_bytes() == b"old"
    assert sorted(path.name for path in unpack.folder.parent.iterdir()) == ["archive.zip", "target"]


def test_overlapping_members_are_corrupt(unpack: Unpacker) -> None:
    status, text, _ = unpack(overlapping())
    assert (status, unpack.names()) == ("CORRUPT", [])
    assert "'b.nc' differs from its directory entry" in text


# --- from the service to the user

MIXED = {**REQUEST, "variable": ["2m_temperature", "total_precipitation"]}


def test_step_types_that_were_asked_for_together_come_as_one_file(cds, tmp_path: Path) -> None:
    client = quick(cds)
    target, archive = tmp_path / "x.nc", tmp_path / "x.zip"
    client.retrieve(DATASET, MIXED, target)
    client.retrieve(DATASET, MIXED, archive)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.nc", "x.zip"]
    with zipfile.ZipFile(archive) as members:
        assert members.namelist() == [INSTANT, ACCUM]
        paths = [Path(members.extract(name, tmp_path / "members")) for name in members.namelist()]
    for path in paths:
        check_same(target, path)
    with netCDF4.Dataset(target) as file:
        assert {"t2m", "tp"} <= set(file.variables)


def test_members_are_unpacked_while_the_bytes_arrive(cds, tmp_path: Path) -> None:
    members = [
        write_member(tmp_path / f"{step}.nc", name, step, steps=300, columns=4000)
        for name, step in (("t2m", "instant"), ("tp", "accum"))
    ]
    archive = zip_of(dict(zip((INSTANT, ACCUM), (member.read_bytes() for member in members), strict=True)))
    cds.script(answer=archive)
    cds.fault("stall", route="object", after=len(archive) - 1_000_000, seconds=2.0, times=1)
    target = tmp_path / "target" / "x.nc"
    target.parent.mkdir()
    with ThreadPoolExecutor(1) as pool:
        download = pool.submit(quick(cds).retrieve, DATASET, REQUEST, target)
        unpacked = target.parent / ".x.nc.e5members"
        wait_for(lambda: unpacked.is_dir() and any(path.stat().st_size > 10_000_000 for path in unpacked.iterdir()))
        assert not target.exists()
        download.result()
    assert [path.name for path in target.parent.iterdir()] == ["x.nc"]
    for member in members:
        check_same(target, member)


def test_an_unpacked_target_is_kept_without_a_call(cds, tmp_path: Path) -> None:
    target = tmp_path / "x.nc"
    quick(cds, journal=tmp_path / "journal.db").retrieve(DATASET, MIXED, target)
    before, requests = target.stat(), len(cds.requests)
    quick(cds, journal=tmp_path / "journal.db").retrieve(DATASET, MIXED, target)
    assert len(cds.requests) == requests
    assert (target.stat().st_ino, target.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_waves_come_as_a_second_file(cds, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "target"
    folder.mkdir()
    wave = write_member(tmp_path / "w.nc", "swh", "instant", columns=3)
    instant = write_member(tmp_path / "i.nc", "t2m", "instant")
    cds.script(answer=zip_of({INSTANT: instant.read_bytes(), WAVE: wave.read_bytes()}))
    with caplog.at_level("WARNING"):
        quick(cds).retrieve(DATASET, REQUEST, folder / "x.nc")
    assert (folder / "x.nc").read_bytes() == instant.read_bytes()
    assert (folder / f"x.{WAVE}").read_bytes() == wave.read_bytes()
    assert sorted(path.name for path in folder.iterdir()) == sorted(["x.nc", f"x.{WAVE}"])
    assert sum(f"x.{WAVE}" in record.getMessage() for record in caplog.records) == 1


def test_a_plan_lists_what_lies_beside_a_target_also_when_it_is_kept(cds, tmp_path: Path) -> None:
    wave = write_member(tmp_path / "w.nc", "swh", "instant", columns=3).read_bytes()
    instant = write_member(tmp_path / "i.nc", "t2m", "instant").read_bytes()
    cds.script(answer=zip_of({INSTANT: instant, WAVE: wave}))
    client, folder = quick(cds, journal=tmp_path / "journal.db"), tmp_path / "target"
    plan = [Job.of(DATASET, REQUEST, "x.nc")]
    paths = client.fetch(plan, folder)
    assert paths == [str(folder / "x.nc"), str(folder / f"x.{WAVE}")]
    calls = len(cds.requests)
    assert client.fetch(plan, folder) == paths
    assert len(cds.requests) == calls


@pytest.mark.parametrize("change", [lambda path: path.unlink(), lambda path: path.write_bytes(b"edited")])
def test_a_target_without_what_lay_beside_it_is_fetched_again(cds, tmp_path: Path, change) -> None:
    folder = tmp_path / "target"
    folder.mkdir()
    target, waves = folder / "x.nc", folder / f"x.{WAVE}"
    wave = write_member(tmp_path / "w.nc", "swh", "instant", columns=3).read_bytes()
    cds.script(answer=zip_of({INSTANT: write_member(tmp_path / "i.nc", "t2m", "instant").read_bytes(), WAVE: wave}))
    client = quick(cds, journal=tmp_path / "journal.db")
    client.retrieve(DATASET, REQUEST, target)
    change(waves)
    client.retrieve(DATASET, REQUEST, target)
    assert len(cds.jobs) == 1  # its results are there still
    edited = [path for path in folder.iterdir() if path.read_bytes() == b"edited"]
    others = sorted(path.read_bytes() for path in set(folder.iterdir()) - {target, *edited})
    assert (others, edited) == ([wave], [waves] if edited else [])
    calls = len(cds.requests)
    client.retrieve(DATASET, REQUEST, target)  # finished again, and what was edited is a file of its own now
    assert len(cds.requests) == calls


@pytest.mark.parametrize("edits", [False, True])
def test_a_plan_fetches_again_what_lay_beside_a_target(cds, tmp_path: Path, edits: bool) -> None:
    wave = write_member(tmp_path / "w.nc", "swh", "instant", columns=3).read_bytes()
    instant = write_member(tmp_path / "i.nc", "t2m", "instant").read_bytes()
    cds.script(answer=zip_of({INSTANT: instant, WAVE: wave}))
    client, plan = quick(cds, journal=tmp_path / "journal.db"), [Job.of(DATASET, REQUEST, "x.nc")]
    beside = Path(client.fetch(plan, tmp_path / "target")[1])
    beside.write_bytes(b"edited") if edits else beside.unlink()
    paths = client.fetch(plan, tmp_path / "target")
    assert [Path(path).read_bytes() for path in paths] == [instant, wave]
    assert not edits or beside.read_bytes() == b"edited"
    calls = len(cds.requests)
    assert client.fetch(plan, tmp_path / "target") == paths
    assert len(cds.requests) == calls


def test_what_lies_beside_a_target_replaces_no_file_of_the_user(cds, tmp_path: Path) -> None:
    folder = tmp_path / "target"
    folder.mkdir()
    wave, other = write_member(tmp_path / "w.nc", "swh", "instant", columns=3), tmp_path / "o.nc"
    write_member(other, "mwp", "instant", columns=3)
    instant = write_member(tmp_path / "i.nc", "t2m", "instant").read_bytes()
    (folder / f"x.{WAVE}").write_bytes(b"mine")
    client = quick(cds, journal=tmp_path / "journal.db")
    for member in (wave, other, wave):
        cds.script(answer=zip_of({INSTANT: instant, WAVE: member.read_bytes()}), times=1)
        client.retrieve(DATASET, REQUEST, folder / "x.nc", overwrite=True, fresh=True)
        assert sorted(path.name for path in folder.iterdir()) == [f"x.2.{WAVE}", f"x.{WAVE}", "x.nc"]
        assert (folder / f"x.{WAVE}").read_bytes() == b"mine"
        assert (folder / f"x.2.{WAVE}").read_bytes() == member.read_bytes()  # ours: the journal knows it
    (folder / f"x.2.{WAVE}").write_bytes(b"edited")
    cds.script(answer=zip_of({INSTANT: instant, WAVE: wave.read_bytes()}))
    client.retrieve(DATASET, REQUEST, folder / "x.nc", overwrite=True, fresh=True)
    assert (folder / f"x.2.{WAVE}").read_bytes() == b"edited"
    assert (folder / f"x.3.{WAVE}").read_bytes() == wave.read_bytes()


@pytest.mark.parametrize("fails", [False, True])
def test_members_that_a_killed_process_left_are_removed(cds, tmp_path: Path, fails: bool) -> None:
    folder = tmp_path / "target"
    (folder / ".x.nc.e5members").mkdir(parents=True)
    (folder / ".x.nc.e5members" / "00000-a.nc").write_bytes(b"half")
    if fails:
        cds.fault("not_found", route="execute", status=400)
        with pytest.raises(RequestError):
            quick(cds).retrieve(DATASET, REQUEST, folder / "x.nc")
    else:
        quick(cds).retrieve(DATASET, REQUEST, folder / "x.nc")
    assert [path.name for path in folder.iterdir()] == ([] if fails else ["x.nc"])


def test_a_hostile_answer_leaves_the_old_target(cds, tmp_path: Path) -> None:
    target = tmp_path / "x.nc"
    target.write_bytes(b"old")
    cds.script(answer=zip_of({INSTANT: b"CDF\1" * 8, "../up.nc": b"CDF\1" * 8}))
    with pytest.raises(UnsafeInputError, match=r"'\.\./up\.nc' would lie outside"):
        quick(cds).retrieve(DATASET, REQUEST, target, overwrite=True)
    assert target.read_bytes() == b"old"
    assert not [path for path in tmp_path.rglob("*") if "e5members" in path.name]
    assert not (tmp_path.parent / "up.nc").exists()


@pytest.mark.parametrize("name", ["x.zip", "x.nc"])
def test_what_the_service_itself_holds_damaged_is_made_anew_when_asked(cds, tmp_path: Path, name: str) -> None:
    """Its checksum is that of the damaged archive, and proves only that the damage is not ours."""
    whole = zip_of({INSTANT: write_member(tmp_path / "i.nc", "t2m", "instant").read_bytes()})
    damaged = bytearray(whole)
    damaged[len(whole) // 3] ^= 16
    cds.script(answer=bytes(damaged), times=1)
    cds.script(answer=whole)
    request = {**REQUEST, "download_format": "zip"} if name == "x.zip" else REQUEST
    folder = tmp_path / "target"
    folder.mkdir()
    client = quick(cds)
    with pytest.raises(CorruptDataError, match=r"another checksum than declared.*with fresh=True"):
        client.retrieve(DATASET, request, folder / name)
    assert (cds.count("execute"), cds.count("object"), (folder / name).exists()) == (1, 2, False)
    client.retrieve(DATASET, request, folder / name, fresh=True)
    assert [path.name for path in folder.iterdir()] == [name]


def test_a_strange_frame_is_the_services_own_where_its_checksum_proves_it(cds, tmp_path: Path, caplog) -> None:
    """Each member is whole; another download would bring the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(INSTANT, b"CDF\1" * 100)
        archive.fp.write(b"gap" * 20)
        archive.start_dir = archive.fp.tell()
        archive.writestr(ACCUM, b"CDF\1" * 50)
    cds.script(answer=buffer.getvalue())
    with caplog.at_level("WARNING", "era5fast"):
        found = quick(cds).retrieve(DATASET, {**REQUEST, "download_format": "zip"}, tmp_path / "x.zip")
    assert Path(found).read_bytes() == buffer.getvalue()
    assert cds.count("object") == 1
    assert "something foreign between its parts" in caplog.text
