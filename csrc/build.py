"""How the C sources become the extension module ``era5fast._core``; ``setup.py`` is the only user.

Every ``.c`` file below ``csrc/`` is compiled by a command of its own, several at a time, and only when the file, a
header that it includes, or the command has changed.  Objects live in ``build/native/``, one folder per interpreter
and kind of build; as everywhere in setuptools, paths are relative to the folder of ``setup.py``, which also keeps the
objects of a copied tree valid.  The environment may set

``CC``, ``CFLAGS``, ``LDFLAGS``, ``PKG_CONFIG``
    as everywhere;
``E5_PREFIX``
    where the system libraries live, when not in the default place; a conda environment that the interpreter belongs
    to is found without it;
``E5_WERROR=1``
    turns warnings into errors;
``E5_SANITIZE=address,undefined``
    instruments the module, with objects in a folder of their own;
``E5_JOBS``
    sets how many compilers run at once.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from setuptools import Extension
from setuptools.command.build_ext import build_ext
from setuptools.errors import LinkError

ROOT = Path(__file__).resolve().parent.parent

# pkg-config's name of each library, then what to try where there is no pkg-config: header and library.
LIBRARIES = {
    "netcdf": ("netcdf.h", "netcdf"),
    "hdf5": ("hdf5.h", "hdf5"),
    "libcurl": ("curl/curl.h", "curl"),
    "sqlite3": ("sqlite3.h", "sqlite3"),
    "libdeflate": ("libdeflate.h", "deflate"),
    "zlib": ("zlib.h", "z"),
    "jansson": ("jansson.h", "jansson"),
    "libcrypto": ("openssl/evp.h", "crypto"),
}
OTHER_NAMES = {"hdf5": "hdf5-serial"}  # Debian's older name

# Results must not depend on compiler or machine: nothing here lets the compiler contract or reorder arithmetic.
# errno and floating-point traps are never looked at.  Python's own -fwrapv is taken back: with it GCC changes the
# order of nested loops and no longer sees the vectors in them.
CFLAGS = ["-std=c11", "-D_GNU_SOURCE", "-O3", "-fno-wrapv", "-fno-math-errno", "-fno-trapping-math",
          "-ffp-contract=off", "-fvisibility=hidden", "-Wall", "-Wextra", "-Wshadow",
          "-Wno-missing-field-initializers"]  # fmt: skip
NUMPY_API = "NPY_1_25_API_VERSION"


@dataclass
class Flags:
    """What the system libraries add to the compiler's and the linker's command."""

    compile: list[str] = field(default_factory=list)
    link: list[str] = field(default_factory=list)


def core_extension() -> Extension:
    """Describe the one extension module: all C sources, in a fixed order."""
    sources = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "csrc").rglob("*.c"))
    depends = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "csrc").rglob("*.[hd]*"))
    return Extension("era5fast._core", sources, depends=depends)


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
        flags.link += [f"-L{prefix / 'lib'}", f"-Wl,-rpath,{prefix / 'lib'}"]
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
    leave_if_missing(name for name, found in names.items() if found is None)
    found = [name for name in names.values() if name]
    return Flags(shlex.split(ask("--cflags", *found).stdout), shlex.split(ask("--libs", *found).stdout))


def flags_by_trial(compiler: list[str], prefix: Path | None) -> Flags:
    """Compile and link a line against each library, where nobody can be asked."""
    where = Flags([f"-I{prefix / 'include'}"], [f"-L{prefix / 'lib'}"]) if prefix else Flags()
    missing, libraries = [], []
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "trial.c"
        for name, (header, library) in LIBRARIES.items():
            source.write_text(f"#include <{header}>\nint main(void) {{ return 0; }}\n")
            command = [*compiler, *where.compile, str(source), *where.link, f"-l{library}", "-o", f"{folder}/trial"]
            if subprocess.run(command, capture_output=True).returncode:
                missing.append(name)
            libraries.append(f"-l{library}")
    leave_if_missing(missing)
    return Flags(where.compile, where.link + libraries)


def leave_if_missing(names: Iterable[str]) -> None:
    """End the build with a message that pip shows, unless there is nothing to say."""
    if missing := ", ".join(names):
        lines = (ROOT / ".ci/system-packages").read_text()
        raise SystemExit(f"era5fast needs libraries that are not installed (with headers): {missing}\n\n{lines}")


def recipe_of(command: list[str], depfile: Path) -> str:
    """Write down what an object is made by and from: the command, the interpreter, and the age of every file read.

    Ages are compared for being the same, not for being older than the object: a file put back from an archive is a
    change too.
    """
    _, _, names = depfile.read_text().partition(": ")
    files = shlex.split(names.replace("\\\n", " "))
    ages = [f"{os.stat(name).st_mtime_ns} {name}" for name in files]
    return "\n".join([shlex.join(command), sys.version, *ages])


def is_fresh(target: Path, recipe: Path, command: list[str]) -> bool:
    """Tell whether an object exists and would be made in just the same way again."""
    try:
        return target.exists() and recipe.read_text() == recipe_of(command, target.with_suffix(".d"))
    except OSError:
        return False


def run(command: list[str]) -> None:
    """Run a compiler and print what it says in one piece, so that parallel messages do not mix."""
    result = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if result.stdout:
        print(result.stdout, end="", file=sys.stderr, flush=True)
    if result.returncode:
        raise SystemExit(f"failed: {shlex.join(command)}")


class BuildCore(build_ext):
    """``build_ext`` with parallel compilation of the files of one extension, skipping what is fresh."""

    def build_extension(self, ext: Extension) -> None:
        """Compile and link; setuptools copies the result to its place."""
        flags = library_flags([*self.compiler.compiler_so, *shlex.split(os.environ.get("LDFLAGS", ""))])
        compile_command = [*self.compiler.compiler_so, *self.core_flags(), *flags.compile]
        jobs = int(os.environ.get("E5_JOBS") or available_processors())
        with ThreadPoolExecutor(jobs) as workers:
            objects = list(workers.map(lambda source: self.compile_file(compile_command, source), ext.sources))
        self.link(ext, objects, [*flags.link, *sanitizer_flags(), "-lm", "-lpthread"])

    def core_flags(self) -> list[str]:
        """List our flags; Python's own come before them, so that ours win."""
        import numpy

        include = ["-Icsrc"]
        for folder in (numpy.get_include(), sysconfig.get_path("include"), sysconfig.get_path("platinclude")):
            include += ["-isystem", folder]  # their headers are not held to our warnings
        defines = [f"-DNPY_TARGET_VERSION={NUMPY_API}", f"-DNPY_NO_DEPRECATED_API={NUMPY_API}"]
        werror = ["-Werror"] if os.environ.get("E5_WERROR") == "1" else []
        own = shlex.split(os.environ.get("CFLAGS", ""))  # once more, for their author to have the last word
        return [*CFLAGS, *defines, *include, *sanitizer_flags(), *werror, *own]

    def object_folder(self) -> Path:
        """Name the folder for objects of this interpreter and kind of build."""
        sanitizers = os.environ.get("E5_SANITIZE", "").replace(",", "-")
        kind = "-".join(filter(None, (sysconfig.get_config_var("SOABI"), sanitizers)))
        return Path("build") / "native" / kind

    def compile_file(self, command: list[str], source: str) -> str:
        """Make the object of one source, unless it is fresh; return its name."""
        target = (self.object_folder() / source).with_suffix(".o")
        recipe, depfile = target.with_suffix(".cmd"), target.with_suffix(".d")
        target.parent.mkdir(parents=True, exist_ok=True)
        full = [*command, "-MMD", "-MF", str(depfile), "-c", source, "-o", str(target)]
        if self.force or not is_fresh(target, recipe, full):
            recipe.unlink(missing_ok=True)
            run(full)
            recipe.write_text(recipe_of(full, depfile))
        return str(target)

    def link(self, ext: Extension, objects: list[str], flags: list[str]) -> None:
        """Link the shared object when an object, the list of objects or the flags are new."""
        target = Path(self.get_ext_fullpath(ext.name))
        recipe = self.object_folder() / "link.cmd"
        text = "\n".join([str(target), *flags, *objects])
        up_to_date = target.exists() and recipe.exists() and recipe.read_text() == text
        if self.force or not up_to_date or any(os.stat(o).st_mtime > target.stat().st_mtime for o in objects):
            recipe.unlink(missing_ok=True)
            try:
                self.compiler.link_shared_object(objects, str(target), extra_postargs=flags)
            except LinkError:  # its text is the whole command; the linker's own lines have been printed
                raise SystemExit(f"failed: link {target.name}") from None
            recipe.write_text(text)


def available_processors() -> int:
    """Count the processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def sanitizer_flags() -> list[str]:
    """Translate ``E5_SANITIZE`` for compiler and linker alike."""
    kinds = os.environ.get("E5_SANITIZE")
    readable = ["-UNDEBUG", "-O1", "-g", "-fno-omit-frame-pointer"]
    return [*readable, f"-fsanitize={kinds}", "-fno-sanitize-recover=undefined"] if kinds else []
