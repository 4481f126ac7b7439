"""Sphinx settings; the documentation is built without a network: `python3 run.py docs`."""

from __future__ import annotations

import json
import os
import shutil
import tomllib
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent

project = "reesupply"
author = "the reesupply developers"
copyright = author
with (ROOT / "pyproject.toml").open("rb") as settings:
    release = tomllib.load(settings)["project"]["version"]
version = release

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "myst_nb",
]
exclude_patterns = ["_build", "_templates", "**/.ipynb_checkpoints"]
templates_path = ["_templates"]
nitpicky = True

# Markdown and notebooks. A notebook runs where it has no outputs, and an error stops the build.
myst_enable_extensions = ["attrs_block", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "off" if os.environ.get("REESUPPLY_DOCS_NOTEBOOKS") == "off" else "auto"
nb_execution_timeout = 600
nb_execution_raise_on_error = True
nb_ipywidgets_js: dict[str, dict[str, str]] = {}  # the default loads scripts from elsewhere

# The reference. Types are in the numpydoc text; a signature shows names and defaults.
autosummary_generate = True
# a class and a function that differ in case only would be one file on some systems
autosummary_filename_map = {"reesupply.outage": "reesupply.outage_function"}
autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_validation_checks = {"GL08", "PR02", "PR03", "SS01"}
suppress_warnings = ["ref.citation"]  # a module may list literature that no sentence cites
nitpick_ignore_regex = [
    # other packages: without a network there is no inventory to link to
    (r"py:.*", r"(numpy|np|npt|scipy|pandas|pd|xarray|xr|matplotlib|pydantic|concurrent)(\..*)?"),
]

# Formulas: the script is in _static, see the note beside it.
mathjax_path = "mathjax/tex-svg.js"

html_theme = "pydata_sphinx_theme"
html_title = f"reesupply {release}"
html_static_path = ["_static"]
html_css_files = ["tables.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "show_prev_next": False,
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}


def copy_notebooks() -> None:
    """
    Bring the notebooks to a folder that Sphinx reads and version control ignores.

    Those that the tests have run a moment ago, in the folder REESUPPLY_EXECUTED, need not run again
    if they are still the same.
    """
    target = HERE / "generated" / "notebooks"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    executed = os.environ.get("REESUPPLY_EXECUTED")
    for notebook in sorted((ROOT / "notebooks").glob("*.ipynb")):
        shutil.copy2(notebook, target)
        done = Path(executed, notebook.name) if executed else None
        if done is None or not done.exists():
            continue
        ran = json.loads(done.read_text(encoding="utf-8"))
        if sources(ran) == sources(json.loads(notebook.read_text(encoding="utf-8"))):
            ran["metadata"]["mystnb"] = {"execution_mode": "off"}
            (target / notebook.name).write_text(json.dumps(ran), encoding="utf-8")


def sources(notebook: dict[str, Any]) -> list[str]:
    """Return what is written in the cells of a notebook."""
    return ["".join(cell["source"]) for cell in notebook["cells"]]


copy_notebooks()
