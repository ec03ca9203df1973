"""Where results go: tables for people, CSV and JSON for programs; messages and progress on standard error.

What a terminal shows fits its lines: help, usage errors and messages are wrapped between words, and a command in an
example is continued with a backslash, so that it still runs when it is copied. Only the standard library is imported
before there is a result, because `--help` must answer at once.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import shlex
import shutil
import sys
import textwrap
import unicodedata

TYPE_CHECKING = False  # typing takes longer to import than a command line takes to parse
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, NoReturn, TextIO

    import pandas as pd

PROGRAM = "klaviyo-analytics"
COMMENT = re.compile(rf"^( *)({PROGRAM} .*?\S) {{3,}}(\S.*)$")  # a command, and beside it what it is for
WORD = r"(?:[^\s'\"]|'[^']*'|\"[^\"]*\")+"
WORDS = re.compile(rf"--?\w[\w-]* (?!-){WORD}|{WORD}")  # an option stays with its value
GROUP = re.compile(r"\[-[^\]|]*\]")  # an option with its value; alternatives may be broken at their bars
# What the package's errors say in Python, and what a shell has instead.
SHELL_WORDS = (
    (re.compile(r"client\.archive\(folder\)\.sync\(\) makes one"), f"`{PROGRAM} sync FOLDER` makes one"),
    (
        re.compile(r"archive\.sync\(\['events'\](?:, since='([\d-]+)')?\)"),
        lambda found: f"`{PROGRAM} sync FOLDER events{f' --since {found[1]}' if found[1] else ''}`",
    ),
    (
        re.compile(r"Name the integration, too: \(.*, (['\"])(.*)\1\), or give the id"),
        lambda found: f"Name the integration, such as --integration {shlex.quote(found[2])}, or give the id",
    ),
    (re.compile(r"Call describe\(\) for all of them"), f"`{PROGRAM} describe` lists all of them"),
    (
        re.compile(r"client\.(\w+)\.list\(\) shows all"),
        rf"`{PROGRAM} export \1 --to FILE` writes all",
    ),
    (
        re.compile(r"with coupon= or profile="),
        "with --filter 'equals(coupon.id,\"ID\")' or --filter 'equals(profile.id,\"ID\")'",
    ),
    (re.compile(r"; ka\.F writes it for you"), ""),
    (re.compile(r" [^.]*, goes to timeframe= or Timeframe\.parse"), ""),
    (re.compile(r"; (\w+) takes [^;]*client\..*$"), ""),
    (re.compile(r"columns=\{'([^']*)': '([^']*)'\}"), lambda found: _column(*found.groups())),
    (re.compile(r"\bpass api_key="), "pass --key-file"),
    (
        re.compile(r"^(\w+)\(\): got an unexpected keyword argument '(\w+)'(.*?); it takes (.*)$"),
        lambda found: f"{found[1]} takes no {found[2]}={found[3]}; it takes {found[4]}",
    ),
    (re.compile(r"^\w+\(\): "), ""),
)
KEYWORD = re.compile(  # limit=5, name='x', and limit= alone, but nothing that somebody wrote: 'a=b', ?utm=x
    r"(?<![\w.\-'\"?&/])([a-z]\w*)=(?=([^\s,.;:)])?)"
)
OPTIONS = {
    "measurements": "measure",
    "columns": "column",
    "properties": "property",
    "group_by": "by",
    "since": "since",
}
AMBIGUOUS = re.compile(r"Several metrics are called '([^']*)'")
HELD = "\0"  # a space at which a line must not break
LABEL = re.compile(
    r"^\s*(?:\S+ {2,})?"
)  # spaces, or a word in a column of its own: further lines start below the text
SHORTEST = 12  # characters that a text keeps where a terminal is narrow
WIDE = 12  # columns of a table at most; the others are counted below it
LONG = 60  # rows


def show(frame: pd.DataFrame, options: argparse.Namespace, *, first: Sequence[str] = ()) -> None:
    """Print a frame: a table on a terminal, CSV in a pipe, or what the options say.

    A pipe gets every value as it is. On a terminal, control characters are escaped in every form, and the columns of
    `first` come first in a table, because those at the end may not fit.
    """
    unicode = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().startswith("utf")
    if options.json:
        for record in frame.to_dict("records"):
            _write(
                json.dumps({str(k): _plain(v) for k, v in record.items()}, ensure_ascii=not unicode) + "\n"
            )
    elif not is_table(options):
        text = io.StringIO()
        frame.map(_cell).to_csv(text, index=False, lineterminator="\n")
        if not unicode and not sys.stdout.isatty():  # a value is refused rather than changed
            text.getvalue().encode(sys.stdout.encoding)
        _write(text.getvalue())
    elif frame.empty:
        _write("No rows.\n")
    else:
        head, *lines = table(
            _in_reading_order(frame, first), width=columns() if sys.stdout.isatty() else None
        ).split("\n")
        sys.stdout.write("\n".join([styled(head, BOLD), *lines]) + "\n")


def is_table(options: argparse.Namespace) -> bool:
    """Return whether results are shown as a table."""
    return bool(options.table or (sys.stdout.isatty() and not (options.json or options.csv)))


def _in_reading_order(frame: pd.DataFrame, first: Sequence[str]) -> pd.DataFrame:
    begin = [name for name in first if name in frame.columns]
    return frame[[*begin, *(name for name in frame.columns if name not in begin)]] if begin else frame


BOLD, DIM = "1", "2"


def styled(text: str, style: str) -> str:
    """Return text in bold or dim letters where the terminal shows them; NO_COLOR and TERM=dumb turn them off."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM", "dumb") == "dumb"
    return text if plain or not sys.stdout.isatty() else f"\x1b[{style}m{text}\x1b[0m"


def _write(text: str) -> None:
    from klaviyo_analytics._safe_text import printable  # noqa: PLC0415

    sys.stdout.write(printable(text) if sys.stdout.isatty() else text)


def table(frame: pd.DataFrame, *, width: int | None = None) -> str:
    """Return a frame as text for a terminal; what is left out is counted.

    Columns are left out from the right until a line fits. Where not even two fit, texts are shortened, those of the
    first column last, because it has the name or id.

    Parameters
    ----------
    frame : DataFrame
        What to show.
    width : int, optional
        Characters of a line; any number if omitted.
    """
    import pandas as pd  # noqa: PLC0415

    from klaviyo_analytics._messages import counted  # noqa: PLC0415
    from klaviyo_analytics._safe_text import LONGEST, printable_frame  # noqa: PLC0415

    shown = frame.iloc[:LONG, :WIDE]
    full = shown.astype("object").where(shown.notna(), "")
    longest, of_first = (
        LONGEST,
        LONGEST if width is None else min(max(width - SHORTEST - 1, SHORTEST), LONGEST),
    )
    while True:
        cells = pd.concat(
            [
                printable_frame(full.iloc[:, :1], longest=of_first),
                printable_frame(full.iloc[:, 1:], longest=longest),
            ],
            axis=1,
        )
        widths = [_aligned(cells, place) for place in range(cells.shape[1])]
        count = _fitting(widths, width)
        if count >= min(2, len(widths)) or longest <= SHORTEST:
            break
        longest -= 4
    count = max(count, 1)
    # Letters that take two places, such as emoji, are counted as two.
    with pd.option_context("display.unicode.east_asian_width", True):  # noqa: FBT003
        text = cells.iloc[:, :count].to_string(index=False, justify="left") if widths else ""
    text = "\n".join(line.rstrip() for line in text.split("\n"))
    hidden = frame.shape[1] - count
    more = [
        f"{len(frame) - LONG:,} more rows" if len(frame) > LONG else "",
        counted(hidden, "more column") if hidden > 0 else "",
        "longer texts" if min(longest, of_first) < LONGEST and _shortened(full, cells) else "",
    ]
    left = " and ".join(filter(None, more))
    said = f"({left}; --csv or --json shows all)"
    return f"{text}\n{said if width is None else wrapped(said, width)}" if left else text


def _shortened(full: pd.DataFrame, cells: pd.DataFrame) -> bool:
    """Return whether a text is cut that a wider terminal would show whole."""
    from klaviyo_analytics._safe_text import printable_frame  # noqa: PLC0415

    whole = printable_frame(full).astype(str)
    return bool((whole.map(str.rstrip) != cells.astype(str).map(str.rstrip)).to_numpy().any())


def _aligned(cells: pd.DataFrame, place: int) -> int:
    """Return the width of a column, after aligning words to the left; numbers stay at the right."""
    texts = [str(cell) for cell in cells.iloc[:, place]]
    name = str(cells.columns[place])
    if not _figures(texts):
        width = max(map(_places, [name, *texts]))
        cells.isetitem(place, [text + " " * (width - _places(text)) for text in texts])
        return width
    return max(map(len, cells.iloc[:, [place]].to_string(index=False).split("\n")))


def _fitting(widths: Sequence[int], width: int | None) -> int:
    """Return how many columns fit, with a space between each two."""
    if width is None:
        return len(widths)
    taken = [sum(widths[: count + 1]) + count for count in range(len(widths))]
    return sum(one <= width for one in taken)


def _places(text: str) -> int:
    """Return how many places of a terminal a text takes."""
    return sum(2 if unicodedata.east_asian_width(each) in "FW" else 1 for each in text)


def say(text: str, style: str = "") -> None:
    """Print a message on standard output."""
    from klaviyo_analytics._safe_text import printable  # noqa: PLC0415

    shown = fitted(printable(text), sys.stdout)
    sys.stdout.write((styled(shown, style) if style else shown) + "\n")


def note(text: str) -> None:
    """Print a message on standard error, beside a result that may go into a pipe."""
    from klaviyo_analytics._safe_text import printable  # noqa: PLC0415

    sys.stderr.write(fitted(printable(text), sys.stderr) + "\n")


def _figures(texts: Sequence[str]) -> bool:
    """Return whether every cell is empty or a number, such as '1,017.00'."""
    return all(text.replace(",", "").replace(".", "").lstrip("-").isdecimal() for text in texts if text)


def _plain(value: Any) -> Any:
    """Return a value that JSON holds: missing is null, a time is ISO 8601."""
    import pandas as pd  # noqa: PLC0415

    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    if pd.isna(value):
        return None
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    return value.item() if hasattr(value, "item") else value


def _cell(value: Any) -> Any:
    return json.dumps(_plain(value), ensure_ascii=False) if isinstance(value, (list, dict)) else value


def columns() -> int:
    """Return how many characters a line of the terminal holds; COLUMNS has the last word, as elsewhere."""
    return max(shutil.get_terminal_size().columns, 20)


def wrapped(text: str, width: int) -> str:
    """Break lines that are wider than `width` between words; a word that is wider, such as a URL, stays whole.

    Examples
    --------
    >>> print(wrapped("ok      Is there a key? It was found in a file.", 30))
    ok      Is there a key? It was
            found in a file.
    """
    return "\n".join(_line(line, width) for line in text.split("\n"))


def fitted(text: str, stream: TextIO) -> str:
    """Return a message as a stream shows it: wrapped on a terminal, and as it is in a pipe or a file."""
    return wrapped(text, columns()) if stream.isatty() else text


def in_shell_words(text: str, options: argparse.Namespace | None = None) -> str:
    """Return an error of the package with commands and options in place of Python calls.

    What the package calls `keyword='value'` is the option of that name where the command has it. `analyse` takes the
    other arguments of an analysis with `-p`; elsewhere the word stands alone.

    Examples
    --------
    >>> in_shell_words("The archive has no events. Run archive.sync(['events']) first.")
    'The archive has no events. Run `klaviyo-analytics sync FOLDER events` first.'
    >>> in_shell_words("interval='x' is not known.", argparse.Namespace(interval="x"))
    "--interval 'x' is not known."
    >>> in_shell_words("'limit=5' of https://shop.example/?limit=5 is not known.", argparse.Namespace(limit=5))
    "'limit=5' of https://shop.example/?limit=5 is not known."
    """
    for call, command in SHELL_WORDS:
        text = call.sub(command, text)
    known = vars(options) if options else {}
    metrics = [name for name in ("conversion_metric", "metric") if name in known]
    if metrics and not any(known[name] for name in metrics) and (usual := AMBIGUOUS.search(text)):
        option = f"--{metrics[0].replace('_', '-')} {shlex.quote(usual[1])}"  # --integration alone is refused
        text = text.replace("such as --integration", f"such as {option} --integration", 1)

    def in_place_of(found: re.Match[str]) -> str:
        name = OPTIONS.get(found[1], found[1])
        if name in known:
            return f"--{name.replace('_', '-')}{' ' if found[2] else ''}"
        if "analysis" in known:
            return f"-p {found[0]}"
        return f"{found[1].replace('_', ' ')}{' ' if found[2] else ''}"

    return KEYWORD.sub(in_place_of, text)


def _column(name: str, attribute: str) -> str:
    return f"--column {shlex.quote(f'{name}={attribute}')}"


def _line(line: str, width: int) -> str:
    if len(line) <= width:
        return line
    label = LABEL.match(line)
    indent = len(label[0]) if label else 0
    return textwrap.fill(
        line[indent:],
        width,
        initial_indent=line[:indent],
        subsequent_indent=" " * min(indent, width // 2),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _example(line: str, width: int) -> str:
    """Wrap a line of examples: the comment goes below its command, and a long command is continued."""
    if len(line) <= width:
        return line
    if found := COMMENT.match(line):
        indent, command, comment = found.groups()
        below = textwrap.fill(
            comment, width, initial_indent=f"{indent}    ", subsequent_indent=f"{indent}    "
        )
        return f"{_continued(indent, command, width)}\n{below}"
    if line.lstrip().startswith(PROGRAM):
        return _continued(line[: len(line) - len(line.lstrip())], line.lstrip(), width)
    return _line(line, width)


def _continued(indent: str, command: str, width: int) -> str:
    """Break a command between its words, with a backslash at the end of each line but the last."""
    lines, now = [], indent
    for word in WORDS.findall(command):
        if now.strip() and len(now) + 1 + len(word) > width - 2:
            lines.append(f"{now} \\")
            now = f"{indent}    "
        now += f"{' ' if now.strip() else ''}{word}"
    return "\n".join([*lines, now])


class HelpFormatter(argparse.HelpFormatter):
    """Help whose lines are kept as they were written where they fit, and wrapped where they do not."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        # The hook by which argparse's own RawDescriptionHelpFormatter keeps lines.
        return "\n".join(_example(indent + line, width) for line in text.splitlines())

    def _format_usage(self, *arguments: object, **named: object) -> str:
        # argparse lines usage up below its first word, and then cannot break between alternatives.
        text = super()._format_usage(*arguments, **named)  # type: ignore[arg-type]
        if max(map(len, text.splitlines())) <= self._width:
            return text
        held = GROUP.sub(lambda found: found[0].replace(" ", HELD), " ".join(text.split()))
        filled = textwrap.fill(
            held,
            self._width,
            subsequent_indent=" " * 4,
            break_long_words=False,
            break_on_hyphens=False,
        )
        return f"{filled.replace(HELD, ' ')}\n\n"


class Parser(argparse.ArgumentParser):
    """A parser whose help and errors fit the terminal."""

    def __init__(self, *arguments: object, **named: object) -> None:
        named.setdefault("formatter_class", HelpFormatter)
        super().__init__(*arguments, **named)  # type: ignore[arg-type]

    def error(self, message: str) -> NoReturn:
        """Print the usage and what is wrong with the command line, and end with status 2."""
        self.print_usage(sys.stderr)
        self.exit(2, wrapped(f"{self.prog}: error: {message}", columns()) + "\n")
