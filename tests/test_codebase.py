"""The rules of the house: who may include whom, what the objects need and offer, how long functions are."""

import ast
import itertools
import re
import statistics
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from conftest import ROOT

CSRC = ROOT / "csrc"
PACKAGE = ROOT / "era5fast"

# Room → the rooms below that it may see.
ROOMS = {
    "base": set(),
    "model": {"base"},
    "pool": {"base", "model"},
    "net": {"base"},
    "io": {"base", "model"},
    "diag": {"base", "model"},
    "events": {"base", "model", "diag"},
    "kernels": {"base", "model", "diag", "events"},
    "db": {"base", "model"},
    "drive": {"base", "model", "pool", "net", "io", "diag", "events", "kernels", "db"},
    "python": {"base", "model", "pool", "net", "io", "diag", "events", "kernels", "db", "drive"},
}

# Header of another library → the rooms that may know it.
LIBRARIES = {
    r"openssl/.*|malloc\.h": {"base"},
    r"curl/.*": {"net"},
    r"jansson\.h": {"net", "drive", "db"},
    r"(netcdf|hdf5|H5).*\.h": {"io"},
    r"libdeflate\.h": {"io"},
    r"zlib\.h": {"io"},
    r"sqlite3\.h": {"db"},
    r"(Python|structmember)\.h|numpy/.*": {"python"},
    r".*mmintrin\.h|arm_neon\.h": {"io", "diag", "events"},
    r"arpa/inet\.h|netdb\.h|netinet/\w+\.h": {"net"},
    # the C library and POSIX
    r"(assert|ctype|dirent|dlfcn|endian|errno|fcntl|float|glob|inttypes|libgen|limits|locale)\.h": set(ROOMS),
    r"(math|poll|pthread|sched|signal|std\w+|string|strings|time|unistd)\.h|sys/\w+\.h": set(ROOMS),
}

SOURCES = sorted(path for path in CSRC.rglob("*.[chd]*") if path.suffix in {".c", ".h", ".def"})
HEADERS = [path for path in SOURCES if path.suffix == ".h"]
PYTHON_FILES = sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def room_of(path: Path) -> str:
    return path.relative_to(CSRC).parts[0]


def includes(path: Path) -> list[tuple[str, str]]:
    """(kind, name) of every #include; kind is '"' or '<'."""
    return re.findall(r'^\s*#\s*include\s*(["<])([^">]+)[">]', path.read_text(), re.MULTILINE)


def none_of(faults: Iterable[object]) -> None:
    """Fail with the whole list, one fault a line."""
    lines = [str(fault) for fault in faults]
    assert not lines, "\n" + "\n".join(lines)


def find_cycle(graph: dict[str, set[str]]) -> list[str]:
    """Some cycle of a directed graph, or []."""
    finished: set[str] = set()
    path: list[str] = []

    def visit(node: str) -> list[str]:
        if node in path:
            return [*path[path.index(node) :], node]
        if node in finished:
            return []
        path.append(node)
        for other in sorted(graph.get(node, ())):
            if cycle := visit(other):
                return cycle
        finished.add(path.pop())
        return []

    return next((cycle for node in sorted(graph) if (cycle := visit(node))), [])


# --- the order of the rooms


def test_rooms_are_those_of_the_table():
    assert {path.name for path in CSRC.iterdir() if path.is_dir() and path.name != "__pycache__"} == set(ROOMS)


def faults_of_include(room: str, kind: str, name: str) -> str:
    """What is wrong with an #include in a file of a room, or ""."""
    if kind == '"':
        other = name.split("/")[0]
        if not (CSRC / name).is_file():
            return f'"{name}" is not written as "room/file.h"'
        return "" if other == room or other in ROOMS[room] else f"{room} must not see {other} ({name})"
    allowed = [rooms for pattern, rooms in LIBRARIES.items() if re.fullmatch(pattern, name)]
    if not allowed:
        return f"<{name}> is not in the table of libraries"
    return "" if room in allowed[0] else f"{room} must not know <{name}>"


def test_includes_go_down():
    found = [(path, faults_of_include(room_of(path), *include)) for path in SOURCES for include in includes(path)]
    assert len(found) > 100, "includes were not recognised"
    none_of(f"{name_of(path)}: {fault}" for path, fault in found if fault)


@pytest.mark.parametrize(
    ("room", "kind", "name"),
    [("base", '"', "model/view.h"), ("io", '"', "view.h"), ("kernels", '"', "drive/scan.h"), ("db", "<", "Python.h")],
)
def test_an_include_that_goes_up_is_noticed(room, kind, name):
    assert faults_of_include(room, kind, name)


def test_includes_have_no_cycle():
    graph = {path.relative_to(CSRC).as_posix(): {name for _, name in includes(path)} for path in SOURCES}
    assert find_cycle(graph) == []


def test_a_cycle_is_noticed():
    assert find_cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]


# --- headers


def test_headers_begin_with_a_card():
    cards = {path: rf"/\* {re.escape(path.stem)}: \S" for path in HEADERS}
    none_of(name_of(path) for path, card in cards.items() if not re.match(card, path.read_text()))


def guard_of(path: Path) -> str:
    parts = path.relative_to(CSRC).with_suffix("").parts
    return "_".join(["E5PY", *parts[1:]] if parts[0] == "python" else ["E5", *parts]).upper() + "_H"


def is_guarded(path: Path) -> bool:
    lines = [line for line in path.read_text().splitlines() if line.startswith("#")]
    return lines[:2] == [f"#ifndef {guard_of(path)}", f"#define {guard_of(path)}"] and lines[-1] == "#endif"


def test_guards_are_named_after_their_files():
    none_of(name_of(path) for path in HEADERS if not is_guarded(path))


# --- objects


def symbols(*arguments: str | Path) -> list[tuple[str, str]]:
    """(type, name) of the symbols that nm lists, without the underscore that macOS puts before C names."""
    listing = subprocess.run(["nm", *arguments], check=True, capture_output=True, text=True).stdout
    found = re.findall(r"^[0-9a-fA-F ]*\b([A-Za-z]) (\S+)$", listing, re.MULTILINE)
    prefix = "_" if sys.platform == "darwin" else ""
    return [(kind, name.removeprefix(prefix)) for kind, name in found]


def test_core_needs_no_python(c_build):
    needed = {name for _, name in symbols("-u", *sorted((c_build / "csrc").rglob("*.o")))}
    assert needed, "nm found nothing"
    none_of(sorted(name for name in needed if re.match(r"_?Py[A-Z_]", name)))


def test_core_is_complete(c_build):
    listed = symbols("-g", c_build / "core.a")
    defined = {name for kind, name in listed if kind != "U"}
    none_of(sorted({name for _, name in listed if name.startswith("e5_")} - defined))


def test_core_defines_only_its_own_names(c_build):
    defined = {name for kind, name in symbols("-g", c_build / "core.a") if kind in "TDBRSC"}
    assert defined, "nm found nothing"
    none_of(sorted(name for name in defined if not name.startswith("e5_")))


def test_module_exports_only_its_init_function():
    from era5fast import _core

    arguments = ["-gU"] if sys.platform == "darwin" else ["-D", "--defined-only"]
    names = [name for _, name in symbols(*arguments, Path(_core.__file__))]
    assert [name for name in names if not name.startswith("__gcov_")] == ["PyInit__core"]  # of make coverage


# --- size


def without_text(source: str) -> str:
    """C source with comments, literals and preprocessor lines blanked, line for line."""
    source = re.sub(r"\\\n", " \n#", source)  # continued macros stay preprocessor lines
    pattern = r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
    source = re.sub(pattern, lambda match: "\n" * match.group().count("\n"), source, flags=re.DOTALL)
    return re.sub(r"^\s*#.*$", "", source, flags=re.MULTILINE)


def functions(path: Path) -> list[tuple[int, str]]:
    """(lines, place) of every function of a C file, from its opening to its closing brace."""
    found, depth, start = [], 0, 0
    head = ""
    for number, line in enumerate(without_text(path.read_text()).split("\n"), 1):
        for char in line:
            if char == "{":
                if depth == 0:
                    start, is_function = number, head.rstrip().endswith(")")
                depth += 1
            elif char == "}":
                depth -= 1
                if depth == 0 and is_function:
                    found.append((number - start + 1, f"{name_of(path)}:{start}"))
            head = "" if depth > 0 or char in "};" else head + char
    return found


def test_functions_are_short():
    found = sorted(itertools.chain.from_iterable(functions(path) for path in SOURCES))
    lengths = [length for length, _ in found]
    assert len(found) > 100, "functions were not recognised"
    assert statistics.median(lengths) <= 15
    none_of(place for place in found if place[0] > 80)
    assert sum(length < 50 for length in lengths) >= 0.9 * len(lengths), found[-10:]


def test_files_can_be_read_in_a_sitting():
    lengths = {name_of(path): len(path.read_text().splitlines()) for path in SOURCES}
    none_of(f"{name}: {length} lines" for name, length in lengths.items() if length > 400)


# --- Python


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_name(path): path for path in PYTHON_FILES}


def statements(node: ast.AST) -> Iterator[ast.AST]:
    """Everything that may run, in functions too; what stands under `if TYPE_CHECKING:` is left out."""
    yield node
    is_for_types = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
    for inner in node.orelse if is_for_types else ast.iter_child_nodes(node):
        yield from statements(inner)


def imports(name: str, source: str, *, is_package: bool = False) -> set[str]:
    """Modules of era5fast that a module imports, when it is imported itself or later."""
    package = name if is_package else name.rpartition(".")[0]
    found: set[str] = set()
    for statement in statements(ast.parse(source)):
        if isinstance(statement, ast.Import):
            found |= {alias.name for alias in statement.names}
        elif isinstance(statement, ast.ImportFrom):
            up = package.split(".")[: len(package.split(".")) - statement.level + 1] if statement.level else []
            base = ".".join([*up, *([statement.module] if statement.module else [])])
            inner = {f"{base}.{alias.name}" for alias in statement.names}
            found |= {module if module in MODULES or module == "era5fast._core" else base for module in inner}
    return {module for module in found if module in MODULES} - {name}


def test_python_modules_have_no_cycle():
    graph = {
        name: imports(name, path.read_text(), is_package=path.name == "__init__.py") for name, path in MODULES.items()
    }
    assert any(graph.values()), "imports were not recognised"
    assert find_cycle(graph) == []


def test_an_import_within_a_function_is_noticed():
    source = """
if TYPE_CHECKING:
    from .client import Client
def function():
    if True:
        from .chunked.rows import series
"""
    assert imports("era5fast.diagnostics", source) == {"era5fast.chunked.rows"}


# --- nothing left for later


def test_nothing_is_left_for_later():
    marks = re.compile(r"\b(TO" r"DO|FIX" r"ME)\b")
    tests = [path for path in (ROOT / "tests").rglob("*.*") if path.suffix in {".py", ".c", ".h"}]
    files = [*SOURCES, *PYTHON_FILES, *tests]
    none_of(name_of(path) for path in files if marks.search(path.read_text()))
