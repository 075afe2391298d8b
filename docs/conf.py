"""Sphinx settings; `make docs` builds into build/docs, treats warnings as errors and needs no network."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

# What runs while pages are made (notebooks, pictures) touches nothing of whoever makes them.
os.environ["ERA5FAST_CONFIG"] = os.devnull
os.environ["MPLBACKEND"] = "Agg"

project = "era5fast"
author = "The era5fast authors"
copyright = "2026, the era5fast authors"
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_design",
    # of docs/_ext
    "command_line",
    "formula_renderer",
    "notebooks",
    "page_lists",
    "public_names",
    "tables",
]
source_suffix = {".rst": "restructuredtext", ".md": "myst-nb", ".ipynb": "myst-nb"}  # autosummary writes in the first
exclude_patterns = ["_build", "_ext", "_templates"]
templates_path = ["_templates"]
nitpicky = True
toc_object_entries_show_parents = "hide"
smartquotes = False  # "--json" stays what it is
nitpick_ignore = [("py:func", "from_core"), ("py:mod", "era5fast.plot")]  # for the extension only; a folder
nitpick_ignore_regex = [("py:.*", r"(xarray|pandas|geopandas|numpy|dask|concurrent|multiprocessing|matplotlib)\..*")]

html_theme = "pydata_sphinx_theme"
html_title = "era5fast"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "navbar_align": "left",
    "header_links_before_dropdown": 8,
    "show_nav_level": 1,
    "navigation_depth": 3,
    "show_toc_level": 2,
    "navbar_persistent": ["search-button"],
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_sidebars = {"index": [], "start": [], "tasks": []}

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
myst_links_external_new_tab = False
nb_execution_mode = "off"  # docs/_ext/notebooks.py runs them, two at a time, and keeps what they gave
suppress_warnings = ["mystnb.unknown_mime_type"]  # progress bars come as text as well

numpydoc_show_class_members = False
autosummary_generate = True
autosummary_ignore_module_all = False
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True  # as they stand in the source: DEFAULT_HEATWAVES, not what that is
autodoc_typehints = "none"  # numpydoc has them in words
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
