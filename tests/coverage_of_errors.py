"""Which lines that make an error no test has reached: `python tests/coverage_of_errors.py FILE`, of gcovr's `--json`.

A line makes an error when it calls one of the functions that do: `e5_fail()` and its kin, and the short ones that
word it for a single file, `corrupt()`, `refuse()` and so on.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
MAKES = re.compile(
    r"\b(e5_(\w+_)?|write_)?(fail(_errno|_naming)?|failed|corrupt|refuse(_\w+)?|damaged|unsafe|too_much|bad)\("
)
BEGINS_FUNCTION = re.compile(r"\w")  # what stands inside one is indented


def counts(report: dict[str, Any]) -> dict[tuple[str, int], tuple[int, str]]:
    """How often each line that makes an error was reached, and the line, by file and number."""
    found: dict[tuple[str, int], tuple[int, str]] = {}
    for file in report["files"]:
        reached: Counter[int] = Counter()
        for line in file["lines"]:  # one of a macro comes several times
            reached[line["line_number"]] += line["count"]
        for number, text in enumerate((ROOT / file["file"]).read_text().splitlines(), 1):
            if number in reached and MAKES.search(text) and not BEGINS_FUNCTION.match(text):
                found[file["file"], number] = reached[number], text.strip()
    return found


def main(path: str) -> None:
    """Print the share that was reached, and each line that was not."""
    found = counts(json.loads(Path(path).read_text()))
    missed = {place: text for place, (count, text) in found.items() if count == 0}
    print(f"error returns reached: {len(found) - len(missed)} of {len(found)}")
    for (file, number), text in sorted(missed.items()):
        print(f"  {file}:{number}: {text}")


if __name__ == "__main__":
    main(sys.argv[1])
