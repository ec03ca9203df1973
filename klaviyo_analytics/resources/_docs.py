"""Docstrings written from the endpoint table, so that `?` tells what an endpoint allows."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterable, Mapping

from klaviyo_analytics.endpoints import Endpoint
from klaviyo_analytics.endpoints.query import Query
from klaviyo_analytics.tabular.schema import FREE_FORM, schema, snake

WIDTH = 100
_NOTHING: Mapping[str, str] = {}


def for_list(endpoint: Endpoint, *, chunked: bool = False, axis: str = "") -> str:
    """Write the docstring of a verb that reads many, in ranges of the time `axis` if it has one."""
    what = f"{(endpoint.type or '').replace('-', ' ')}{_owner(endpoint)}"
    first = (
        f"Read every {what} as frames of at most `chunk_size` rows."
        if chunked
        else f"Read every {what} as a row."
    )
    returns = "iterator of pandas.DataFrame" if chunked else "pandas.DataFrame"
    parts = [
        first,
        *_parameters(endpoint, many=True, chunked=chunked, axis=axis),
        *_returns(endpoint, returns),
        *_raises(),
        *_notes(endpoint),
    ]
    return "\n".join(parts)


def for_get(endpoint: Endpoint) -> str:
    """Write the docstring of a verb that reads one."""
    what, owner = (endpoint.type or "").replace("-", " "), _owner(endpoint)
    parts = [f"Read the {what}{owner} as a row." if owner else f"Read one {what} by its id, as a row."]
    returns = "pandas.Series, or None where there is none" if owner else "pandas.Series"
    parts += [*_parameters(endpoint, many=False), *_returns(endpoint, returns)]
    parts += [*_raises("NotFoundError\n    There is none by that id."), *_notes(endpoint)]
    return "\n".join(parts)


def for_find(endpoint: Endpoint) -> str:
    """Write the docstring of a verb that finds one by an attribute."""
    what = (endpoint.type or "").replace("-", " ")
    fast = [name for name, operators in endpoint.filters.items() if "equals" in operators]
    how = f"The server looks for {', '.join(fast)}; " if fast else ""
    return "\n".join(
        [
            f"Find the one {what} that has an attribute, like ``find(name='...')``.",
            "",
            textwrap.fill(f"{how}any other attribute is looked for in all rows.".capitalize(), WIDTH),
            *_returns(endpoint, "pandas.Series"),
            *_raises("NoMatchError, AmbiguousMatchError\n    None has it, or several have."),
            *_notes(endpoint),
        ]
    )


def for_write(endpoint: Endpoint, *, verb: str = "", more: Mapping[str, str] = _NOTHING) -> str:
    """Write the docstring of a verb that creates, changes, deletes or relates.

    `verb` is a better word than the method's own, `more` are parameters beside those of the table.
    """
    what = (
        (endpoint.body.type if endpoint.body else None)
        or endpoint.type
        or endpoint.category.lower().rstrip("s")
    )
    what = what.replace("-", " ")
    verb = verb or {"POST": "Create", "PATCH": "Change", "DELETE": "Delete"}[endpoint.method]
    if endpoint.body and endpoint.body.many:
        verb = {"POST": "Add", "PATCH": "Replace", "DELETE": "Remove"}[endpoint.method]
        return "\n".join(
            [f"{verb} related {what} resources by their ids.", *_writing(endpoint), *_notes(endpoint)]
        )
    return "\n".join([f"{verb} one {what}.", *_writing(endpoint, more), *_notes(endpoint)])


def _writing(endpoint: Endpoint, more: Mapping[str, str] = _NOTHING) -> list[str]:
    lines: list[str] = []
    if "{" in endpoint.path or (endpoint.body and endpoint.body.id == "required"):
        lines += _parameter("id", "str", "Id, or a row that `get`, `find` or `create` returned.")
    body = endpoint.body
    if body and body.many:
        lines += _parameter(
            "ids", "str, list of str, or DataFrame", "Ids, rows, or a frame with an `id` column."
        )
    elif body:
        related = [name for name in body.relationships if name not in body.required]
        for title, names in (("Required", body.required), ("Optional", body.optional), ("Related", related)):
            if names:
                lines += _parameter(", ".join(name.replace("-", "_") for name in names), "", f"{title}.")
    for name, text in more.items():
        kind, _, meaning = text.partition(": ")
        lines += _parameter(name, kind, meaning.capitalize())
    lines += _parameter("dry_run", "bool", "Show the request as a frame instead of sending it.")
    answer = "None" if endpoint.no_body else "pandas.Series"
    unconfirmed = "ConfirmationRequiredError\n    `confirm` is not True; nothing was sent."
    return [
        "", "Parameters", "----------", *lines, "", "Returns", "-------", answer,
        *_raises(
            *([unconfirmed] if "confirm" in more else []),
            "ApiError\n    The server refused it: ValidationError, ConflictError, NotFoundError, ...",
        ),
    ]  # fmt: skip


def _parameters(endpoint: Endpoint, *, many: bool, chunked: bool = False, axis: str = "") -> list[str]:
    lines: list[str] = []
    if "{" in endpoint.path:
        lines += _parameter("id", "str", "Id, or a row that `get` or `find` returned.")
    if chunked:
        lines += _parameter("chunk_size", "int", "Most rows of a frame.")
    if endpoint.filters:
        allowed = "; ".join(f"{name}: {', '.join(operators)}" for name, operators in endpoint.filters.items())
        need = "Required. " if endpoint.filter_required else ""
        lines += _parameter(
            "filter", "Filter or str", f"{need}Built with `ka.F`, or raw. Allowed are {allowed}."
        )
    if endpoint.sort:
        default = f" {axis} if not given." if axis else ""
        text = f"One of {', '.join(endpoint.sort)}; with a '-' before it, descending.{default}"
        lines += _parameter("sort", "str", text)
    if endpoint.include:
        lines += _parameter("include", "list of str", f"Any of {', '.join(endpoint.include)}.")
    for kind, names in endpoint.fields.items():
        own = kind == endpoint.type
        how = "list of str, or dict by type" if own else f"dict with the key {kind!r}"
        lines += _parameter(
            "fields" if own else f"fields[{kind}]", how, f"Only these: {', '.join(_short(names))}."
        )
    for kind, names in endpoint.additional_fields.items():
        lines += _parameter("additional_fields", "list of str", f"More of each {kind}: {', '.join(names)}.")
    if many:
        lines += _parameter("limit", "int", "Exactly so many rows, or all there are if these are fewer.")
    if endpoint.page_max:
        lines += _parameter("page_size", "int", f"1 to {endpoint.page_max}; the largest, if not given.")
    if axis:
        text = (
            f"How many ranges of {axis} are read at once. If not given: several where there are more than a few "
            f"pages to read in ascending order of {axis}, one otherwise. Each row comes exactly once."
        )
        lines += _parameter("workers", "int", text)
    if free_form := [name for name in FREE_FORM if endpoint.returns and name in endpoint.returns.attributes]:
        text = f"Leave `{free_form[0]}` one column of dicts, give each property a column, or only the named ones."
        lines += _parameter("properties", '"json", "columns", list of str, or dict of dtypes', text)
    return ["", "Parameters", "----------", *lines] if lines else []


def _returns(endpoint: Endpoint, kind: str) -> list[str]:
    columns = schema(endpoint, Query({}, {}, {}, ())).columns
    text = ", ".join(f"{column.name} ({column.dtype})" for column in columns)
    asked = " and ".join(f"{snake(name)}_id" for name in endpoint.one_to_one(free=False))
    told = f" {asked} only with ``include``, which needs more scopes." if asked else ""
    return ["", "Returns", "-------", kind, *_indented(f"{text}. Times are in UTC.{told}")]


def _raises(*more: str) -> list[str]:
    lines = [
        "",
        "Raises",
        "------",
        "InvalidQueryError",
        "    The endpoint does not allow it; nothing was sent.",
    ]
    return lines + [line for block in more for line in block.split("\n")]


def with_notes(doc: str, endpoints: Iterable[Endpoint]) -> str:
    """Add the limits and scopes of what a written-out verb calls."""
    notes = [line for endpoint in endpoints for line in ("", _note(endpoint))][1:]
    said, examples, shown = inspect.cleandoc(doc).partition("\nExamples\n")
    return "\n".join([said.rstrip(), "", "Notes", "-----", *notes, *([examples + shown] if examples else [])])


def _notes(endpoint: Endpoint) -> list[str]:
    return ["", "Notes", "-----", _note(endpoint)]


def _note(endpoint: Endpoint) -> str:
    limits = " and ".join(map(str, endpoint.limits))
    scopes = ", ".join(endpoint.scopes)
    return f"``{endpoint.method} {endpoint.path}``, limited to {limits}; scopes: {scopes}."


def _owner(endpoint: Endpoint) -> str:
    """Say whose related resources an endpoint reads; nothing where it reads its own."""
    words = endpoint.path.split("/")
    if len(words) < 5:
        return ""
    noun = words[2].replace("-", " ")
    return (
        f" of one {noun.removesuffix('ies')}y"
        if noun.endswith("ies")
        else f" of one {noun.removesuffix('s')}"
    )


def _parameter(name: str, kind: str, text: str) -> list[str]:
    return [f"{name} : {kind}" if kind else name, *_indented(text)]


def _indented(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="    ", subsequent_indent="    ", break_long_words=False)


def _short(names: Iterable[str]) -> list[str]:
    """Leave sub-fields out whose parent is named already."""
    names = list(names)
    return [name for name in names if not any(name.startswith(f"{other}.") for other in names)]
