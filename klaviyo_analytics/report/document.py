"""The document: a frozen list of parts that other modules write as HTML, Excel, PDF and text."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, get_args

import matplotlib as mpl
import pandas as pd

from klaviyo_analytics._messages import near
from klaviyo_analytics._safe_text import replace_file
from klaviyo_analytics.errors import FrameError, InvalidInputError
from klaviyo_analytics.plots._hover import (
    Layer,
    Mark,
    has_layers,
    laid_out,
    marks_of,
    picture_in_layers,
    png_of,
)

if TYPE_CHECKING:
    import matplotlib.figure

Kind = Literal["text", "count", "number", "money", "rate", "date", "datetime", "mixed"]
Verdict = Literal["good", "watch", "act"]
Chart = Literal["column", "stacked", "line", "bar"]
MOST_BYTES = 2_000_000
"""Size of an HTML file beyond which `Report.to_html` warns."""


@dataclass(frozen=True)
class Branding:
    """What a report looks like: colours, logo, footer, and the language of dates and numbers.

    Parameters
    ----------
    colour : str
        Accent colour, as #rrggbb.
    logo : str or Path, optional
        PNG, JPEG, GIF, WebP or SVG file; it becomes part of the report.
    footer : str
        Text at the end of the report.
    language : str
        Language tag such as "en", "de" or "pt-BR" for dates and numbers; the words that the package writes stay
        English. Workbooks hold numbers and dates themselves, which the reader's own program shows in its language.
        Anything but "en" needs babel, which the extra ``report`` brings.

    Raises
    ------
    InvalidInputError
        The colour, the language or the type of the logo is not valid.

    Examples
    --------
    >>> Branding(colour="#204060", footer="Juniper Agency").footer
    'Juniper Agency'
    """

    colour: str = "#0b5fa5"
    logo: str | Path | None = None
    footer: str = ""
    language: str = "en"

    def __post_init__(self) -> None:
        if not re.fullmatch(r"#[0-9A-Fa-f]{6}", self.colour):
            raise InvalidInputError(
                f"colour={self.colour!r} is not a colour; expected six hex digits such as '#0b5fa5'."
            )
        if self.logo is not None and Path(self.logo).suffix.lower() not in LOGO_TYPES:
            raise InvalidInputError(
                f"logo={str(self.logo)!r} has an unknown type; "
                f"allowed are {near(Path(self.logo).suffix, LOGO_TYPES)}."
            )


LOGO_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True)
class Heading:
    """Title of a chapter; chapters form the table of contents.

    Parameters
    ----------
    title : str
        The title.
    """

    title: str


@dataclass(frozen=True)
class Text:
    """Paragraphs, or the items of a list.

    Parameters
    ----------
    text : str or sequence of str
        One paragraph, or one for each entry. Plain text: markup is shown as it is.
    title : str
        Optional title above.
    items : bool
        Whether the entries are the items of a list.
    """

    text: str | Sequence[str]
    title: str = ""
    items: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", (self.text,) if isinstance(self.text, str) else tuple(self.text))

    @property
    def lines(self) -> tuple[str, ...]:
        """The paragraphs or items."""
        return tuple(self.text)


@dataclass(frozen=True)
class Table:
    """A DataFrame with a title.

    Parameters
    ----------
    title : str
        Title, also the name of the sheet in Excel.
    frame : pandas.DataFrame
        Copied. Rates are fractions; they are shown as percentages.
    kinds : mapping of column to {"text", "count", "number", "money", "rate", "date", "datetime", "mixed"}
        What a column holds, where it is not clear from its name and dtype. "mixed" takes the kind of each row from
        `row_kinds`.
    labels : mapping of column to str
        Column titles; the column's name in words if omitted.
    currency : str, optional
        Code such as "EUR" for the columns of money.
    note : str
        Explanation below the table: denominators, order, what was left out.
    chart : {"column", "stacked", "line", "bar"}, optional
        Native chart in Excel, of the first column and all numeric ones that `series` names.
    series : sequence of str
        Columns of the chart.
    row_kinds : sequence of kinds
        A kind for each row, for columns of kind "mixed".

    Raises
    ------
    FrameError
        `frame` is not a DataFrame, or two columns have the same name.
    InvalidInputError
        A kind or chart is not known, or `kinds`, `labels` or `series` names a column that does not exist.
    """

    title: str
    frame: pd.DataFrame
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    currency: str | None = None
    note: str = ""
    chart: Chart | None = None
    series: Sequence[str] = ()
    row_kinds: Sequence[Kind] = ()

    def __post_init__(self) -> None:
        frame: Any = self.frame
        if not isinstance(frame, pd.DataFrame):
            raise FrameError(
                f"Table({self.title!r}): frame is of type {type(frame).__name__}, not a DataFrame."
            )
        if not self.frame.columns.is_unique:
            raise FrameError(f"Table({self.title!r}): two columns have the same name; rename one of them.")
        for what, names in (("kinds", self.kinds), ("labels", self.labels), ("series", self.series)):
            unknown = [str(name) for name in names if name not in self.frame.columns]
            if unknown:
                raise InvalidInputError(
                    f"Table({self.title!r}): {what} names {', '.join(unknown)}, which is not a column of the frame."
                )
        bad = [kind for kind in self.kinds.values() if kind not in get_args(Kind)]
        if bad:
            raise InvalidInputError(
                f"kind {bad[0]!r} is not valid; allowed are {near(bad[0], get_args(Kind))}."
            )
        if "mixed" in self.kinds.values() and len(self.row_kinds) != len(self.frame):
            raise InvalidInputError(
                f"Table({self.title!r}): row_kinds has {len(self.row_kinds)} entries for {len(self.frame)} rows."
            )
        if self.chart is not None and self.chart not in get_args(Chart):
            raise InvalidInputError(
                f"chart={self.chart!r} is not valid; allowed are {near(self.chart, get_args(Chart))}."
            )
        object.__setattr__(self, "frame", self.frame.copy())
        object.__setattr__(self, "kinds", MappingProxyType(dict(self.kinds)))
        object.__setattr__(self, "labels", MappingProxyType(dict(self.labels)))
        object.__setattr__(self, "series", tuple(self.series))
        object.__setattr__(self, "row_kinds", tuple(self.row_kinds))


@dataclass(frozen=True)
class Figure:
    """A Matplotlib figure, drawn when the part is made, with the data that it shows.

    Parameters
    ----------
    title : str
        Title above the figure.
    figure : matplotlib.figure.Figure or Axes
        Drawn at once as SVG and PNG, so that later changes have no effect; it stays open.
    data : Table, optional
        The data behind the figure: folded away below it in HTML, a sheet with a native chart in Excel.
    alt : str
        What the figure shows, for people who cannot see it; the title if omitted.
    kind : {"count", "number", "money", "rate"}
        What the values are, for the text that appears when the pointer is over a point or bar.
    currency : str, optional
        Code of money.
    """

    title: str
    figure: Any = field(repr=False)
    data: Table | None = None
    alt: str = ""
    kind: Kind = "number"
    currency: str | None = None
    svg: str = field(default="", init=False, repr=False)
    png: bytes = field(default=b"", init=False, repr=False)
    width: int = field(default=0, init=False)
    height: int = field(default=0, init=False)
    marks: tuple[Mark, ...] = field(default=(), init=False, repr=False)
    base: bytes = field(default=b"", init=False, repr=False)  # the picture without the series of its legend
    layers: tuple[Layer, ...] = field(default=(), init=False, repr=False)

    def __post_init__(self) -> None:
        drawn: matplotlib.figure.Figure | None = getattr(self.figure, "figure", self.figure)
        if drawn is None or not hasattr(drawn, "savefig"):
            raise InvalidInputError(
                f"Figure({self.title!r}): {type(self.figure).__name__} is not a Matplotlib figure or Axes."
            )
        vector = io.BytesIO()
        with (
            mpl.rc_context({"svg.fonttype": "path", "svg.hashsalt": "klaviyo-analytics"}),
            laid_out(drawn, 144),
        ):
            picture = png_of(drawn)
            drawn.savefig(vector, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
        with laid_out(drawn, 192):
            marks = marks_of(drawn, self.kind, self.currency)
            base, layers = picture_in_layers(drawn, transparent=True) if has_layers(drawn) else (b"", [])
        text = vector.getvalue().decode()
        own: dict[str, Any] = {
            "svg": text[text.index("<svg") :],
            "png": picture,
            "width": round(drawn.get_figwidth() * 96),
            "height": round(drawn.get_figheight() * 96),
            "marks": tuple(marks),
            "base": base,
            "layers": tuple(layers),
            "figure": None,
        }
        for name, value in own.items():
            object.__setattr__(self, name, value)


@dataclass(frozen=True)
class Card:
    """One key number.

    Parameters
    ----------
    label : str
        What it is.
    value : float or None
        The number; None where it is not known.
    kind : {"count", "number", "money", "rate"}
        Decides the format.
    currency : str, optional
        Code of money.
    change : float, optional
        Change from the period before, as a fraction of it.
    trend : sequence of float
        Values of a sparkline.
    threshold : str
        The threshold that practitioners apply, in words.
    verdict : {"good", "watch", "act"}, optional
        How the value stands to the threshold.
    action : str
        One possible action.
    """

    label: str
    value: float | None
    kind: Kind = "number"
    currency: str | None = None
    change: float | None = None
    trend: Sequence[float] = ()
    threshold: str = ""
    verdict: Verdict | None = None
    action: str = ""


@dataclass(frozen=True)
class MetricCards:
    """Key numbers beside each other.

    Parameters
    ----------
    cards : sequence of Card
        The numbers.
    title : str
        Optional title above.
    """

    cards: Sequence[Card]
    title: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "cards", tuple(self.cards))


@dataclass(frozen=True)
class PageBreak:
    """A new page begins here when the report is printed."""


Part = Heading | Text | Table | Figure | MetricCards | PageBreak


@dataclass(frozen=True)
class Report:
    """A finished report; every method writes the same parts in another form.

    Parameters
    ----------
    title : str
        Title of the report.
    sections : sequence of Heading, Text, Table, Figure, MetricCards or PageBreak
        The parts in their order.
    subtitle : str
        A line below the title, such as the period.
    branding : Branding, optional
        Colours, logo, footer, language.
    failures : mapping of str to str
        Sections that could not be made, and why. The report lists them at its end.
    wording : str, optional
        Language tag of your own titles and texts, for screen readers; the language of `branding` if omitted.
    private : bool, default False
        It names people: new files are readable by their owner only (mode 0600), and one that is replaced keeps its
        permissions. `performance` sets it unless `privacy` is "aggregate".

    Raises
    ------
    InvalidInputError
        A section is of another type, or `wording` is not a language tag.

    Examples
    --------
    >>> import pandas as pd
    >>> import klaviyo_analytics as ka
    >>> table = ka.report.Table("Stores", pd.DataFrame({"store": ["Oslo", "Rome"], "orders": [3, 5]}))
    >>> report = ka.report.Report("Weekly", sections=[ka.report.Heading("Orders"), table])
    >>> print(report.to_markdown())
    # Weekly
    <BLANKLINE>
    ## Orders
    <BLANKLINE>
    ### Stores
    <BLANKLINE>
    | store | orders |
    |:---|---:|
    | Oslo | 3 |
    | Rome | 5 |
    <BLANKLINE>
    """

    title: str
    sections: Sequence[Part] = ()
    subtitle: str = ""
    branding: Branding = field(default_factory=Branding)
    failures: Mapping[str, str] = field(default_factory=dict)
    wording: str | None = None
    private: bool = False

    def __post_init__(self) -> None:
        if self.wording is not None and not re.fullmatch(
            r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*", self.wording
        ):
            raise InvalidInputError(
                f"wording={self.wording!r} is not a language tag; expected one such as 'en', 'de' or 'pt-BR'."
            )
        given: Sequence[Any] = self.sections
        for position, part in enumerate(given):
            if not isinstance(part, Part):
                allowed = near(type(part).__name__, (kind.__name__ for kind in get_args(Part)))
                raise InvalidInputError(
                    f"sections[{position}] is of type {type(part).__name__}; allowed are {allowed}."
                )
        object.__setattr__(self, "sections", tuple(self.sections))
        object.__setattr__(self, "failures", MappingProxyType(dict(self.failures)))

    def tables(self) -> list[Table]:
        """Return every table, those behind figures included, in the order of the report."""
        found = [part.data if isinstance(part, Figure) else part for part in self.sections]
        return [part for part in found if isinstance(part, Table)]

    def to_html(self, path: str | Path | None = None) -> str:
        """Write one HTML file that needs no network, or return it only.

        Parameters
        ----------
        path : str or Path, optional
            File to write; an existing one is replaced.

        Returns
        -------
        str
            The document. It warns if it is larger than 2 MB.

        Raises
        ------
        MissingExtraError
            The extra ``report`` is not installed.
        """
        from klaviyo_analytics.report.html import document  # noqa: PLC0415

        text = document(self)
        if path is not None:
            replace_file(Path(path), text, private=self.private)
        return text

    def to_pdf(self, path: str | Path) -> None:
        """Write the report as PDF, in A4.

        Parameters
        ----------
        path : str or Path
            File to write; an existing one is replaced.

        Raises
        ------
        MissingExtraError
            The extra ``pdf`` is not installed.
        """
        from klaviyo_analytics.report.html import pdf  # noqa: PLC0415

        replace_file(Path(path), pdf(self), private=self.private)

    def to_excel(self, path: str | Path) -> None:
        """Write a workbook: an overview, and a sheet for each table and for the data of each figure.

        Parameters
        ----------
        path : str or Path
            File to write; an existing one is replaced.

        Raises
        ------
        InvalidInputError
            A table has more rows or columns than a sheet.
        MissingExtraError
            The extra ``report`` is not installed.
        """
        from klaviyo_analytics.report.excel import workbook  # noqa: PLC0415

        replace_file(Path(path), workbook(self), private=self.private)

    def to_markdown(self, path: str | Path | None = None) -> str:
        """Write the report as Markdown, figures as their tables.

        Parameters
        ----------
        path : str or Path, optional
            File to write; an existing one is replaced.

        Returns
        -------
        str
            The text.
        """
        from klaviyo_analytics.report.text import markdown  # noqa: PLC0415

        text = markdown(self)
        if path is not None:
            replace_file(Path(path), text, private=self.private)
        return text

    def to_folder(self, path: str | Path) -> list[Path]:
        """Write each table as CSV and Parquet and each figure as SVG and PNG, with the text as Markdown.

        Parameters
        ----------
        path : str or Path
            Folder, which is made if needed. Parquet files need pyarrow, of the extra ``archive``; without it the
            folder has CSV files only.

        Returns
        -------
        list of Path
            The files, in the order of the report.

        Raises
        ------
        FileExistsError
            The folder holds files that the report would replace.
        """
        from klaviyo_analytics.report.text import folder  # noqa: PLC0415

        return folder(self, Path(path))

    def _repr_html_(self) -> str:
        from klaviyo_analytics.report.html import fragment  # noqa: PLC0415

        return fragment(self)
