"""What could go wrong on this machine, looked at before it does: one check a row, each with advice.

Nothing is changed but for two small files that are made to try locks, and removed again. A service that cannot be
reached is told and is no fault: much is done without one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from .errors import AuthError, ConfigError, Era5FastError, NetworkError, TLSError
from .wording import human_bytes, muted

__all__ = ["CHECKS", "Finding", "examine"]

State = Literal["ok", "note", "warning", "fault"]

#: Bytes that should be free: below the first it is told, below the second downloads stop soon.
_ROOM, _LITTLE_ROOM = 10e9, 1e9
_FEW_FILES, _MANY_FILES = 256, 4096  # open files at once: fewer than the first are told; the second is advised
_SECONDS = 3.0  # that one question to the service may take
_LOCK_SECONDS = 30.0  # that another process may take to be refused two locks
_OLD_NETCDF4 = (1, 6, 1)  # the first whose calls may come from several threads, one at a time
_MOUNTS = "/proc/self/mounts"


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes
    ----------
    check : str
        Name of the check.
    state : {"ok", "note", "warning", "fault"}
        Whether something is to be done: nothing, nothing unless it matters to you, soon, now.
    text : str
        What was found; one line.
    advice : str
        What to do; "" where there is nothing to do.
    """

    check: str
    state: State
    text: str
    advice: str = ""

    def as_dict(self) -> dict[str, str]:
        """The same as a dictionary."""
        return asdict(self)


@dataclass
class Patient:
    """What the checks look at.

    Attributes
    ----------
    directory : Path
        Where downloads go.
    offline : bool
        Whether nobody may be asked.
    client : era5fast.Client or None
        Who asks the service, once a token was found and the service has answered.
    """

    directory: Path
    offline: bool = False
    client: Any = None


def examine(directory: str | os.PathLike[str] = ".", offline: bool = False) -> Iterator[Finding]:
    """Run all checks, one after the other.

    Parameters
    ----------
    directory : path
        Where downloads go.
    offline : bool
        Leave out what asks the service.

    Yields
    ------
    Finding
        One or more for each check.
    """
    patient = Patient(Path(directory).expanduser(), offline)
    with muted():  # what is warned of elsewhere is a finding here
        for name, check in CHECKS.items():
            try:
                yield from check(patient)
            except (Era5FastError, OSError) as error:
                yield Finding(name, "fault", str(error))


# --- what is installed


def _package(_: Patient) -> Iterator[Finding]:
    from . import __version__
    from . import _core as core

    python = ".".join(map(str, sys.version_info[:3]))
    yield Finding("era5fast", "ok", f"{__version__} in {Path(__file__).parent}, Python {python}")
    if core.__file__ and Path(core.__file__).parent != Path(__file__).parent:
        advice = "remove one of both installations: 'pip uninstall era5fast' until it is gone, then install it once"
        yield Finding("era5fast", "fault", f"its core comes from elsewhere: {core.__file__}", advice)


def _libraries(_: Patient) -> Iterator[Finding]:
    from . import _core as core

    for one in core.libraries():
        where = one["path"] or "built in"
        if _digits(one["built"])[:2] == _digits(one["loaded"])[:2]:
            yield Finding("library", "ok", f"{one['name']} {one['loaded']}, {where}")
        else:
            text = f"{one['name']} {one['loaded']} is loaded, {where}, but {one['built']} was built for"
            advice = "build era5fast anew in this environment, or check LD_LIBRARY_PATH and LD_PRELOAD"
            yield Finding("library", "warning", text, advice)


def _digits(version: str) -> tuple[int, ...]:
    """The numbers of a version, as far as they are numbers."""
    numbers = []
    for part in version.replace("-", ".").split("."):
        if not part.isdigit():
            break
        numbers.append(int(part))
    return tuple(numbers)


def _sqlite(_: Patient) -> Iterator[Finding]:
    import sqlite3

    from . import _core as core
    from .installation import loaded_copies

    ours = next(one for one in core.libraries() if one["name"] == "sqlite3")
    copies = loaded_copies("libsqlite3")
    if sqlite3.sqlite_version == ours["loaded"] and len(copies) <= 1:
        yield Finding("SQLite", "ok", f"{ours['loaded']}, the same as Python's")
        return
    text = f"{ours['loaded']} here, {sqlite3.sqlite_version} for Python; copies: {', '.join(copies) or 'unknown'}"
    advice = "do not write to a database with sqlite3 or GDAL while era5fast has it open in the same process"
    yield Finding("SQLite", "note", text, advice)


def _instructions(_: Patient) -> Iterator[Finding]:
    from . import _core as core

    limit = os.environ.get("ERA5FAST_ISA")
    if limit is None:
        yield Finding("instructions", "ok", core.isa())
    elif limit in (names := core.isa_names()):
        yield Finding("instructions", "note", f"{core.isa()}, limited by ERA5FAST_ISA={limit}", "unset it for speed")
    else:
        advice = f"it may be {', '.join(names[:-1])} or {names[-1]}"
        yield Finding("instructions", "warning", f"{core.isa()}; ERA5FAST_ISA={limit!r:.30} means nothing", advice)


def _threads(_: Patient) -> Iterator[Finding]:
    from . import _core as core

    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    used, has = core.get_num_threads(), os.cpu_count() or 1
    text = f"{used} of {has} processors; {allowed} allowed by the affinity of this process"
    given = os.environ.get("ERA5FAST_NUM_THREADS", "")
    if used > allowed:
        advice = "more threads than processors only take turns: check ERA5FAST_NUM_THREADS"
        yield Finding("threads", "warning", text, advice)
    elif used < allowed and given in ("", "0"):
        yield Finding("threads", "note", f"{text}; a quota of the container or job leaves {used}")
    else:
        yield Finding("threads", "ok", text + (f"; ERA5FAST_NUM_THREADS={given}" if given else ""))


# --- what there is of it


def _memory(_: Patient) -> Iterator[Finding]:
    from . import _core as core

    has, cache = core.available_memory(), core.get_cache_bytes()[1]
    text = f"{human_bytes(has)} here, of which one call takes a quarter at most; {human_bytes(cache)} for chunks"
    low = has < 2e9
    yield Finding("memory", "note" if low else "ok", text, "read in parts, with time= and area=" if low else "")


def _places(patient: Patient) -> list[tuple[str, Path]]:
    """Directories that are written to, and what for."""
    from .journal import location

    journal = location()
    places = [("downloads", patient.directory)]
    if journal is not None:
        places.append(("journal", journal.parent))
    return places


def _existing(path: Path) -> Path:
    """The path, or the first of those above it that is there."""
    path = path.absolute()
    return next(one for one in (path, *path.parents) if one.exists())


def _disk(patient: Patient) -> Iterator[Finding]:
    for purpose, path in [*_places(patient), ("scratch", Path(tempfile.gettempdir()))]:
        there = _existing(path)
        free = shutil.disk_usage(there).free
        text = f"{purpose}: {human_bytes(free)} free in {there}"
        if not os.access(there, os.W_OK | os.X_OK):
            advice = "choose a folder that is yours" if purpose == "downloads" else "check its permissions"
            yield Finding("disk", "fault", f"{purpose}: {there} cannot be written to", advice)
        elif free < _LITTLE_ROOM:
            advice = (
                "make room; TMPDIR names another place for scratch files" if purpose == "scratch" else "make room"
            )
            yield Finding("disk", "warning", text, advice)
        else:
            yield Finding("disk", "ok" if free >= _ROOM else "note", text)


#: Tries to take the lock that its parent holds; prints which of both kinds were refused to it, as they must be.
_OTHER_PROCESS = """
import fcntl, sys
with open(sys.argv[1], "rb+") as file:
    for name, take in (("flock", fcntl.flock), ("POSIX", fcntl.lockf)):
        try:
            take(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print(name)
"""


def _locks(patient: Patient) -> Iterator[Finding]:
    from . import _core as core

    for purpose, path in _places(patient):
        there = _existing(path)
        if not os.access(there, os.W_OK | os.X_OK):
            continue  # told as a matter of the disk
        kind, shared = _type_of_disk(there), core.is_shared_disk(there)
        where = f"{purpose}: {there} ({kind}{', used by other computers' if shared else ''})"
        if fault := _fault_of_locks(there):
            yield Finding("locks", "fault", f"{where}: {fault}", f"{_cure(purpose)} on a disk of this computer")
        elif shared:
            advice = f"let one computer at a time write here, or put {_cure(purpose)[4:]} on a disk of this computer"
            yield Finding("locks", "note", f"{where}: flock and POSIX locks hold on this computer", advice)
        else:
            yield Finding("locks", "ok", f"{where}: flock and POSIX locks hold")


def _cure(purpose: str) -> str:
    return "put the journal (ERA5FAST_JOURNAL names its file)" if purpose == "journal" else "put downloads"


def _fault_of_locks(directory: Path) -> str:
    """What is wrong with the locks of a directory, "" for nothing."""
    try:
        missing = _missing_locks(directory)
    except subprocess.TimeoutExpired:  # a server of files that is not there any more
        return f"a lock that is asked for does not answer in {_LOCK_SECONDS:g} s"
    except OSError as error:  # such as /proc, or a disk that is full
        return f"no file can be made there: {error.strerror}"
    return f"no {' and '.join(missing)} locks" if missing else ""


def _missing_locks(directory: Path) -> list[str]:
    """The kinds of lock that another process gets although this one holds them."""
    import fcntl

    with tempfile.NamedTemporaryFile(dir=directory, prefix=".e5doctor-") as file:
        missing = []
        for name, take in (("flock", fcntl.flock), ("POSIX", fcntl.lockf)):
            try:
                take(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                missing.append(name)
        command = [sys.executable, "-I", "-S", "-c", _OTHER_PROCESS, file.name]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_LOCK_SECONDS, check=False)
        refused = done.stdout.split()
        return [name for name in ("flock", "POSIX") if name in missing or name not in refused]


def _type_of_disk(path: Path) -> str:
    """Name of the type of a file system, by the list of mounts."""
    try:
        rows = [line.split() for line in Path(_MOUNTS).read_text(encoding="utf-8", errors="replace").splitlines()]
    except OSError:
        return "unknown file system"
    real = os.path.realpath(path)
    mounts = {row[1].encode().decode("unicode_escape"): row[2] for row in rows if len(row) > 2}
    above = [place for place in mounts if real == place or real.startswith(place.rstrip("/") + "/")]
    return mounts[max(above, key=len)] if above else "unknown file system"


def _journal(_: Patient) -> Iterator[Finding]:
    from .journal import location

    path = location()
    if path is None:
        advice = "unset ERA5FAST_JOURNAL to have equal requests recognised"
        yield Finding("journal", "note", "none, as ERA5FAST_JOURNAL=none asks for", advice)
    elif not path.exists():
        yield Finding("journal", "ok", f"{path}, made with the first download")
    elif not os.access(path, os.R_OK | os.W_OK):
        advice = f"check who owns it: ls -l {path}"
        yield Finding("journal", "warning", f"{path} cannot be read and written", advice)
    else:
        yield Finding("journal", "ok", f"{path}, {human_bytes(path.stat().st_size)}")


def _open_files(_: Patient) -> Iterator[Finding]:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = "any number" if soft == resource.RLIM_INFINITY else f"{soft:,}"
    if 0 <= soft < _FEW_FILES:
        more = _MANY_FILES if hard == resource.RLIM_INFINITY else min(hard, _MANY_FILES)
        advice = f"'ulimit -n {more}' in the shell" if more > soft else "whoever runs this machine can allow more"
        yield Finding("open files", "warning", f"{most} at once", advice)
    else:
        yield Finding("open files", "ok", f"{most} at once")


# --- who else is here


def _company(_: Patient) -> Iterator[Finding]:
    found = [finding for rule in _BAD_COMPANY if (finding := rule()) is not None]
    yield from found or [Finding("company", "ok", "no combination that is known to be bad")]


def _libraries_of_eccodes() -> Finding | None:
    from . import _core as core

    ours = [one["name"] for one in core.libraries() if _is_of_eccodes(one["path"])]
    if ours:
        text = f"{', '.join(ours)} of ecCodes serve era5fast, in versions that it was not built for"
        return Finding("company", "fault", text, "import era5fast before eccodes, cfgrib, findlibs or earthkit")
    if "findlibs" in sys.modules:
        text = "findlibs puts the libraries of ecCodes before those of all that is imported later; not before ours"
        return Finding("company", "note", text)
    return None


def _is_of_eccodes(path: str) -> bool:
    """Whether a library lies in one of the packages that bring ecCodes and what it needs."""
    return any(part in ("eccodeslib", "eckitlib", "fckitlib", "findlibs") for part in Path(path).parts)


def _findlibs() -> Finding | None:
    from .installation import version_of

    if version_of("findlibs") is None or version_of("rioxarray") is None:
        return None
    text = "findlibs (of ecCodes) and rioxarray are installed together: listing xarray's engines may end the process"
    advice = "name the engine: xr.open_dataset(path, engine='era5fast'); or keep them in two environments"
    return Finding("company", "warning", text, advice)


def _global_symbols() -> Finding | None:
    if not sys.getdlopenflags() & os.RTLD_GLOBAL:
        return None
    text = "sys.setdlopenflags(RTLD_GLOBAL) is on: packages may take each other's libraries"
    return Finding("company", "warning", text, "import era5fast first, or set the flag only round the import in need")


def _hdf5_locking() -> Finding | None:
    value = os.environ.get("HDF5_USE_FILE_LOCKING")
    if value is None or value.upper() not in ("FALSE", "0"):
        return None
    text = f"HDF5_USE_FILE_LOCKING={value}: HDF5 lets two programs write to one file"
    return Finding("company", "note", text, "unset it unless the file system has no locks; era5fast needs it not")


def _old_netcdf4() -> Finding | None:
    from .installation import version_of

    version = version_of("netCDF4")
    if version is None or _digits(version) >= _OLD_NETCDF4:
        return None
    text = f"netCDF4 {version} crashes when several threads use it"
    return Finding("company", "warning", text, "pip install --upgrade netCDF4")


def _preload() -> Finding | None:
    value = os.environ.get("LD_PRELOAD")
    if not value:
        return None
    text = f"LD_PRELOAD={value:.60}: libraries of yours come before all others"
    return Finding("company", "note", text, "unset it if something crashes")


def _proj() -> Finding | None:
    for name in ("PROJ_DATA", "PROJ_LIB"):
        value = os.environ.get(name)
        if value and not any(os.path.isfile(os.path.join(one, "proj.db")) for one in value.split(os.pathsep)):
            text = f"{name}={value:.60} has no proj.db: pyproj, rasterio and QGIS will not find their systems"
            return Finding("company", "warning", text, f"unset {name}")
    return None


def _user_folder() -> Finding | None:
    needed = os.environ.get("PYTHONPATH")
    if not needed:
        return None
    text = f"PYTHONPATH={needed:.60}: packages there come before those that are installed"
    return Finding("company", "note", text, "unset it if versions are not those that you expect")


_BAD_COMPANY: tuple[Callable[[], Finding | None], ...] = (
    _libraries_of_eccodes,
    _findlibs,
    _global_symbols,
    _hdf5_locking,
    _old_netcdf4,
    _preload,
    _proj,
    _user_folder,
)


def _helpers(_: Patient) -> Iterator[Finding]:
    from .installation import version_of

    missing = [f"{name} ({use})" for name, use in _USES.items() if version_of(name) is None]
    if missing:
        text = f"not installed: {', '.join(missing)}"
        yield Finding("helpers", "note", text, "pip install 'era5fast[dask,demo,geo,grib,units]' brings them all")
    else:
        yield Finding("helpers", "ok", f"installed: {', '.join(_USES)}")


#: Packages that some calls need, and what for.
_USES = {
    "xarray": "labelled arrays, results of files",
    "pandas": "tables",
    "dask": "arrays in chunks, clusters",
    "matplotlib": "pictures",
    "netCDF4": "writing netCDF",
    "geopandas": "events as geographic tables",
    "shapely": "polygons",
    "eccodes": "GRIB",
    "pint": "units",
}


# --- the service


def _key(patient: Patient) -> Iterator[Finding]:
    from .client import Client

    brief: dict[str, Any] = {"patience": 0.0, "timeout": _SECONDS, "connect_timeout": _SECONDS}
    try:
        patient.client = Client(progress=False, journal=False, **brief)
    except ConfigError as error:
        yield Finding("token", "warning", f"{error.what}; nothing can be downloaded", error.hint)
        return
    config = patient.client._connection.config
    yield Finding("token", "ok", f"found in {config.origin}, for {config.url}")
    if config.insecure:
        advice = "name the file of your certificates with verify"
        yield Finding("certificates", "warning", "not checked, as it was asked for", advice)
    elif config.ca_file is None:
        advice = "install ca-certificates of the system, or the package certifi"
        yield Finding("certificates", "warning", "none found; libcurl's own have to do", advice)
    else:
        yield Finding("certificates", "ok", config.ca_file)


def _service(patient: Patient) -> Iterator[Finding]:
    client = patient.client
    if client is None or patient.offline:
        patient.client = None
        yield Finding("service", "note", "not asked" if patient.offline else "not asked without a token")
        return
    try:
        client.check()
    except Era5FastError as error:
        patient.client = None
        yield _refusal(client.url, error)
    else:
        yield Finding("service", "ok", f"{client.url} answers, and takes the token")


def _refusal(url: str, error: Era5FastError) -> Finding:
    """What stands between us and the service."""
    if isinstance(error, AuthError):
        return Finding("service", "fault", f"{url} answers, but refuses the token: {error.what}", error.hint)
    if isinstance(error, TLSError):
        return Finding("service", "warning", error.what, error.hint)
    if isinstance(error, NetworkError):
        advice = (
            error.hint or "check the network and https_proxy; files that are here can be worked with all the same"
        )
        return Finding("service", "note", f"not reached: {error.what}", advice)
    return Finding("service", "warning", f"{url} is in trouble: {error.what}", error.hint or "try again later")


def _licences(patient: Patient) -> Iterator[Finding]:
    client = patient.client
    if client is None:
        yield Finding("licences", "note", "not asked")
        return
    try:
        accepted = {(one.get("id"), one.get("revision")) for one in client.accepted_licences()}
        needed = _needed_licences(client)
    except Era5FastError as error:
        yield Finding("licences", "note", f"cannot be told: {error.what}")
        return
    for (name, revision), datasets in needed.items():
        whose = datasets[0] if len(datasets) == 1 else f"{datasets[0]} and {len(datasets) - 1} more"
        if (name, revision) in accepted:
            yield Finding("licences", "ok", f"'{name}' is accepted (for {whose})")
        else:
            advice = f"read it on the page of the dataset, or call Client().accept_licence('{name}', {revision})"
            yield Finding("licences", "warning", f"'{name}' is not accepted; it is needed for {whose}", advice)
    if not needed:
        yield Finding("licences", "note", "the service names none for the datasets of ERA5")


def _needed_licences(client: Any) -> dict[tuple[str, int], list[str]]:
    """Licences of the ERA5 datasets that the service has, and which need them."""
    from concurrent.futures import ThreadPoolExecutor

    from .dataset_table import DATASETS

    needed: dict[tuple[str, int], list[str]] = {}
    with ThreadPoolExecutor(4) as crew:
        for name, links in zip(DATASETS, crew.map(lambda one: _links(client, one), DATASETS), strict=True):
            for link in links:
                if isinstance(link, dict) and link.get("rel") == "license" and isinstance(link.get("id"), str):
                    needed.setdefault((link["id"], int(link.get("rev") or 0)), []).append(name)
    return needed


def _links(client: Any, dataset: str) -> list[Any]:
    """Links of the page of a dataset; none where the service does not have it."""
    try:
        links = client.dataset(dataset).get("links")
    except Era5FastError:
        return []
    return links if isinstance(links, list) else []


#: All checks, in the order in which they are made: one row each.
CHECKS: dict[str, Callable[[Patient], Iterator[Finding]]] = {
    "era5fast": _package,
    "library": _libraries,
    "SQLite": _sqlite,
    "instructions": _instructions,
    "threads": _threads,
    "memory": _memory,
    "disk": _disk,
    "locks": _locks,
    "journal": _journal,
    "open files": _open_files,
    "company": _company,
    "helpers": _helpers,
    "token": _key,
    "service": _service,
    "licences": _licences,
}
