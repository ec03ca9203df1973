"""The catalog: items, their variants, and the categories they stand in.

The API's ids are compound: ``$custom:::$default:::SKU``. Every verb here takes the plain external id, too.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from klaviyo_analytics.errors import NoMatchError, NotFoundError
from klaviyo_analytics.resources._deletes import deletes
from klaviyo_analytics.resources._noun import catalog_id
from klaviyo_analytics.resources._signatures import Gets
from klaviyo_analytics.resources._verbs import gets, iterates, iterates_of, lists, lists_of
from klaviyo_analytics.resources._writes import creates, relates, updates
from klaviyo_analytics.resources.catalog_frames import CatalogFrames


class _CatalogNoun(CatalogFrames):
    get: Gets

    def find(self, *, external_id: str) -> pd.Series[Any]:
        """Find the one that has an id in the shop.

        Raises
        ------
        NoMatchError
            There is none.
        """
        try:
            return self.get(external_id)
        except NotFoundError as error:
            raise NoMatchError(f"There is nothing with external_id={external_id!r}.") from error

    def _id(self, value: object) -> str:
        return catalog_id(value)


class CatalogItems(_CatalogNoun):
    """Products, by their id in the shop or by the API's compound id."""

    _what = "item"

    list = lists("get_catalog_items")
    iter_frames = iterates("get_catalog_items")
    get = gets("get_catalog_item")
    variants = lists_of("get_variants_for_catalog_item")
    categories = lists_of("get_categories_for_catalog_item")
    create = creates("create_catalog_item")
    update = updates("update_catalog_item")
    delete = deletes("delete_catalog_item")
    add_categories = relates("add_categories_to_catalog_item")
    replace_categories = relates("update_categories_for_catalog_item")
    remove_categories = relates("remove_categories_from_catalog_item")


class CatalogVariants(_CatalogNoun):
    """Variants of items: sizes, colours, each with a price and a stock."""

    _what = "variant"

    list = lists("get_catalog_variants")
    iter_frames = iterates("get_catalog_variants")
    get = gets("get_catalog_variant")
    create = creates("create_catalog_variant")
    update = updates("update_catalog_variant")
    delete = deletes("delete_catalog_variant")


class CatalogCategories(_CatalogNoun):
    """Categories that items stand in."""

    _what = "category"

    list = lists("get_catalog_categories")
    iter_frames = iterates("get_catalog_categories")
    get = gets("get_catalog_category")
    items = lists_of("get_items_for_catalog_category")
    iter_items = iterates_of("get_items_for_catalog_category")
    create = creates("create_catalog_category")
    update = updates("update_catalog_category")
    delete = deletes("delete_catalog_category")
    add_items = relates("add_items_to_catalog_category")
    replace_items = relates("update_items_for_catalog_category")
    remove_items = relates("remove_items_from_catalog_category")
