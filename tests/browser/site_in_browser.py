"""Every page of the site in a real browser: desktop, phone and dark; `make browser` builds the pages and runs it.

What a reader would stumble over is measured: pages that scroll sideways, lines of code that are cut, pictures that
are missing, letters that cannot be told from their ground. And from the first page, each task is two clicks away.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import chromium

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "build" / "docs"
WAYS = ROOT / "docs" / "internals" / "two-clicks.md"
PAGES = sorted(path for path in SITE.rglob("*.html") if "_static" not in path.parts)
#: Width, height, dark.
SCREENS = {"desktop": (1440, 900, False), "phone": (390, 844, False), "dark": (1440, 900, True)}
#: Letters of a line of code that a page must show on a desktop: those of the program itself, and a little more.
LONGEST_LINE = 118

MEASURE = """
(() => {
  const light = c => {
    const part = v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    return 0.2126 * part(c[0]) + 0.7152 * part(c[1]) + 0.0722 * part(c[2]);
  };
  const colour = text => {
    const n = text.match(/[\\d.]+/g).map(Number), scale = text.startsWith('color(') ? 255 : 1;
    return [n[0] * scale, n[1] * scale, n[2] * scale, n.length > 3 ? n[3] : 1];
  };
  const over = (c, ground) => ground.map((v, i) => c[3] * c[i] + (1 - c[3]) * v);
  const groundOf = element => {
    const layers = [];
    for (; element; element = element.parentElement) {
      const c = colour(getComputedStyle(element).backgroundColor);
      if (c[3]) layers.push(c);
      if (c[3] === 1) break;
    }
    return layers.reduceRight((ground, c) => over(c, ground), [255, 255, 255]);
  };
  const faint = {};
  const article = document.querySelector('.bd-article') || document.body;
  const texts = document.createTreeWalker(article, NodeFilter.SHOW_TEXT);
  for (let node; (node = texts.nextNode());) {
    const element = node.parentElement, box = element.getBoundingClientRect();
    if (!node.textContent.trim() || !box.width || element.closest('svg, script, style, .headerlink')) continue;
    const ground = groundOf(element), letters = over(colour(getComputedStyle(element).color), ground);
    const a = light(letters), b = light(ground);
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < CONTRAST) faint[element.tagName + '.' + element.className] = [contrast, node.textContent.trim()];
  }
  return {
    sideways: document.documentElement.scrollWidth - innerWidth,
    cut: [...article.querySelectorAll('pre')].filter(pre => pre.scrollWidth > pre.clientWidth + 1)
      .map(pre => Math.max(...pre.innerText.split('\\n').map(line => line.length))),
    hidden: [...article.querySelectorAll('thead')].filter(head => head.textContent.trim() && !head.clientHeight)
      .map(head => 'the head of a table is hidden: ' + head.textContent.trim().slice(0, 40)),
    missing: [...document.images].filter(image => image.complete && !image.naturalWidth).map(image => image.src),
    faint,
  };
})()
""".replace("CONTRAST", "4.5")


def faults(page: chromium.Page, path: Path, screen: str) -> list[Any]:
    """What is wrong with a page."""
    page.open(path)
    found = page.run(MEASURE)
    cut = [length for length in found["cut"] if length <= LONGEST_LINE] if screen != "phone" else []
    wide = [f"{found['sideways']} pixels wider than the screen"] if found["sideways"] > 1 else []
    return [
        *wide,
        *(f"a line of {length} letters is cut" for length in cut),
        *found["missing"],
        *found["faint"].items(),
    ]


@pytest.mark.parametrize("screen", SCREENS)
def test_every_page_can_be_read(screen: str) -> None:
    assert len(PAGES) > 200, "build the pages first: make docs"
    width, height, dark = SCREENS[screen]
    with chromium.Page(width, height, dark=dark) as page:
        found = {str(path.relative_to(SITE)): faults(page, path, screen) for path in PAGES}
    assert {name: one for name, one in found.items() if one} == {}


def ways() -> list[list[str]]:
    """Rows of the table: task, links, words."""
    lines = [line for line in WAYS.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines[1:]]


def test_each_task_is_two_clicks_away() -> None:
    follow = "[...document.querySelectorAll('.bd-article a')].find(a => a.textContent.trim() === WORDS)?.href"
    lost = []
    with chromium.Page() as page:
        for task, *links, words in ways():
            place = SITE / "index.html"
            for link in links:
                page.open(place)
                if link == "–":
                    continue
                address = page.run(follow.replace("WORDS", repr(link)))
                if address is None:
                    lost.append(f"{task}: no link '{link}' on {place.name}")
                    break
                place = Path(address.partition("#")[0].removeprefix("file://"))
            page.open(place)
            if words not in page.run("document.querySelector('.bd-article').innerText"):
                lost.append(f"{task}: '{words}' is not on {place.name}")
    assert len(ways()) >= 20
    assert lost == []
