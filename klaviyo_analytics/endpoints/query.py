"""From keyword arguments to query parameters, refused here when the endpoint does not allow them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from klaviyo_analytics._messages import did_you_mean, near
from klaviyo_analytics.endpoints import Endpoint
from klaviyo_analytics.errors import InvalidQueryError
from klaviyo_analytics.filters import Filter, as_filter

Fields = Sequence[str] | Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Query:
    """A checked query: what was asked, by type, and the parameters that say so on the wire.

    The wire includes more than `include` names: to-one relationships whose ids would be missing otherwise.
    """

    params: Mapping[str, str]
    fields: Mapping[str, tuple[str, ...]]
    additional_fields: Mapping[str, tuple[str, ...]]
    include: tuple[str, ...]


def build(
    endpoint: Endpoint,
    *,
    filter: Filter | str | None = None,
    sort: str | None = None,
    include: Sequence[str] | str = (),
    fields: Fields | None = None,
    additional_fields: Fields | None = None,
    strict: bool = True,
) -> Query:
    """Check the arguments against the endpoint and encode them.

    Raises
    ------
    InvalidQueryError
        The endpoint does not allow it; with `strict=False` everything goes through.
    """
    checks = _Checks(endpoint, strict=strict)
    include = _names(include, "include")
    wanted = _by_type(endpoint, fields, "fields")
    extra = _by_type(endpoint, additional_fields, "additional_fields")
    for (
        kind,
        names,
    ) in wanted.items():  # an additional field that is asked for by name must be switched on, too
        switches = endpoint.additional_fields.get(kind, ())
        needed = [s for s in switches if any(n == s or n.startswith(f"{s}.") for n in names)]
        extra[kind] = tuple(dict.fromkeys((*extra.get(kind, ()), *needed)))
    for name in include:
        checks.one_of("include", name, endpoint.include)
    for kind, names in wanted.items():
        checks.one_of("fields of the type", kind, endpoint.fields)
        for name in names:
            checks.one_of(f"fields[{kind}]", name, endpoint.fields.get(kind, ()))
    for kind, names in extra.items():
        for name in names:
            checks.one_of(f"additional_fields[{kind}]", name, endpoint.additional_fields.get(kind, ()))
    params: dict[str, str] = {}
    if filter is not None:
        params["filter"] = checks.filter(filter)
    elif endpoint.filter_required:
        checks.refuse(f"a filter is required; it can name {_listed(endpoint.filters)}")
    if sort is not None:
        if not isinstance(sort, str):
            raise InvalidQueryError(f"sort={sort!r}: give one name, with a '-' before it for descending.")
        checks.one_of("sort", sort.removeprefix("-"), endpoint.sort)
        params["sort"] = sort
    unasked = [name for name in endpoint.one_to_one(free=True) if name not in include]
    if include or unasked:
        params["include"] = ",".join((*include, *unasked))
    # dotted sub-fields are the API's own names, so they travel as they are
    params |= _least(endpoint, unasked, include)
    params |= {f"fields[{kind}]": ",".join(names) for kind, names in wanted.items() if names}
    params |= {f"additional-fields[{kind}]": ",".join(names) for kind, names in extra.items() if names}
    return Query(params, wanted, extra, include)


def _least(endpoint: Endpoint, unasked: Sequence[str], include: Sequence[str]) -> dict[str, str]:
    """Ask for one field of what is included for its id alone, unless its type is wanted whole."""
    assert endpoint.returns is not None
    kinds = {name: kind for name, (kind, _) in endpoint.returns.relationships.items()}
    wanted = {kinds.get(name) for name in include}
    return {
        f"fields[{kind}]": endpoint.fields[kind][0]
        for kind in (kinds[name] for name in unasked)
        if kind not in wanted and endpoint.fields.get(kind)
    }


def page_size(endpoint: Endpoint, size: int | None, limit: int | None, *, strict: bool = True) -> int | None:
    """Page size to ask for: the largest allowed, less if fewer rows are wanted, none where it is fixed."""
    if size is None:
        if endpoint.page_max is None:
            return None
        return endpoint.page_max if limit is None else max(1, min(limit, endpoint.page_max))
    if not isinstance(size, int) or isinstance(size, bool):
        raise InvalidQueryError(f"page_size={size!r}: give a whole number.")
    checks = _Checks(endpoint, strict=strict)
    if endpoint.page_max is None:
        checks.refuse(f"page_size={size} was given, but its pages have a fixed size; leave page_size out")
    elif not 1 <= size <= endpoint.page_max:
        checks.refuse(f"page_size={size} was given; allowed are 1 to {endpoint.page_max}")
    return size


@dataclass(frozen=True)
class _Checks:
    endpoint: Endpoint
    strict: bool

    def refuse(self, why: str) -> None:
        if self.strict:
            raise InvalidQueryError(f"{self.endpoint.method} {self.endpoint.path}: {why}.")

    def one_of(self, what: str, given: str, allowed: Collection[str]) -> None:
        if given not in allowed:
            choice = f"allowed are {near(given, allowed)}" if allowed else "it takes none"
            self.refuse(f"{what} {given!r} is not known{did_you_mean(given, allowed)}; {choice}")

    def filter(self, given: Filter | str) -> str:
        if isinstance(given, str) and not self.strict:
            return given
        built = as_filter(given)
        for condition in built.conditions:
            self.one_of("the filter field", condition.field, self.endpoint.filters)
            operators = self.endpoint.filters.get(condition.field, ())
            if operators and condition.operator not in operators:
                self.refuse(
                    f"the filter field {condition.field!r} knows {_listed(operators)}, not {condition.operator!r}"
                )
            quoted = condition.literal is not None and condition.literal[0] in "\"'"
            if quoted and "greater-than" in operators and condition.operator.startswith(("greater", "less")):
                self.refuse(f"{condition}: times and numbers stand without quotes, like 2026-01-31T00:00:00Z")
        return given if isinstance(given, str) else str(built)


def _names(names: Sequence[str] | str, what: str) -> tuple[str, ...]:
    if isinstance(names, str):
        names = [part.strip() for part in names.split(",")]
    unique = tuple(dict.fromkeys(names)) if isinstance(names, Iterable) else ()
    if not isinstance(names, Iterable) or not all(isinstance(name, str) and name for name in unique):
        raise InvalidQueryError(f"{what} takes names, not {names!r}.")
    return unique


def _by_type(endpoint: Endpoint, fields: Fields | None, what: str) -> dict[str, tuple[str, ...]]:
    if fields is None:
        return {}
    by_type = fields if isinstance(fields, Mapping) else {endpoint.type or "": fields}
    # `id` always comes; asking for it by habit is allowed
    wanted = {kind: tuple(n for n in _names(names, what) if n != "id") for kind, names in by_type.items()}
    if not all(wanted.values()):
        raise InvalidQueryError(f"{what} is empty; leave it out for all, or name at least one besides 'id'.")
    return wanted


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"
