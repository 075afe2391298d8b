"""Write the recipe for conda-forge into ``dist/recipe/``: ``python conda/recipe/fill.py`` after ``make wheel``."""

from __future__ import annotations

import hashlib
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def filled(recipe: str, version: str, digest: str) -> str:
    """Put version and checksum in the places of the zeros."""
    recipe = re.sub(r'^  version: "0\.0\.0"$', f'  version: "{version}"', recipe, flags=re.MULTILINE)
    return re.sub(r"^  sha256: 0{64}$", f"  sha256: {digest}", recipe, flags=re.MULTILINE)


def main() -> None:
    """Read, fill, write."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    archive = ROOT / f"dist/era5fast-{version}.tar.gz"
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    target = ROOT / "dist/recipe/recipe.yaml"
    target.parent.mkdir(exist_ok=True)
    target.write_text(filled(Path(__file__).with_name("recipe.yaml").read_text(), version, digest))
    print(target)


if __name__ == "__main__":
    main()
