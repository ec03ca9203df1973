"""The only place where JSON becomes pandas."""

from klaviyo_analytics.tabular.columns import ReadingWarning, SchemaWarning, warn
from klaviyo_analytics.tabular.resources import NamedProperties, Table, one
from klaviyo_analytics.tabular.schema import DTYPES, Properties, Schema, schema

__all__ = [
    "DTYPES",
    "NamedProperties",
    "Properties",
    "ReadingWarning",
    "Schema",
    "SchemaWarning",
    "Table",
    "one",
    "schema",
    "warn",
]
