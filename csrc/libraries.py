"""The system libraries that the core stands on: where they are, and whether headers and libraries are of one kind.

What the environment may say stands in ``csrc/build.py``.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Library:
    """One library.

    Attributes
    ----------
    header, name : str
        What to include and what to link where there is no pkg-config.
    of_header, of_library : str
        C texts that hold the version: the header's, and that of the library which gets loaded.
    """

    header: str
    name: str
    of_header: str
    of_library: str


LIBRARIES = {  # by pkg-config's name
    "netcdf": Library("netcdf.h", "netcdf", "NC_VERSION", "nc_inq_libvers()"),
    "hdf5": Library("hdf5.h", "hdf5", "H5_VERS_INFO", "version_of_hdf5()"),
    "libcurl": Library("curl/curl.h", "curl", "LIBCURL_VERSION", "curl_version_info(CURLVERSION_NOW)->version"),
    "sqlite3": Library("sqlite3.h", "sqlite3", "SQLITE_VERSION", "sqlite3_libversion()"),
    "libdeflate": Library("libdeflate.h", "deflate", "LIBDEFLATE_VERSION_STRING", "LIBDEFLATE_VERSION_STRING"),
    "zlib": Library("zlib.h", "z", "ZLIB_VERSION", "zlibVersion()"),
    "jansson": Library("jansson.h", "jansson", "JANSSON_VERSION", "jansson_version_str()"),
    "libcrypto": Library("openssl/evp.h", "crypto", "OPENSSL_VERSION_TEXT", "OpenSSL_version(OPENSSL_VERSION)"),
}
OTHER_NAMES = {"hdf5": "hdf5-serial"}  # Debian's older name

# A program that says what it was compiled with and what it runs with.
TRIAL = (
    "#include <stdio.h>\n#include <netcdf_meta.h>\n#include <openssl/crypto.h>\n"
    + "".join(f"#include <{library.header}>\n" for library in LIBRARIES.values())
    + """
static const char *version_of_hdf5(void) {
    static char text[64];
    unsigned major = 0, minor = 0, release = 0;
    H5get_libversion(&major, &minor, &release);
    snprintf(text, sizeof text, "%u.%u.%u", major, minor, release);
    return text;
}

int main(void) {
"""
    + "".join(
        f'    printf("%s\\t%s\\t%s\\n", "{name}", {library.of_header}, {library.of_library});\n'
        for name, library in LIBRARIES.items()
    )
    + "    return 0;\n}\n"
)


@dataclass
class Flags:
    """What the system libraries add to the compiler's and the linker's command."""

    compile: list[str] = field(default_factory=list)
    link: list[str] = field(default_factory=list)


def library_prefix() -> Path | None:
    """Find the folder whose libraries must be used, or None for the system's.

    ``CONDA_PREFIX`` is ignored on purpose: it names the environment that is activated, which need not be the one that
    the interpreter belongs to, and two sets of libraries in one process is what must not happen.
    """
    if explicit := os.environ.get("E5_PREFIX"):
        return Path(explicit)
    for prefix in (sys.prefix, sys.base_prefix):
        if (Path(prefix) / "conda-meta").is_dir():
            return Path(prefix)
    return None


def library_flags(compiler: list[str]) -> Flags:
    """Locate the system libraries, or leave with the lines that install them."""
    prefix = library_prefix()
    search = os.environ.get("PATH", os.defpath) + (f"{os.pathsep}{prefix / 'bin'}" if prefix else "")
    pkg_config = shutil.which(os.environ.get("PKG_CONFIG", "pkg-config"), path=search)
    flags = flags_of_pkg_config(pkg_config, prefix) if pkg_config else flags_by_trial(compiler, prefix)
    if prefix:
        flags.compile.insert(0, f"-I{prefix / 'include'}")
        flags.link = [f"-L{prefix / 'lib'}", f"-Wl,-rpath,{prefix / 'lib'}", *flags.link]
    return flags


def flags_of_pkg_config(pkg_config: str, prefix: Path | None) -> Flags:
    """Ask pkg-config; it sees only ``prefix`` where there is one, so that the system's libraries never step in."""
    env = dict(os.environ)
    if prefix:
        env["PKG_CONFIG_LIBDIR"] = f"{prefix / 'lib/pkgconfig'}{os.pathsep}{prefix / 'share/pkgconfig'}"
        env.pop("PKG_CONFIG_PATH", None)

    def ask(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([pkg_config, *arguments], env=env, text=True, capture_output=True)

    def known(name: str) -> str | None:
        return next((n for n in (name, OTHER_NAMES.get(name)) if n and ask("--exists", n).returncode == 0), None)

    names = {name: known(name) for name in LIBRARIES}
    leave_if_missing((name for name, found in names.items() if found is None), prefix)
    found = [name for name in names.values() if name]
    return Flags(shlex.split(ask("--cflags", *found).stdout), shlex.split(ask("--libs", *found).stdout))


def flags_by_trial(compiler: list[str], prefix: Path | None) -> Flags:
    """Compile and link a line against each library, where nobody can be asked."""
    where = Flags([f"-I{prefix / 'include'}"], [f"-L{prefix / 'lib'}"]) if prefix else Flags()
    missing, libraries = [], []
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "trial.c"
        for name, library in LIBRARIES.items():
            source.write_text(f"#include <{library.header}>\nint main(void) {{ return 0; }}\n")
            link = [*where.link, f"-l{library.name}"]
            command = [*compiler, *where.compile, str(source), *link, "-o", f"{folder}/trial"]
            if subprocess.run(command, capture_output=True).returncode or is_outside(prefix, library):
                missing.append(name)
            libraries.append(f"-l{library.name}")
    leave_if_missing(missing, prefix)
    return Flags(where.compile, where.link + libraries)


def is_outside(prefix: Path | None, library: Library) -> bool:
    """Tell whether a library that could be linked is not the prefix's own, but the system's behind it."""
    return prefix is not None and not (prefix / "include" / library.header).exists()


def leave_if_missing(names: Iterable[str], prefix: Path | None) -> None:
    """End the build with a message that pip shows, unless there is nothing to say."""
    if missing := ", ".join(names):
        where = f"in {prefix}" if prefix else "installed"
        lines = (ROOT / ".ci/system-packages").read_text()
        raise SystemExit(f"era5fast needs libraries that are not {where} (with headers): {missing}\n\n{lines}")


def leave_if_mixed(compiler: list[str], flags: Flags) -> None:
    """End the build where the libraries that get loaded are not those that the headers belong to.

    A module built like that reads structures of one version with the code of another. Nothing is said where programs
    of this compiler cannot run here, as when building for another machine.
    """
    mixed = [
        f"  {name}: headers of {header}, library of {library}"
        for name, header, library in versions(compiler, flags)
        if differ(header, library)
    ]
    if mixed:
        lines, where = "\n".join(mixed), library_prefix() or "the system"
        raise SystemExit(
            f"era5fast: headers and libraries disagree:\n{lines}\n"
            f"They were looked for in {where}. Other copies come in by CFLAGS, LDFLAGS, CPATH, LIBRARY_PATH, "
            "LD_LIBRARY_PATH and PKG_CONFIG_PATH; E5_PREFIX names the folder to use."
        )


def versions(compiler: list[str], flags: Flags) -> list[tuple[str, str, str]]:
    """Compile a program as the core is compiled and let it say (library, version of headers, version loaded)."""
    with tempfile.TemporaryDirectory() as folder:
        source, program = Path(folder) / "trial.c", Path(folder) / "trial"
        source.write_text(TRIAL)
        command = [*compiler, *flags.compile, str(source), *flags.link, "-o", str(program)]
        built = subprocess.run(command, text=True, capture_output=True)
        if built.returncode:
            raise SystemExit(f"era5fast: a program with all libraries does not link:\n{built.stderr}")
        try:
            said = subprocess.run([program], text=True, capture_output=True)
        except OSError:  # made for another machine
            return []
    if said.returncode:
        raise SystemExit(f"era5fast: a program with all libraries does not run:\n{said.stderr}")
    rows = (line.split("\t") for line in said.stdout.splitlines())
    return [(name, number(header), number(library)) for name, header, library in rows]


def number(text: str) -> str:
    """Take the number out of a text like ``4.9.0 of Oct 13 2022``."""
    found = re.search(r"\d+(\.\d+)+", text)
    return found.group() if found else text


def differ(header: str, library: str) -> bool:
    """Compare two versions; macOS updates its own libraries without their headers, and they stay compatible."""
    if sys.platform != "darwin" or library_prefix():
        return header != library
    return [int(part) for part in library.split(".")] < [int(part) for part in header.split(".")]
