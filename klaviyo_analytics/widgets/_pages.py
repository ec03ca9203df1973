"""A long list cut into pages of a few lines, each group under its heading."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from klaviyo_analytics.widgets._choices import Option

Line = str | Option


def pages(sections: Iterable[tuple[str, Sequence[Option]]], *, lines: int) -> list[list[Line]]:
    """Fill pages of at most so many lines; a heading is a line, too, and is said again on the next page.

    A section without a title has no heading.
    """
    done: list[list[Line]] = []
    page: list[Line] = []
    for title, options in sections:
        for place, option in enumerate(options):
            heading = [title] if title and (place == 0 or not page) else []
            if len(page) + len(heading) + 1 > lines:
                done.append(page)
                page, heading = [], [title] if title else []
            page += [*heading, option]
    return [*done, page] if page else done


def options_of(page: Iterable[Line]) -> list[Option]:
    """Give the options of a page."""
    return [line for line in page if isinstance(line, Option)]
