"""One large file as the answer to every request: ``python serve_object.py FILE``, in a process of its own."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from era5fast.testing import Service


def main() -> None:
    with Service() as service:
        service.script(answer=Path(sys.argv[1]))
        print(json.dumps({"url": service.url, "key": service.key}), flush=True)
        sys.stdin.read()  # until the other end of the pipe is closed


if __name__ == "__main__":
    main()
