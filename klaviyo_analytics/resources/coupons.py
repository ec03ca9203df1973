"""Coupons and their codes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from klaviyo_analytics.endpoints.query import Fields
from klaviyo_analytics.errors import InvalidInputError, InvalidQueryError
from klaviyo_analytics.filters import F, as_filter
from klaviyo_analytics.resources._base import UNSET, identifiers, resource, serves, write
from klaviyo_analytics.resources._generated.shop import (
    CouponCodeField,
    CouponCodeInclude,
    CouponCodeMethods,
    CouponMethods,
)
from klaviyo_analytics.resources._reading import CHUNK, Context, Filtering, Reading, checked_id
from klaviyo_analytics.resources.catalogs import CouponCodeFrames
from klaviyo_analytics.writeback import Plan
from klaviyo_analytics.writeback import catalogs as plans

if TYPE_CHECKING:
    from klaviyo_analytics.resources._base import Ids

CODE = re.compile(r"[0-9A-Za-z_]+")


class Coupons(CouponMethods):
    """Coupons; each hands out codes. A coupon's id is its external id.

    Each method sends one request and no plan: the API writes coupons one at a time, an account has few of them, and
    an external id belongs to one coupon, so that none is made twice.
    """

    @serves("create_coupon")
    def create(
        self,
        *,
        external_id: str,
        description: str = UNSET,
        monitor_configuration: Mapping[str, Any] = UNSET,
        dry_run: bool = False,
    ) -> pd.Series[Any] | Any:
        """Create a coupon; its codes come after it.

        Parameters
        ----------
        external_id : str
            Letters, digits and underscores; it becomes the coupon's id.
        description : str
            For people.
        monitor_configuration : dict
            ``{"low_balance_threshold": 100}``: warn when fewer codes are left.
        dry_run : bool
            True returns the request as a DataFrame and sends nothing.

        Returns
        -------
        pandas.Series
            The coupon.

        Raises
        ------
        InvalidInputError
            The external id contains other characters. No request was sent.

        Notes
        -----
        ``POST /api/coupons``, limited to 3/s and 60/m; scopes: coupons:write.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> client = ka.connect(api_key="pk_0123456789")
        >>> client.coupons.create(external_id="TEN_OFF", dry_run=True)["path"].item()
        '/api/coupons'
        """
        if not isinstance(external_id, str) or not CODE.fullmatch(external_id):
            raise InvalidInputError(
                f"external_id={external_id!r}: a coupon's id has letters (A-Z), digits and underscores only."
            )
        given = {
            "external_id": external_id,
            "description": description,
            "monitor_configuration": monitor_configuration,
        }
        data = resource(self._endpoint("create_coupon"), given)
        return write(self._context, "create_coupon", {}, {"data": data}, dry_run=dry_run)


class CouponCodes(CouponCodeMethods, CouponCodeFrames):
    """Codes that customers type in; each belongs to a coupon.

    `create` is a plan of one row, checked as `plan_create` checks a frame. `update` and `delete` send one request:
    the API has no job that changes or deletes codes, and both can be repeated without another effect.
    """

    @serves("get_coupon_codes")
    def list(
        self,
        *,
        coupon: Ids | None = None,
        profile: Ids | None = None,
        filter: Filtering = None,
        include: Sequence[CouponCodeInclude] | CouponCodeInclude = (),
        fields: Sequence[CouponCodeField] | CouponCodeField | Mapping[str, Sequence[str]] | None = None,
        limit: int | None = None,
    ) -> pd.DataFrame:
        """Read the codes of a coupon, or of a person, as rows; the API gives no others.

        Parameters
        ----------
        coupon, profile : str, row, frame, or a list of ids
            Whose codes.
        filter : Filter or str
            More conditions: status (equals), expires_at (greater, less), coupon.id, profile.id (equals, any).
        include : list of str
            coupon.
        fields : list of str, or dict by type
            Only these: unique_code, expires_at, status.
        limit : int
            Exactly so many rows, or all there are if these are fewer.

        Returns
        -------
        pandas.DataFrame
            id, unique_code, status (string), expires_at (UTC), coupon_id (missing where neither one coupon was
            named nor ``include=["coupon"]``, which needs the scope coupons:read), and what was included.

        Raises
        ------
        InvalidQueryError
            Neither a coupon nor a profile was given. No request was sent.

        Notes
        -----
        ``GET /api/coupon-codes``, limited to 350/s and 3500/m; scopes: coupon-codes:read.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=500) as client:
        ...     coupon = client.coupons.list(limit=1)
        ...     codes = client.coupon_codes.list(coupon=coupon, limit=5)
        >>> len(codes)
        5
        """
        return _with_coupon(self._reading(coupon, profile, filter, include, fields, limit).frame(), coupon)

    @serves("get_coupon_codes")
    def iter_frames(
        self,
        *,
        chunk_size: int = CHUNK,
        coupon: Ids | None = None,
        profile: Ids | None = None,
        filter: Filtering = None,
        include: Sequence[CouponCodeInclude] | CouponCodeInclude = (),
        fields: Sequence[CouponCodeField] | CouponCodeField | Mapping[str, Sequence[str]] | None = None,
        limit: int | None = None,
    ) -> Iterator[pd.DataFrame]:
        """Read codes as frames of at most `chunk_size` rows; see `list`.

        Notes
        -----
        ``GET /api/coupon-codes``, limited to 350/s and 3500/m; scopes: coupon-codes:read.
        """
        frames = self._reading(coupon, profile, filter, include, fields, limit).frames(chunk_size)
        return (_with_coupon(frame, coupon) for frame in frames)

    def _time(self, value: Any) -> Any:
        return value  # read where the code is written

    def _update(self, operation: str, id: object, attributes: Mapping[str, Any], *, dry_run: bool) -> Any:
        given = {**attributes, "expires_at": super()._time(attributes["expires_at"])}
        return super()._update(operation, id, given, dry_run=dry_run)

    def _create(self, operation: str, attributes: Mapping[str, Any], *, dry_run: bool) -> Any:
        plan = codes_plan(self._context, [attributes], "create()")
        return write(self._context, operation, {}, plan._single_request(), dry_run=dry_run)

    def _reading(
        self,
        coupon: Ids | None,
        profile: Ids | None,
        filter: Filtering,
        include: Sequence[str] | str,
        fields: Fields | None,
        limit: int | None,
    ) -> Reading:
        where = as_filter(filter) if filter is not None else None
        for kind, ids in (("coupon", coupon), ("profile", profile)):
            if ids is not None:
                named = F[f"{kind}.id"].any([one["id"] for one in identifiers(kind, ids)])
                where = named if where is None else where & named
        asked = {condition.field for condition in where.conditions} if where is not None else set()
        if not asked & {"coupon.id", "profile.id"}:
            raise InvalidQueryError(
                "GET /api/coupon-codes: name whose codes, with coupon= or profile=; the API gives no others."
            )
        return Reading(
            self._context, "get_coupon_codes", filter=where, include=include, fields=fields, limit=limit
        )


def codes_plan(context: Context, given: Sequence[Mapping[str, Any]], what: str) -> Plan:
    """Plan coupon codes that are given as keyword arguments; a coupon may be an id or a row."""
    rows = [{name: value for name, value in one.items() if value is not UNSET} for one in given]
    for row in rows:
        if "coupon" in row:
            row["coupon"] = checked_id(row["coupon"], "coupon")
    return plans.plan_given_codes(context, rows, what)


def _with_coupon(frame: pd.DataFrame, coupon: Any) -> pd.DataFrame:
    """Fill coupon_id if one coupon was asked for: the API returns it only with `include`."""
    asked = [] if coupon is None else identifiers("coupon", coupon)
    if len(asked) == 1:
        frame["coupon_id"] = frame["coupon_id"].fillna(asked[0]["id"])
    return frame
