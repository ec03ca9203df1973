"""The catalog: items, their variants, and the categories they stand in.

The API's ids are compound: ``$custom:::$default:::SKU``. Every verb here takes the plain external id, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from klaviyo_analytics.errors import NoMatchError, NotFoundError
from klaviyo_analytics.resources._generated.catalogs import (
    CatalogCategoryMethods,
    CatalogItemMethods,
    CatalogVariantMethods,
)
from klaviyo_analytics.resources._noun import catalog_id
from klaviyo_analytics.resources.catalog_frames import CatalogFrames

if TYPE_CHECKING:
    pass

Row = TypeVar("Row")


class _CatalogResource(CatalogFrames, Generic[Row]):
    _get_operation: ClassVar[str]

    def find(self, *, external_id: str) -> Row:
        """Find the one that has an id in the shop.

        Parameters
        ----------
        external_id : str
            Its id in the shop, or the API's compound id.

        Returns
        -------
        pandas.Series
            As `get` returns it.

        Raises
        ------
        NoMatchError
            No resource has this id.
        """
        try:
            row: Row = self._get(self._get_operation, external_id)
        except NotFoundError as error:
            raise NoMatchError(f"There is nothing with external_id={external_id!r}.") from error
        return row

    def _id(self, value: object) -> str:
        return catalog_id(value)


class CatalogItems(CatalogItemMethods, _CatalogResource["CatalogItemRow"]):
    """Products, by their id in the shop or by the API's compound id."""

    _what = "item"
    _get_operation = "get_catalog_item"


class CatalogVariants(CatalogVariantMethods, _CatalogResource["CatalogVariantRow"]):
    """Variants of items: sizes, colours, each with a price and a stock."""

    _what = "variant"
    _get_operation = "get_catalog_variant"


class CatalogCategories(CatalogCategoryMethods, _CatalogResource["CatalogCategoryRow"]):
    """Categories that items stand in."""

    _what = "category"
    _get_operation = "get_catalog_category"
