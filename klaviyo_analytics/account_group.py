"""Several accounts side by side: the same reading methods, one frame with a column `account`."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any

import pandas as pd

from klaviyo_analytics._connect import connect
from klaviyo_analytics._messages import level_outside, near
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import InvalidInputError, KlaviyoError
from klaviyo_analytics.http import cancellation
from klaviyo_analytics.resources import RESOURCES

_READING = ("list", "query", "summary", "attributions", "properties", "messages", "profiles", "campaign_values",
            "flow_values", "flow_series", "form_values", "form_series", "segment_values", "segment_series",
            "lists", "flow_triggers")  # fmt: skip
_ALONE = ("account_summary", "audit")
_WORKERS = 8


class AccountGroup:
    """Several accounts, asked at the same time; made by `connect_all`.

    It has the reading methods of a client (`group.campaigns.summary(...)`, `group.events.list(...)`,
    `group.analyses.rfm(...)`, `group.audit()`), each within the pace of its own account, and returns one frame
    with the account's name in the first column, `account`. Currencies and clocks are kept apart: nothing is added
    or converted
    unless `rates` is given. If an account fails, the others come, a warning says which failed, and
    ``frame.attrs["failed"]`` has the reasons; only if all fail an error is raised.

    Attributes
    ----------
    clients : dict of str to KlaviyoClient
        The accounts by name, for everything that concerns one of them.
    """

    def __init__(
        self,
        clients: Mapping[str, KlaviyoClient],
        *,
        rates: Mapping[str, float] | None = None,
        failed: Mapping[str, str] | None = None,
    ) -> None:
        if not clients:
            raise InvalidInputError("no account was given. Pass connections=, keys= or clients by name.")
        for code, rate in (rates or {}).items():
            if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 < rate < float("inf"):
                raise InvalidInputError(
                    f"rates[{code!r}]={rate!r} is not a positive number. "
                    "Pass how much one unit of each currency is worth in a common one."
                )
        self.clients = dict(clients)
        self._rates = dict(rates or {})
        self._failed = dict(failed or {})

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name in _ALONE:
            return lambda *args, **kwargs: self._ask(lambda client: getattr(client, name)(*args, **kwargs))
        if name in RESOURCES or name == "analyses":
            return _Resource(self, name)
        allowed = near(name, ["analyses", *_ALONE, *RESOURCES])
        raise AttributeError(f"the group of accounts has no attribute {name!r}. It has {allowed}.")

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *RESOURCES, *_ALONE, "analyses"})

    def __repr__(self) -> str:
        return f"AccountGroup({', '.join(self.clients)})"

    def __enter__(self) -> AccountGroup:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections of all accounts."""
        for client in self.clients.values():
            client.close()

    def _ask(self, question: Callable[[KlaviyoClient], Any]) -> pd.DataFrame:
        """Ask every account at the same time, and put the answers into one frame."""

        def asked(client: KlaviyoClient) -> pd.DataFrame | KlaviyoError:
            try:
                answer: pd.DataFrame = question(client)
                zone, currency = client.account["timezone"], client.account["preferred_currency"]
            except KlaviyoError as error:
                return error
            answer.attrs["__clock"] = (str(zone), str(currency))
            return answer

        workers = min(_WORKERS, len(self.clients))
        read = cancellation.in_parallel(asked, self.clients.values(), workers=workers, name="klaviyo-account")
        answers = dict(zip(self.clients, read, strict=True))
        errors = {name: each for name, each in answers.items() if isinstance(each, KlaviyoError)}
        frames = {name: each for name, each in answers.items() if isinstance(each, pd.DataFrame)}
        if not frames:
            raise next(iter(errors.values()))
        failed = {**self._failed, **{name: str(error) for name, error in errors.items()}}
        if errors:
            names = ", ".join(errors)
            warnings.warn(
                f"{len(errors)} of {len(answers)} accounts failed: {names}. See frame.attrs['failed'].",
                stacklevel=level_outside(),
            )
        return _one_frame(frames, failed, self._rates)


class _Resource:
    """The reading methods of one resource, for every account of a group."""

    def __init__(self, group: AccountGroup, name: str) -> None:
        self._group = group
        self._name = name

    def __getattr__(self, method: str) -> Callable[..., pd.DataFrame]:
        if method.startswith("_"):
            raise AttributeError(method)
        first = next(iter(self._group.clients.values()))
        resource = getattr(first, self._name)
        if not hasattr(resource, method) or not (self._name == "analyses" or method in _READING):
            there = near(method, self.__dir__()) or "no methods"
            raise AttributeError(
                f"{self._name}.{method} is not a reading method of several accounts. Allowed are {there}. "
                "For one account use group.clients[name]."
            )
        name, group = self._name, self._group

        def ask(*args: Any, **kwargs: Any) -> pd.DataFrame:
            return group._ask(lambda client: getattr(getattr(client, name), method)(*args, **kwargs))

        ask.__name__ = method
        ask.__doc__ = getattr(resource, method).__doc__
        return ask

    def __dir__(self) -> Iterable[str]:
        first = getattr(next(iter(self._group.clients.values())), self._name)
        names = [name for name in dir(first) if not name.startswith("_")]
        return [name for name in names if self._name == "analyses" or name in _READING]


def connect_all(
    *,
    connections: Sequence[str] | Mapping[str, str] | None = None,
    keys: Mapping[str, str] | None = None,
    rates: Mapping[str, float] | None = None,
    **options: Any,
) -> AccountGroup:
    """Connect to several accounts, which are then asked at the same time.

    Parameters
    ----------
    connections : list of str, or mapping of name to str
        Connection ids of the Maton gateway, with names of your own for the accounts if you like.
    keys : mapping of name to str
        API keys instead, by a name for each account.
    rates : mapping of str to float, optional
        What one unit of each currency is worth in a common one, such as ``{"USD": 1, "EUR": 1.1}``. Columns of money
        then have a column ``<name>_converted`` beside them.
    **options
        As for `connect`, the same for all: revision, base_url, progress, ...

    Returns
    -------
    AccountGroup

    Raises
    ------
    InvalidInputError
        Neither connections nor keys are given, or both are, or they are empty.

    Examples
    --------
    >>> import klaviyo_analytics as ka
    >>> with ka.connect_all(keys={"north": "pk_0123456789", "south": "pk_9876543210"}) as group:
    ...     group
    AccountGroup(north, south)
    """
    if (connections is None) == (keys is None):
        raise InvalidInputError(
            "connect_all() needs either connections= or keys=. "
            "Pass connections=[...], connections={'name': 'id'} or keys={'name': 'pk_...'}."
        )
    for name in ("api_key", "connection"):
        if name in options:
            raise InvalidInputError(f"{name}= belongs to one account. Pass connections= or keys= instead.")
    if isinstance(connections, str) or isinstance(keys, str):
        raise InvalidInputError("connections= or keys= is a single text. Pass a list or a mapping of names.")
    if keys is not None and not isinstance(keys, Mapping):
        raise InvalidInputError(
            "keys= is not a mapping. Pass a name for each account: keys={'north': 'pk_...'}."
        )
    clients: dict[str, KlaviyoClient] = {}
    try:
        if keys is not None:
            for name, key in keys.items():
                clients[name] = connect(api_key=key, **options)
        else:
            given = connections or ()
            pairs = given.items() if isinstance(given, Mapping) else [(one, one) for one in given]
            for name, connection in pairs:
                clients[name] = connect(connection=connection, **options)
        return AccountGroup(clients, rates=rates)
    except BaseException:
        for client in clients.values():
            client.close()
        raise


_MONEY = ("revenue", "conversion_value", "sum_value", "average_order_value", "revenue_per_recipient", "value",
          "monetary", "lifetime_value", "event_properties.$value")  # fmt: skip


def _one_frame(
    frames: Mapping[str, pd.DataFrame], failed: Mapping[str, str], rates: Mapping[str, float]
) -> pd.DataFrame:
    parts, accounts = [], {}
    for name, frame in frames.items():
        attrs = dict(frame.attrs)
        zone, currency = attrs.pop("__clock")
        accounts[name] = {"timezone": zone, "currency": currency, **attrs}
        part = frame.copy(deep=False)
        part.attrs = {}
        part.insert(0, "account", pd.Series(name, index=part.index, dtype="string"))
        money = [column for column in _MONEY if column in part.columns]
        if money and "currency" not in part.columns and "value_currency" not in part.columns:
            code = attrs.get("currency") or currency
            part["currency"] = pd.array([code] * len(part), dtype="string")
        parts.append(_converted(part, money, rates) if rates else part)
    whole = _stacked(parts)
    kinds = {attrs.get("analysis") for attrs in accounts.values()}
    whole.attrs = {"accounts": accounts, "failed": dict(failed)}
    if len(kinds) == 1 and (kind := kinds.pop()) is not None:
        whole.attrs["analysis"] = kind
    return whole


def _stacked(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Stack the frames; times of several zones become UTC, so that the column stays one of times."""
    first = parts[0]
    for column in list(first.columns):
        kinds = {str(part[column].dtype) for part in parts if column in part.columns}
        if len(kinds) > 1 and all(kind.startswith("datetime64") for kind in kinds):
            for part in parts:
                if column in part.columns:
                    part[f"{column}_local"] = part[column].astype(str)
                    part[column] = pd.to_datetime(part[column], utc=True)
    full = [part for part in parts if not part.empty]
    return pd.concat(full or parts[:1], ignore_index=True)


def _converted(part: pd.DataFrame, money: Sequence[str], rates: Mapping[str, float]) -> pd.DataFrame:
    codes = part["currency"] if "currency" in part.columns else part.get("value_currency")
    if codes is None:
        return part
    unknown = sorted({str(code) for code in codes.dropna()} - set(rates))
    if unknown:
        raise InvalidInputError(
            f"rates has no rate for {unknown[0]!r}. Add what one {unknown[0]} is worth in the common currency."
        )
    factor = codes.map(rates).astype("float64")
    for column in money:
        part.insert(
            int(part.columns.get_indexer(pd.Index([column]))[0]) + 1,
            f"{column}_converted",
            part[column].astype("float64") * factor,
        )
    return part
