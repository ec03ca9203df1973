"""Rows of people as resources, and what they clear."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

from klaviyo_analytics._wording import counted
from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.writeback import checks
from klaviyo_analytics.writeback.checks import Problems
from klaviyo_analytics.writeback.encode import ABSENT
from klaviyo_analytics.writeback.targets import Target, named

Rule = Literal["skip", "clear"]
OnNull = Rule | Mapping[str, Rule]
IDENTIFIERS = ("email", "phone_number", "external_id")
PATCHES = ("append", "unappend")


def to_clear(on_null: OnNull, found: Sequence[Target], patches: Collection[str]) -> set[str]:
    """Settle which attributes are cleared where the frame is null, by dotted name.

    Raises
    ------
    InvalidInputError
        The rule is none, or names what is no column.
    """
    paths = [target.path for target in found if target.path not in patches]
    rules = on_null if isinstance(on_null, Mapping) else dict.fromkeys(paths, on_null)
    if odd := [rule for rule in rules.values() if rule not in ("skip", "clear")]:
        raise InvalidInputError(f"on_null={odd[0]!r}: it is 'skip' or 'clear', or one of these by attribute.")
    if unknown := [name for name in rules if name not in paths]:
        raise InvalidInputError(f"on_null: no column becomes {unknown[0]!r}; there are {named(paths)}.")
    return {name for name, rule in rules.items() if rule == "clear"}


def check_identifiers(
    on_null: OnNull, key: str, values: Mapping[str, Sequence[Any]], problems: Problems
) -> None:
    """Note who would lose an identifier that was not named: whoever has none cannot be reached or found by it."""
    if on_null != "clear":
        return
    for name in IDENTIFIERS:
        if name == key:
            continue
        for row, value in enumerate(values.get(name, ())):
            if value is ABSENT:
                problems.add(
                    row,
                    f"{name} is null, and 'clear' takes no identifier from a profile unless it is named: drop the "
                    f"column, or name all that is cleared, on_null={{{name!r}: 'clear', ...}}",
                )


class Builder:
    """Makes a row's resource of its values."""

    def __init__(
        self,
        found: Sequence[Target],
        patches: Mapping[str, str],
        unset: Sequence[str],
        clears: Collection[str],
    ) -> None:
        self._places = [
            (target.path, patches.get(target.path, target.group), target.name, target.path in clears)
            for target in found
        ]
        self._unset = list(unset)

    def build(self, row: Sequence[Any]) -> tuple[dict[str, Any], list[str], bool]:
        """Give the resource, what it clears, and whether that is more than a job can."""
        attributes: dict[str, Any] = {}
        record: dict[str, Any] = {"type": "profile", "attributes": attributes}
        patches: dict[str, Any] = {}
        unset, cleared, nulls = self._unset, [], False
        for (path, group, name, clears), value in zip(self._places, row, strict=True):
            if value is ABSENT:
                if not clears:
                    continue
                cleared.append(path)
                if group == "properties":
                    unset = [*unset, name]
                    continue
                nulls = True
                value = None  # noqa: PLW2901
            if group is None:
                (record if name == "id" else attributes)[name] = value
            elif group in PATCHES:
                patches.setdefault(group, {})[name] = value
            else:
                attributes.setdefault(group, {})[name] = value
        if unset:
            patches["unset"] = unset
        if patches:
            record["meta"] = {"patch_properties": patches}
        return record, cleared, nulls


def built(
    builder: Builder,
    values: Sequence[list[Any]],
    count: int,
    problems: Problems,
    left_out: Mapping[int, Any],
) -> tuple[list[bytes | None], dict[int, list[str]], set[int]]:
    """Encode the rows; tell what they clear, and which of them clear what a job cannot."""
    records: list[bytes | None] = [None] * count
    cleared: dict[int, list[str]] = {}
    kept = set()
    for position, row in enumerate(zip(*values, strict=True)):
        if position in left_out or position in problems:
            continue
        record, names, nulls = builder.build(row)
        records[position] = checks.dumped(position, record, problems)
        if names:
            cleared[position] = names
        if nulls:
            kept.add(position)
    return records, cleared, kept


def dangers(
    cleared: Mapping[int, Sequence[str]], unset: Sequence[str], records: Sequence[bytes | None]
) -> list[str]:
    """Say what is lost, and how often."""
    found = []
    sent = [row for row, record in enumerate(records) if record is not None]
    if names := Counter(name for row in sent for name in cleared.get(row, ())):
        people = sum(row in cleared for row in sent)
        told = ", ".join(f"{name} of {count:,}" for name, count in names.items())
        found.append(f"This clears fields of {counted(people, 'profile')} where the frame is null: {told}.")
    if unset and sent:
        found.append(f"This removes {', '.join(unset)} from {counted(len(sent), 'profile')}.")
    return found
