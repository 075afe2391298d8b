"""The pages are true: their examples run, in their order; tables and lists have all that the program has."""

from __future__ import annotations

import ast
import doctest
import inspect
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import docs_workspace
import pytest

import era5fast as e5
from era5fast import _core, errors
from era5fast.testing import Service

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
README = ROOT / "README.md"
PAGES = sorted(path for path in DOCS.rglob("*.md") if "generated" not in path.parts)
BLOCK = re.compile(r"^```python(?P<mark>[^\n]*)\n(?P<code>.*?)^```$", re.M | re.S)
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS

#: Pages that need data or steps of their own are run by other tests: page → file with its name in it.
ELSEWHERE = {
    "how-to/add-a-diagnostic.md": "test_add_a_diagnostic.py",
    "how-to/diagnose.md": "test_how_to_diagnose.py",
    "how-to/find-events.md": "test_cli_events.py",
    "how-to/many-files.md": "test_map_files.py",
    "how-to/pictures.md": "test_plot.py",
    "how-to/rasters.md": "test_rasters.py",
    "how-to/stations.md": "test_station_tables.py",
    "how-to/track-storms.md": "test_tracks.py",
}
#: What a page writes and what is run instead, because decades are asked for: page → pairs.
SMALLER = {
    "index.md": [('start="2003", end="2003"', 'start="2018-06-01", end="2018-08-31"')],
    "how-to/download.md": [('start="1991-01-01"', 'start="2018-06-12"'), ('end="2020-12-31"', 'end="2018-06-13"')],
    "reference/database.md": [("(7)", "(1)"), ('(events, kind="heatwave")', '(events, kind="heatwave", cells=True)')],
    "../README.md": [
        ('start="1991-01-01", end="2020-12-31"', 'start="2018-06-01", end="2018-08-31"'),
        ("area=[50, -10, 35, 5]", "area=[50, -5, 42.5, 5], grid=0.5"),
        ('90, window=5, base_period=("1991", "2020")', "70, window=45"),
        ("min_area_km2=1e5", "min_area_km2=1e3"),
        ("[42]", "[1]"),
    ],
    "how-to/compute-indices.md": [('("1991", "2020")', '("2001", "2008")'), ('("1981", "2010")', '("2001", "2008")')],
}
#: Pages whose examples start machines: they are compiled, and the names in them exist; see test_cluster_recipes.py.
ON_A_CLUSTER = {"how-to/cluster.md"}
#: Example numbers of jobs, which the service has to know.
JOB = "6f0c1c1e-5a0b-4f0e-9a55-0d6a4d1b7e21"


def name_of(page: Path) -> str:
    return Path(os.path.relpath(page, DOCS)).as_posix()


HERE = [
    page
    for page in [*PAGES, README]
    if BLOCK.search(page.read_text(encoding="utf-8")) and name_of(page) not in {*ELSEWHERE, *ON_A_CLUSTER}
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("pages")
    docs_workspace.make(made)
    return made


@pytest.fixture
def place(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """A folder with links to all files, and a service that every client finds."""
    for path in folder.rglob("*"):
        target = tmp_path / path.relative_to(folder)
        if path.is_dir():
            target.mkdir(exist_ok=True)
        else:
            target.symlink_to(path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    for name, value in {"POLL_INTERVAL": "0.1", "POLL_INTERVAL_MIN": "0.05", "POLL_INTERVAL_MAX": "0.2"}.items():
        monkeypatch.setenv(f"ERA5FAST_{name}", value)
    with Service() as service:
        monkeypatch.setenv("CDSAPI_URL", service.url)
        monkeypatch.setenv("CDSAPI_KEY", service.key)
        yield service


def request_of(month: str = "06") -> dict[str, Any]:
    return {
        "product_type": ["reanalysis"],
        "variable": ["2m_temperature"],
        "year": ["2018"],
        "month": [month],
        "day": ["12"],
        "time": ["00:00", "12:00"],
        "area": [50, -5, 42.5, 5],
        "data_format": "netcdf",
    }


def preset(page: str, cds: Service) -> dict[str, Any]:
    """Names that a page takes for granted, since the text before says what they are."""
    names: dict[str, Any] = {"__name__": "page"}
    if page in ("../README.md", "how-to/download.md", "coming-from/cdsapi.md"):
        names |= {"request": request_of()}
    if page == "how-to/compute-indices.md":
        names["ds"] = e5.open_dataset(["daily/tx.nc", "daily/tn.nc", "daily/pr.nc"])
        series = {name: names["ds"][name] for name in ("tx", "tn", "pr")}
        names |= {name: value.values for name, value in series.items()}
        names |= {"days": names["ds"].time.values, "lat": names["ds"].latitude.values}
    if page == "how-to/use-pools.md":
        names |= {
            "era5fast": e5,
            "dataset": docs_workspace.DATASET,
            "paths": ["data/t2m_2001.nc", "data/t2m_2002.nc"],
        }
        names["requests"] = [{**request_of(), "year": year} for year in ("2017", "2018")]
    if page == "reference/database.md":
        names |= stored()
    if page == "how-to/test-against-the-look-alike.md":
        names |= {
            "cds": cds,
            "days": [17000, 17001],
            "hours": [0, 12],
            "latitude": [50.0, 49.0],
            "longitude": [0.0, 1.0],
        }
    return names


def stored() -> dict[str, Any]:
    """Heatwaves, and tracks of their centres; the page numbers events and tracks as it likes."""
    tx = e5.daily("data/t2m_*.nc", "max", progress=False)
    events = e5.find_events(tx, above=e5.percentile_doy(tx, 85, window=15), min_days=2, progress=False)
    tracks = e5.link_points(events[0].states, max_distance_km=1500, progress=False)
    others = {"droughts": events[1:3], "floods": events[3:4]}
    return {"events": events, "tracks": tracks, "latitude": tx.latitude, "longitude": tx.longitude, **others}


def run_block(code: str, page: str, names: dict[str, Any]) -> None:
    """A block with prompts is a doctest, one with tests is run by pytest; any other runs as it stands."""
    if "def test_" in code:
        Path("test_of_a_page.py").write_text(code, encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_of_a_page.py"]
        subprocess.run(command, check=True, timeout=120)
        return
    if ">>>" not in code:
        exec(compile(code, page, "exec"), names)
        return
    test = doctest.DocTestParser().get_doctest(code, names, page, page, 0)
    told: list[str] = []
    failed, _ = doctest.DocTestRunner(optionflags=FLAGS).run(test, out=told.append, clear_globs=False)
    assert failed == 0, "".join(told)
    names.update(test.globs)


@pytest.mark.parametrize("page", HERE, ids=name_of)
def test_every_block_of_a_page_runs(page: Path, place: Service) -> None:
    name = name_of(page)
    text = page.read_text(encoding="utf-8")
    for written, instead in SMALLER.get(name, []):
        assert written in text
        text = text.replace(written, instead)
    names = preset(name, place)
    for found in BLOCK.finditer(text):
        code = found["code"]
        if JOB in code:
            code = code.replace(JOB, e5.Client().submit(docs_workspace.DATASET, request_of("07")).id)
        run_block(code, name, names)


@pytest.mark.parametrize("name", sorted(ON_A_CLUSTER))
def test_examples_for_a_cluster_can_be_compiled(name: str) -> None:
    blocks = BLOCK.findall((DOCS / name).read_text(encoding="utf-8"))
    assert len(blocks) >= 3
    for _, code in blocks:
        tree = ast.parse(code)
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "e5":
                assert hasattr(e5, node.attr), node.attr


def test_pages_that_are_run_elsewhere_are() -> None:
    there = {name_of(page) for page in PAGES}
    for page, file in ELSEWHERE.items():
        assert page in there
        assert page in (ROOT / "tests" / file).read_text(encoding="utf-8")


# --- tables


def cells(page: Path) -> Iterator[str]:
    """Calls of ours in the right-hand column of a table."""
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.startswith("| ") and " | " in line:
            yield from re.findall(r"`((?:e5\.|from era5fast)[^`]*)`", line.split(" | ", 1)[1])


@pytest.mark.parametrize("page", [page for page in PAGES if page.parent.name == "coming-from"], ids=name_of)
def test_every_equivalent_runs(page: Path, place: Service) -> None:
    text = page.read_text(encoding="utf-8")
    names = preset(name_of(page), place) | {"e5": e5}
    names["plan"] = e5.Request(
        docs_workspace.DATASET, variable="2t", start="2018-06-12", hours=[0], area=[50, -5, 42.5, 5]
    ).split()
    first = BLOCK.search(text)
    if first and ">>>" not in first["code"]:
        run_block(first["code"], name_of(page), names)
    for code in cells(page):
        exec(compile(code, name_of(page), "exec"), names)


def test_every_task_names_what_exists() -> None:
    text = (DOCS / "tasks.md").read_text(encoding="utf-8")
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| ") and "I want" not in line]
    assert len(rows) >= 50
    where = [e5, e5.Client, e5.EventDatabase]
    known = {name for place in where for name in dir(place)} | {"db", "ds", "engine", "definition"}
    for _, call, page in rows:
        assert "](" in page
        for code in re.findall(r"`([^`]+)`", call):
            if re.match(r"~|from |era5fast |pip ", code):
                continue
            assert re.match(r"\w+", code)[0] in known, code


# --- the reference is whole


def listed(page: str) -> list[str]:
    text = (DOCS / "reference" / page).read_text(encoding="utf-8")
    return [
        name
        for block in re.findall(r"autosummary::\n(.*?)```", text, re.S)
        for name in re.findall(r"^   (?!:)(\S+)$", block, re.M)
    ]


def test_the_reference_has_every_public_name() -> None:
    there = listed("api.md") + listed("indices.md")
    assert len(there) == len(set(there))
    assert set(e5.__all__) - {name.partition(".")[0] for name in there if "." not in name} == set()
    for module in ("storms", "blocking", "compound", "fire", "plot"):
        public = getattr(getattr(e5, module), "__all__", [])
        assert {f"{module}.{name}" for name in public} <= set(there)
    for name in there:
        module, _, last = f"era5fast.{name}".rpartition(".")
        assert getattr(import_module(module), last) is not None
    indices = {f"indices.{name.removesuffix('_')}" for name in (row["name"] for row in _core.indices())}
    assert {name.removesuffix("_") for name in there if name.startswith("indices.")} == indices


def test_every_error_has_cause_and_cure() -> None:
    text = (DOCS / "reference/errors.md").read_text(encoding="utf-8")
    sections = {part.partition("\n")[0]: part for part in text.split("\n### ")[1:]}
    classes = {cls.__name__ for cls in errors._all_subclasses(errors.Era5FastError)} - {"Era5FastError"}
    assert set(sections) == classes
    for name, section in sections.items():
        assert f"```{{error-facts}} {name}\n" in section  # it shows the docstring
        said = inspect.getdoc(getattr(errors, name)) or ""
        assert len(re.findall(r"^(?:Cause|Cure): \S", said, re.M)) == 2, name
    for name in vars(errors):
        if isinstance(vars(errors)[name], type) and issubclass(vars(errors)[name], Warning):
            assert f"`era5fast.errors.{name}`" in text


def test_every_variable_of_the_environment_is_in_the_settings() -> None:
    text = (DOCS / "reference/settings.md").read_text(encoding="utf-8")
    sources = [
        path for folder in ("era5fast", "csrc") for path in (ROOT / folder).rglob("*.[cph]*") if path.is_file()
    ]
    said = {
        name
        for path in sources
        if path.suffix in {".py", ".c", ".h"}
        for name in re.findall(r"\bERA5FAST_[A-Z][A-Z_]+\b", path.read_text(encoding="utf-8"))
    }
    assert len(said) >= 5
    assert {name for name in said if f"`{name}`" not in text} == set()


@pytest.fixture(scope="module")
def extensions() -> Iterator[None]:
    sys.path.insert(0, str(DOCS / "_ext"))
    yield
    sys.path.remove(str(DOCS / "_ext"))


def test_formulas_and_pictures_belong_to_something(extensions: None) -> None:
    from formulas import FORMULAS
    from pictures import _DRAWN, caption_of

    there = {*listed("api.md"), *listed("indices.md")}
    assert set(FORMULAS) <= there
    assert set(_DRAWN) <= there
    assert all(caption_of(name).endswith(".") for name in _DRAWN)
    pointwise = {row["name"] for row in _core.kernels() if row["kind"] == "pointwise"}
    assert pointwise - set(FORMULAS) <= {"utci", "mean_radiant_temperature"}  # 210 terms; a sum over a body
    plots = {f"plot.{name}" for name in e5.plot.__all__}
    assert plots - set(_DRAWN) == {"plot.explorer"}  # a page of its own
