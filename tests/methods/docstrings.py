"""The numpydoc docstrings of generated methods: what an endpoint allows, in the words of the table."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from klaviyo_analytics.endpoints import Endpoint
from klaviyo_analytics.endpoints.query import Query
from klaviyo_analytics.frames.schema import FREE_FORM, schema, snake
from tests.methods.methods_table import WRITES, Method

WIDTH = 100
TELLING = ("name", "email", "title", "token")  # attributes by which people know a resource
ID = "Id, or a row that has one, such as `get` and `find` return."
LIMIT = "Maximum number of rows. Omitted: all rows."
CHUNK = "Maximum number of rows in each frame."
DRY_RUN = "True returns the request as a DataFrame (method, path, body) and sends nothing."
CONFIRM = "Must be True to delete. Otherwise the error describes what would be deleted, and nothing is sent."
NO_QUERY = "InvalidQueryError\n    An argument is not allowed for this endpoint. No request was sent."
NOT_FOUND = "NotFoundError\n    No resource has this id."
NO_MATCH = "NoMatchError, AmbiguousMatchError\n    No resource matches, or several do."
REFUSED = (
    "ApiError\n    Klaviyo refused the request: ValidationError, ConflictError, NotFoundError or another "
    "subclass."
)
UNCONFIRMED = "ConfirmationRequiredError\n    `confirm` is not True. Nothing was deleted."


@dataclass(frozen=True)
class Described:
    """A parameter as a docstring shows it."""

    name: str
    type: str
    text: str


def docstring(method: Method, endpoint: Endpoint, parameters: Sequence[Described]) -> str:
    """Return the whole docstring, without indentation."""
    sections = [[summary(method, endpoint)]]
    if method.kind == "find":
        by_server = [name for name, operators in endpoint.filters.items() if "equals" in operators]
        how = (
            f"The server looks up {', '.join(by_server)}; for any other attribute"
            if by_server
            else "For any attribute"
        )
        sections.append(
            textwrap.wrap(f"{how} all rows are read. Pass exactly one; names with dots, like ``location.city``, "
                          "as ``**{'location.city': 'Boston'}``.", WIDTH)
        )  # fmt: skip
    if parameters:
        entries = [line for one in parameters for line in _entry(one)]
        sections.append(["Parameters", "----------", *entries])
    sections.append(["Returns", "-------", *_returns(method, endpoint)])
    sections.append(["Raises", "------", *"\n".join(_raises(method)).split("\n")])
    sections.append(
        [
            "Notes",
            "-----",
            *textwrap.wrap(note(endpoint), 108, break_long_words=False, break_on_hyphens=False),
        ]
    )
    return "\n\n".join("\n".join(section) for section in sections)


def summary(method: Method, endpoint: Endpoint) -> str:
    """Return the first line."""
    what, owner = words(endpoint.type or ""), _owner(endpoint)
    match method.kind:
        case "list" | "list_of":
            return f"Read every {what}{owner} as a row."
        case "iter" | "iter_of":
            return f"Read every {what}{owner} as frames of at most `chunk_size` rows."
        case "get":
            return f"Read one {what} by its id, as a row."
        case "get_of":
            return f"Read the {what}{owner} as a row."
        case "find":
            known = endpoint.returns.attributes if endpoint.returns else {}
            named = next((one for one in TELLING if one in known), "id")
            return f"Find the one {what} that has an attribute, like ``find({named}='...')``."
        case "find_by_id":
            return f"Find the one {what} that has an id in the shop."
    body = endpoint.body
    what = words((body.type if body else None) or endpoint.type or endpoint.category.lower().rstrip("s"))
    if method.kind == "relate":
        verb = {"POST": "Add", "PATCH": "Replace", "DELETE": "Remove"}[endpoint.method]
        return f"{verb} related {what} resources by their ids."
    if method.kind == "relate_one":
        return f"Replace the {what} of one {_owner(endpoint).removeprefix(' of one ')}."
    if method.kind == "apply":
        verb = "clone" if endpoint.operation.endswith("_clone") else endpoint.operation.partition("_")[0]
        if verb == "assign":
            return f"Assign a template to one {what}."
        return f"{verb.capitalize()} one {what}."
    return f"{ {'create': 'Create', 'update': 'Change', 'delete': 'Delete'}[method.kind] } one {what}."


def of_filter(endpoint: Endpoint) -> str:
    """Return what the docstring says of `filter`."""
    allowed = "; ".join(f"{name}: {', '.join(operators)}" for name, operators in endpoint.filters.items())
    need = "Required. " if endpoint.filter_required else ""
    return f"{need}Built with `ka.F`, or a raw expression. Fields and their operators: {allowed}."


def of_fields(endpoint: Endpoint) -> str:
    """Return what the docstring says of `fields`."""
    kind = endpoint.type or ""
    own = _short(endpoint.fields.get(kind, ()))
    others = [name for name in endpoint.fields if name != kind]
    first = f"Attributes to read: {', '.join(own)}. " if own else ""
    more = ""
    if others:
        listed = "; ".join(f"{name}: {', '.join(_short(endpoint.fields[name]))}" for name in others)
        more = f" A dict can also name attributes of {listed}."
    return f"{first}Omitted: all.{more}"


def note(endpoint: Endpoint) -> str:
    """Return the endpoint with its limits and scopes."""
    limits = " and ".join(map(str, endpoint.limits))
    return (
        f"``{endpoint.method} {endpoint.path}``, limited to {limits}; scopes: {', '.join(endpoint.scopes)}."
    )


def words(name: str) -> str:
    """Return a JSON:API type as words."""
    return name.replace("-", " ")


# what a method adds to the columns of the endpoint table
_MADE = {"get_event": " After the time stands `metric` (string), the metric's name."}


def _returns(method: Method, endpoint: Endpoint) -> list[str]:
    if method.kind in WRITES:
        answer = "None" if endpoint.no_body or endpoint.returns is None else "pandas.Series"
        return [answer, *_indented("A pandas.DataFrame if `dry_run` is True.")]
    kinds = {
        "list": "pandas.DataFrame", "list_of": "pandas.DataFrame",
        "iter": "iterator of pandas.DataFrame", "iter_of": "iterator of pandas.DataFrame",
        "get_of": "pandas.Series or None",
    }  # fmt: skip
    columns = ", ".join(
        f"{column.name} ({column.dtype})" for column in schema(endpoint, Query({}, {}, {}, ())).columns
    )
    asked = " and ".join(f"{snake(name)}_id" for name in endpoint.one_to_one(free=False))
    more = f" {asked} only with ``include``, which needs more scopes." if asked else ""
    more += _MADE.get(method.operation, "")
    return [kinds.get(method.kind, "pandas.Series"), *_indented(f"{columns}. Times are in UTC.{more}")]


def _raises(method: Method) -> list[str]:
    match method.kind:
        case "get" | "get_of":
            return [NO_QUERY, NOT_FOUND]
        case "find_by_id":
            return ["NoMatchError\n    No resource has this id."]
        case "find":
            return [
                "InvalidInputError\n    Not exactly one attribute, or one that cannot be looked up.",
                NO_MATCH,
            ]
        case "delete":
            return [UNCONFIRMED, REFUSED]
        case "create" | "update" | "apply" | "relate" | "relate_one":
            return [
                "InvalidInputError\n    A value cannot be sent, or a required one is missing. Nothing was sent.",
                REFUSED,
            ]
    return [NO_QUERY]


def _owner(endpoint: Endpoint) -> str:
    """Return whose related resources an endpoint reads; nothing where it reads its own."""
    parts = endpoint.path.split("/")
    if len(parts) < 5:
        return ""
    name = words(parts[2])
    return (
        f" of one {name.removesuffix('ies')}y"
        if name.endswith("ies")
        else f" of one {name.removesuffix('s')}"
    )


def _entry(one: Described) -> list[str]:
    return [f"{one.name} : {one.type}", *_indented(one.text)]


def _indented(text: str) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent="    ",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _short(names: Iterable[str]) -> list[str]:
    """Leave out parts whose whole is named already."""
    names = list(names)
    return [name for name in names if not any(name.startswith(f"{other}.") for other in names)]


def free_form(endpoint: Endpoint) -> str | None:
    """Return the name of the column of custom properties, if the endpoint's rows have one."""
    if endpoint.type == "object-schema":  # its properties are definitions, not values
        return None
    return next((n for n in FREE_FORM if endpoint.returns and n in endpoint.returns.attributes), None)
