"""The only place where JSON becomes pandas."""

from klaviyo_analytics.frames.columns import ReadingWarning, SchemaWarning, warn
from klaviyo_analytics.frames.export import to_excel, to_parquet
from klaviyo_analytics.frames.resources import NamedProperties, Table, one
from klaviyo_analytics.frames.schema import DTYPES, Properties, Schema, schema

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
    "to_excel",
    "to_parquet",
    "warn",
]
