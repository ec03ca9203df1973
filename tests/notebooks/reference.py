"""The generated pages of the guide's reference.

`python -m tests.notebooks.reference` writes the pages that are stored: every public call on one page
(`notebooks/guide/reference/calls.md`), the columns of every frame (`frames.md`), and `llms.txt`. A test compares
them. The pages with whole docstrings and the command line's help are written while the site is built.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import os
import re
import sys
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any
from unittest import mock

import pandas as pd

import klaviyo_analytics as ka
from klaviyo_analytics import endpoints
from klaviyo_analytics.answers import Analyses, Reconciliation
from klaviyo_analytics.archive import Archive
from klaviyo_analytics.cli import main as command_line
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.endpoints import revisions
from klaviyo_analytics.plots._quantities import quantity
from klaviyo_analytics.resources._base import Resource
from klaviyo_analytics.writeback import Plan, Result
from tests.notebooks import columns

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "notebooks" / "guide"
REFERENCE = GUIDE / "reference"
ORDERS = ("Placed Order", "Shopify")
MODULES = ("analysis", "plots", "report", "widgets")
NOTE = "<!-- Written by `python -m tests.notebooks.reference`. -->"
HIDDEN = {"self", "cls"}
UNKNOWN = "?"  # a test finds it on the page

ABOUT_CALLS = """\
One line for each call: the keywords that it takes, and what it returns or does. `client` is what `ka.connect()` or
`ka.demo()` returns. Docstrings (`client.events.list?`) and the other pages of the reference say more.
"""
ABOUT_FRAMES = """\
What each call returns when it is made as shown, in order. Columns and dtypes follow from the request, not from the
rows: an empty answer has them too. Times of records are in UTC, times beside numbers on the account's clock (here
America/New_York). A fraction is 0.31 for 31%. Money is in units of the currency (dollars, not cents), and two
currencies are never added. Parts of nested attributes are joined by dots.
"""
ABOUT_THE_PACKAGE = """\
# klaviyo_analytics

> A Python package for analysing Klaviyo accounts in Jupyter with pandas: read every resource as a DataFrame, query
> metrics and reports, draw and explore them, keep a local copy, and write DataFrames back.

- Start: `import klaviyo_analytics as ka; client = ka.connect()`, with a key in MATON_API_KEY or KLAVIYO_API_KEY; or
  `ka.demo()`, a synthetic shop.
- guide/reference/calls.html lists the public calls; do not invent others. `client.describe()` lists them at run time.
- Several integrations can have a metric of one name: pass `("Placed Order", "Shopify")`.
- `sum_value` is revenue when the metric is an order. `unique` never adds up. Rates are fractions; never average them.
- Time frames are words ("last 30 days", "2026-Q2") or half-open pairs, read on the account's clock.
- Writing: `plan = client.profiles.plan_upsert(frame, ...)`, `plan.preview()`, `plan.apply()`.
- Reports and summaries allow two calls a minute and 225 a day.
"""


def resources() -> dict[str, type]:
    """Return the class of each resource of a client, by its attribute."""
    with ka.connect(api_key="pk_0123456789") as client:
        return {name: type(getattr(client, name)) for name in sorted(client.describe()["resource"].unique())}


def methods(of: type) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield the public methods of a class, inherited ones too, with their names."""
    for name, method in inspect.getmembers(of, inspect.isroutine):
        if name == "export" and issubclass(of, Resource) and not hasattr(of, "list"):
            continue  # it writes what `list` reads
        if not name.startswith("_") and inspect.getdoc(method) and inspect.getmodule(method) in _own():
            yield name, method


def _public(of: type) -> Iterator[tuple[str, Any]]:
    """Yield what an object of a class offers: methods and properties."""
    properties = [
        (name, value)
        for name, value in inspect.getmembers(of, lambda value: isinstance(value, property))
        if not name.startswith("_") and inspect.getdoc(value)
    ]
    yield from sorted([*methods(of), *properties], key=lambda named: named[0])


def _own() -> Collection[ModuleType]:
    return [module for name, module in sys.modules.items() if name.split(".")[0] == "klaviyo_analytics"]


# --- every public call on one page --------------------------------------------------------------------------


def calls() -> str:
    """Return the page with every public call: its signature and what it does."""
    parts = [
        "# Every public call",
        "",
        NOTE,
        "",
        ABOUT_CALLS,
        "",
        *_section("The package", "ka", _functions(ka, ka.__all__)),
        *_section("The client", "client", _public(KlaviyoClient)),
    ]
    for name, of in resources().items():
        parts += _section(f"client.{name}", f"client.{name}", _public(of))
    parts += _section("client.analyses, archive.analyses", "client.analyses", _public(Analyses))
    parts += _section("What client.reconcile returns", "reconciliation", _public(Reconciliation))
    parts += _section("A plan", "plan", _public(Plan))
    parts += _section("What apply returns", "result", _public(Result))
    parts += _section("An archive", "archive", _public(Archive))
    parts += _section("Several accounts", "accounts", _public(ka.AccountGroup))
    parts += _section("The gateway's connections", "connections", _public(ka.Connections))
    parts += _section("Time frames", "ka.Timeframe", _public(ka.Timeframe))
    for name in MODULES:
        module = getattr(ka, name)
        parts += _section(f"ka.{name}", f"ka.{name}", _functions(module, module.__all__))
    return "\n".join(parts).rstrip() + "\n"


def _functions(module: Any, names: list[str]) -> Iterator[tuple[str, Callable[..., Any]]]:
    for name in names:
        thing = getattr(module, name)
        if isinstance(thing, FunctionType | type):
            yield name, thing


def _section(title: str, holder: str, found: Iterator[tuple[str, Callable[..., Any]]]) -> list[str]:
    lines = [f"- `{holder}.{name}{signature(call)}` — {first_sentence(call)}" for name, call in found]
    return [f"## {title}", "", *lines, ""]


def signature(call: Callable[..., Any]) -> str:
    """Return the parameters of a call as one writes them, with short defaults; nothing for what is not called."""
    made_by_others = isinstance(call, type) and re.search(
        r"\b(made|created|returned) by\b", first_sentence(call)
    )
    if made_by_others or isinstance(call, property):
        return ""
    try:
        taken = inspect.signature(call).parameters.values()
    except ValueError:
        return "(...)"
    words: list[str] = []
    bare = False
    for parameter in taken:
        if parameter.name in HIDDEN or parameter.name.startswith("_"):
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and not bare:
            words.append("*")
            bare = True
        star = "*" * (parameter.kind is parameter.VAR_POSITIONAL) + "**" * (
            parameter.kind is parameter.VAR_KEYWORD
        )
        bare = bare or star == "*"
        words.append(f"{star}{parameter.name}{_default(parameter.default)}")
    return f"({', '.join(words)})"


def _default(value: Any) -> str:
    if value is inspect.Parameter.empty:
        return ""
    if value is None or isinstance(value, str | int | float | bool | tuple):
        return f"={value!r}"
    return "=..."


def first_sentence(thing: Any) -> str:
    """Return the first paragraph of a docstring as one line."""
    return " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split()).replace("``", "`")


# --- the columns of every frame -----------------------------------------------------------------------------


def frames() -> str:
    """Return the page with the columns of every frame, as a small demo shop answers."""
    parts = [
        "# Columns of every frame",
        "",
        NOTE,
        "",
        ABOUT_FRAMES,
        "",
    ]
    with ka.demo(profiles=300, events=6_000, progress=False) as client:
        for title, group in (
            ("Records", _records(client)),
            ("Numbers", _numbers(client)),
            ("Analyses", _analyses(client)),
            ("The account and the toolkit", _housekeeping(client)),
        ):
            parts += [f"## {title}", ""]
            for call, frame in group:
                parts += [f"### {call}", "", "| column | dtype | what it holds |", "|---|---|---|"]
                method, money = call.split("(")[0].rpartition(".")[2] or call, _currency(frame)
                if call.endswith((".roads", ".bridge", ".rates", ".rows")):
                    method = call.rpartition(".")[2]
                parts += [
                    f"| `{column}` | {dtype} | {meaning(str(column), dtype, method, money)} |"
                    for column, dtype in zip(frame.columns, map(str, frame.dtypes), strict=True)
                ]
                parts.append("")
    return "\n".join(parts).rstrip() + "\n"


def _currency(frame: pd.DataFrame) -> str:
    """Return where the currency of a frame's amounts stands."""
    for column in ("currency", "value_currency"):
        if column in frame:
            return f", in `{column}`"
    return ', in `attrs["currency"]`' if frame.attrs.get("currency") else ", in the account's currency"


Frames = Iterator[tuple[str, pd.DataFrame]]


def _records(client: KlaviyoClient) -> Frames:
    parents = {
        "coupon_codes": {"coupon": client.coupons.list(limit=1)["id"].iloc[0]},
    }
    table = {endpoint.operation for endpoint in endpoints.load(revisions.DEFAULT)}
    for name, of in resources().items():
        listing = getattr(getattr(client, name), "list", None)
        operations = set(getattr(listing, "operations", ()))
        if listing is None or name in ("accounts", "bulk_jobs") or not operations & table:
            continue  # `accounts` has one row, `client.account`; a few resources have lists in later revisions only
        more = parents.get(name, {})
        taken = inspect.signature(of.list).parameters  # type: ignore[attr-defined]
        limit = {"limit": 1} if "limit" in taken else {}
        shown = ", ".join(f"{key}=..." for key in more)
        yield f"client.{name}.list({shown})", listing(**more, **limit)
    segment = client.segments.list().iloc[0]
    yield "client.segments.profiles(segment)", client.segments.profiles(segment, limit=1)
    yield "client.events.attributions()", client.events.attributions(metric=ORDERS, timeframe="last 90 days")
    yield (
        "client.metrics.properties(metric)",
        client.metrics.properties(client.metrics.find(name=ORDERS[0], integration=ORDERS[1])),
    )


def _numbers(client: KlaviyoClient) -> Frames:
    reports, aggregates = client.reports, client.metric_aggregates
    yield (
        "client.metric_aggregates.query(metric, measurements=[...], by='$attributed_channel')",
        aggregates.query(
            ORDERS,
            measurements=["count", "sum_value", "unique"],
            by="$attributed_channel",
            timeframe="last 30 days",
        ),
    )
    yield "client.campaigns.summary()", client.campaigns.summary("last 90 days", conversion_metric=ORDERS)
    yield (
        "client.campaigns.summary(by='variation')",
        client.campaigns.summary("last 90 days", conversion_metric=ORDERS, by="variation"),
    )
    yield "client.flows.summary()", client.flows.summary("last 90 days", conversion_metric=ORDERS)
    yield (
        "client.flows.summary(by='message')",
        client.flows.summary("last 90 days", conversion_metric=ORDERS, by="message"),
    )
    yield "client.account_summary()", client.account_summary("last 30 days", conversion_metric=ORDERS)
    yield (
        "client.reports.flow_series(statistics=[...])",
        reports.flow_series(
            statistics=["recipients", "open_rate"],
            interval="weekly",
            timeframe="last 8 weeks",
            conversion_metric=ORDERS,
        ),
    )
    yield "client.reports.form_values()", reports.form_values(timeframe="last 90 days")
    yield "client.reports.segment_values()", reports.segment_values(timeframe="last 90 days")
    yield "client.reports.budget()", reports.budget()


def _analyses(client: KlaviyoClient) -> Frames:
    analyses = client.analyses
    sent = client.campaigns.summary("last 365 days", conversion_metric=ORDERS, by="variation")
    tested = sent.groupby("campaign")["variation"].nunique().idxmax()
    given = {  # what an analysis cannot be asked without, and how the page shows it
        "ab_test": ((tested,), "campaign"),
        "holdout_lift": (("Window shoppers 👀", "United States"), "holdout, treated"),
    }
    for name, _ in methods(Analyses):
        arguments, shown = given.get(name, ((), ""))
        yield f"client.analyses.{name}({shown})", getattr(analyses, name)(*arguments)
    why = client.reconcile("2026-04")
    yield "client.reconcile(...).roads", why.roads
    yield "client.reconcile(...).bridge", why.bridge
    yield "client.reconcile(...).rates", why.rates


def _housekeeping(client: KlaviyoClient) -> Frames:
    yield "client.audit()", client.audit()
    yield "client.describe()", client.describe()
    people = pd.DataFrame({"email": ["ann@shop.example"], "score": [5]})
    plan = client.profiles.plan_upsert(people, columns={"score": "properties.score"})
    yield "plan.preview()", plan.preview()
    yield "plan.apply().rows", plan.apply(journal=False).rows


ENDINGS = {
    "_hours": "hours",
    "_days": "days",
    "days": "days",
    "hours": "hours",
    "_ids": "list of ids",
    "_id": "id",
    "_p_value": "p-value",
    "url": "URL",
}
ANOTHER_AVERAGE = (
    "new_and_returning",
    "touch_rollup",
)  # of all orders, where a summary's is of attributed ones
DERIVED = {
    "_previous": "the same a year before",
    "_difference": "difference to the year before",
    "_change": "fraction of the year before: 0.1 is 10% more",
}


def meaning(column: str, dtype: str, call: str = "", money: str = "") -> str:
    """Return what a column holds, with its unit: words of `columns`, the clock of a time, the formula of a rate.

    `call` is the method that returns it, and `money` says in which currency amounts of its frame are.
    """
    if dtype.startswith("datetime64"):
        return "time, UTC" if "UTC" in dtype else "time, on the account's clock" if "," in dtype else "date"
    words = columns.WORDS.get(f"{call}: {column}")
    known = quantity(column)
    if words is None and call not in ANOTHER_AVERAGE and (known.definition or known.denominator):
        kind = {"rate": "fraction", "money": "money"}.get(known.kind, "count")
        words = f"{kind}: {known.definition}"
    if words is None:
        words = columns.WORDS.get(column) or _by_name(column, dtype)
    return re.sub(r"^money(?=:|$)", f"money{money}", words)


def _by_name(column: str, dtype: str) -> str:
    if column == "id":
        return "id"
    for ending, unit in (ENDINGS | DERIVED).items():
        if column.endswith(ending):
            return unit
    if dtype in ("boolean", "bool"):
        return "true or false"
    if quantity(column).kind == "money" or column == "price" or column.startswith("revenue_"):
        return "fraction, 0 to 1" if column.endswith("share") else "money"
    if quantity(column).kind == "rate" and dtype.lower().startswith("float"):
        return "fraction"
    if column.startswith("utm_"):
        return "static or dynamic" if column.endswith(".type") else "value of the parameter in links"
    return UNKNOWN


# --- llms.txt -----------------------------------------------------------------------------------------------


def llms() -> str:
    """Return llms.txt: what a coding assistant needs to know, and where the pages are."""
    with_title = [(path, _title(path)) for path in _pages()]
    lines = [ABOUT_THE_PACKAGE]
    for folder, title in (
        ("", "Notebooks"),
        ("howto", "How to"),
        ("explanation", "Explanation"),
        ("reference", "Reference"),
    ):
        lines += [f"## {title}", ""]
        lines += [
            f"- [{words}]({path.with_suffix('.html').relative_to(ROOT / 'notebooks').as_posix()})"
            for path, words in with_title
            if (path.parent.name if path.parent != ROOT / "notebooks" else "") == folder
        ]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _pages() -> list[Path]:
    top = sorted((ROOT / "notebooks").glob("0*.ipynb"))
    inner = sorted(
        path for path in GUIDE.rglob("*") if path.suffix in (".md", ".ipynb") and path.parent != GUIDE
    )
    return [*top, *(path for path in inner if path.stem != "index")]


def _title(path: Path) -> str:
    found = re.search(r"#+ ([^\"\\\n]+)", path.read_text("utf-8"))
    return found[1].strip() if found else path.stem


# --- pages that are written while the site is built ----------------------------------------------------------


def write_api(folder: Path) -> None:
    """Write the pages with whole docstrings, and the help of every command, into a folder of the guide."""
    pages = {
        "client": (
            "Connecting, and the client",
            [
                *(
                    f"autofunction:: klaviyo_analytics._connect.{name}"
                    for name in ("connect", "demo", "quiet_http_logs")
                ),
                "autofunction:: klaviyo_analytics.account_group.connect_all",
                "autofunction:: klaviyo_analytics.archive.open_archive",
                "autoclass:: klaviyo_analytics.client.KlaviyoClient",
                "autoclass:: klaviyo_analytics.account_group.AccountGroup",
                "autoclass:: klaviyo_analytics.connections.Connections",
                "autoclass:: klaviyo_analytics.timeframe.Timeframe",
            ],
        ),
        "analyses": (
            "client.analyses",
            [
                "autoclass:: klaviyo_analytics.answers.Analyses",
                "autoclass:: klaviyo_analytics.answers.Reconciliation",
            ],
        ),
        "archive": ("The archive", ["autoclass:: klaviyo_analytics.archive.Archive"]),
        "writing": (
            "Plans and results",
            [f"autoclass:: {of.__module__}.{of.__qualname__}" for of in (Plan, Result)],
        ),
        "errors": ("Errors", ["automodule:: klaviyo_analytics.errors"]),
    }
    for name in MODULES:
        module = getattr(ka, name)
        pages[name] = (
            f"ka.{name}",
            [
                f"auto{_kind(getattr(module, each))}:: klaviyo_analytics.{name}.{each}"
                for each in module.__all__
            ],
        )
    for name, of in resources().items():
        pages[f"resource_{name}"] = (f"client.{name}", [f"autoclass:: {of.__module__}.{of.__qualname__}"])
    for name, (title, directives) in pages.items():
        lines = [title, "=" * len(title), ""]
        for directive in directives:
            lines += [f".. {directive}", *_options(directive), ""]
        (folder / f"{name}.rst").write_text("\n".join(lines), "utf-8")
    (folder / "command_line.md").write_text(command_line_help(), "utf-8")


def _kind(thing: Any) -> str:
    return "class" if isinstance(thing, type) else "function" if callable(thing) else "data"


def _options(directive: str) -> list[str]:
    if directive.startswith("autofunction"):
        return []
    if directive.startswith("autodata"):
        return ["   :no-value:"]  # the docstring says what it holds
    return (
        ["   :members:"]
        if directive.startswith("automodule")
        else [
            "   :members:",
            "   :inherited-members: HasTraits, dict, tuple",
            "   :exclude-members: __new__" + (", __init__" if _made_by_others(directive) else ""),
        ]
    )


def _made_by_others(directive: str) -> bool:
    """Return whether a class is one that calls return, so that its constructor is not the reader's."""
    return directive.split(":: ")[1] not in {
        f"klaviyo_analytics.{name}.{each}" for name in MODULES for each in getattr(ka, name).__all__
    } | {"klaviyo_analytics.connections.Connections", "klaviyo_analytics.timeframe.Timeframe"}


def command_line_help() -> str:
    """Return the page with the help of every command."""
    lines = ["# Command line", "", "```text", _help().rstrip(), "```", ""]
    for command in re.findall(r"^    ([a-z]+)\b", _help(), re.MULTILINE):
        lines += [f"## {command}", "", "```text", _help(command).rstrip(), "```", ""]
    return "\n".join(lines)


def _help(*command: str) -> str:
    shown = io.StringIO()
    with (
        mock.patch.dict(os.environ, {"COLUMNS": "100"}),
        contextlib.redirect_stdout(shown),
        contextlib.suppress(SystemExit),
    ):
        command_line([*command, "--help"])
    return shown.getvalue()


STORED: dict[Path, Callable[[], str]] = {
    REFERENCE / "calls.md": calls,
    REFERENCE / "frames.md": frames,
    GUIDE / "llms.txt": llms,
}


def main() -> None:
    """Write the stored pages."""
    for path, page in STORED.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(page(), "utf-8")
        sys.stdout.write(f"{path.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
