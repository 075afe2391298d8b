"""The display of downloads: what its one line says, what its bar counts, and where there is none."""

from __future__ import annotations

import contextlib
import fcntl
import io
import logging
import os
import pty
import re
import struct
import sys
import termios
import types

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
        ({"done": 1}, 26_000, 26_000, "waiting", 0, "done, 26 kB of 26 kB"),
        ({"failed": 1}, 0, 0, "waiting", 0, "failed"),
        ({"checking": 1}, 999_600, 999_600, "checking", 0, "checking, 1.0 MB of 1.0 MB"),
        ({}, 999_600, 999_600, "waiting for the service", 0, "checking, 1.0 MB of 1.0 MB"),
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


def test_any_standard_error_will_do(screen) -> None:
    closed = io.StringIO()
    closed.close()
    for stream in (None, object(), closed):
        for enabled in (True, "lines"):
            with shown(stream, enabled=enabled) as show:
                show(30, 120, "downloading", counts(downloading=1, files=1))


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
            show(
                second * 10**7,
                10**8,
                "downloading",
                counts(queued=7 - second, downloading=1, done=2 + second, files=10),
            )
    assert "MB/s, about" not in lines(screen)[1]  # one file says nothing
    assert lines(screen)[-1].endswith("3 queued, 1 downloading, 6 of 10 done, 1.0 MB/s, about 40 s")


def last(screen) -> str:
    return lines(screen)[-1].partition("| 00:00 ")[2]


def test_the_time_to_go_counts_down_while_waiting_and_ends_where_nobody_knows(screen) -> None:
    clock = Clock()
    with shown(screen, clock=clock) as show:
        show(0, 0, "waiting", counts(queued=10, files=10))
        for done in (1, 2):
            clock.now += 10
            show(0, 0, "waiting", counts(queued=10 - done, done=done, files=10))
        assert last(screen) == "8 queued, 2 of 10 done, about 80 s"
        seen = []
        for _ in range(30):
            clock.now += 1
            show(0, 0, "waiting", counts(queued=8, done=2, files=10))
            seen.append(last(screen).removeprefix("8 queued, 2 of 10 done"))
    assert seen == [f", about {80 - s} s" for s in range(1, 21)] + [""] * 10


def test_a_picture_comes_when_there_is_something_to_show(screen) -> None:
    clock = Clock()
    with shown(screen, clock=clock) as show:
        for _ in range(200):  # ten seconds as the core calls
            clock.now += 0.05
            show(0, 0, "waiting", counts(queued=1, files=1))
        still = len(lines(screen))
        for done in range(1, 101):
            clock.now += 0.05
            show(done, 100, "downloading", counts(downloading=1, files=1))
        moving = len(lines(screen)) - still
        show(100, 100, "downloading", counts(done=1, files=1))
        assert lines(screen)[-1].endswith("done, 100 B of 100 B")
    assert 9 <= still <= 12
    assert 18 <= moving <= 27


def test_a_rate_is_of_the_last_seconds_and_none_where_nothing_moves(screen) -> None:
    clock, here = Clock(), 0
    with shown(screen, clock=clock) as show:

        def step(speed: float, **given: int) -> str:
            nonlocal here
            clock.now, here = clock.now + 1, here + int(speed)
            show(here, 10**9, None, counts(files=3, **given))
            return last(screen)

        for _ in range(10):
            fast = step(8e6, downloading=1)
        for _ in range(6):
            slow = step(2e6, downloading=1)
        stalled = [step(0, downloading=1) for _ in range(6)][-1]
        fresh = [step(4e6, downloading=1) for _ in range(8)][-1]
        waiting = step(0, running=1)
        again = [step(2e6, downloading=1) for _ in range(2)][-1]
    assert [fast, slow, stalled, fresh, waiting, again] == [
        "1 downloading, 0 of 3 done, 8.0 MB/s",
        "1 downloading, 0 of 3 done, 2.0 MB/s",
        "1 downloading, 0 of 3 done",
        "1 downloading, 0 of 3 done, 4.0 MB/s",
        "1 running, 0 of 3 done",
        "1 downloading, 0 of 3 done, 2.0 MB/s",
    ]


def drawn_in_a_window(columns: int, rows: int = 25) -> str:
    """The display of a batch in a terminal so wide, with everything that is written into it."""
    ours, its = pty.openpty()
    os.set_blocking(ours, False)
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    with open(ours, "rb", buffering=0) as reader, open(its, "w") as stream, shown(stream) as show:
        show(0, 0, None, counts(queued=12, running=2, downloading=3, done=83, files=100))
        stream.flush()
        return (reader.read(4096) or b"").decode()


def test_the_line_fits_a_narrow_terminal(screen) -> None:
    state = "12 queued, 2 running, 3 downloading, 83 of 100 done"
    assert re.search(rf"83% \|.{{10}}\| 00:00 {state}", drawn_in_a_window(120))
    narrow = drawn_in_a_window(70)
    assert f"83% 00:00 {state}" in narrow
    assert "|" not in narrow


def test_a_terminal_that_does_not_know_its_size_shows_the_line(screen) -> None:
    assert "12 queued, 2 running, 3 downloading, 83 of 100 done" in drawn_in_a_window(0, 0)


@pytest.mark.parametrize("name", ["era5fast", "cdsapi"])
def test_a_line_of_the_log_is_not_written_into_the_bar(screen, name) -> None:
    log = logging.getLogger(name)
    handler = logging.StreamHandler(screen)
    log.addHandler(handler)
    try:
        with shown(screen) as show:
            show(0, 0, None, counts(queued=2, files=2))
            log.warning("something to know")
            show(0, 0, None, counts(queued=2, files=2))
        log.warning("the end")
    finally:
        log.removeHandler(handler)
    drawn = screen.getvalue()
    assert re.search(r"\r +\rsomething to know\n", drawn)
    assert drawn.endswith("\rthe end\n")


class Shell:
    kernel = object()


@pytest.mark.parametrize("shell", [Shell(), object(), None])
def test_a_notebook_without_widgets_has_a_bar_of_letters(screen, monkeypatch, shell) -> None:
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    stream = io.StringIO()
    with shown(stream) as show:
        show(0, 0, None, counts(queued=2, files=2))
    assert ("2 queued, 0 of 2 done" in stream.getvalue()) == isinstance(shell, Shell)


# --- log files


@contextlib.contextmanager
def written(clock):
    """What is written where there is no terminal, without its stamps."""
    stream = io.StringIO()

    def read() -> list[str]:
        found = [
            re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (.*)", line) for line in stream.getvalue().splitlines()
        ]
        return [match[1] for match in found]

    with shown(stream, enabled="lines", clock=clock) as show:
        yield show, read


def test_a_log_file_gets_a_line_per_change(screen) -> None:
    clock = Clock()
    with written(clock) as (show, read):
        for given in ({}, {"queued": 2}, {"queued": 2}, {"queued": 1, "running": 1}, {"running": 1, "done": 1}):
            clock.now += 1
            show(0, 0, None, counts(files=2, **given))
        show(0, 0, None, counts(files=2, running=2))  # at the same moment
        assert read() == ["2 queued, 0 of 2 done", "1 queued, 1 running, 0 of 2 done", "1 running, 1 of 2 done"]
        for _ in range(301):
            clock.now += 1
            show(0, 0, None, counts(files=2, running=1, done=1))
        assert read()[3:] == ["1 running, 1 of 2 done"]


def test_a_log_file_is_not_flooded_and_has_the_end(screen) -> None:
    clock = Clock()
    with written(clock) as (show, read):
        for done in range(1000):
            clock.now += 0.1
            show(0, 0, None, counts(files=1000, queued=1000 - done, done=done))
        show(0, 0, None, counts(files=1000, done=1000))
    assert 15 <= len(read()) <= 22
    assert read()[-1] == "1000 of 1000 done"


def test_lines_are_for_those_who_ask(screen) -> None:
    stream = io.StringIO()
    with shown(stream, enabled=True) as show:
        show(0, 0, None, counts(queued=2, files=2))
    assert stream.getvalue() == ""
    with shown(screen, enabled="lines") as show:  # a terminal has its bar
        show(0, 0, None, counts(queued=2, files=2))
    assert "|" in lines(screen)[0]


def test_bytes_that_come_again_do_not_make_a_negative_speed(screen) -> None:
    clock = Clock()
    with shown(screen, clock=clock) as show:
        show(10**7, 10**8, "downloading", counts(downloading=1, files=2))
        clock.now += 1
        show(0, 10**8, "downloading", counts(downloading=1, files=2))
    assert "/s" not in lines(screen)[-1]
