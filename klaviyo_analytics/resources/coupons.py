"""Coupons and their codes."""

from __future__ import annotations

from klaviyo_analytics.resources._noun import Noun
from klaviyo_analytics.resources._verbs import finds, gets, gets_of, iterates, iterates_of, lists, lists_of
from klaviyo_analytics.resources._writes import creates, deletes, updates


class Coupons(Noun):
    """Coupons; each hands out codes. A coupon's id is its external id."""

    list = lists("get_coupons")
    iter_frames = iterates("get_coupons")
    get = gets("get_coupon")
    find = finds("get_coupons")
    codes = lists_of("get_coupon_codes_for_coupon")
    iter_codes = iterates_of("get_coupon_codes_for_coupon")
    create = creates("create_coupon")
    update = updates("update_coupon")
    delete = deletes("delete_coupon")


class CouponCodes(Noun):
    """Codes that customers type in; each belongs to a coupon."""

    get = gets("get_coupon_code")
    coupon = gets_of("get_coupon_for_coupon_code")
    create = creates("create_coupon_code")
    update = updates("update_coupon_code")
    delete = deletes("delete_coupon_code")
