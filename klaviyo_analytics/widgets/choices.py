"""What can be chosen from a long list, what has been chosen, and the options that an account offers."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, get_args

import pandas as pd
from traitlets import Bool, TraitType, Tuple, Unicode, validate

from klaviyo_analytics import local_files
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import AmbiguousMatchError, InvalidInputError, NoMatchError
from klaviyo_analytics.resources._reading import instead
from klaviyo_analytics.vocabulary import Dimension
from klaviyo_analytics.widgets.base_view import State

OFTEN, OTHERS = "Often used", "Others"


@dataclass(frozen=True, slots=True)
class Option:
    """One thing to choose: `value` is what a query takes for it, `often` sets it before the groups.

    `when` stands behind the name: a campaign's day.
    """

    id: str
    name: str
    group: str = ""
    value: Any = None
    often: bool = False
    when: str = ""

    @property
    def text(self) -> str:
        """The name, and the day."""
        return f"{self.name} · {self.when}" if self.when else self.name

    @property
    def label(self) -> str:
        """The same with the group in one line."""
        return f"{self.text} ({self.group})" if self.group else self.text


class ChoiceState(State):
    """A choice among many options, narrowed by a search and a group.

    Attributes
    ----------
    options : tuple of Option
        In the order in which they are offered.
    selected : tuple of str
        Ids of the chosen ones, in the order of choosing. An unknown id raises.
    search, group : str
        What narrows `matches`; empty for everything.
    multiple : bool
        Whether several may be chosen.
    problem : str
        Why there is nothing to choose from, in words; empty if all is well.
    empty : bool
        Whether it is known that there is nothing to choose from: the account has none.
    """

    options: TraitType[Any, tuple[Option, ...]] = Tuple()
    selected: TraitType[Any, tuple[str, ...]] = Tuple()
    search = Unicode("")
    group = Unicode("")
    multiple = Bool(True)  # noqa: FBT003  (traitlets' own way)
    problem = Unicode("")
    empty = Bool(False)  # noqa: FBT003

    def __init__(
        self, options: Iterable[Option] = (), *, selected: Sequence[str] = (), multiple: bool = True
    ) -> None:
        super().__init__()
        self.multiple = multiple
        self.options = tuple(options)
        self.selected = tuple(selected)

    @property
    def groups(self) -> tuple[str, ...]:
        """The names of the groups, in alphabetical order."""
        return tuple(sorted({option.group for option in self.options if option.group}, key=str.casefold))

    @property
    def matches(self) -> list[Option]:
        """Options of the group that hold every word of the search."""
        words = self.search.casefold().split()
        return [
            option
            for option in self.options
            if (not self.group or option.group == self.group)
            and all(word in f"{option.text} {option.group}".casefold() for word in words)
        ]

    @property
    def sections(self) -> list[tuple[str, list[Option]]]:
        """The matches by heading: what is often used, group by group, and last what has no group."""
        found: dict[str, list[Option]] = {name: [] for name in (OFTEN, *self.groups, OTHERS)}
        for option in self.matches:
            found[OFTEN if option.often else option.group or OTHERS].append(option)
        return [(title, options) for title, options in found.items() if options]

    @property
    def chosen(self) -> list[Option]:
        """The selected options."""
        by_id = {option.id: option for option in self.options}
        return [by_id[id] for id in self.selected]

    def told_apart(self, option: Option) -> str:
        """Return the shortest unique label of an option: with its group, or its id, where needed."""
        texts, labels = self._common
        if texts[option.text] < 2:
            return option.text
        return option.label if labels[option.label] < 2 else f"{option.label} {option.id}"

    @property
    def values(self) -> list[Any]:
        """What a query takes for the selected options."""
        return [option.id if option.value is None else option.value for option in self.chosen]

    def toggle(self, id: str) -> None:
        """Choose an option, or let it go."""
        kept = tuple(each for each in self.selected if each != id)
        if len(kept) < len(self.selected):
            self.selected = kept
        else:
            self.selected = (*kept, id) if self.multiple else (id,)

    def offer(self, options: Iterable[Option]) -> None:
        """Replace the options; what was chosen and is still there stays chosen."""
        new = tuple(options)
        known = {option.id for option in new}
        with self.hold_trait_notifications():
            self.selected = tuple(id for id in self.selected if id in known)
            self.options = new
            self.problem = ""
            self.empty = not new

    @validate("options")
    def _only_of_its_kind(self, proposal: Any) -> tuple[Option, ...]:
        options: tuple[Option, ...] = proposal["value"]
        if others := [each for each in options if not isinstance(each, Option)]:
            raise InvalidInputError(f"{others[0]!r} is not an Option; pass Option(id, name) for each.")
        return options

    @validate("selected")
    def _only_options(self, proposal: Any) -> tuple[str, ...]:
        asked = tuple(dict.fromkeys(proposal["value"]))
        known = {option.id for option in self.options}
        if unknown := [id for id in asked if id not in known]:
            raise InvalidInputError(f"{unknown[0]!r} is not one of the {len(known)} options.")
        if len(asked) > 1 and not self.multiple:
            raise InvalidInputError(f"Only one can be chosen here, not {len(asked)}.")
        return asked

    @property
    def _common(self) -> tuple[Counter[str], Counter[str]]:
        return Counter(each.text for each in self.options), Counter(each.label for each in self.options)


Wanted = str | tuple[str, str] | pd.Series


def ids_of(
    wanted: Iterable[Wanted], options: Sequence[Option], *, resource: str, grouped: str
) -> tuple[str, ...]:
    """Return the ids of options named by id, name, (name, group), or a row.

    Raises
    ------
    NoMatchError, AmbiguousMatchError
        Nothing is called so, or several are; the message names them.
    InvalidInputError
        The value cannot name an option.
    """
    return tuple(_one(each, options, resource, grouped).id for each in wanted)


def first_of(options: Sequence[Option], *, resource: str) -> str:
    """Return the id of the first option.

    Raises
    ------
    NoMatchError
        There is nothing.
    """
    if not options:
        raise NoMatchError(f"This account has no {resource}s.")
    return options[0].id


def _one(wanted: Wanted, options: Sequence[Option], resource: str, grouped: str) -> Option:
    if isinstance(wanted, pd.Series) and "id" in wanted:
        wanted = str(wanted["id"])
    name, group = wanted if isinstance(wanted, tuple) and len(wanted) == 2 else (wanted, None)
    if not isinstance(name, str) or not name:
        raise InvalidInputError(
            f"{resource}={wanted!r}: give a name, an id, (name, {grouped.casefold()}), "
            f"or a row of the account's {resource}s."
        )
    found = _called(name, options)
    if not found:
        there = instead(name, (option.name for option in options)) if options else ""
        raise NoMatchError(
            f"No {resource} is called {name!r}.{there or f' This account has no {resource}s.'}"
        )
    if group is not None:
        there = _named_option(found)
        found = [option for option in found if option.group == group]
        if not found:
            raise NoMatchError(
                f"No {resource} {name!r} is of {grouped.casefold()} {group!r}; there is {there}."
            )
    if len(found) > 1:
        apart = len({option.group for option in found}) == len(found)
        way = (
            f"Name the {grouped.casefold()}, too: ({name!r}, {found[0].group!r}), or give"
            if apart
            else "Give"
        )
        raise AmbiguousMatchError(
            f"Several {resource}s are called {name!r}: {_named_option(found)}. {way} the id."
        )
    return found[0]


def _called(name: str, options: Sequence[Option]) -> list[Option]:
    """Look for an id first, then for a name as it is written, and last in any case."""
    plain = name.casefold()
    ways: list[Callable[[Option], Any]] = [
        lambda option: option.id == name,
        lambda option: name in (option.name, option.text, option.label),
        lambda option: plain in (option.name.casefold(), option.text.casefold(), option.label.casefold()),
    ]
    return next((found for way in ways if (found := [each for each in options if way(each)])), [])


def _named_option(options: Iterable[Option]) -> str:
    said = ((option, ", ".join(filter(None, (option.group, option.when)))) for option in options)
    return "; ".join(f"{facts or option.name} ({option.id})" for option, facts in said)


log = logging.getLogger("klaviyo_analytics")
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS choices (account TEXT, kind TEXT, id TEXT, times INTEGER, last INTEGER, "
    "UNIQUE (account, kind, id))"
)
_ADD = (
    "INSERT INTO choices VALUES (?, ?, ?, 1, (SELECT 1 + COALESCE(MAX(last), 0) FROM choices)) "
    "ON CONFLICT (account, kind, id) DO UPDATE SET times = times + 1, last = excluded.last"
)
_READ = "SELECT id FROM choices WHERE account = ? AND kind = ? ORDER BY times DESC, last DESC"
_LAST = "SELECT id FROM choices WHERE account = ? AND kind = ? ORDER BY last DESC LIMIT 1"


def remember(account: str, kind: str, ids: Iterable[str]) -> None:
    """Count a choice; where the file cannot be used, nothing is lost but a convenience."""
    try:
        with local_files.transaction(local_files.place("state", "choices.sqlite"), _SCHEMA) as file:
            file.executemany(_ADD, [(account, kind, id) for id in ids])
    except local_files.FAILURES as failure:
        log.info("choices are not remembered: %s", failure)


def most_used(account: str, kind: str) -> list[str]:
    """Return the ids that were chosen before, the most used first."""
    return _ids(account, kind, _READ)


def last(account: str, kind: str) -> str | None:
    """Return the id that was chosen last."""
    return next(iter(_ids(account, kind, _LAST)), None)


def _ids(account: str, kind: str, query: str) -> list[str]:
    try:
        with local_files.transaction(local_files.place("state", "choices.sqlite"), _SCHEMA) as file:
            return [str(row[0]) for row in file.execute(query, (account, kind))]
    except local_files.FAILURES as failure:
        log.info("choices are not remembered: %s", failure)
        return []


METRIC = "metric"
# What most accounts ask about first; an account's own habits come before it.
USUAL = (
    "Placed Order",
    "Opened Email",
    "Clicked Email",
    "Received Email",
    "Checkout Started",
    "Started Checkout",
    "Active on Site",
)
# These hold people's telephone numbers, which a saved notebook must not.
PERSONAL = ("From Number", "To Number")


def metrics(client: KlaviyoClient) -> list[Option]:
    """Return the account's metrics: often used ones first, the most used before all; then by integration and name."""
    frame = client.metrics.known()
    if frame.empty:  # the first may have come meanwhile
        frame = client.metrics.known(refresh=True)
    shared = frame["name"].duplicated(keep=False)
    pairs = frame[["name", "integration.name"]].duplicated(keep=False)
    options = [
        Option(id, name, group, _metric_value(id, name, group, shared=one, ambiguous=two))
        for id, name, group, one, two in zip(
            _texts(frame["id"]),
            _texts(frame["name"]),
            _texts(frame["integration.name"]),
            shared,
            pairs,
            strict=True,
        )
    ]
    used = most_used(str(client.account["id"]), METRIC)
    ranks = {id: place for place, id in enumerate(used[:6])}
    usual = {name: len(ranks) + place for place, name in enumerate(USUAL)}

    def order(option: Option) -> tuple[Any, ...]:
        rank = ranks.get(option.id, usual.get(option.name, 99))
        return rank, option.group.casefold() or "~", option.name.casefold()

    often = [replace(option, often=option.id in ranks or option.name in usual) for option in options]
    return sorted(often, key=order)


def _metric_value(id: str, name: str, group: str, *, shared: bool, ambiguous: bool) -> Any:
    """Return the shortest name that is unique to a metric: by name, with its integration, or by id."""
    if not shared:
        return name
    return id if ambiguous or not group else (name, group)


def dimensions() -> list[Option]:
    """Return what metric aggregates can be grouped by."""
    return [
        Option(name, name.removeprefix("$").replace("_", " ").capitalize(), value=name)
        for name in get_args(Dimension)
        if name not in PERSONAL
    ]


def lists(client: KlaviyoClient) -> list[Option]:
    """Return the account's lists by name."""
    return _named(client.lists.list())


def segments(client: KlaviyoClient) -> list[Option]:
    """Return the account's segments by name, starred ones apart."""
    frame = client.segments.list()
    starred = frame["is_starred"].fillna(value=False).astype(bool)
    return _named(frame, starred.map({True: "starred", False: ""}))


def campaigns(client: KlaviyoClient) -> list[Option]:
    """Return the account's campaigns by channel, the latest first."""
    frame = client.campaigns.list(fields=["name", "send_time", "created_at"])
    frame = frame.assign(when=frame["send_time"].fillna(frame["created_at"]))
    frame = frame.sort_values("when", ascending=False, kind="stable")
    days = _texts(frame["when"].dt.strftime("%Y-%m-%d"))
    columns = [_texts(frame[name]) for name in ("id", "name", "channel")]
    return [Option(id, name, group, when=day) for id, name, group, day in zip(*columns, days, strict=True)]


def flows(client: KlaviyoClient) -> list[Option]:
    """Return the account's flows by status and name."""
    frame = client.flows.list()
    return _named(frame, frame["status"])


def _named(frame: pd.DataFrame, groups: pd.Series[Any] | None = None) -> list[Option]:
    ids, names = _texts(frame["id"]), _texts(frame["name"])
    said = [""] * len(frame) if groups is None else _texts(groups)
    options = [Option(*one) for one in zip(ids, names, said, strict=True)]
    return sorted(options, key=lambda option: option.name.casefold())


def _texts(column: pd.Series[Any]) -> list[str]:
    return ["" if pd.isna(value) else str(value) for value in column]
