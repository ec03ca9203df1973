"""The catalog: items, their variants, and the categories they stand in.

The API's ids are compound: ``$custom:::$default:::SKU``. Every verb here takes the plain external id, too.
"""

from __future__ import annotations

from klaviyo_analytics.resources._generated.shop import (
    CatalogCategoryMethods,
    CatalogItemMethods,
    CatalogVariantMethods,
)
from klaviyo_analytics.resources._noun import catalog_id
from klaviyo_analytics.resources.catalog_frames import CatalogFrames


class _CatalogResource(CatalogFrames):
    def _id(self, value: object) -> str:
        return catalog_id(value)


class CatalogItems(CatalogItemMethods, _CatalogResource):
    """Products, by their id in the shop or by the API's compound id."""

    _what = "item"


class CatalogVariants(CatalogVariantMethods, _CatalogResource):
    """Variants of items: sizes, colours, each with a price and a stock."""

    _what = "variant"


class CatalogCategories(CatalogCategoryMethods, _CatalogResource):
    """Categories that items stand in."""

    _what = "category"
