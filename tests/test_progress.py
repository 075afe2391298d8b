"""The display of downloads: what its one line says, what its bar counts, and where there is none."""

from __future__ import annotations

import contextlib
import io
import re

import pytest
import tqdm.auto

from era5fast import progress
from era5fast.progress import Downloads, describe

STATES = ("queued", "running", "downloading", "checking", "done", "failed", "files")


def counts(**given: int) -> dict[str, int]:
    return {**dict.fromkeys(STATES, 0), **given}


class Clock:
    """A clock that stands until it is told."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("given", "speed", "left", "line"),
    [
        (
            {"queued": 12, "running": 2, "downloading": 3, "done": 83, "files": 100},
            35e6,
            720,
            "12 queued, 2 running, 3 downloading, 83 of 100 done, 35 MB/s, about 12 min",
        ),
        ({"queued": 2, "files": 2}, 0, 0, "2 queued, 0 of 2 done"),
        ({"done": 3, "failed": 1, "files": 4}, 0, 0, "3 of 4 done, 1 failed"),
        ({"checking": 1, "done": 1, "files": 2}, 950, 40, "1 checking, 1 of 2 done, 950 B/s, about 40 s"),
        ({"running": 1, "done": 1, "files": 9}, 1.25e6, 7300, "1 running, 1 of 9 done, 1.2 MB/s, about 2 h"),
    ],
)
def test_a_batch_in_one_line(given, speed, left, line) -> None:
    assert describe(5, 10, "downloading", counts(**given), speed, left) == line


@pytest.mark.parametrize(
    ("given", "done", "total", "stage", "speed", "line"),
    [
        ({"queued": 1}, 0, 0, "waiting", 0, "queued"),
        ({"running": 1}, 0, 0, "waiting", 0, "running"),
        ({}, 0, 0, None, 0, "beginning"),
        (
            {"downloading": 1},
            12_100_000,
            30_000_000,
            "downloading",
            1e6,
            "downloading, 12 MB of 30 MB, 1.0 MB/s, about 18 s",
        ),
        ({"checking": 1}, 999_600, 999_600, "checking", 0, "checking, 1.0 MB of 1.0 MB"),
        ({"downloading": 1}, 0, 3 * 10**12, "downloading", 0, "downloading, 0 B of 3.0 TB"),
    ],
)
def test_a_single_file(given, done, total, stage, speed, line) -> None:
    assert describe(done, total, stage, counts(files=1, **given), speed, 0) == line


@pytest.fixture
def screen(monkeypatch):
    """What is drawn on a terminal, without waiting for it."""
    terminal = Terminal()
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    monkeypatch.setattr(tqdm.auto.tqdm, "monitor_interval", 0)
    return terminal


@contextlib.contextmanager
def shown(stream, **options):
    """A display that is drawn on a stream."""
    with contextlib.redirect_stderr(stream), Downloads(**options) as show:
        yield show


def lines(screen) -> list[str]:
    return [text for line in re.split(r"[\r\n]", screen.getvalue()) if (text := line.strip())]


def test_the_bar_counts_files_and_does_not_jump_between_jobs(screen) -> None:
    with shown(screen) as show:
        show(0, 0, "waiting", counts(queued=3, files=4))
        show(100, 100, "waiting", counts(running=3, done=1, files=4))  # all bytes that are known are here
        show(150, 200, "downloading", counts(downloading=1, done=1, failed=1, files=4))
    percentages = [int(found[1]) for line in lines(screen) if (found := re.match(r"(\d+)%", line))]
    assert percentages == [0, 25, 50]
    assert "3 running, 1 of 4 done" in lines(screen)[1]


def test_the_bar_of_a_single_file_counts_bytes(screen) -> None:
    with shown(screen) as show:
        show(30, 120, "downloading", counts(downloading=1, files=1))
    assert lines(screen)[0].startswith("25%")


def test_nothing_is_drawn_where_there_is_no_terminal_or_nobody_wants_it(screen) -> None:
    with shown(screen, enabled=False) as show:
        assert show is None
    assert screen.getvalue() == ""
    plain = io.StringIO()
    with shown(plain) as show:
        show(30, 120, "downloading", counts(downloading=1, files=1))
    assert plain.getvalue() == ""


def test_nothing_is_drawn_for_what_is_quickly_done(screen, monkeypatch) -> None:
    monkeypatch.setattr(progress, "PATIENCE", 60.0)
    with shown(screen) as show:
        show(30, 120, "downloading", counts(downloading=1, files=1))
    assert screen.getvalue() == ""


def test_speed_and_time_to_go(screen) -> None:
    clock = Clock()
    with shown(screen, clock=clock) as show:
        show(0, 0, "waiting", counts(queued=8, done=2, files=10))  # two were there before
        for second in range(1, 5):
            clock.now += 10
            show(second * 10**7, 10**8, "downloading", counts(queued=8 - second, done=2 + second, files=10))
    assert "MB/s, about" not in lines(screen)[1]  # one file says nothing
    assert lines(screen)[-1].endswith("4 queued, 6 of 10 done, 1.0 MB/s, about 40 s")


def test_bytes_that_come_again_do_not_make_a_negative_speed(screen) -> None:
    clock = Clock()
    with shown(screen, clock=clock) as show:
        show(10**7, 10**8, "downloading", counts(downloading=1, files=2))
        clock.now += 1
        show(0, 10**8, "downloading", counts(downloading=1, files=2))
    assert "/s" not in lines(screen)[-1]
