"""The guide's site, built by `python -m tests.notebooks.build FOLDER`."""

project = "klaviyo_analytics"
author = "the authors of klaviyo_analytics"
root_doc = "index"
extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon", "myst_nb"]
exclude_patterns = ["**/.ipynb_checkpoints", "guide/llms.txt"]
suppress_warnings = ["ref.python"]  # several classes have an attribute `frame`

# notebooks are shown as they are stored; tests run them
nb_execution_mode = "off"
nb_ipywidgets_js: dict[str, dict[str, str]] = {}  # nothing is loaded from elsewhere
nb_merge_streams = True
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence", "deflist"]

autodoc_typehints = "none"  # docstrings name the types
autodoc_class_signature = "separated"  # what a client makes has no constructor of the user's
autodoc_member_order = "groupwise"
napoleon_google_docstring = False
napoleon_use_ivar = True
add_module_names = False
python_maximum_signature_line_length = 90

html_theme = "pydata_sphinx_theme"
html_title = "klaviyo_analytics"
html_static_path = ["static"]
html_css_files = ["guide.css"]
html_extra_path = ["llms.txt"]
html_show_sourcelink = False
html_theme_options = {
    "logo": {"text": "klaviyo_analytics"},
    "navbar_align": "left",
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "footer_start": [],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
