"""Writing a frame of people."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import pandas as pd

from klaviyo_analytics._calls import check
from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.resources._noun import Noun
from klaviyo_analytics.resources._verbs import serves
from klaviyo_analytics.resources._writes import identifiers
from klaviyo_analytics.resources.profile_writes import ProfileWrites
from klaviyo_analytics.writeback import Plan, Result
from klaviyo_analytics.writeback.checks import OnDuplicate
from klaviyo_analytics.writeback.plans import profiles as plans
from klaviyo_analytics.writeback.plans.people_records import OnNull
from klaviyo_analytics.writeback.plans.profiles import Key
from klaviyo_analytics.writeback.targets import Rest, several

APPLYING = ("confirm", "skip_invalid", "journal", "keep_journal", "verify")
HEAD = "Parameters\n----------\n"
Several = Sequence[str]


class UpsertsProfiles(Protocol):
    """Signature of `profiles.upsert`."""

    def __call__(
        self,
        frame: Any = None,
        /,
        *,
        id: Any = None,
        append: Any = None,
        unappend: Any = None,
        unset: Any = None,
        dry_run: bool = False,
        **attributes: Any,
    ) -> Any:
        """Create or change one profile, or a frame of them."""
        ...


def _upserts() -> UpsertsProfiles:
    single: Any = ProfileWrites.upsert

    def upsert(self: Any, frame: Any = None, /, **given: Any) -> Any:
        if frame is None:
            return single(self, **given)
        row = isinstance(frame, pd.Series) and bool({"id", "email"} & {*frame.index})
        if row or isinstance(frame, (str, bytes, Mapping, int, float)):
            raise InvalidInputError(
                "upsert() takes one profile by keywords, upsert(email=...), or many as a DataFrame, "
                f"not {type(frame).__name__}."
            )
        if given.pop("dry_run", False):
            planning = {name: value for name, value in given.items() if name not in APPLYING}
            return planned("upsert", self.plan_upsert, frame, planning).preview()
        return applied("upsert", self.plan_upsert, frame, given)

    known = inspect.signature(single).parameters
    first, *rest = known.values()
    many = inspect.Parameter("frame", inspect.Parameter.POSITIONAL_ONLY, default=None)
    planning = [*inspect.signature(_PlansUpserts.plan_upsert).parameters.values()][2:]
    finishing = [*inspect.signature(Plan.apply).parameters.values()][1:]
    added = [one for one in (*planning, *finishing) if one.name not in known]
    made: Any = upsert
    made.__signature__ = inspect.Signature([first, many, *rest, *added])
    made.__doc__ = _both_told(single)
    made.operations = (*single.operations, "bulk_import_profiles")
    found: UpsertsProfiles = made
    return found


def _both_told(single: Any) -> str:
    """Document one verb for a profile and for a frame of them."""
    one, _, rest = inspect.cleandoc(single.__doc__).partition(HEAD)[2].partition("\n\n")
    one = one.replace("    Show the request", "    Show the request, or for a DataFrame the plan's preview,")
    options = [
        "frame : pandas.DataFrame, optional\n    One row a person.",
        one,
        *_parameters(_PlansUpserts.plan_upsert),
        *_parameters(Plan.apply),
    ]
    return (
        "Create or change one profile by keywords, or as many as a DataFrame has rows.\n\n"
        "A DataFrame is planned by `plan_upsert`, checked, and applied in one go: a `Result` comes back.\n\n"
        + HEAD
        + "\n".join(options)
        + f"\n\n{rest}"
    )


def _parameters(verb: Callable[..., Any]) -> Sequence[str]:
    """Give what a docstring says of the options that go with a frame."""
    told = inspect.cleandoc(verb.__doc__ or "").partition(HEAD)[2].partition("\n\n")[0]
    entries = [entry for entry in re.split(r"\n(?=\w)", told) if not entry.startswith("frame ")]
    return [entry.replace("\n", ", with a DataFrame\n", 1) for entry in entries]


class _PlansUpserts(Noun):
    @serves("bulk_import_profiles")
    def plan_upsert(
        self,
        frame: Any,
        /,
        *,
        key: Key = "email",
        columns: Mapping[str, str] | None = None,
        properties: Rest = None,
        on_null: OnNull = "skip",
        on_duplicate: OnDuplicate = "error",
        lists: Any = None,
        append: str | Several = (),
        unappend: str | Several = (),
        unset: str | Several = (),
        compare: bool = False,
        phone_region: str | None = None,
        date_format: Mapping[str, str] | None = None,
    ) -> Plan:
        """Plan to create or change as many profiles as a frame has rows; nothing is sent.

        Parameters
        ----------
        frame : pandas.DataFrame, another frame, Series, list or array
            One row a person; single values are what `key` says. Columns that are named like attributes ("email",
            "location.city") become these.
        key : str
            Which column names the person: "email", "phone_number", "external_id" or "id".
        columns : dict, optional
            What columns become: ``{"score": "properties.rfm_score", "town": "location.city"}``.
        properties : "rest", str or list of str, optional
            Columns that become custom properties of their own name.
        on_null : "skip", "clear" or dict
            "skip": what is null in the frame stays as it is in the account. "clear": it is cleared there. By
            attribute also identifiers, which are cleared only if they are named: ``{"phone_number": "clear"}``.
        on_duplicate : str
            Two rows with one key: "error", or the "first" or "last" of them is sent.
        lists : str, row, frame, or list of ids, optional
            Lists that they join. Consent is not touched.
        append : str or list of str
            Columns that are properties, whose values are added to the lists that stand there.
        unappend : str or list of str
            Columns that are properties, whose values are taken out of the lists that stand there.
        unset : str or list of str
            Properties to remove from everybody in the frame.
        compare : bool
            Read the profiles first, and leave out those that have all of it already.
        phone_region : str, optional
            The country whose national phone formats are turned into E.164, as two letters: "US" makes
            "(617) 555-0123" +16175550123. Needs the extra `phone`.
        date_format : dict, optional
            Formats of dates that are texts, by column, as `datetime.strptime` takes them: ``{"born": "%d/%m/%Y"}``.
            They are sent as ISO 8601: days where the format has no hour, else moments in UTC.

        Returns
        -------
        Plan
            See its `preview()`, `problems` and `summary()`, then `apply()`.

        Raises
        ------
        FrameError
            A column is missing or has nowhere to go. What is wrong with single rows is in `plan.problems`.

        Examples
        --------
        >>> import klaviyo_analytics as ka, pandas as pd
        >>> scores = pd.DataFrame({"email": ["ann@shop.example", "bob@shop"], "score": [4, 2]})
        >>> with ka.demo(profiles=100, events=500) as client:
        ...     plan = client.profiles.plan_upsert(scores, columns={"score": "properties.rfm_score"})
        ...     result = plan.apply(skip_invalid=True)
        >>> plan.problems["problem"].tolist()
        ["email: 'bob@shop' is no e-mail address"]
        >>> result.rows["status"].tolist()
        ['written', 'not sent']
        """
        return plans.plan_upsert(
            self._context,
            frame,
            key=key,
            columns=columns,
            properties=properties,
            on_null=on_null,
            on_duplicate=on_duplicate,
            lists=[] if lists is None else [one["id"] for one in identifiers("list", lists)],
            append=several(append, "append"),
            unappend=several(unappend, "unappend"),
            unset=several(unset, "unset"),
            compare=compare,
            phone_region=phone_region,
            date_format=date_format,
        )


def applied(verb: str, plan: Callable[..., Plan], frame: Any, options: Mapping[str, Any]) -> Result:
    """Plan and apply in one go, each with its own options."""
    applying = {name: value for name, value in options.items() if name in APPLYING}
    planning = {name: value for name, value in options.items() if name not in applying}
    return planned(verb, plan, frame, planning).apply(**applying)


def planned(verb: str, plan: Callable[..., Plan], frame: Any, options: Mapping[str, Any]) -> Plan:
    """Plan for a verb of another name, which is the one that a call is refused by."""
    finishing = [*inspect.signature(Plan.apply).parameters.values()][1:]
    takes = [*inspect.signature(plan).parameters.values(), *finishing]
    check(verb, inspect.Signature(takes), [frame], options)
    return plan(frame, **options)


class ProfileFrames(_PlansUpserts, ProfileWrites):
    """What changes many profiles."""

    upsert = _upserts()
