"""The catalog: items, their variants, and their categories.

The API's ids are compound: ``$custom:::$default:::SKU``. Every method here accepts the plain external id, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

import pandas as pd

from klaviyo_analytics.endpoints import Body
from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.resources._base import UNSET, Resource, identifiers, one_of, resource, serves, write
from klaviyo_analytics.resources._generated.shop import (
    CatalogCategoryMethods,
    CatalogItemMethods,
    CatalogVariantMethods,
)
from klaviyo_analytics.resources._reading import Context, catalog_id, checked_id
from klaviyo_analytics.resources.event_writes import profile_resource
from klaviyo_analytics.resources.profiles import applied
from klaviyo_analytics.writeback import Plan, Result
from klaviyo_analytics.writeback import catalogs as plans
from klaviyo_analytics.writeback.checks import OnDuplicate
from klaviyo_analytics.writeback.columns import Rest
from klaviyo_analytics.writeback.encode import DateFormat

if TYPE_CHECKING:
    from klaviyo_analytics.resources._base import Id
    from klaviyo_analytics.writeback.columns import Tabular

Columns = Mapping[str, str] | None
Channel = Literal["EMAIL", "PUSH", "SMS", "WHATSAPP"]


class CatalogFrames(Resource):
    """Methods that change many resources of a catalog."""

    _what: ClassVar[plans.ResourceKind]

    def plan_create(
        self,
        frame: Tabular,
        /,
        *,
        columns: Columns = None,
        properties: Rest = None,
        on_duplicate: OnDuplicate = "error",
    ) -> Plan:
        """Plan to create as many as a frame has rows; nothing is sent.

        Parameters
        ----------
        frame : pandas.DataFrame, another frame, Series, list or array
            Columns that are named like attributes become these; `external_id` is the id in the shop. Relationships
            (`categories` of an item, `item` of a variant, `items` of a category) hold ids, or lists of ids.
        columns : dict, optional
            What columns become: ``{"sku_code": "external_id"}``.
        properties : "rest" or list of str, optional
            Columns that become custom metadata of their own name.
        on_duplicate : str
            Two rows with one id: "error", or the "first" or "last" goes.

        Returns
        -------
        Plan
            See its `preview()` and `problems`, then `apply()`.

        Examples
        --------
        >>> import klaviyo_analytics as ka, pandas as pd
        >>> items = pd.DataFrame({"external_id": ["mug"], "title": ["Mug"], "description": ["For tea"],
        ...                       "url": ["https://shop.example/mug"], "price": [9.5]})
        >>> client = ka.connect(api_key="pk_0123456789")
        >>> client.catalog_items.plan_create(items).requests
        1
        """
        return self._plan(frame, "create", columns, properties, on_duplicate)

    def plan_update(
        self,
        frame: Tabular,
        /,
        *,
        columns: Columns = None,
        properties: Rest = None,
        on_duplicate: OnDuplicate = "error",
    ) -> Plan:
        """Plan to change those that a frame names by `external_id` or `id`; see `plan_create`."""
        return self._plan(frame, "update", columns, properties, on_duplicate)

    def plan_delete(
        self, frame: Tabular, /, *, columns: Columns = None, on_duplicate: OnDuplicate = "error"
    ) -> Plan:
        """Plan to delete those that a frame names by `external_id` or `id`; `apply` needs ``confirm=True``."""
        return self._plan(frame, "delete", columns, None, on_duplicate)

    def create_many(self, frame: Tabular, /, **options: Any) -> Result:
        """Plan, check and create in one go; the options are those of `plan_create` and of `Plan.apply`."""
        return applied("create_many", self.plan_create, frame, options)

    def _plan(
        self, frame: Tabular, verb: plans.Verb, columns: Columns, properties: Rest, rule: OnDuplicate
    ) -> Plan:
        return plans.plan_catalog(
            self._context,
            frame,
            resource_kind=self._what,
            verb=verb,
            columns=columns,
            properties=properties,
            on_duplicate=rule,
        )


class CouponCodeFrames(Resource):
    """Methods that create many coupon codes."""

    @serves("bulk_create_coupon_codes")
    def plan_create(
        self,
        frame: Tabular,
        /,
        *,
        coupon: Id | None = None,
        columns: Columns = None,
        on_duplicate: OnDuplicate = "error",
        date_format: DateFormat = None,
    ) -> Plan:
        """Plan to create as many coupon codes as a frame has rows; nothing is sent.

        Parameters
        ----------
        frame : pandas.DataFrame, another frame, Series, list or array
            With the columns unique_code, expires_at (what has no zone is read in the account's; a year from now, if
            not given), and coupon; or single codes.
        coupon : str or row, optional
            The coupon of all of them, instead of a column.
        columns : dict, optional
            What columns become: ``{"code": "unique_code"}``.
        on_duplicate : str
            Two rows with one code: "error", or the "first" or "last" goes.
        date_format : str or dict, optional
            The format of dates that are texts, as `datetime.strptime` takes it ("%d/%m/%Y"), or a dict of formats by
            column. Without it texts are ISO 8601; what has no zone is read in the account's.

        Returns
        -------
        Plan
            See its `preview()` and `problems`, then `apply()`.

        Notes
        -----
        ``POST /api/coupon-code-bulk-create-jobs``, limited to 75/s and 750/m; scopes:
        coupon-codes:write.

        Examples
        --------
        >>> import klaviyo_analytics as ka, pandas as pd
        >>> codes = pd.DataFrame({"code": ["THANKS1", "THANKS2"]})
        >>> client = ka.connect(api_key="pk_0123456789")
        >>> client.coupon_codes.plan_create(codes, coupon="THANKS", columns={"code": "unique_code"}).requests
        1
        """
        return plans.plan_coupon_codes(
            self._context,
            frame,
            coupon=None if coupon is None else checked_id(coupon, "coupon"),
            columns=columns,
            on_duplicate=on_duplicate,
            date_format=date_format,
        )

    @serves("bulk_create_coupon_codes")
    def create_many(self, frame: Tabular, /, **options: Any) -> Result:
        """Plan, check and create in one go; the options are those of `plan_create` and of `Plan.apply`.

        Notes
        -----
        ``POST /api/coupon-code-bulk-create-jobs``, limited to 75/s and 750/m; scopes:
        coupon-codes:write.
        """
        return applied("create_many", self.plan_create, frame, options)


class _CatalogResource(CatalogFrames):
    """What items, variants and categories share.

    `create` and `update` of one are plans of one row. `delete` of one is a request of its own, because it is answered
    at once and can be repeated without another effect; `plan_delete` sends a job, for many.
    """

    def _id(self, value: object) -> str:
        return catalog_id(value)

    def _create(self, operation: str, attributes: Mapping[str, Any], *, dry_run: bool) -> Any:
        plan = catalog_plan(self._context, [attributes], "create()", self._what, "create")
        return write(self._context, operation, {}, plan._single_request(), dry_run=dry_run)

    def _update(self, operation: str, id: object, attributes: Mapping[str, Any], *, dry_run: bool) -> Any:
        ids = self._ids(operation, id)
        given = {name: value for name, value in attributes.items() if value is not UNSET}
        if not given:
            raise InvalidInputError(
                f"update(): no attribute was given. Pass at least one of {', '.join(attributes)}."
            )
        row = {"id": next(iter(ids.values())), **given}
        plan = catalog_plan(self._context, [row], "update()", self._what, "update")
        return write(self._context, operation, ids, plan._single_request(), dry_run=dry_run)


def catalog_plan(
    context: Context,
    given: Sequence[Mapping[str, Any]],
    what: str,
    resource_kind: plans.ResourceKind,
    verb: plans.Verb,
) -> Plan:
    """Plan resources that are given as keyword arguments; related ones may be ids, rows or frames."""
    body = context.api.catalog[f"{verb}_catalog_{resource_kind}"].body or Body()
    rows = []
    for one in given:
        row = {name: value for name, value in one.items() if value is not UNSET}
        for name, (kind, arity, _) in body.relationships.items():
            if name in row and row[name] is None:
                raise InvalidInputError(
                    f"{what}: {name}=None names no resource. Pass an id, or leave it out."
                )
            if name in row:
                ids = [each["id"] for each in identifiers(kind, row[name])]
                row[name] = ids if arity == "many" else ids[0]
        rows.append(row)
    return plans.plan_given(context, rows, what, resource_kind=resource_kind, verb=verb)


class CatalogItems(CatalogItemMethods, _CatalogResource):
    """Products, by their id in the shop or by the API's compound id."""

    _what = "item"


class CatalogVariants(CatalogVariantMethods, _CatalogResource):
    """Variants of items: sizes, colours, each with a price and a stock."""

    _what = "variant"

    @serves("create_back_in_stock_subscription")
    def subscribe_back_in_stock(
        self,
        variant: Id,
        /,
        *,
        profile: str | Mapping[str, Any] | Id,
        channels: Sequence[Channel] | Channel,
        dry_run: bool = False,
    ) -> pd.DataFrame | Any:
        """Note that a person wants to be told when a variant is in stock again.

        Parameters
        ----------
        variant : str or pandas.Series
            Its id in the shop, the API's compound id, or a row.
        profile : str, dict or pandas.Series
            An email address, the id or row of a profile, or a dict of email, phone_number or external_id.
        channels : str or list of str
            How: "EMAIL", "PUSH", "SMS", "WHATSAPP".
        dry_run : bool
            True returns the request as a DataFrame and sends nothing.

        Raises
        ------
        InvalidInputError
            A channel or the profile is not one that the API takes. Nothing was sent.
        ApiError
            Klaviyo refused the request: no such variant, for one.

        Notes
        -----
        ``POST /api/back-in-stock-subscriptions``, limited to 350/s and 3500/m; scopes: catalogs:write,
        profiles:write.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=500) as client:
        ...     variant = client.catalog_variants.list(limit=1)["id"].item()
        ...     client.catalog_variants.subscribe_back_in_stock(
        ...         variant, profile="ann@shop.example", channels="EMAIL"
        ...     )
        """
        chosen = [channels] if isinstance(channels, str) else list(channels)
        if not chosen:
            raise InvalidInputError(
                f"channels={channels!r} names no channel. Pass at least one of {', '.join(get_args(Channel))}."
            )
        for one in chosen:
            one_of(one, "channels", get_args(Channel))
        data = resource(
            self._endpoint("create_back_in_stock_subscription"),
            {"channels": chosen, "profile": {"data": profile_resource(profile)}, "variant": variant},
        )
        return write(self._context, "create_back_in_stock_subscription", {}, {"data": data}, dry_run=dry_run)


class CatalogCategories(CatalogCategoryMethods, _CatalogResource):
    """Categories of items."""

    _what = "category"
