"""Writing a frame of people."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol

import pandas as pd

from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.resources._noun import Noun
from klaviyo_analytics.resources._verbs import serves
from klaviyo_analytics.resources._writes import identifiers
from klaviyo_analytics.resources.profile_writes import ProfileWrites
from klaviyo_analytics.writeback import Plan, Result
from klaviyo_analytics.writeback.checks import OnDuplicate
from klaviyo_analytics.writeback.plans import profiles as plans
from klaviyo_analytics.writeback.plans.profiles import Key, OnNull

APPLYING = ("confirm", "skip_invalid", "journal", "keep_journal", "verify")
Several = Sequence[str]


class UpsertsProfiles(Protocol):
    """Signature of `profiles.upsert`."""

    def __call__(
        self,
        frame: pd.DataFrame | None = None,
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
        if not isinstance(frame, pd.DataFrame):
            raise InvalidInputError(
                "upsert() takes one profile by keywords, upsert(email=...), or many as a DataFrame, "
                f"not {type(frame).__name__}."
            )
        return applied(self.plan_upsert, frame, given)

    known = inspect.signature(single).parameters
    first, *rest = known.values()
    many = inspect.Parameter("frame", inspect.Parameter.POSITIONAL_ONLY, default=None)
    planned = [*inspect.signature(_PlansUpserts.plan_upsert).parameters.values()][2:]
    finishing = [*inspect.signature(Plan.apply).parameters.values()][1:]
    added = [one for one in (*planned, *finishing) if one.name not in known]
    made: Any = upsert
    made.__signature__ = inspect.Signature([first, many, *rest, *added])
    made.__doc__ = (single.__doc__ or "").replace(
        "\n\n", "\n\nA DataFrame is planned by `plan_upsert`, checked, and applied in one go.\n\n", 1
    )
    made.operations = (*single.operations, "bulk_import_profiles")
    found: UpsertsProfiles = made
    return found


class _PlansUpserts(Noun):
    @serves("bulk_import_profiles")
    def plan_upsert(
        self,
        frame: pd.DataFrame,
        /,
        *,
        key: Key = "email",
        columns: Mapping[str, str] | None = None,
        properties: Literal["rest"] | Several | None = None,
        on_null: OnNull = "skip",
        on_duplicate: OnDuplicate = "error",
        lists: Any = None,
        append: str | Several = (),
        unappend: str | Several = (),
        unset: str | Several = (),
        compare: bool = False,
    ) -> Plan:
        """Plan to create or change as many profiles as a frame has rows; nothing is sent.

        Parameters
        ----------
        frame : pandas.DataFrame
            One row a person. Columns that are named like attributes ("email", "location.city") become these.
        key : str
            Which column names the person: "email", "phone_number", "external_id" or "id".
        columns : dict, optional
            What columns become: ``{"score": "properties.rfm_score", "town": "location.city"}``.
        properties : "rest" or list of str, optional
            Columns that become custom properties of their own name.
        on_null : str
            "skip": what is null in the frame stays as it is in the account. "clear": it is cleared there.
        on_duplicate : str
            Two rows with one key: "error", or the "first" or "last" of them is sent.
        lists : str, row, frame, or list of ids, optional
            Lists that they join. Consent is not touched.
        append : str or list of str
            Names of properties whose values are added to the lists that stand there.
        unappend : str or list of str
            Names of properties whose values are taken out of the lists that stand there.
        unset : str or list of str
            Properties to remove from everybody in the frame.
        compare : bool
            Read the profiles first, and leave out those that have all of it already.

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
            append=several(append),
            unappend=several(unappend),
            unset=several(unset),
            compare=compare,
        )


def applied(plan: Callable[..., Plan], frame: pd.DataFrame, options: Mapping[str, Any]) -> Result:
    """Plan and apply in one go, each with its own options."""
    applying = {name: value for name, value in options.items() if name in APPLYING}
    return plan(frame, **{name: value for name, value in options.items() if name not in applying}).apply(
        **applying
    )


def several(names: str | Several) -> Several:
    """Take one name, or some."""
    return [names] if isinstance(names, str) else [*names]


class ProfileFrames(_PlansUpserts, ProfileWrites):
    """What changes many profiles."""

    upsert = _upserts()
