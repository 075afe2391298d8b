"""Sphinx settings; `make docs` builds into build/docs and treats warnings as errors."""

project = "era5fast"
author = "The era5fast authors"
copyright = "2026, the era5fast authors"
extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc"]
html_theme = "pydata_sphinx_theme"
html_title = "era5fast"
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
myst_heading_anchors = 3
numpydoc_show_class_members = False
autosummary_generate = False
autodoc_member_order = "bysource"
