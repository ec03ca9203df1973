"""Klaviyo accounts as tidy pandas DataFrames."""

__version__ = "0.1.0"
