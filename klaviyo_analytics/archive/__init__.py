"""A local copy of an account: Delta tables that DuckDB, Polars and Spark read."""

from klaviyo_analytics.archive.archive import Archive, archive_of, open_archive

__all__ = ["Archive", "archive_of", "open_archive"]
