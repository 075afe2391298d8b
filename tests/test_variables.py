"""The table of variables is that of the reference, row by row; names are forgiving; texts and requests are right."""

from __future__ import annotations

import re

import pytest
from conftest import ROOT

import era5fast as e5
from era5fast import _core
from era5fast.errors import InputError
from era5fast.fields import fields_of
from era5fast.variable_table import matches, names_of, table

pytestmark = pytest.mark.native

REFERENCE = ROOT.parent / "shared" / "reference" / "era5-data.md"
KINDS = {"accum": "accumulation", "max": "maximum", "min": "minimum", "inst": "instant"}


def rows_between(begin: str, end: str) -> list[list[str]]:
    """Cells of the tables in a part of the reference, without heads."""
    if not REFERENCE.is_file():
        pytest.skip("real data are not there: no reference beside the checkout")
    text = REFERENCE.read_text().split(begin)[1].split(end)[0]
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    rows = [[cell.strip().strip("`*") for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in rows if any(re.search(r"\d", cell) for cell in row[1:4])]


def as_written(row: list[str]) -> tuple:
    request, netcdf, number, short, units, level, kind = row[:7]
    name, _, older = netcdf.partition(" (older ecCodes: ")
    wave, forecast = "wave" in kind, "(fc)" in kind or kind in ("accum", "mean rate", "max", "min")
    return (
        "" if request.startswith("(MARS") else request,
        name,
        older.rstrip(")"),
        int(number),
        short,
        units,
        level.replace(",", "").replace(" (level 1)", ""),
        KINDS.get(kind.split(" (")[0], kind.split(" (")[0]),
        "wave model" if wave else "forecast" if forecast else "analysis",
    )


def test_every_row_of_the_reference_is_in_the_table():
    expected = [as_written(row) for row in rows_between("### 4.2 Table", "### 4.3")]
    ours = [
        (r.request, r.netcdf, r.old_netcdf, r.param_id, r.short_name, r.units, r.level, r.kind, r.source)
        for r in table()
        if "era5" in r.reanalyses.split()
    ]
    assert len(expected) > 120
    assert sorted(ours) == sorted(expected)


def test_rows_of_era5_land():
    land = e5.variables(reanalysis="land")
    assert len(land) == 50
    for name, netcdf, number, *rest in rows_between("### 4.3 ERA5-Land", "### 4.4"):
        if name.startswith("lake_"):
            assert {row.param_id for row in land if row.request.startswith("lake_")} == set(range(228008, 228015))
            continue
        (row,) = [row for row in land if row.request == name]
        kind = "accumulation" if "accum" in rest else "instant"
        assert (row.netcdf, row.param_id, row.kind) == (netcdf, int(number), kind)
        assert rest[0] == row.units


def test_codes_of_the_archive():
    found = rows_between("### 4.4", "### 4.5")
    assert len(found) > 20
    for _, numbers, names, levels, where in found:
        ids = [int(number) for number in re.findall(r"\d+", numbers)]
        for number, name in zip(ids, [x.strip() for x in names.split(",")], strict=True):
            rows = [row for row in table() if row.param_id == number and row.short_name == name]
            assert rows, (number, name)
            kinds = {level for row in rows for level in row.level.split()}
            assert kinds & set(re.findall(r"\b(?:sfc|pl|ml)\b", levels)), name
            assert (rows[0].source == "forecast") == ("fc" in where), name


@pytest.mark.parametrize(
    ("written", "request_name"),
    [
        ("2T", "2m_temperature"),
        ("2m temperature", "2m_temperature"),
        ("2 metre temperature", "2m_temperature"),
        ("2M-Temperature", "2m_temperature"),
        ("  t2m ", "2m_temperature"),
        ("167", "2m_temperature"),
        ("167.128", "2m_temperature"),
        ("246.228", "100m_u_component_of_wind"),
        ("229.140", "significant_height_of_combined_wind_waves_and_swell"),
        ("55.235", "mean_total_precipitation_rate"),
        ("mtpr", "mean_total_precipitation_rate"),
        ("Total Precipitation", "total_precipitation"),
        ("152", ""),
    ],
)
def test_lookup_is_forgiving(written, request_name):
    assert e5.variable(written).request == request_name


def test_exact_names_are_those_of_the_core():
    for row in table():
        for name in names_of(row):
            core = _core.variable(name)
            assert core is not None
            assert e5.variable(name).param_id == core["param_id"]


def test_forgiveness_mixes_no_quantities_up():
    """Where several rows answer to one forgiving name, they do to an exact one as well."""
    for row in table():
        for name in names_of(row):
            exact = {other.param_id for other in table() if name in names_of(other)}
            assert {other.param_id for other in matches(name)} == exact, name


def test_ambiguous_names_say_so_and_can_be_told_apart():
    assert e5.variable("z").kind == "invariant"
    assert "'z' is also geopotential (pressure levels" in repr(e5.variable("z"))
    assert e5.variable("z", level="pl").kind == "instant"
    assert e5.variable("snow_depth").param_id == 141
    assert e5.variable("snow_depth", reanalysis="land").param_id == 3066
    assert "3066" in repr(e5.variable("snow_depth"))
    assert "'sd' is also snow_depth_water_equivalent" in repr(e5.variable("sd"))
    with pytest.raises(InputError, match="pressure levels"):
        e5.variable("msl", level="pl")


def test_unknown_names_get_suggestions():
    with pytest.raises(InputError, match="Did you mean 'temperature'"):
        e5.variable("temperatur")
    with pytest.raises(InputError, match="10m_wind_gust"):
        e5.variable("gust")
    with pytest.raises(InputError, match=r"'m/s' is none of .*Did you mean 'm s\*\*-1'"):
        e5.variables(units="m/s")
    with pytest.raises(InputError, match="lists them"):
        e5.variable("qqqq")


def test_temperature_is_explained():
    text = repr(e5.variable("temperature"))
    for part in (
        "surface or 3-D",
        "t2m (2m_temperature)",
        "skt",
        "pressure-levels",
        "reanalysis-era5-complete",
        "130",
    ):
        assert part in text
    assert "3-D" in repr(e5.variable("2t"))
    assert "t (temperature, 3-D)" in repr(e5.variable("2t"))


def test_every_variable_explains_itself_and_its_time_stamp():
    for row in table():
        text = repr(row)
        assert str(row.param_id) in text
        assert row.time_stamp.split(";")[0] in text
    assert "since 00 UTC" in e5.variable("tp").time_stamp
    assert "hour that ends" in e5.variable("mx2t").time_stamp
    assert e5.variable("mtpr").old_layout_name == "mtpr"
    assert e5.variable("2t").old_layout_name == "t2m"


def test_lists():
    assert {row.netcdf for row in e5.variables(level="ml")} >= {"t", "q", "u", "v", "lnsp"}
    assert all(row.kind == "accumulation" for row in e5.variables(kind="accumulation"))
    assert len(e5.variables()) == len(table()) >= 152
    assert "2m_temperature" in repr(e5.variables(units="K"))
    assert len(e5.variables()[:3]) == 3
    for wrong in ({"kind": "sum"}, {"level": "surface"}, {"reanalysis": "interim"}):
        with pytest.raises(InputError):
            e5.variables(**wrong)


def test_every_variable_gives_requests_whose_fields_are_understood():
    for row in e5.variables():
        if row.request:
            dataset, inputs = row.cds_request("2003-08-01", levels=[500] if "pl" in row.level else None)
            found = fields_of(dataset, inputs)
            assert found is not None
            assert found.variables == (row.request,)
            assert found.count == 24
        if "era5" in row.reanalyses:
            dataset, inputs = row.mars_request("2003-08-01", "2003-08-31")
            assert dataset == "reanalysis-era5-complete"
            assert inputs["grid"]
            found = fields_of(dataset, inputs)
            assert found is not None
            assert found.variables == (str(row.param_id),)


def test_requests_for_temperature():
    dataset, inputs = e5.variable("t").cds_request("2003-08-01", "2003-08-02", levels=[850, 500], hours=[0, 12])
    assert dataset == "reanalysis-era5-pressure-levels"
    assert inputs["pressure_level"] == ["500", "850"]
    assert inputs["time"] == ["00:00", "12:00"]
    dataset, inputs = e5.variable("t").mars_request("2003-08-01", "2003-08-31", area=[50, -10, 35, 5])
    assert inputs == {
        "class": "ea", "expver": "1", "stream": "oper", "type": "an", "levtype": "ml", "param": "130",
        "levelist": "1/to/137", "date": "2003-08-01/to/2003-08-31", "time": "00/to/23/by/1", "grid": "0.25/0.25",
        "area": "50/-10/35/5", "data_format": "netcdf",
    }  # fmt: skip
    _, inputs = e5.variable("t").mars_request("2003-08-01", level_type="pl", levels=500)
    assert (inputs["levtype"], inputs["levelist"]) == ("pl", "500")
    _, inputs = e5.variable("lnsp").mars_request("2003-08-01")
    assert inputs["levelist"] == "1"
    _, inputs = e5.variable("tp").mars_request("2003-08-01")
    assert (inputs["type"], inputs["time"], inputs["step"]) == ("fc", "06/18", "1/to/12")
    _, inputs = e5.variable("swh").mars_request("2003-08-01")
    assert (inputs["stream"], inputs["grid"]) == ("wave", "0.5/0.5")
    _, inputs = e5.variable("pv").mars_request("2003-08-01", level_type="pt", levels=[315, 330])
    assert (inputs["levtype"], inputs["levelist"]) == ("pt", "315/330")


def test_requests_that_cannot_be():
    with pytest.raises(InputError, match="archive"):
        e5.variable("lnsp").cds_request("2003-08-01")
    with pytest.raises(InputError, match="ERA5-Land"):
        e5.variable("sde").mars_request("2003-08-01")
    with pytest.raises(InputError):
        e5.variable("2t").mars_request("2003-08-01", level_type="ml")
    with pytest.raises(InputError, match="825 and 850"):
        e5.variable("t").cds_request("2003-08-01", levels=[840])


@pytest.mark.parametrize(("word", "first"), [("rain", "total_precipitation"), ("wind", "10m_u_component_of_wind")])
def test_an_everyday_word_leads_to_what_is_most_often_meant(word, first):
    with pytest.raises(InputError, match=f"mean '{first}' or"):
        e5.variable(word)
