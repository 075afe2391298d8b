"""Pages of the notebooks: each is run as it stands, two at a time, and kept with what it gave until it changes."""

from __future__ import annotations

import hashlib
import os
import tempfile
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "notebooks"
PAGES = ROOT / "docs" / "generated" / "notebooks"
SECONDS_FOR_A_CELL = 300


def _page(path: Path) -> None:
    """Run one notebook in an empty folder and write it where its page is made."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    target = PAGES / path.name
    if target.exists() and nbformat.read(target, 4).metadata.get("source_sha256") == digest:
        return
    notebook = nbformat.read(path, 4)
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": folder, "ERA5FAST_JOURNAL": f"{folder}/journal.db"}
        env.pop("MPLBACKEND", None)  # pictures are for the page
        client = NotebookClient(
            notebook,
            timeout=SECONDS_FOR_A_CELL,
            kernel_name="python3",
            resources={"metadata": {"path": folder}},
            startup_timeout=120,
        )
        client.execute(env=env)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in map(_shown, cell.outputs) if output]
    notebook.metadata["source_sha256"] = digest
    nbformat.write(notebook, target)


def _shown(output: Any) -> Any:
    """What a reader wants of an output: no bars of progress, which are written to standard error."""
    return None if output.get("name") == "stderr" else output


def begin() -> list[Future[None]]:
    """Write all pages, while other things are done; those of notebooks that are gone go."""
    PAGES.mkdir(parents=True, exist_ok=True)
    paths = sorted(FOLDER.glob("*.ipynb"))
    for page in PAGES.glob("*.ipynb"):
        if page.name not in {path.name for path in paths}:
            page.unlink()
    pool = ThreadPoolExecutor(2)
    begun = [pool.submit(_page, path) for path in paths]
    pool.shutdown(wait=False)
    return begun


def setup(app: Sphinx) -> dict[str, Any]:
    """Begin at once, and wait before sphinx looks for sources; pictures are drawn meanwhile."""
    begun = begin()
    app.connect("config-inited", lambda app, config: [page.result() for page in begun], priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
