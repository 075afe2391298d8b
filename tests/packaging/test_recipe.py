"""The conda recipe says what pyproject.toml says, and follows conda-forge's conventions."""

from __future__ import annotations

import re
import runpy
import tomllib
from typing import Any

import pytest
import yaml
from conftest import ROOT

from csrc.libraries import LIBRARIES

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
TEXT = (ROOT / "conda/recipe/recipe.yaml").read_text()
RECIPE: dict[str, Any] = yaml.safe_load(TEXT)
# Names at conda-forge that are not those of the package index, or of pkg-config.
OTHER_NAMES = {"matplotlib": "matplotlib-base", "eccodes": "python-eccodes", "cf-xarray": "cf_xarray"}
EXTRAS = ("xarray", "dask", "demo", "grib", "units", "regions", "geo")
LIBRARY_NAMES = {"netcdf": "libnetcdf", "sqlite3": "libsqlite", "libcrypto": "openssl"}


def requirements(stated: list[str]) -> dict[str, str]:
    """Name at conda-forge → version."""
    split = [re.fullmatch(r"([\w.-]+)\s*(.*)", line) for line in stated]
    return {OTHER_NAMES.get(found[1].lower(), found[1].lower()): found[2] for found in split if found}


def test_floors_are_those_of_the_project() -> None:
    run = requirements(RECIPE["requirements"]["run"])
    assert run.pop("python") == ""
    assert run == requirements(PROJECT["dependencies"])
    constraints = requirements(RECIPE["requirements"]["run_constraints"])
    extras = [PROJECT["optional-dependencies"][name] for name in EXTRAS]
    lines = [line for extra in extras for line in extra if not line.startswith("era5fast[")]
    assert constraints == requirements(lines)
    assert f">={RECIPE['context']['python_min']}" == PROJECT["requires-python"]


def test_every_library_is_in_the_host_environment() -> None:
    host = requirements(RECIPE["requirements"]["host"])
    assert {LIBRARY_NAMES.get(name, name) for name in LIBRARIES} <= set(host)
    assert {"python", "pip", "setuptools", "numpy"} <= set(host)


def test_about_is_that_of_the_project() -> None:
    about = RECIPE["about"]
    assert about["license"] == PROJECT["license"]
    assert about["license_file"] == PROJECT["license-files"]
    assert about["summary"] == PROJECT["description"]
    assert [f"{name} = {target}" for name, target in PROJECT["scripts"].items()] == RECIPE["build"]["python"][
        "entry_points"
    ]


def test_conventions() -> None:
    order = ["schema_version", "context", "package", "source", "build", "requirements", "tests", "about", "extra"]
    assert list(RECIPE) == order
    assert RECIPE["build"]["number"] == 0
    assert all((ROOT / name).is_file() for name in RECIPE["about"]["license_file"])
    assert RECIPE["extra"]["recipe-maintainers"]
    assert "--no-deps --no-build-isolation" in RECIPE["build"]["script"]["content"]
    assert {'${{ compiler("c") }}', '${{ stdlib("c") }}'} <= {
        line for line in RECIPE["requirements"]["build"] if isinstance(line, str)
    }


@pytest.mark.parametrize("expression", re.findall(r"\$\{\{(.*?)\}\}", TEXT))
def test_expressions_can_be_evaluated(expression: str) -> None:
    names = {"name": "era5fast", "version": "1.2.3", "PREFIX": "/p", "PYTHON": "python", "CPU_COUNT": "2"}
    names |= {"target_platform": "linux-64", "compiler": str, "stdlib": str}
    assert eval(expression.strip(), names)


def test_the_recipe_to_submit_is_complete() -> None:
    filled = runpy.run_path(str(ROOT / "conda/recipe/fill.py"))["filled"]
    made = yaml.safe_load(filled(TEXT, PROJECT["version"], "ab" * 32))
    assert made["context"]["version"] == PROJECT["version"]
    assert made["source"]["sha256"] == "ab" * 32
    del made["context"]["version"], made["source"]["sha256"]
    rest = yaml.safe_load(TEXT)
    del rest["context"]["version"], rest["source"]["sha256"]
    assert made == rest
