"""Sphinx's settings for the site, and what is done to each of its pages."""

import re
from html import escape
from pathlib import Path

from makers import badges, lessons, site
from makers.slides.theme import revealjs

project = lessons.COURSE
author = "The authors of Environmental Audio AI"
copyright = f"{author}, text and figures CC BY 4.0, code MIT"
version = release = badges.version()
language = "en"

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["jupyter_execute"]
nb_execution_mode = "off"  # nbmake has executed them
nb_code_prompt_show = "Show the code"
nb_code_prompt_hide = "Hide the code"
nb_mime_priority_overrides = [("html", "text/html", 0)]
myst_enable_extensions = ["attrs_inline", "colon_fence"]
myst_heading_anchors = 4
suppress_warnings = ["myst.header"]  # a glossary begins with ###

autodoc_typehints = "signature"
toc_object_entries_show_parents = "hide"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False

html_theme = "pydata_sphinx_theme"
html_title = project
html_static_path = ["static", str(revealjs() / "dist/theme/fonts/source-sans-pro")]
html_css_files = ["source-sans-pro.css", "course.css"]
html_js_files = [("site.js", {"defer": "defer"})]
html_favicon = "static/favicon.svg"
html_search_scorer = str(Path(__file__).parent / "scorer.js")
html_show_sourcelink = False
html_copy_source = False
html_show_search_summary = False  # a page in a folder may not read another
html_sidebars = {"index": []}
html_context = {"default_mode": "auto"}
html_theme_options = {
    "logo": {"text": project, "image_light": "_static/favicon.svg", "image_dark": "_static/favicon.svg"},
    "navbar_align": "left",
    "collapse_navigation": True,
    "navbar_end": ["theme-switcher"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
    "search_bar_text": "Search the course",
    "show_toc_level": 2,
    "navigation_depth": 2,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}

if repository := badges.address():
    html_theme_options |= {
        "github_url": f"https://github.com/{repository}",
        "navbar_end": ["theme-switcher", "navbar-icon-links"],
    }

TERM = re.compile(r'<a class="reference internal" href="glossary\.html#([\w-]+)">')
INTERVAL = re.compile(r"(<td[^>]*>(?:<p>)?[^<(]*)(\([+-]?\d\.\d+ to [+-]?\d\.\d+\))")  # in a table
HEADING = re.compile(r'(<section id="([^"]+)">\n(?:<span[^>]*></span>)*<h2>)(.*?)(<a class="headerlink")', re.S)


def with_meanings(body: str) -> str:
    """Return a page whose links to the glossary say what a term means, for a tooltip."""

    def link(found: re.Match) -> str:
        look = f'class="reference internal course-term" data-meaning="{escape(site.meanings().get(found[1], ""))}"'
        return f'<a {look} href="glossary.html#{found[1]}">'

    return TERM.sub(link, body)


def with_reports(body: str, name: str, repo: str | None) -> str:
    """Return a lesson's page whose sections have a link each to report a mistake, once there is an address for it."""
    if not repo:
        return body

    def heading(found: re.Match) -> str:
        words = re.sub(r"<[^>]+>", "", found[3]).strip()
        address = f"https://github.com/{repo}/issues/new?title={name}%23{found[2]}"
        label = escape(f"Report a mistake in {words}")
        report = f'<a class="course-report" href="{address}" aria-label="{label}">Report a mistake</a>'
        return f"{found[1]}{found[3]}{report}{found[4]}"

    return HEADING.sub(heading, body)


def readable(body: str) -> str:
    """Return a page whose tables have no empty headers and no broken intervals, without a terminal's colours."""
    body = INTERVAL.sub(r'\1<span class="course-interval">\2</span>', body)
    body = re.sub(r"<th\b[^>]*>\s*(<p>\s*</p>)?\s*</th>", "<td></td>", body)
    return re.sub(r'<span style="color: #\w+; text-decoration-color: #\w+">', "<span>", body)


def look_at(app, pagename, templatename, context, doctree):
    """Change the body of a page before it is written."""
    if body := context.get("body"):
        context["body"] = with_meanings(readable(body))
        if re.match(r"\d\d_", pagename):
            context["body"] = with_reports(context["body"], pagename, badges.address())


def notebooks_of(app, what, name, obj, options, lines):
    """Make links of the lessons that a docstring names."""
    names = {file.stem for file in (lessons.ROOT / "lessons").glob("[0-9][0-9]_*.md")}
    for i, line in enumerate(lines):
        if line.startswith("Notebook: "):
            lines[i] = re.sub(
                r"\b\d\d_\w+", lambda found: f":doc:`/{found[0]}`" if found[0] in names else found[0], line
            )


def setup(app):
    """Tell Sphinx of the above."""
    app.connect("html-page-context", look_at)
    app.connect("autodoc-process-docstring", notebooks_of)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
