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
    instruments the module, with objects in a folder of their own; ``coverage`` counts the lines that are reached;
``E5_JOBS``
    sets how many compilers run at once.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from setuptools import Extension
from setuptools.command.build_ext import build_ext
from setuptools.errors import LinkError

from csrc.libraries import ROOT, Flags, leave_if_mixed, library_flags

# Results must not depend on compiler or machine: nothing here lets the compiler contract or reorder arithmetic.
# errno and floating-point traps are never looked at.  Python's own -fwrapv is taken back: with it GCC changes the
# order of nested loops and no longer sees the vectors in them.
CFLAGS = ["-std=c11", "-D_GNU_SOURCE", "-O3", "-fno-wrapv", "-fno-math-errno", "-fno-trapping-math",
          "-ffp-contract=off", "-fvisibility=hidden", "-Wall", "-Wextra", "-Wshadow",
          "-Wno-missing-field-initializers"]  # fmt: skip
NUMPY_API = "NPY_1_25_API_VERSION"


def core_extension() -> Extension:
    """Describe the one extension module: all C sources, in a fixed order."""
    sources = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "csrc").rglob("*.c"))
    depends = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "csrc").rglob("*.[hd]*"))
    return Extension("era5fast._core", sources, depends=depends)


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
        compiler = [*self.compiler.compiler_so, *shlex.split(os.environ.get("LDFLAGS", ""))]
        flags = library_flags(compiler)
        self.check_libraries(compiler, flags)
        compile_command = [*self.compiler.compiler_so, *self.core_flags(), *flags.compile]
        jobs = int(os.environ.get("E5_JOBS") or available_processors())
        with ThreadPoolExecutor(jobs) as workers:
            objects = list(workers.map(lambda source: self.compile_file(compile_command, source), ext.sources))
        self.link(ext, objects, [*flags.link, *sanitizer_flags(), "-lm", "-lpthread"])

    def check_libraries(self, compiler: list[str], flags: Flags) -> None:
        """Refuse what does not fit together, once for each way of finding the libraries."""
        checked = self.object_folder() / "libraries.cmd"
        places = [os.environ.get(name, "") for name in ("LD_LIBRARY_PATH", "CPATH", "C_INCLUDE_PATH", "LIBRARY_PATH")]
        text = "\n".join([*compiler, *flags.compile, *flags.link, *places])
        if self.force or not checked.exists() or checked.read_text() != text:
            leave_if_mixed(compiler, flags)
            checked.parent.mkdir(parents=True, exist_ok=True)
            checked.write_text(text)

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
    if kinds == "coverage":  # the same folder of its own, for another kind of instruments
        return ["-O0", "-g", "--coverage", "-fprofile-update=atomic"]
    readable = ["-UNDEBUG", "-O1", "-g", "-fno-omit-frame-pointer"]
    return [*readable, f"-fsanitize={kinds}", "-fno-sanitize-recover=undefined"] if kinds else []
