"""Reports of several accounts, from a small TOML file: a file each, and a page that lists them."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from klaviyo_analytics._html import table
from klaviyo_analytics._messages import near
from klaviyo_analytics.analysis.orders import OrderConditions
from klaviyo_analytics.errors import ConfigurationError, InvalidInputError, KlaviyoError
from klaviyo_analytics.report.document import Branding
from klaviyo_analytics.report.html import overview
from klaviyo_analytics.report.performance import performance

if TYPE_CHECKING:
    from klaviyo_analytics.client import KlaviyoClient

_SHARED: dict[str, Any] = {
    "title": str,
    "timeframe": str,
    "conversion_metric": (str, list),
    "sections": list,
    "orders": dict,
    "branding": dict,
}
_TOP = _SHARED | {"folder": str, "compare": str, "privacy": str, "formats": list, "accounts": list}
_ACCOUNT = _SHARED | {"name": str, "key_env": str, "connection": str, "base_url": str}
_BRANDING = {"colour": str, "logo": str, "footer": str, "language": str}
_FORMATS = {"html": ".html", "xlsx": ".xlsx", "pdf": ".pdf", "md": ".md"}


class ReportsFailedError(KlaviyoError):
    """Some accounts have no report; `run.frame` lists them."""

    def __init__(self, message: str, run: Run | None = None) -> None:
        super().__init__(message)
        self.run = run


@dataclass(frozen=True)
class Run:
    """What became of the reports of several accounts.

    Attributes
    ----------
    frame : pandas.DataFrame
        A row for each account: account, status ("written", "incomplete" or "failed"), file, message (string).
    overview : Path
        The page that lists the reports.
    """

    frame: pd.DataFrame
    overview: Path

    @property
    def ok(self) -> bool:
        """Whether every account has its report, with all its sections."""
        return bool(self.frame["status"].eq("written").all())

    @property
    def exit_code(self) -> int:
        """0 if every report is complete, 3 (done in part) if an account failed or lacks a section.

        `klaviyo-analytics report reports.toml` exits with the same status.
        """
        return 0 if self.ok else 3

    def raise_for_failures(self) -> Run:
        """Return the run if every report is complete.

        Returns
        -------
        Run

        Raises
        ------
        ReportsFailedError
            An account failed, or a section of its report.
        """
        bad = self.frame[self.frame["status"] != "written"]
        if len(bad):
            listed = "; ".join(f"{row.account}: {row.message}" for row in bad.head(5).itertuples())
            raise ReportsFailedError(
                f"{len(bad)} of {len(self.frame)} reports are not complete: {listed}. See {self.overview}.",
                self,
            )
        return self

    def _repr_html_(self) -> str:
        return table(self.frame, index=False)


def run(path: str | Path, *, environ: Mapping[str, str] | None = None) -> Run:
    r"""Make the reports of the accounts that a TOML file lists.

    One account that fails does not stop the others; the overview page and the result name it.

    Parameters
    ----------
    path : str or Path
        The file. At its top: title, folder (for the reports; beside the file), timeframe, compare ("none" for no
        comparison), conversion_metric, privacy, sections, formats ("html", "xlsx", "pdf", "md"), a table ``[orders]``
        with the conditions of orders that count (as ``renewals = false``), and a table ``[branding]`` with colour,
        logo, footer, language. Each ``[[accounts]]`` has a name, ``key_env`` (the name of
        the environment variable with its key), or a ``connection`` of the gateway, or both; also base_url, title,
        timeframe, conversion_metric, sections, orders and branding of its own. The file holds no key.
    environ : mapping, optional
        Environment variables; those of the process if omitted.

    Returns
    -------
    Run
        `run.frame`, `run.overview`, `run.ok`, `run.exit_code`; `run.raise_for_failures()` raises for a scheduler.

    Raises
    ------
    InvalidInputError
        The file is not valid TOML, has an unknown entry, or lists no account.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> import klaviyo_analytics as ka
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder, "reports.toml")
    ...     _ = file.write_text('[[accounts]]\nname = "Shop"\nkey_env = "SHOP_KEY"\n')
    ...     result = ka.report.run(file, environ={})
    >>> result.frame.loc[0, ["account", "status"]].tolist(), result.exit_code
    (['Shop', 'failed'], 3)
    """
    file = Path(path)
    settings = _read(file)
    folder = file.parent / settings.get("folder", "reports")
    folder.mkdir(parents=True, exist_ok=True)
    known = os.environ if environ is None else environ
    names: set[str] = {"index"}
    rows: list[tuple[Any, ...]] = []
    for account in settings["accounts"]:
        stem = _stem(account["name"], names)
        try:
            rows.append((account["name"], *_one(account, settings, file.parent, folder / stem, known)))
        except Exception as error:  # noqa: BLE001  (one account does not stop the others)
            rows.append((account["name"], "failed", pd.NA, f"{type(error).__name__}: {error}"))
    frame = pd.DataFrame(rows, columns=["account", "status", "file", "message"]).astype("string")
    page = folder / "index.html"
    colour = _branding(settings, {}, file.parent).colour
    page.write_text(overview(settings.get("title", "Reports"), frame, colour), encoding="utf-8", newline="\n")
    return Run(frame, page)


def _one(
    account: Mapping[str, Any],
    settings: Mapping[str, Any],
    beside: Path,
    stem: Path,
    environ: Mapping[str, str],
) -> tuple[str, str, Any]:
    def chosen(name: str, otherwise: Any = None) -> Any:
        return account.get(name, settings.get(name, otherwise))

    metric = chosen("conversion_metric")
    compare = settings.get("compare", "previous_period")
    with _client(account, environ) as client:
        report = performance(
            client,
            chosen("timeframe", "last month"),
            compare=None if compare == "none" else compare,
            conversion_metric=tuple(metric) if isinstance(metric, list) else metric,
            privacy=settings.get("privacy", "aggregate"),
            sections=chosen("sections"),
            orders=chosen("orders"),
            title=account.get("title"),
            branding=_branding(settings, account, beside),
        )
    writers: dict[str, Any] = {
        "html": report.to_html,
        "xlsx": report.to_excel,
        "pdf": report.to_pdf,
        "md": report.to_markdown,
    }
    formats = settings.get("formats", ["html"])
    for name in formats:
        writers[name](stem.with_name(stem.name + _FORMATS[name]))
    written = stem.name + _FORMATS[formats[0]]
    if report.failures:
        return "incomplete", written, "; ".join(f"{k}: {v}" for k, v in report.failures.items())
    return "written", written, pd.NA


def _client(account: Mapping[str, Any], environ: Mapping[str, str]) -> KlaviyoClient:
    from klaviyo_analytics._connect import connect  # noqa: PLC0415  (only what runs reports connects)

    options = {name: account[name] for name in ("connection", "base_url") if name in account}
    if variable := account.get("key_env"):
        if not environ.get(variable):
            raise ConfigurationError(
                f"environment variable {variable} is not set. It should hold the key of account {account['name']!r}."
            )
        options["api_key"] = environ[variable]
    return connect(progress=False, **options)


def _branding(settings: Mapping[str, Any], account: Mapping[str, Any], beside: Path) -> Branding:
    own = {**settings.get("branding", {}), **account.get("branding", {})}
    if "logo" in own:
        own["logo"] = beside / own["logo"]
    return Branding(**own)


def _stem(name: str, taken: set[str]) -> str:
    """Return a file name for an account, used once and allowed on every system."""
    plain = re.sub(r"[^\w-]+", "-", name.lower()).strip("-")[:60] or "account"
    stem, number = plain, 2
    while stem in taken:
        stem, number = f"{plain}-{number}", number + 1
    taken.add(stem)
    return stem


def _read(file: Path) -> dict[str, Any]:
    try:
        settings = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"{file} is not valid TOML: {error}.") from None
    _checked(file, "", settings, _TOP)
    _checked(file, "branding", settings.get("branding", {}), _BRANDING)
    kinds: dict[type, type] = {bool: bool, tuple: list}
    conditions = {one.name: kinds.get(type(one.default), str) for one in fields(OrderConditions)}
    _checked(file, "orders", settings.get("orders", {}), conditions)
    unknown = [str(name) for name in settings.get("formats", []) if name not in _FORMATS]
    if unknown or not settings.get("formats", ["html"]):
        raise InvalidInputError(
            f"{file}: formats {unknown} are not valid; allowed are {near(unknown, _FORMATS)}."
        )
    if not settings.get("accounts"):
        raise InvalidInputError(f"{file} lists no account. Add [[accounts]] with a name and key_env.")
    for position, account in enumerate(settings["accounts"], start=1):
        where = f"account {position}"
        if not isinstance(account, dict) or not account.get("name"):
            raise InvalidInputError(f'{file}, {where} has no name. Add name = "…".')
        _checked(file, where, account, _ACCOUNT)
        _checked(file, f"{where}, branding", account.get("branding", {}), _BRANDING)
        _checked(file, f"{where}, orders", account.get("orders", {}), conditions)
        if not account.get("key_env") and not account.get("connection"):
            raise InvalidInputError(
                f"{file}, {where} ({account['name']}) has neither key_env nor connection. Add the name of the "
                "environment variable that holds its key."
            )
    return settings


def _checked(file: Path, where: str, given: Mapping[str, Any], allowed: Mapping[str, Any]) -> None:
    place = f"{file}, {where}" if where else str(file)
    for name, value in given.items():
        if name not in allowed:
            raise InvalidInputError(f"{place}: {name!r} is not known; allowed are {near(name, allowed)}.")
        if not isinstance(value, allowed[name]):
            raise InvalidInputError(
                f"{place}: {name} is a {type(value).__name__}, which is not allowed here."
            )
