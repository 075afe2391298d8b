"""Prove the wheels in ``dist/`` in a Debian that has Python and nothing else: ``make bare`` (as root).

    python tests/packaging/bare.py [VERSION...]

debootstrap makes the smallest Debian with ``python3``: no netCDF, HDF5, curl, jansson, libdeflate, no certificates.
It is kept in ``build/bare``, and so are the wheels of the dependencies. Each run has a copy of it, without network
but the loopback: an environment is made, the wheel is installed by name from a folder of wheels, and
``inside_bare.py`` looks at everything that a new user meets. Debian's Python is of one version; other versions come
from pyenv, if they are there, by a mount at their own place.
"""

from __future__ import annotations

import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "build/bare"
RELEASE = "bookworm"
DEBIAN = WORK / RELEASE
DEBIANS_PYTHON = "3.11"
EXTRA = "demo"
SECONDS = 600


def run(*command: str | Path) -> None:
    """Run a command that says nothing unless it fails."""
    result = subprocess.run(list(map(str, command)), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if result.returncode:
        raise SystemExit(f"{result.stdout}\nfailed: {shlex.join(map(str, command))}")


def make_debian() -> None:
    """Make the file system, once."""
    if (DEBIAN / "complete").exists():
        return
    if not shutil.which("debootstrap"):
        raise SystemExit("debootstrap is missing: apt-get install debootstrap")
    print(f"making a bare {RELEASE} in {DEBIAN}: about two minutes")
    shutil.rmtree(DEBIAN, ignore_errors=True)
    run("debootstrap", "--variant=minbase", "--include=python3", RELEASE, DEBIAN)
    (DEBIAN / "complete").touch()


def pyenvs_python(version: str) -> Path | None:
    """Folder of an interpreter of pyenv's, or None."""
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    return next((path for path in sorted(versions.glob(f"{version}.*")) if (path / "bin/python3").exists()), None)


def version_of(wheel: Path) -> str:
    """Version of Python that a wheel is for."""
    return re.sub(r".*-cp(\d)(\d+)-cp.*", r"\1.\2", wheel.name)


def gather_wheels(version: str, wheel: Path) -> Path:
    """Get the wheels of the dependencies for a version of Python, and pip's own; give their folder."""
    folder = WORK / "wheels" / version
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("era5fast-*.whl"):
        old.unlink()
    platforms = [f"--platform=manylinux_2_{n}_{platform.machine()}" for n in range(36, 16, -1)]
    platforms.append(f"--platform=manylinux2014_{platform.machine()}")
    for wanted in (f"era5fast[{EXTRA}] @ {wheel.as_uri()}", "pip"):
        options = ["-q", "--only-binary=:all:", "--python-version", version, *platforms, "--find-links", folder]
        run(sys.executable, "-m", "pip", "download", *options, "-d", folder, wanted)
    return folder


def make_certificates(folder: Path) -> None:
    """Make a certificate authority that nobody knows, and a server's certificate of it."""
    import trustme

    authority = trustme.CA()
    server = authority.issue_cert("127.0.0.1", "localhost")
    folder.mkdir()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    server.private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")


def prove(version: str, wheel: Path) -> bool:
    """Install a wheel in a copy of the file system, and run the program that looks at it."""
    print(f"== {wheel.name} in a bare {RELEASE}, Python {version}", flush=True)
    here = WORK / f"run-{version}"
    shutil.rmtree(here, ignore_errors=True)
    run("cp", "-a", DEBIAN, here)
    try:
        shutil.copytree(gather_wheels(version, wheel), here / "wheels")
        make_certificates(here / "certificates")
        shutil.copy2(ROOT / "tests/packaging/inside_bare.py", here / "inside_bare.py")
        return subprocess.run(isolated(here, version), timeout=SECONDS).returncode == 0
    finally:
        shutil.rmtree(here, ignore_errors=True)


def isolated(here: Path, version: str) -> list[str]:
    """Give the command that goes inside: mounts, processes and network of its own, all gone when it ends."""
    python, mounts = "/usr/bin/python3", ""
    if version != DEBIANS_PYTHON and (found := pyenvs_python(version)):
        python = str(found / "bin/python3")
        place = here / found.relative_to("/")
        place.mkdir(parents=True)
        mounts = f"mount --bind -o ro {shlex.quote(str(found))} {shlex.quote(str(place))}\n"
    script = f"""set -e
ip link set lo up
mount -t proc proc {shlex.quote(str(here / "proc"))}
mkdir -p {shlex.quote(str(here / "dev/shm"))}
mount -t tmpfs tmpfs {shlex.quote(str(here / "dev/shm"))}
{mounts}exec chroot {shlex.quote(str(here))} /usr/bin/env -i HOME=/root PATH=/usr/bin:/bin LANG=C.UTF-8 /bin/sh -ec '
{python} -m venv --without-pip /environment
/environment/bin/python "$(echo /wheels/pip-*.whl)/pip" install -q --no-index --find-links /wheels "era5fast[{EXTRA}]"
exec /environment/bin/python /inside_bare.py'
"""
    return ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "sh", "-c", script]


def main() -> int:
    """Prove every wheel, or those for the versions of Python that are named."""
    if os.geteuid() != 0:
        raise SystemExit("this makes a file system and mounts it: run it as root")
    found = {version_of(wheel): wheel for wheel in sorted((ROOT / "dist").glob("era5fast-*.whl"))}
    wheels = {version: wheel for version, wheel in found.items() if version in (sys.argv[1:] or found)}
    if not wheels:
        raise SystemExit("there are no such wheels in dist/: run make wheel")
    make_debian()
    failed = []
    for version, wheel in wheels.items():
        if version != DEBIANS_PYTHON and pyenvs_python(version) is None:
            raise SystemExit(f"no Python {version} was found for {wheel.name}")
        if not prove(version, wheel):
            failed.append(wheel.name)
    print(f"{len(wheels) - len(failed)} passed, {len(failed)} failed")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
