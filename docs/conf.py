# SPDX-License-Identifier: Apache-2.0
# Sphinx's settings for these pages; tools/docs calls it with the checkout as its source folder.
import os
import pathlib
import re

root = pathlib.Path(__file__).resolve().parent.parent
project = "PEFT Studio"
version = release = re.search(r"VERSION (\d+\.\d+\.\d+)", (root / "CMakeLists.txt").read_text())[1]
root_doc = "docs/index"
extensions = ["myst_parser"]
include_patterns = ["*.md", "docs/**", "packaging/**"]
exclude_patterns = ["**/ISSUE_TEMPLATE/**", "**/pull_request_template.md"]
myst_heading_anchors = 6  # as forges make them; the pages link to headings by these names
html_theme = "furo"
html_title = f"{project} {version}"
html_copy_source = False
html_show_copyright = False
html_last_updated_fmt = None
suppress_warnings = ["misc.highlighting_failure"]  # JSON lines are not one JSON text
language = "en"

# Where the sources can be read, such as https://forge.example/peft-studio/blob/main/. Without it a link to a source is its name only.
source_url = os.environ.get("PST_SOURCE_URL", "")


def source_links(app, docname, content):
    """Links to what is no page lead to the forge, or nowhere."""
    page = root / app.env.doc2path(docname, base=False)

    def replace(match):
        text, target = match[1], match[2]
        if re.match(r"[a-z]+:|#", target) or target.partition("#")[0].endswith((".md", ".png", ".svg")):
            return match[0]
        path = os.path.relpath(os.path.normpath(page.parent / target.partition("#")[0]), root)
        return f"[{text}]({source_url.rstrip('/')}/{path})" if source_url else text

    content[0] = re.sub(r"(?<!!)\[([^\]]+)\]\(([^)\s]+)\)", replace, content[0])


def contents(app, docname, content):
    """The site's navigation: each section of index.md with its table of pages becomes a table of contents."""
    if docname != root_doc:
        return
    parts = re.split(r"^## (.+)$", content[0], flags=re.M)
    for title, text in zip(parts[1::2], parts[2::2]):
        pages = [page.removesuffix(".md") for page in re.findall(r"\]\((\S+\.md)\)", text)]
        content[0] += "\n".join(["\n```{toctree}", f":caption: {title}", ":maxdepth: 1", ":hidden:", "", *pages, "```", ""])


def setup(app):
    app.connect("source-read", contents)
    app.connect("source-read", source_links)
