"""klaviyo-analytics: an account from the command line."""

from klaviyo_analytics.cli.main import main

__all__ = ["main"]
