"""The licences of the libraries that a wheel brings, as Debian's packages tell them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

NAME = "THIRD-PARTY.txt"

_HEAD = """\
Libraries in era5fast.libs
==========================

This wheel brings the libraries below as separate files, unchanged but for the removal of symbols that only
debuggers need. {small}Put another build of a library in the place of its file, under the same name, and it is
used instead. Their sources are those of the Debian packages named, which `apt-get source PACKAGE=VERSION` gets;
their licences follow.
"""
_SMALL = "libicudata is an empty table instead. "


def package_of(library: Path) -> tuple[str, str]:
    """(name, version) of the Debian package that a file came from."""
    for path in (str(library), str(library).removeprefix("/usr")):  # as it was before /lib became a link
        found = subprocess.run(["dpkg-query", "-S", path], text=True, capture_output=True)
        if found.returncode == 0:
            name = found.stdout.partition(": ")[0]
            shown = ["dpkg-query", "-W", "-f", "${Version}", name]
            return name.partition(":")[0], subprocess.run(shown, text=True, capture_output=True, check=True).stdout
    raise SystemExit(f"{library} belongs to no Debian package: its licence is not known")


def copyright_of(package: str) -> str:
    """Debian's statement of authors and licences of a package, with the licences it only points to."""
    place = Path("/usr/share/doc") / package / "copyright"
    if not place.exists():
        raise SystemExit(f"{place} is missing: install the package {package} with its documentation")
    return place.read_text(encoding="utf-8", errors="replace").strip()


def text(libraries: Mapping[str, Path]) -> str:
    """The list of a wheel's libraries (name in the wheel → the system's file) with all licences."""
    packages = {name: package_of(path) for name, path in libraries.items()}
    small = _SMALL if any(name.startswith("libicudata") for name in libraries) else ""
    lines = [_HEAD.format(small=small)]
    lines += [f"{name:45} {package} {version}" for name, (package, version) in packages.items()]
    statements = {package: copyright_of(package) for package, _ in sorted(packages.values())}
    for package, statement in statements.items():
        lines += ["", "", package, "=" * len(package), "", statement]
    common = sorted(set(re.findall(r"/usr/share/common-licenses/([\w.-]*\w)", "\n".join(statements.values()))))
    for licence in common:
        content = (Path("/usr/share/common-licenses") / licence).read_text(encoding="utf-8").rstrip()
        lines += ["", "", f"/usr/share/common-licenses/{licence}", "=" * 40, "", content]
    return "\n".join(lines) + "\n"
