"""Generated source is what its generator writes, and hand-written methods say what the endpoint table says."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import klaviyo_analytics as ka
from klaviyo_analytics import endpoints, resources
from klaviyo_analytics.endpoints import Body, Catalog
from klaviyo_analytics.errors import InvalidQueryError
from klaviyo_analytics.filters._known_fields import KNOWN_FIELDS, KnownFields
from klaviyo_analytics.frames.schema import snake
from klaviyo_analytics.writeback import Plan
from tests.methods.docstrings import note
from tests.methods.examples import ROWS
from tests.methods.generate import BODY_TYPES, TARGET, modules
from tests.methods.methods_table import MODULES, Method
from tests.methods.revisions import tables, union

TABLE = endpoints.Catalog("all", union(tables()))
WRITTEN = modules()


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: str(path.stem))
def test_a_generated_file_is_what_the_generator_writes(path: Path) -> None:
    assert path.read_text("utf-8") == WRITTEN[path], "run python -m tests.methods.generate"


def test_no_generated_file_is_left_over() -> None:
    assert set(TARGET.glob("*.py")) == {path for path in WRITTEN if path.parent == TARGET}


def generated() -> Iterator[tuple[str, str, Method]]:
    for module, classes in MODULES.items():
        for owner, methods in classes.items():
            for name, method in methods.items():
                yield f"{module}.{owner}", name, method


def test_every_generated_class_is_the_base_of_a_public_one() -> None:
    bases = {
        f"{base.__module__.rpartition('.')[2]}.{base.__name__}"
        for name in resources.__all__
        for base in getattr(resources, name).__mro__
    }
    assert {owner for owner, _, _ in generated()} <= bases


def test_body_types_cover_every_attribute_of_the_table() -> None:
    for operation, attributes in BODY_TYPES.items():
        body = TABLE[operation].body or Body()
        assert {*body.required, *body.optional} - set(body.relationships) <= set(attributes), operation


def methods_with_operations() -> Iterator[Any]:
    with ka.connect(api_key="pk_0123456789") as client:
        for noun in client.describe()["resource"].unique():
            for name, method in inspect.getmembers(type(getattr(client, noun)), callable):
                if hasattr(method, "operations") and noun != "bulk_jobs":
                    yield pytest.param(method, id=f"{noun}.{name}")


@pytest.mark.parametrize("method", list(methods_with_operations()))
def test_the_docstring_has_the_limits_and_scopes_of_the_table(method: Any) -> None:
    flat = " ".join((inspect.getdoc(method) or "").split())
    for operation in method.operations:
        assert note(TABLE[operation]) in flat


def test_writing_a_profile_takes_every_attribute_and_every_option_of_a_frame() -> None:
    def names(function: Any) -> set[str]:
        return {one for one in inspect.signature(function).parameters if one not in ("self", "frame")}

    def attributes(operation: str) -> set[str]:
        body = TABLE[operation].body or Body()
        return {snake(one) for one in (*body.required, *body.optional, *body.relationships)}

    patches = {"append", "unappend", "unset", "dry_run", "id"}
    profiles = resources.Profiles
    assert names(profiles.update) == attributes("update_profile") | patches
    options = names(profiles.plan_upsert) | names(Plan.apply)
    assert names(profiles.upsert) == attributes("create_or_update_profile") | patches | options


def test_what_belongs_to_a_frame_is_refused_for_one_profile_and_the_other_way_round() -> None:
    with ka.connect(api_key="pk_0123456789") as client:
        upsert: Any = client.profiles.upsert
        with pytest.raises(ka.errors.ArgumentError, match=r"upsert\(\): verify= needs a DataFrame"):
            upsert(email="ann@shop.example", verify=True)
        with pytest.raises(ka.errors.ArgumentError, match=r"upsert\(\): first_name= is for one profile"):
            upsert(pd.DataFrame({"email": ["ann@shop.example"]}), first_name="Ann")


class TestRevisions:
    """Signatures allow what any revision allows; the client's own revision decides at run time."""

    def later(self) -> Catalog:
        tags = TABLE["get_tags"]
        create = TABLE["create_tag"]
        assert create.body is not None
        later = replace(tags, operation="get_tags", sort=("name", "created"), include=("owner",), filters={})
        body = replace(create.body, required=(), optional=("name", "color"))
        return Catalog("2999-01-15", {"get_tags": later, "create_tag": replace(create, body=body)})

    def test_what_one_of_them_allows_is_allowed(self) -> None:
        both = union([TABLE, self.later()])
        assert both["get_tags"].sort == ("id", "name", "created")
        assert both["get_tags"].include == ("tag-group", "owner")
        assert both["get_tags"].filters == TABLE["get_tags"].filters
        assert len(both) == len(list(TABLE))

    def test_what_one_of_them_does_not_need_is_optional(self) -> None:
        body = union([TABLE, self.later()])["create_tag"].body
        assert body is not None
        assert body.required == ()
        assert body.optional == ("name", "color")

    def test_one_revision_is_itself(self) -> None:
        assert union([TABLE]) == {one.operation: one for one in TABLE}

    def test_the_tables_of_the_package_are_all_of_them(self) -> None:
        assert [table.revision for table in tables()] == ["2026-01-15", "2026-07-15", "2026-10-15"]

    def test_an_operation_that_the_own_revision_lacks_is_named(self) -> None:
        with pytest.raises(InvalidQueryError, match="get_tag is not an operation of API revision 2999-01-15"):
            _ = self.later()["get_tag"]

    def test_the_own_revision_refuses_what_another_allows(self) -> None:
        with ka.connect(api_key="pk_0123456789") as client:
            listing: Any = client.tags.list
            with pytest.raises(InvalidQueryError, match="sort 'created' is not known"):
                listing(sort="created")


class TestKnownFields:
    def test_completion_offers_the_fields_of_every_filter(self) -> None:
        fields = {name.split(".")[0] for endpoint in TABLE for name in endpoint.filters}
        assert {name for name in fields if name.isidentifier()} == set(KNOWN_FIELDS) == set(dir(ka.F))
        assert set(KNOWN_FIELDS) == set(KnownFields.__annotations__)

    def test_any_other_name_works_too(self) -> None:
        assert str(ka.F.brand_new == 1) == "equals(brand_new,1)"


def test_every_generated_method_has_an_example_unless_a_demo_has_nothing_to_show() -> None:
    every = [
        (owner, name)
        for classes in MODULES.values()
        for owner, methods in classes.items()
        for name in methods
    ]
    without = {
        (owner, name)
        for owner, name in every
        if "Examples" not in (inspect.getdoc(getattr(_class_of(owner), name)) or "")
    }
    nothing = {key for key, steps in ROWS.items() if steps is None}
    assert without == {(owner, name) for owner, name in every if {owner, f"{owner}.{name}"} & nothing}


def _class_of(owner: str) -> type:
    parts = ("people", "messages", "shop", "account")
    modules = (importlib.import_module(f"klaviyo_analytics.resources._generated.{part}") for part in parts)
    found: type = next(getattr(module, owner) for module in modules if hasattr(module, owner))
    return found
