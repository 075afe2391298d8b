"""Words that messages share: numbers of bytes, names that somebody may have meant."""

from __future__ import annotations

import pytest

from era5fast.wording import did_you_mean, human_bytes, near


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (9949, "9.9 kB"), (9951, "10 kB"), (1.25e6, "1.2 MB"),
     (35e6, "35 MB"), (999.6e6, "1.0 GB"), (3e12, "3.0 TB"), (4.2e16, "42,000.0 TB")],
)  # fmt: skip
def test_bytes(number, text) -> None:
    assert human_bytes(number) == text


def test_near_names_by_letters_and_by_words() -> None:
    names = ["2m_temperature", "total_precipitation", "sea_surface_temperature"]
    assert near("2 metre temperature", names)[0] == "2m_temperature"
    assert near("temperature", names) == ["2m_temperature", "sea_surface_temperature"]
    assert near("qqq", names) == []
    assert near("era5", ["reanalysis-era5-land", "reanalysis-oras5"]) == ["reanalysis-era5-land"]


def test_a_hint_names_them_or_something_else() -> None:
    assert did_you_mean("patiense", ["patience", "pace"]) == "did you mean 'patience'?"
    assert did_you_mean("qqq", ["patience"], "see the list") == "see the list"
