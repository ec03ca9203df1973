"""The guide's site: `python -m tests.notebooks.build FOLDER`.

Copies `notebooks/`, writes the generated pages of the reference and the gallery beside them, and runs Sphinx, for
which every warning is an error. Notebooks are shown as they are stored. Then every link inside the site is followed.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tests.notebooks import gallery, reference

ROOT = Path(__file__).parents[2]
FOREIGN = ("http", "https", "mailto", "data", "javascript")


class _Page(HTMLParser):
    """The links of a page, and the places that links can lead to."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.places: set[str] = set()
        self.loaded: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value for name, value in attrs if value}
        self.places.update(values[name] for name in ("id", "name") if name in values)
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        elif tag in ("img", "script", "source") and "src" in values:
            self.loaded.append(values["src"])
        elif tag == "link" and values.get("rel") in ("stylesheet", "icon", "preload"):
            self.loaded.append(values.get("href", ""))


def broken_links(site: Path) -> list[str]:
    """Return each link of the site that leads nowhere, and each file that is loaded from elsewhere."""
    pages = {
        path.resolve(): _Page(path.read_text("utf-8"))
        for path in site.rglob("*.html")
        if "_static" not in path.relative_to(site).parts  # templates of the theme
    }
    broken = []
    for path, page in pages.items():
        here = path.relative_to(site.resolve())
        broken += [
            f"{here} loads {link}" for link in page.loaded if urlsplit(link).scheme in ("http", "https")
        ]
        for link in [*page.links, *page.loaded]:
            parts = urlsplit(link)
            if parts.scheme in FOREIGN or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.exists():
                broken.append(f"{here}: {link} is not there")
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].places:
                broken.append(f"{here}: {link} leads to no place of that page")
    return sorted(set(broken))


def build(site: Path) -> int:
    """Build the site, and return Sphinx's exit status."""
    from sphinx.cmd.build import main as sphinx  # noqa: PLC0415  (needs the extra docs)

    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "notebooks"
        shutil.copytree(ROOT / "notebooks", source, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
        reference.write_api(source / "guide" / "reference")
        gallery.write(source / "guide")
        options = ["-q", "-W", "--keep-going", "-b", "html", "-j", "2", "-c", str(source / "guide")]
        status: int = sphinx([*options, str(source), str(site)])
        return status


def main(arguments: Sequence[str] | None = None) -> None:
    """Build the site and follow its links."""
    parser = argparse.ArgumentParser(prog="python -m tests.notebooks.build", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the site is written")
    site = parser.parse_args(arguments).folder
    if status := build(site):
        raise SystemExit(status)
    if broken := broken_links(site):
        raise SystemExit("\n".join(broken))
    sys.stdout.write(
        f"{site / 'index.html'}: {len(list(site.rglob('*.html')))} pages, every link leads somewhere\n"
    )


if __name__ == "__main__":
    main()
