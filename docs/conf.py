"""How Sphinx builds the site: `sphinx-build -W docs OUTPUT`, without a network."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the code of this folder, not what is installed

from phrasepix_core import __version__

project = "phrasepix"
author = "the phrasepix authors"
version = release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
nitpicky = False  # types of other packages are named, not linked
default_role = "code"  # docstrings are Markdown, whose single backticks mean this
myst_heading_anchors = 3
myst_enable_extensions = ["deflist"]
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
python_maximum_signature_line_length = 100
html_theme = "furo"
html_title = f"phrasepix {version}"
html_show_copyright = False
html_copy_source = False
