"""`python -m klaviyo_analytics` is `klaviyo-analytics`."""

import sys

from klaviyo_analytics.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
