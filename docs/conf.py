"""Sphinx's settings. `tox -e docs` builds with warnings as errors."""

from __future__ import annotations

from importlib.metadata import version as version_of

project = "respool"
author = "the respool authors"
version = release = version_of("respool")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"respool {release}"

# A single backtick in a docstring means code, as it does in these pages.
default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
