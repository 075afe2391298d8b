"""Building inside a conda environment: its libraries and no others, or a clear refusal."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from stand_in import COMPILER, ROOT, make_prefix

from csrc import libraries
from csrc.libraries import LIBRARIES, TRIAL, leave_if_mixed, library_flags, library_prefix, versions

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads ELF files")


@pytest.fixture(autouse=True)
def no_hints(monkeypatch) -> None:
    for name in ("E5_PREFIX", "CONDA_PREFIX", "PKG_CONFIG_PATH", "PKG_CONFIG_LIBDIR", "PKG_CONFIG", "CPATH"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    return make_prefix(tmp_path_factory.mktemp("conda") / "env")


@pytest.fixture
def prefix(whole, monkeypatch) -> Path:
    """The interpreter seems to be the environment's."""
    monkeypatch.setattr(sys, "prefix", str(whole))
    return whole


@pytest.fixture
def own(whole, tmp_path, monkeypatch) -> Path:
    """A copy to be damaged; its pkg-config files are those of the copy."""
    shutil.copytree(whole, tmp_path / "own", symlinks=True)
    for path in (tmp_path / "own/lib/pkgconfig").iterdir():
        path.write_text(path.read_text().replace(str(whole), str(tmp_path / "own")))
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "own"))
    return tmp_path / "own"


def libraries_of(program: Path) -> dict[str, str]:
    """What the loader takes for each of our libraries: name → folder."""
    listed = subprocess.run(["ldd", program], text=True, capture_output=True, check=True).stdout
    found = {Path(path).name: str(Path(path).parent) for path in re.findall(r"=> (/\S+)", listed)}
    ours = [rf"lib{library.name}(_serial)?\.so" for library in LIBRARIES.values() if library.name != "deflate"]
    return {name: folder for name, folder in found.items() if any(re.match(pattern, name) for pattern in ours)}


@pytest.mark.parametrize("pkg_config", ["pkg-config", "nowhere"])
def test_libraries_come_from_the_prefix_alone(prefix, monkeypatch, tmp_path, pkg_config) -> None:
    monkeypatch.setenv("PKG_CONFIG", pkg_config)
    monkeypatch.setenv("PKG_CONFIG_PATH", "/usr/lib/pkgconfig")  # must not matter
    monkeypatch.setenv("CONDA_PREFIX", "/opt/another")
    flags = library_flags(COMPILER)
    source, program = tmp_path / "trial.c", tmp_path / "trial"
    source.write_text(TRIAL)
    subprocess.run([*COMPILER, *flags.compile, source, *flags.link, "-o", program], check=True)
    found = libraries_of(program)
    assert len(found) == len(LIBRARIES) - 1
    assert set(found.values()) == {str(prefix / "lib")}
    listed = subprocess.run(
        [*COMPILER, *flags.compile, "-M", source], text=True, capture_output=True, check=True
    ).stdout
    assert str(prefix / "include/jansson.h") in listed
    assert "/usr/include/jansson.h" not in listed
    leave_if_mixed(COMPILER, flags)


def test_which_environment_counts(whole, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("CONDA_PREFIX", str(whole))
    assert library_prefix() is None  # activated, but not the interpreter's
    monkeypatch.setattr(sys, "base_prefix", str(whole))
    assert library_prefix() == whole  # a venv that was made from it
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert library_prefix() == whole
    monkeypatch.setenv("E5_PREFIX", str(tmp_path))
    assert library_prefix() == tmp_path  # who says so has the last word


def test_the_system_never_steps_in(own) -> None:
    (own / "lib/pkgconfig/jansson.pc").unlink()
    with pytest.raises(SystemExit, match=rf"not in {own} \(with headers\): jansson\n") as caught:
        library_flags(COMPILER)
    assert "conda install" in str(caught.value)


def test_nor_where_nobody_can_be_asked(own, monkeypatch) -> None:
    monkeypatch.setenv("PKG_CONFIG", "nowhere")
    (own / "include/jansson.h").unlink()
    with pytest.raises(SystemExit, match=r"\(with headers\): jansson\n"):
        library_flags(COMPILER)


def change_jansson(own: Path) -> None:
    """Let the header say another version than the library."""
    header = own / "include/jansson.h"
    header.write_text(re.sub(r'(#define JANSSON_VERSION\s+)"[^"]+"', r'\1"2.99"', header.read_text()))


def test_headers_of_another_version_are_refused(own) -> None:
    change_jansson(own)
    flags = library_flags(COMPILER)
    found = {name: (header, library) for name, header, library in versions(COMPILER, flags)}
    assert set(found) == set(LIBRARIES)
    assert found["jansson"][0] == "2.99"
    text = f"(?s)disagree:\n  jansson: headers of 2.99, library of {found['jansson'][1]}\n.*looked for in {own}"
    with pytest.raises(SystemExit, match=text):
        leave_if_mixed(COMPILER, flags)


def test_a_library_that_gets_in_by_ldflags_is_refused(prefix, tmp_path) -> None:
    source = tmp_path / "jansson.c"
    source.write_text('const char *jansson_version_str(void) { return "2.99"; }\n')
    other = tmp_path / "libjansson.so"
    subprocess.run([*COMPILER, "-shared", "-Wl,-soname,libjansson.so.99", source, "-o", other], check=True)
    other.with_name("libjansson.so.99").symlink_to(other)
    compiler = [*COMPILER, f"-L{tmp_path}", f"-Wl,-rpath,{tmp_path}"]
    with pytest.raises(SystemExit, match=r"jansson: headers of \S+, library of 2\.99"):
        leave_if_mixed(compiler, library_flags(compiler))


def test_what_cannot_run_here_is_not_judged(prefix, monkeypatch) -> None:
    def run(command, **options):
        if str(command[0]).endswith("trial"):
            raise OSError(8, "Exec format error")
        return real(command, **options)

    real = subprocess.run
    monkeypatch.setattr(libraries.subprocess, "run", run)
    assert versions(COMPILER, library_flags(COMPILER)) == []


def test_newer_libraries_of_macos_fit_their_headers(monkeypatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not libraries.differ("3.39.5", "3.43.2")
    assert libraries.differ("3.43.2", "3.39.5")
    monkeypatch.setenv("E5_PREFIX", "/opt/environment")
    assert libraries.differ("3.39.5", "3.43.2")


def test_pip_shows_the_refusal(own, tmp_path) -> None:
    change_jansson(own)
    source = tmp_path / "source"
    for name in ("csrc", "era5fast", ".ci"):
        ignored = shutil.ignore_patterns("__pycache__", "_core*.so")
        shutil.copytree(ROOT / name, source / name, ignore=ignored)
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copy2(ROOT / name, source / name)
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(tmp_path),
        str(source),
    ]
    env = {**os.environ, "E5_PREFIX": str(own)}
    result = subprocess.run(command, text=True, capture_output=True, env=env, timeout=120)
    assert result.returncode != 0
    assert "jansson: headers of 2.99" in result.stdout + result.stderr
