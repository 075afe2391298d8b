"""Request files in three notations; errors name file and line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import era5fast as e5
from era5fast.errors import InputError, StorageError
from era5fast.request_file import load, load_plan

REQUEST = """\
dataset: reanalysis-era5-single-levels
variable: [2t, tp]
start: 1991-01-01
end: 1992-12-31
area: [50, -10, 35, 5]
"""


def write(folder: Path, text: str, name: str = "request.yaml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_a_file_is_a_request(tmp_path):
    (request,) = load(write(tmp_path, REQUEST))
    expected = e5.Request(
        "reanalysis-era5-single-levels", variable=["2t", "tp"], start="1991", end="1992", area=[50, -10, 35, 5]
    )
    assert isinstance(request, e5.Request)
    assert request.split() == expected.split()
    assert load_plan(tmp_path / "request.yaml", max_cost=1000) == expected.split(1000)


def test_json_and_toml_say_the_same(tmp_path):
    values = {"dataset": "reanalysis-era5-land", "variable": ["2t"], "start": "2003-06-01", "hours": [0, 12]}
    as_json = write(tmp_path, json.dumps(values), "r.json")
    toml = 'dataset = "reanalysis-era5-land"\nvariable = ["2t"]\nstart = 2003-06-01\nhours = [0, 12]\n'
    assert load_plan(as_json) == load_plan(write(tmp_path, toml, "r.toml"))


def test_lists_and_templates(tmp_path):
    text = """\
requests:
  - dataset: reanalysis-era5-land
    variable: t2m
    years: [2001, 2002]
    months: [7]
  - dataset: reanalysis-era5-complete
    request: {class: ea, stream: oper, type: an, levtype: ml, levelist: 1/to/137, param: 130,
              date: "{year}-{month:02d}-01", time: 00/to/23/by/1, grid: 1.0/1.0}
    target: "t_{year}-{month:02d}.grib"
    start: 2003-01
    end: 2003-12
"""
    summers, archive = load(write(tmp_path, text))
    assert isinstance(summers, e5.Request)
    assert isinstance(archive, e5.Plan)
    assert len(archive) == 12
    assert len(load_plan(tmp_path / "request.yaml")) == 14


@pytest.mark.parametrize(
    ("change", "line", "text"),
    [
        (("2t, tp", "2t, t3p"), 2, "t3p"),
        (("2t, tp", "temperature"), 2, "2m_temperature"),
        (("start:", "begin:"), 3, "has no key 'begin'"),
        (("1991-01-01", "yesterday"), 3, "'yesterday' is no date"),
        (("reanalysis-era5-single-levels", "era5"), 1, "no ERA5 dataset"),
        (("end:", "start:"), 4, "'start' is there twice"),
        (("[50, -10, 35, 5]", "[50, -10, 35"), 6, "no YAML"),
        (("dataset: reanalysis-era5-single-levels\n", ""), 1, "no dataset"),
        (("variable: [2t, tp]\n", ""), 1, "no variable"),
        (("variable:", "variabel:"), 2, "has no key 'variabel'. Did you mean 'variable'?"),
        (("dataset:", "datasett:"), 1, "no dataset, but 'datasett'. Did you mean 'dataset'?"),
        (("1992-12-31", "1992-13-31"), 4, "'1992-13-31' is no date"),
        (("1991-01-01", "1991-06-31"), 3, "'1991-06-31' is no date"),
        (("end: 1992-12-31", "mont: [6]"), 4, "has no key 'mont'. Did you mean 'months'?"),
        (("1992-12-31", "1990-12-31"), 3, "ends (1990-12-31) before it begins"),
        (("start: 1991-01-01\nend: 1992-12-31", "dates:\n  - 1991-01\n  - 1991-02-30"), 5, "'1991-02-30' is no date"),
        (("[2t, tp]", "\n  - 2t\n  - t3p"), 4, "t3p"),
        (("dataset:", "requests: []\ndataset:"), 2, "'dataset' has no place beside 'requests'"),
        (("dataset: reanalysis-era5-single-levels", "reqests: 5"), 1, "Did you mean 'requests'?"),
    ],
)
def test_errors_name_file_and_line(tmp_path, change, line, text):
    path = write(tmp_path, REQUEST.replace(*change))
    with pytest.raises(InputError) as caught:
        load(path)
    assert f"{path}, line {line}: " in str(caught.value)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        (
            "r.json",
            '{"dataset": "reanalysis-era5-land",\n "variable": "2t",\n "hours": [25],\n "start": 2003}',
            "line",
        ),
        ("r.json", '{"dataset":\n 1,,}', "line 2: no JSON"),
        ("r.json", '[{"dataset": "reanalysis-era5-land"}, 5]', "keys and values"),
        ("r.toml", "dataset = = 3", "no TOML"),
        ("r.yaml", "", "no request"),
        ("r.yaml", "- 5", "line 1: a request has keys"),
        ("r.yaml", "just text", "keys and values"),
        ("r.yaml", "dataset: !!python/object/apply:os.system [true]\nvariable: 2t\nstart: 2003", "no YAML"),
        (
            "r.yaml",
            "dataset: x\nrequest: {a: b}\nstart: 2003\ntarget: x\nstep: 5",
            "line 5: a template has no 'step'",
        ),
        ("r.yaml", "dataset: x\nrequest: {a: '{year}'}", "dates need start and end"),
        ("r.yaml", "dataset: x\nrequest: {a: b}\nend: 2003", "a template needs either"),
        ("r.json", '{"requests": [],\n "x": 5}', "'x' has no place"),
        ("r.yaml", "dataset: x\nrequest: 5\nstart: 2003\ntarget: x", "keys and values"),
        ("r.yaml", "a: &a [*a]", "no"),
        ("r.yaml", "[" * 5000, "no YAML"),
        ("r.json", "[" * 100_000, "no JSON"),
    ],
)
def test_whatever_is_in_a_file_is_an_input_error(tmp_path, name, content, text):
    with pytest.raises(InputError, match=r"r\.\w+") as caught:
        load(write(tmp_path, content, name))
    assert text in str(caught.value)


def test_a_variable_of_the_other_kind_of_level_is_named_with_its_line_and_dataset(tmp_path):
    text = "dataset: reanalysis-era5-single-levels\nstart: 2003\nvariable: [t]\nlevels: 500"
    with pytest.raises(InputError, match=r"line 3: .* has no 't' \(temperature\)\. It is in .*-pressure-levels"):
        load(write(tmp_path, text))
    with pytest.raises(InputError, match=r"line 4: .* has no levels"):
        load(write(tmp_path, text.replace("[t]", "[2t]")))


def test_a_request_as_it_is_sent_needs_no_name_and_no_dates(tmp_path):
    text = """\
dataset: reanalysis-era5-single-levels
request: {product_type: reanalysis, variable: 2m_temperature, date: 2003-06-01/2003-06-30, time: "12:00",
          data_format: netcdf}
"""
    (job,) = load_plan(write(tmp_path, text))
    assert (job.name, job.inputs["variable"]) == ("era5_t2m_12utc_2003-06.nc", "2m_temperature")
    (job,) = load_plan(write(tmp_path, text + "target: june.nc\n"))
    assert job.name == "june.nc"
    several = text.replace("2003-06-01/2003-06-30", '"{date}"') + "dates: [2003-06-01, 2003-06-02]\n"
    assert [job.name for job in load_plan(write(tmp_path, several))] == [
        f"era5_t2m_12utc_2003-06-{day:02d}.nc" for day in (1, 2)
    ]


def test_what_is_pasted_from_the_web_form_is_a_request(tmp_path):
    text = """\
dataset: reanalysis-era5-single-levels
product_type: [reanalysis]
variable: [2m_temperature, total_precipitation]
year: ["1991", "1992"]
month: ["01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12"]
day: [%s]
time: [%s]
data_format: netcdf
download_format: unarchived
area: [50, -10, 35, 5]
"""
    days, hours = ", ".join(f'"{d:02d}"' for d in range(1, 32)), ", ".join(f'"{h:02d}:00"' for h in range(24))
    assert load_plan(write(tmp_path, text % (days, hours))) == load_plan(write(tmp_path, REQUEST, "plain.yaml"))
    path = write(tmp_path, text.replace('"02", "03"', '"02", "13"') % (days, hours))
    with pytest.raises(InputError, match=r"line 5: .*months"):
        load(path)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(StorageError, match="nowhere"):
        load(tmp_path / "nowhere.yaml")
    (tmp_path / "bytes.yaml").write_bytes(b"variable: \xff\xfe")
    with pytest.raises(InputError, match="line 1: not in UTF-8"):
        load(tmp_path / "bytes.yaml")
    (tmp_path / "large.yaml").write_bytes(b"#" * (5 << 20))
    with pytest.raises(InputError, match="too large"):
        load(tmp_path / "large.yaml")


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ('{\n "dataset": "reanalysis-era5-land",\n\t"variable": ["2t",\n\t"tpp"],\n "start": "2020"\n}', 4, "'tpp'"),
        ('{\n "dataset": "reanalysis-era5-land",\n "variable": "2t",\n "start": "2020-02-31"\n}', 4, "is no date"),
        (
            '[{"dataset": "reanalysis-era5-land", "variable": "2t",\n "start": "2020"},\n {"datasett": "x"}]',
            3,
            "no dataset",
        ),
        (
            '{"dataset": "reanalysis-era5-land",\n "variable": "2t",\n "variable": "tp", "start": "2020"}',
            3,
            "there twice",
        ),
        ('{"requests": [\n {"dataset": "reanalysis-era5-land"},\n 3]}', 3, "keys and values"),
        ('{"requests": [],\n "start": "2020"}', 2, "has no place beside"),
        ('{"dataset": "reanalysis-era5-land",\n "start": }', 2, "no JSON"),
    ],
)
def test_lines_of_json(tmp_path: Path, text: str, line: int, what: str) -> None:
    with pytest.raises(InputError, match=rf"r\.json, line {line}: .*{what}"):
        load(write(tmp_path, text, "r.json"))


def test_json_keeps_its_own_numbers_and_texts(tmp_path: Path) -> None:
    text = (
        '{"dataset": "reanalysis-era5-land", "variable": "2t", "start": "2020-01-01", "area": [5e1, 0, 4.5e1, 1E1]}'
    )
    (request,) = load(write(tmp_path, text, "r.json"))
    assert isinstance(request, e5.Request)
    assert request.area == [50, 0, 45, 10]
