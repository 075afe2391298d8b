"""The explorer's page in a real browser: filters, clicks, keys, phone and dark; `make browser` runs it.

Other tests do without a browser: tests/test_explorer.py looks at what is in the page.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

sys.path.insert(0, str(Path(__file__).parent))
import chromium

import era5fast as e5

HOSTILE = "cold <b>spell</b></script><script>document.title = 'broken'</script>'; DROP TABLE event; --"


def events(seed: int, count: int, units: str = "K") -> Any:
    """Blocks of some days and cells all over the globe, one far from the next."""
    rng = np.random.default_rng(seed)
    latitude, longitude = np.arange(80.0, -81, -4), np.arange(0.0, 360, 4)
    time = np.datetime64("2001-01-01", "ns") + np.arange(3000) * np.timedelta64(1, "D")
    values = np.full((3000, len(latitude), len(longitude)), 290.0, dtype="float32")
    for k in range(count):
        day, row, column = 2990 * k // count, rng.integers(2, 35), rng.integers(0, 84)
        values[day : day + 5, row : row + 4, column : column + 5] += 6 + 4 * rng.random()
    values[100:108, 18:23, 43:48] += 30  # the strongest: 8 N to 8 S, 172 E to 168 W
    coords = {"time": time, "latitude": latitude, "longitude": longitude}
    x = xr.DataArray(values, coords, ("time", "latitude", "longitude"), name="t2m", attrs={"units": units})
    return e5.find_events(x, above=295.0, min_days=3, progress=False)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("explorer")
    db = e5.EventDatabase(folder / "events.gpkg")
    db.add(events(1, 150), kind="heatwave", sources=["/data/<i>t2m</i>.nc"])
    db.add(events(2, 40), kind=HOSTILE)
    return e5.plot.explorer(db, folder / "events.html")


@pytest.fixture
def browser(page: Path, request: pytest.FixtureRequest) -> Iterator[chromium.Page]:
    with chromium.Page() as opened:
        opened.open(page)
        yield opened
        assert opened.problems() == []
        assert opened.requests()[0] == page.as_uri()
        assert len(opened.requests()) == 1, "something was asked for"
        if folder := os.environ.get("E5_BROWSER_PICTURES"):
            opened.picture(Path(folder) / f"{request.node.name}.png")


def shown(browser: chromium.Page) -> list[int]:
    found: list[int] = browser.run("explorer.shown()")
    return found


def center(browser: chromium.Page, selector: str) -> tuple[float, float]:
    box = f"document.querySelector({selector!r}).getBoundingClientRect()"
    return browser.run(f"{box}.x + {box}.width / 2"), browser.run(f"{box}.y + {box}.height / 2")


def on_map(browser: chromium.Page, longitude: float, latitude: float) -> tuple[float, float]:
    x, y = browser.run(f"explorer.toScreen({longitude}, {latitude})")
    box = "document.getElementById('map').getBoundingClientRect()"
    return browser.run(f"{box}.x") + 1 + x, browser.run(f"{box}.y") + 1 + y


def test_names_are_data_and_never_markup(browser: chromium.Page) -> None:
    assert browser.run("document.title") == f"Events: heatwave, {HOSTILE}"
    assert browser.run("document.querySelector('h1').children.length") == 0
    assert browser.run("document.querySelectorAll('script').length") == 2
    browser.fill("kind", "1")
    assert browser.run("document.querySelector('#rows td').textContent") == HOSTILE


def test_the_policy_lets_no_other_script_run(browser: chromium.Page) -> None:
    browser.run("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.broken = 1\">')")
    browser.run(
        "document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.broken = 2'}))"
    )
    browser.settle()
    assert browser.run("window.broken === undefined")
    assert any("Content Security Policy" in str(problem) for problem in browser.problems())
    browser.events[:] = [e for e in browser.events if e.get("method") == "Network.requestWillBeSent"][:1]


def test_filters_work_together(browser: chromium.Page) -> None:
    everything = shown(browser)
    browser.fill("kind", "0")
    heat = shown(browser)
    assert 0 < len(heat) < len(everything)
    browser.fill("from", "2003-06")
    browser.fill("to", "2003-08")
    summer = shown(browser)
    starts = browser.run("[...document.querySelectorAll('#rows tr')].map(r => r.children[1].textContent)")
    assert 0 < len(summer) < len(heat)
    assert all("2003-05-25" <= start <= "2003-08-31" for start in starts)
    browser.fill("least", "8")
    assert set(shown(browser)) < set(summer)
    browser.run("document.getElementById('reset').click()")
    browser.run("new Promise(done => setTimeout(done, 20))")
    assert shown(browser) == everything
    browser.fill("text", "2005-0 heat")
    assert 0 < len(shown(browser)) < 40
    browser.fill("text", "no such thing")
    assert shown(browser) == []
    assert browser.run("document.getElementById('count').textContent").startswith("0 of ")


def test_seasons(browser: chromium.Page) -> None:
    parts = []
    for season in range(4):
        for k in range(4):
            browser.run(f"document.getElementById('season{k}').checked = {str(k == season).lower()}")
        browser.fill("text", "")
        parts.append(set(shown(browser)))
    assert all(parts)
    assert (
        sum(map(len, parts))
        == len(set().union(*parts))
        == browser.run("JSON.parse(data.textContent).events.id.length")
    )


def test_a_click_on_the_map_chooses_across_the_antimeridian(browser: chromium.Page) -> None:
    best = shown(browser)[0]
    browser.fill("from", "2001-04-11")
    browser.fill("to", "2001-04-11")
    browser.fill("kind", "0")
    assert len(shown(browser)) < 5, "few enough for outlines without dots"
    browser.click(*on_map(browser, -176.0, 6.0))
    assert browser.run("explorer.selected()") == best
    browser.click(*on_map(browser, 60.0, 60.0))
    assert browser.run("explorer.selected()") is None
    browser.click(*on_map(browser, 176.0, 6.0))
    assert browser.run("explorer.selected()") == best, "on the other side of the antimeridian"
    assert browser.run("document.querySelector('#detail h2').textContent") == "heatwave, 2001-04-11 to 2001-04-18"
    assert browser.run("document.querySelectorAll('#detail svg rect').length") == 8
    text = browser.run("document.querySelector('#detail details').textContent")
    assert "/data/<i>t2m</i>.nc" in text
    assert '"min_days": 3' in text
    assert browser.run("location.hash") == f"#event={best}"
    assert browser.run("document.querySelectorAll('tr[aria-selected=true]').length") == 1


def test_the_table_sorts_and_obeys_keys(browser: chromium.Page) -> None:
    header = "#head th[data-key=peak] button"
    browser.run(f"document.querySelector({header!r}).click()")
    peaks = browser.run("[...document.querySelectorAll('#rows tr')].map(r => Number(r.children[4].textContent))")
    assert peaks == sorted(peaks, reverse=True)
    browser.run(f"document.querySelector({header!r}).click()")
    assert browser.run("document.querySelector('#head th[data-key=peak]').getAttribute('aria-sort')") == "ascending"
    browser.run("document.querySelector('#rows tr').focus()")
    browser.key("ArrowDown")
    browser.key("Enter")
    second = browser.run("Number(document.querySelector('#rows tr:nth-child(2) td:last-child').textContent)")
    assert browser.run("explorer.selected()") == second


def test_the_timeline_is_a_filter(browser: chromium.Page) -> None:
    x, y = center(browser, "#timeline")
    before = len(shown(browser))
    browser.run("document.getElementById('timeline').scrollIntoView({block: 'center'})")
    x, y = center(browser, "#timeline")
    browser.drag((x - 100, y), (x + 60, y))
    assert browser.run("/^\\d{4}-\\d\\d$/.test(document.getElementById('from').value)")
    during = len(shown(browser))
    assert 0 < during < before
    browser.run("document.getElementById('timeline').focus()")
    browser.key("Escape")
    assert len(shown(browser)) == before


def test_the_map_moves_and_filters_what_it_shows(browser: chromium.Page) -> None:
    everything = len(shown(browser))
    browser.run("document.getElementById('inview').click()")
    for _ in range(4):
        browser.run("document.getElementById('nearer').click()")
    browser.settle()
    near = len(shown(browser))
    assert 0 <= near < everything
    browser.run("document.getElementById('map').focus()")
    before = browser.run("explorer.toScreen(0, 0)[0]")
    browser.key("ArrowRight")
    assert browser.run("explorer.toScreen(0, 0)[0]") < before
    browser.key("0")
    assert len(shown(browser)) == everything
    x, y = center(browser, "#map")
    browser.mouse("mouseWheel", x, y, deltaX=0, deltaY=-600)
    browser.settle()
    assert len(shown(browser)) < everything
    before = browser.run("explorer.toScreen(0, 0)[0]")
    browser.drag((x, y), (x + 50, y))
    assert browser.run("explorer.toScreen(0, 0)[0]") == pytest.approx(before + 50, abs=2)


def test_a_link_opens_an_event(page: Path, browser: chromium.Page) -> None:
    number = shown(browser)[5]
    with chromium.Page() as other:
        other.open(page, f"#event={number}")
        assert other.run("explorer.selected()") == number
        assert other.problems() == []


def test_numbers_carry_their_units_where_these_differ_and_no_column_is_cut(tmp_path: Path) -> None:
    db = e5.EventDatabase(tmp_path / "units.gpkg")
    db.add(events(1, 20), kind="a name of a kind that goes on and on, " * 4)
    db.add(events(2, 20, units="m s-1"), kind="storm")
    with chromium.Page(1300, 900) as opened:
        opened.open(e5.plot.explorer(db, tmp_path / "units.html"))
        head = opened.run("[...document.querySelectorAll('#head th')].map(c => c.textContent)")
        assert "Peak" in head, "no units in the head"
        column = head.index("Peak")
        cells = opened.run(f"[...document.querySelectorAll('#rows tr')].map(r => r.children[{column}].textContent)")
        assert {cell.partition(" ")[2] for cell in cells} == {"K", "m s-1"}
        assert opened.run("(t => t.scrollWidth <= t.clientWidth)(document.querySelector('.table'))"), "the Id is cut"
        assert opened.run("document.querySelector('#rows td').clientWidth") > 100
        assert opened.problems() == []


@pytest.mark.parametrize("dark", [False, True])
def test_a_phone(page: Path, dark: bool) -> None:
    with chromium.Page(390, 844, dark=dark) as phone:
        phone.open(page)
        assert phone.run("document.documentElement.scrollWidth") <= 390, "the page is wider than the phone"
        assert not phone.run("document.getElementById('filterbox').open")
        assert phone.run("document.getElementById('map').getBoundingClientRect().top") < 400
        phone.run("document.querySelector('#rows tr').click()")
        assert phone.run("document.documentElement.scrollWidth") <= 390
        page_colour = phone.run("getComputedStyle(document.body).backgroundColor")
        assert (page_colour == "rgb(20, 24, 28)") == dark
        assert phone.problems() == []


def test_the_first_view_holds_events_on_both_sides_of_the_antimeridian(tmp_path: Path) -> None:
    values = np.full((60, 20, 30), 290.0, dtype="float32")
    values[5:10, 4:8, 2:6] += 8.0
    values[20:31, 6:12, 22:27] += 8.004
    time = np.datetime64("2003-06-01", "ns") + np.arange(60) * np.timedelta64(1, "h")
    coords = {"time": time, "latitude": np.arange(40.0, 20, -1), "longitude": np.arange(165.0, 195)}
    x = xr.DataArray(values, coords, ("time", "latitude", "longitude"), name="t2m", attrs={"units": "K"})
    db = e5.EventDatabase(tmp_path / "events.gpkg")
    db.add(e5.find_events(x, above=295.0, min_days=3, progress=False), kind="storm")
    path = e5.plot.explorer(db, tmp_path / "events.html")
    with chromium.Page() as browser:
        browser.open(path)
        browser.settle()
        width = browser.run("document.getElementById('map').clientWidth")
        (left, _), (right, _) = (browser.run(f"explorer.toScreen({place}, 30)") for place in (167, 192))
        assert 0 < left < right < width
        assert right - left > 0.6 * width
        legend = browser.run("[...document.querySelectorAll('#legend span')].map(part => part.textContent)")
        assert len(set(legend)) == len(legend) == 2
        browser.run("document.querySelector('#rows tr').click()")
        browser.settle()
        assert "11 hours" in browser.run("document.getElementById('detail').textContent")
        assert browser.problems() == []
