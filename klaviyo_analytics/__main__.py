"""`python -m klaviyo_analytics` runs the command line."""

import sys

from klaviyo_analytics.cli import main

if __name__ == "__main__":
    sys.exit(main())
