"""A stand-in for a conda environment: the system's headers and libraries, copied below one folder."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT))

from csrc.libraries import LIBRARIES, TRIAL, Flags, library_flags  # noqa: E402

COMPILER = ["cc", "-fPIC"]
# Where the system keeps headers, longest first: what follows is their name below a prefix's include/.
_MULTIARCH = subprocess.run(["cc", "-print-multiarch"], text=True, capture_output=True).stdout.strip() or "."
_ROOTS = ["/usr/include/hdf5/serial", f"/usr/include/{_MULTIARCH}", "/usr/include"]


def make_prefix(prefix: Path) -> Path:
    """Fill a folder with `conda-meta`, headers, libraries and pkg-config files that name this folder only."""
    (prefix / "conda-meta").mkdir(parents=True)
    (prefix / "conda-meta/history").touch()
    system = library_flags(COMPILER)
    copy_headers(prefix / "include", system)
    copy_libraries(prefix / "lib", system)
    (prefix / "lib/pkgconfig").mkdir()
    for name, library in LIBRARIES.items():
        text = f"Name: {name}\nDescription: {name}\nVersion: 1\nCflags: -I{prefix}/include\n"
        (prefix / f"lib/pkgconfig/{name}.pc").write_text(f"{text}Libs: -L{prefix}/lib -l{library.name}\n")
    return prefix


def copy_headers(to: Path, system: Flags) -> None:
    """Copy every header of the system's that a program with all libraries reads."""
    command = [*COMPILER, *system.compile, "-M", "-xc", "-"]
    listed = subprocess.run(command, input=TRIAL, text=True, capture_output=True, check=True).stdout
    for name in listed.replace("\\\n", " ").split():
        root = next((root for root in _ROOTS if name.startswith(root + "/")), None)
        if root:
            target = to / Path(name).relative_to(root)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(name, target)


def copy_libraries(to: Path, system: Flags) -> None:
    """Copy the shared libraries, under the name that the linker looks for and the one that the loader does."""
    to.mkdir()
    folders = [flag for flag in system.link if flag.startswith("-L")]
    for library in LIBRARIES.values():
        command = [*COMPILER, *folders, f"-print-file-name=lib{library.name}.so"]
        found = Path(subprocess.run(command, text=True, capture_output=True, check=True).stdout.strip())
        if not found.is_absolute():  # the compiler does not search the folders of -L for us
            found = next(path for flag in folders if (path := Path(flag[2:]) / found.name).exists())
        listing = subprocess.run(["readelf", "-d", found], text=True, capture_output=True, check=True).stdout
        soname = listing.partition("soname: [")[2].partition("]")[0]
        shutil.copy(found.resolve(), to / soname)
        (to / f"lib{library.name}.so").symlink_to(soname)
