"""What notebooks show of our objects: tables without colours, in which every text is escaped."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

import era5fast as e5
from era5fast.jobs import JobHandle
from era5fast.notebook_table import table
from era5fast.plan import Job
from era5fast.point_tracks import Tracks
from tests.client_kit import DATASET, REQUEST, grib, quick, running_service

pytestmark = pytest.mark.native

EVIL = "<script>alert('x')</script>"
VOID = {"br", "hr", "img", "circle", "polyline"}


class Page(HTMLParser):
    """Whether every element that begins ends, and what the text is."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.names: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.names.add(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data + " "


def read(text: str) -> Page:
    """The page, which must be whole and must not choose colours of text or ground."""
    page = Page()
    page.feed(text)
    assert page.open == []
    assert "script" not in page.names
    assert not re.search(r"(?<![-\w])color:|background:(?!#d9480f)", text)
    return page


def test_every_text_is_escaped() -> None:
    page = read(table(EVIL, EVIL, [(EVIL, 1234, 0.5, EVIL)], (EVIL,) * 4, [EVIL]))
    assert page.text.count(EVIL) == 9
    assert "1,234" in page.text
    assert read(table("x", "", [("a", "b")])).names == {"div", "b", "table", "tbody", "tr", "th", "td"}


def test_amounts_stand_to_the_right_as_numbers_do() -> None:
    text = table("Plan", "", [("a.nc", 8760, "63 MB", "63 MB of it")])
    assert re.findall(r"text-align:(\w+);[^>]*>([^<]+)<", text) == [
        ("left", "a.nc"), ("right", "8,760"), ("right", "63 MB"), ("left", "63 MB of it"),
    ]  # fmt: skip


def test_requests_and_plans() -> None:
    request = e5.Request(DATASET, variable=["2t", "tp"], start="2013-06", end="2014-07", area=[50, -10, 35, 5])
    page = read(request._repr_html_())
    assert all(
        text in page.text for text in (DATASET, "t2m (2m_temperature)", "2013-06-01 to 2014-07-31", "north 50")
    )
    assert "the globe" in read(e5.Request(DATASET, variable="2t", start="2013-06")._repr_html_()).text
    plan = request.split(1000)
    page = read(plan._repr_html_())
    assert all(job.name in page.text for job in list(plan)[:8])
    assert f"and {len(plan) - 8} more" in page.text
    assert EVIL in read(e5.Plan([Job(EVIL, {}, "x.nc", 1, 1)])._repr_html_()).text


def test_jobs() -> None:
    with running_service() as cds:
        cds.script(answer=grib(1000))
        client = quick(cds)
        job = client.submit(DATASET, REQUEST)
        calls = len(cds.requests)
        page = read(job._repr_html_())
        assert len(cds.requests) == calls
        assert job.id in page.text
        assert DATASET in page.text
        assert "2m_temperature" in page.text
        other = JobHandle(client._connection, EVIL, EVIL, {EVIL: [EVIL]})
        assert read(other._repr_html_()).text.count(EVIL) == 4


def tracks(count: int) -> Tracks:
    points = np.arange(3 * count)
    first = np.arange(0, 3 * count + 1, 3)
    return Tracks(first, points * 21600, "standard", points * 0.1, points * 0.2, points + 0.5, name=EVIL)


def test_tracks() -> None:
    page = read(tracks(12)._repr_html_())
    assert EVIL in page.text
    assert "and 2 more" in page.text
    assert "1970-01-01" in page.text
    assert "more" not in read(tracks(2)._repr_html_()).text


def test_regions() -> None:
    squares = {f"{EVIL} {n}": {"type": "Polygon", "coordinates": [[[n, 0], [n + 1, 0], [n + 1, 1], [n, 1], [n, 0]]]}
               for n in range(14)}  # fmt: skip
    regions = e5.Regions.from_polygons(squares, np.arange(3.0, -3, -1), np.arange(-2.0, 20))
    page = read(regions._repr_html_())
    assert page.text.count(EVIL) == 12
    assert "and 2 more" in page.text
    assert repr(regions).startswith("<Regions: 14 on 6 × 22 cells: <script>")


def test_catalogues_and_databases(tmp_path: Any) -> None:
    days = np.arange("2003-06-01", "2003-06-20", dtype="M8[D]")
    x = np.zeros((len(days), 4, 4))
    x[3:9, 1:3, 1:3] = 5
    found = e5.find_events(x, 1.0, time=days, latitude=[3.0, 2, 1, 0], longitude=[0.0, 1, 2, 3], progress=False)
    found.name = EVIL
    assert EVIL in read(found._repr_html_()).text
    assert "2003-06-04" in read(found[0]._repr_html_()).text
    database = e5.EventDatabase(tmp_path / "<i>e.gpkg")
    assert "no file yet" in read(database._repr_html_()).text
    database.add(found, kind=EVIL, progress=False)
    page = read(database._repr_html_())
    assert EVIL in page.text
    assert "<i>e.gpkg" in page.text
